// The talk as events tell it: turns that are being spoken, and those that are done.

import { clock } from "./base.js";
import { write } from "./call-words.js";

export function partial(event) {
  const turn = openTurn(event);
  turn.querySelector(".partial").textContent = text(event.words);
  if (!turn.querySelector(".said").textContent.trim()) turn.remove();
}

export function delta(event) {
  const said = openTurn(event, event.words[0]?.start).querySelector(".said");
  said.querySelector(".partial").textContent = "";
  const committed = said.querySelector(".committed");
  committed.textContent = `${committed.textContent} ${text(event.words)}`.trim() + " ";
}

export function completed(event) {
  openTurn(event).remove();
  if (!event.text) return; // it turned out to be no speech
  const turn = newTurn(event);
  write(turn, event);
  place(turn, event.start, event.end);
}

const text = (words) => words.map((word) => word.text).join(" ");

/** The turn of an utterance that is still being spoken; made at its first words. */
function openTurn(event, start = event.start) {
  const key = `${event.stream}-${event.track}-${event.utterance}`;
  const now = document.getElementById("now");
  const found = [...now.children].find((turn) => turn.dataset.key === key);
  if (found) return found;
  const turn = newTurn({ ...event, start });
  turn.classList.add("open");
  turn.dataset.key = key;
  const committed = document.createElement("span");
  committed.className = "committed";
  const unsettled = document.createElement("span");
  unsettled.className = "partial";
  turn.querySelector(".said").append(committed, unsettled);
  now.append(turn);
  return turn;
}

function newTurn({ stream, track, start = 0 }) {
  const turn = document.getElementById("turn").content.firstElementChild.cloneNode(true);
  const speakers = JSON.parse(document.getElementById("talk").dataset.speakers);
  turn.classList.add(track);
  turn.dataset.track = track;
  turn.dataset.start = start;
  turn.querySelector(".who bdi").textContent = speakers[`${stream}-${track}`] ?? speakers[track];
  const at = turn.querySelector(".at");
  at.textContent = clock(start);
  turn.id = `${track}-${start}`;
  at.href = `#${turn.id}`;
  return turn;
}

/** Puts a finished turn in its place by time, instead of a stored piece of the same utterance. */
function place(turn, start, end) {
  const list = document.getElementById("transcript");
  turn.dataset.end = end;
  let after = null;
  for (let other = list.lastElementChild; other; ) {
    const before = other.previousElementSibling;
    const [from, to] = [Number(other.dataset.start), Number(other.dataset.end)];
    const shared = Math.min(end, to) - Math.max(start, from);
    const same = other.dataset.track === turn.dataset.track && shared > Math.min(end - start, to - from) / 2;
    if (same) other.remove();
    else if (from <= start) {
      after = other;
      break;
    }
    other = before;
  }
  if (after) after.after(turn);
  else list.prepend(turn);
  document.getElementById("nothing")?.remove();
}

/** Takes over what differs, turn by turn: what stays keeps its focus, and is not painted again. */
export function merge(old, next, replace) {
  const [mine, theirs] = [old, next].map((part) => part.querySelector("#transcript"));
  if (!mine || !theirs) return replace(old, next);
  const kept = new Map([...mine.children].map((turn) => [identity(turn), turn]));
  const turns = [...theirs.children].map((turn) => {
    const same = kept.get(identity(turn));
    kept.delete(identity(turn));
    return same ?? document.adoptNode(turn);
  });
  for (const gone of kept.values()) gone.remove();
  turns.forEach((turn, n) => {
    if (mine.children[n] !== turn) mine.insertBefore(turn, mine.children[n] ?? null);
  });
  old.dataset.speakers = next.dataset.speakers;
  swap(old.querySelector("#now"), next.querySelector("#now"), (now) => mine.parentElement.after(now));
  swap(old.querySelector("#nothing"), next.querySelector("#nothing"), (nothing) => old.append(nothing));
  const [log, fresh] = [mine.parentElement, theirs.parentElement];
  if (fresh.hasAttribute("aria-live")) log.setAttribute("aria-live", fresh.getAttribute("aria-live"));
  else log.removeAttribute("aria-live");
}

const identity = (turn) => `${turn.id} ${turn.querySelector(".who bdi").textContent} ${turn.querySelector(".said").textContent}`;

function swap(old, next, put) {
  if (old && next) old.isEqualNode(next) || old.replaceWith(document.adoptNode(next));
  else if (next) put(document.adoptNode(next));
  else old?.remove();
}
