// One player for all recordings of a call: it goes along the call's time line and plays, at each moment, the
// files that were recorded then, both speakers together.

import { clock } from "./base.js";

/** Files may be so far apart, in seconds, before one is moved: less is not heard as an echo. */
const APART = 0.2;
/** Between two looks at where the sound is; ms. */
const LOOK = 60;

const reduced = matchMedia("(prefers-reduced-motion: reduce)");

/** `mark(seconds, tracks)` marks what is heard then, and gives the newest mark if there is another. */
export function player(mark) {
  const bar = document.getElementById("bar");
  const button = document.getElementById("play");
  const readout = document.getElementById("clock");
  const listen = document.getElementById("listen");
  const speed = document.getElementById("speed");
  let at = 0;
  let aim = null; // a moment that was asked for, until the sound is there
  let playing = false;
  let chasing = true; // the reader has not scrolled away from what is heard
  let looked = 0;
  const broken = new WeakSet();

  const files = () => [...document.querySelectorAll("#recordings audio")];
  const from = (file) => Number(file.dataset.start);
  const to = (file) => (file.dataset.end ? Number(file.dataset.end) : from(file) + (file.duration || Infinity));
  const wanted = (file) => !listen.value || file.dataset.track === listen.value;
  const covering = () => files().filter((file) => wanted(file) && !broken.has(file) && at >= from(file) && at < to(file) && !(file.ended && at > from(file) + file.currentTime - APART));

  /**
   * Everything that is recorded at this moment sounds, in step; all else is quiet. A file that seeks is left alone until it is there: told
   * to seek again meanwhile, browsers stall.
   */
  function arrange() {
    const now = covering();
    for (const file of files()) {
      if (!now.includes(file)) {
        if (!file.paused) file.pause();
        continue;
      }
      file.playbackRate = Number(speed.value);
      if (!file.seeking && Math.abs(file.currentTime - (at - from(file))) > APART) file.currentTime = at - from(file);
      if (playing && file.paused) file.play().catch((error) => fails(file, error));
      if (!playing && !file.paused) file.pause();
    }
    return now;
  }

  /** One file that cannot be played does not silence the others. */
  function fails(file, { name }) {
    if (name === "NotAllowedError") stop();
    else if (name !== "AbortError") broken.add(file);
  }

  function look(time) {
    if (!playing) return;
    requestAnimationFrame(look);
    if (time - looked < LOOK) return;
    looked = time;
    step();
  }

  function step() {
    if (!playing) return;
    const lead = covering().find((file) => !file.seeking && file.readyState > 1 && !file.paused);
    const there = lead ? from(lead) + lead.currentTime : NaN;
    if (aim === null ? lead : there >= aim - APART && there <= aim + 1.5) [at, aim] = [there, null];
    if (!arrange().length) {
      // Nobody was connected, or it is over: on to what comes next.
      const next = Math.min(...files().filter((file) => wanted(file) && from(file) > at).map(from));
      if (!Number.isFinite(next)) return stop();
      at = aim = next;
      arrange();
    }
    show();
  }

  function show() {
    const length = Number(document.getElementById("waves")?.dataset.length ?? 0);
    readout.textContent = length ? `${clock(at)} / ${clock(length)}` : clock(at);
    button.textContent = playing ? "Pause" : "Play";
    bar.classList.toggle("playing", playing);
    const tracks = [...new Set(files().filter(wanted).map((file) => file.dataset.track))];
    const newest = playing || at > 0 ? mark(at, tracks) : null;
    if (newest && playing && chasing) keepInView(newest);
    slide(length);
  }

  function keepInView(element) {
    const { top, bottom } = element.getBoundingClientRect();
    const under = bar.getBoundingClientRect().bottom;
    if (top >= Math.max(under, 0) + 8 && bottom <= innerHeight - 24) return;
    const isFar = Math.abs(top - innerHeight / 2) > 1.5 * innerHeight;
    element.scrollIntoView({ block: "center", behavior: isFar || reduced.matches ? "instant" : "smooth" });
  }

  function play() {
    playing = true;
    chasing = true;
    arrange();
    show();
    requestAnimationFrame(look);
  }

  function stop() {
    playing = false;
    arrange();
    show();
  }

  /** Goes to a moment and plays, if there is sound of it or after it: whether there is. */
  function hear(seconds, track) {
    if (listen.value && track && listen.value !== track) listen.value = "";
    const there = files().some((file) => wanted(file) && seconds < to(file) && (!track || file.dataset.track === track));
    if (!there) return false;
    at = aim = Math.max(0, seconds);
    play();
    return true;
  }

  // ---- the wave as a slider

  function slide(length) {
    const seek = document.querySelector("#waves .seek");
    if (!seek || !length) return;
    if (!seek.hasAttribute("role")) makeSlider(seek, length);
    seek.setAttribute("aria-valuenow", Math.round(at));
    seek.setAttribute("aria-valuetext", clock(at));
    seek.firstElementChild.style.left = `${Math.min(100, (at / length) * 100)}%`;
  }

  function makeSlider(seek, length) {
    const set = { role: "slider", tabindex: 0, "aria-label": "Place in the recording", "aria-valuemin": 0, "aria-valuemax": Math.round(length) };
    for (const [name, value] of Object.entries(set)) seek.setAttribute(name, value);
    seek.append(document.createElement("i"));
    seek.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      seek.setPointerCapture(event.pointerId);
      go(event);
    });
    seek.addEventListener("pointermove", (event) => seek.hasPointerCapture(event.pointerId) && go(event));
    seek.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30, Home: -Infinity, End: Infinity }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      goTo(at + by, length);
    });
    function go(event) {
      const { left, width } = seek.getBoundingClientRect();
      goTo(((event.clientX - left) / width) * length, length);
    }
  }

  function goTo(seconds, length) {
    at = aim = Math.min(Math.max(0, seconds), Math.max(0, length - 0.05));
    chasing = true;
    arrange();
    show();
  }

  // ---- the reader's hands

  button.addEventListener("click", () => (playing ? stop() : hear(hasSound() ? at : 0) || stop()));
  const hasSound = () => files().some((file) => wanted(file) && at < to(file) - 0.05);
  listen.addEventListener("change", () => (arrange(), show()));
  speed.addEventListener("change", () => arrange());
  for (const name of ["wheel", "touchmove"]) addEventListener(name, () => (chasing = false), { passive: true });
  addEventListener("keydown", (event) => {
    if (["PageUp", "PageDown", "Home", "End"].includes(event.key)) chasing = false;
    if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || bar.hidden) return;
    // A file's own controls, fields and whatever else a space works on keep it.
    if (event.target.closest?.("button, input, select, textarea, summary, audio, [contenteditable]")) return;
    event.preventDefault();
    button.click();
  });
  // A file that is played by its own controls takes the player along.
  document.addEventListener("play", ({ target }) => {
    if (playing || !files().includes(target)) return;
    if (!wanted(target)) listen.value = target.dataset.track;
    at = aim = from(target) + target.currentTime;
    play();
  }, true);
  document.addEventListener("pause", ({ target }) => {
    if (playing && !target.ended && !target.seeking && covering().includes(target) && target.matches(":focus")) stop();
  }, true);
  document.addEventListener("seeked", ({ target }) => aim !== null && files().includes(target) && arrange(), true);
  // Without a window to paint in there are no frames; the sound goes on.
  document.addEventListener("timeupdate", () => document.hidden && step(), true);

  function settle() {
    bar.hidden = !files().length;
    show();
  }
  settle();

  return {
    hear,
    toggle: () => button.click(),
    /** Keeps files and waves that are the same: what sounds goes on sounding. */
    swap(old, next, replace) {
      const sign = (part) => [...part.querySelectorAll("img, audio, figcaption")]
        .map((e) => [e.getAttribute("src"), e.dataset.start, e.dataset.end, e.textContent].join()).join("|");
      if (sign(old) === sign(next)) return;
      replace(old, next);
      settle();
    },
  };
}
