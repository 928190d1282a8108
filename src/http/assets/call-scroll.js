// Following the talk.

import { body } from "./base.js";

/** Stays at the end while the reader is there, and leaves a reader who scrolled up in peace. */
export function scroller() {
  const jump = document.getElementById("jump");
  const root = document.documentElement;
  const live = () => body.dataset.state === "live";
  const atEnd = () => root.scrollHeight - innerHeight - scrollY < 48;
  const toEnd = () => scrollTo({ top: root.scrollHeight, behavior: "instant" });
  let following = live();
  if (following && !location.hash) toEnd();
  addEventListener("scroll", () => {
    following = atEnd();
    jump.hidden = following || !live();
  }, { passive: true });
  jump.addEventListener("click", () => {
    toEnd();
    document.getElementById("talk").focus({ preventScroll: true });
  });
  return {
    grow(change) {
      const follow = following && live();
      change();
      if (follow) toEnd();
      else jump.hidden = atEnd() || !live();
    },
    /** Runs a swap of the text so that the turn at the top of the window stays there. */
    keep(swap) {
      if (following && live()) return this.grow(swap);
      const turns = () => [...document.querySelectorAll("#transcript > li")];
      const top = turns().find((turn) => turn.getBoundingClientRect().bottom > 0);
      const was = top && scrollY > 0 ? { at: Number(top.dataset.start), y: top.getBoundingClientRect().top } : null;
      swap();
      jump.hidden = true;
      const again = was && turns().findLast((turn) => Number(turn.dataset.start) <= was.at + 0.01);
      if (again) scrollBy({ top: again.getBoundingClientRect().top - was.y, behavior: "instant" });
    },
  };
}
