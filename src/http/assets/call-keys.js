// Turns and words by pointer and by keyboard. All turns together are one stop of the Tab key, whatever their
// number: up and down go from turn to turn, left and right from word to word, Enter plays from there.

import { spell, timeOf } from "./call-words.js";

export function keys(sound) {
  const talk = document.getElementById("talk");
  let current = null;

  talk.addEventListener("click", (event) => {
    const word = event.target.closest(".w");
    const link = event.target.closest(".at");
    if (word && !getSelection().isCollapsed) return; // it is being selected
    const turn = (word ?? link)?.closest("#transcript > .turn");
    if (!turn) return;
    if (sound.hear(word ? timeOf(word) : Number(turn.dataset.start), turn.dataset.track)) event.preventDefault();
  });

  talk.addEventListener("focusin", (event) => {
    const link = event.target.closest(".turn")?.querySelector(".at");
    if (link) choose(link);
  });

  talk.addEventListener("keydown", (event) => {
    const turn = event.target.closest("#transcript > .turn");
    if (!turn || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const word = event.target.closest(".w");
    const move = {
      ArrowUp: () => toTurn(turn.previousElementSibling),
      ArrowDown: () => toTurn(turn.nextElementSibling),
      ArrowLeft: () => toWord(turn, word, leftwards(turn) ? 1 : -1),
      ArrowRight: () => toWord(turn, word, leftwards(turn) ? -1 : 1),
      Escape: () => word && toTurn(turn),
      Enter: () => word && sound.hear(timeOf(word), turn.dataset.track),
    }[event.key];
    if (!move) return;
    // A link without sound to play is a link.
    if (event.key === "Enter" && !word) return;
    event.preventDefault();
    move();
  });

  const leftwards = (turn) => getComputedStyle(turn.querySelector(".said")).direction === "rtl";

  function toTurn(turn) {
    turn?.querySelector(".at").focus();
  }

  function toWord(turn, word, by) {
    const words = [...spell(turn)];
    const next = word ? words[words.indexOf(word) + by] : by > 0 ? words[0] : null;
    if (!next) return word && by < 0 ? toTurn(turn) : undefined;
    next.tabIndex = -1;
    next.setAttribute("role", "button");
    next.focus();
  }

  function choose(link) {
    if (link === current) return;
    if (current) current.tabIndex = -1;
    current = link;
    current.tabIndex = 0;
  }

  /** Turns came or went. */
  function settle() {
    const links = document.querySelectorAll("#transcript .at:not([tabindex])");
    for (const link of links) link.tabIndex = -1;
    if (current?.isConnected) return;
    current = null;
    const first = document.querySelector("#transcript .at");
    if (first) choose(first);
  }
  settle();
  return { settle };
}
