// Words and their times. A turn holds its text as text, and the times of its words in one attribute; a word
// becomes an element when the pointer, the keyboard or the player comes to its turn.

/** How sure the engine must have been; as in `pages/call/talk.rs`. */
const SURE = 0.45;
/** A word is shown as long as nothing else is said, but not longer than this beyond its end; seconds. */
const LINGERS = 0.4;

const timesOf = new WeakMap();

/** The words' times within the call, `[from, to]` in seconds, in the order of the text; none where they are not known. */
export function times(turn) {
  if (timesOf.has(turn)) return timesOf.get(turn);
  const start = Number(turn.dataset.start);
  const found = (turn.dataset.words ?? "").split(" ").filter(Boolean).map((pair) => {
    const [from, long] = pair.split(",").map((hundredths) => Number(hundredths) / 100);
    return [start + from, start + from + long];
  });
  timesOf.set(turn, found);
  return found;
}

/** The elements of a turn's words, made now if need be. */
export function spell(turn) {
  const said = turn.querySelector(".said");
  if (!turn.dataset.words || !said) return [];
  if (!turn.classList.contains("spelled")) {
    turn.classList.add("spelled");
    const texts = document.createTreeWalker(said, NodeFilter.SHOW_TEXT);
    const all = [];
    while (texts.nextNode()) all.push(texts.currentNode);
    for (const node of all) {
      if (node.parentElement.classList.contains("unsure")) node.parentElement.classList.add("w");
      else node.replaceWith(...node.data.split(/(\s+)/).map(piece));
    }
  }
  return said.getElementsByClassName("w");
}

function piece(text) {
  if (!text.trim()) return text;
  const word = document.createElement("span");
  word.className = "w";
  word.textContent = text;
  return word;
}

/** Writes what was said into a turn that the script made, as the server would have. */
export function write(turn, { text, start, words }) {
  const said = turn.querySelector(".said");
  const letters = text.split(/\s+/).filter(Boolean);
  if (!words?.length || letters.length !== words.length) {
    said.textContent = text;
    return;
  }
  turn.dataset.words = words
    .map((word) => [word.start - start, word.end - word.start].map((s) => Math.max(0, Math.floor(s * 100 + 1e-6))).join())
    .join(" ");
  let n = 0;
  said.replaceChildren(...text.split(/(\s+)/).map((part) => {
    const sure = part.trim() ? words[n++].confidence : 1;
    if (sure >= SURE) return part;
    const unsure = document.createElement("span");
    unsure.className = "unsure";
    unsure.title = `Not sure of it: ${Math.round(sure * 100)} %`;
    unsure.textContent = part;
    return unsure;
  }));
  said.normalize();
}

/** When a word is said, by its element; NaN for what is none. */
export function timeOf(word) {
  const turn = word.closest(".turn");
  return times(turn)[[...spell(turn)].indexOf(word)]?.[0] ?? NaN;
}

/** Marks what is heard; gives `at(seconds, tracks)` for the player and `settle()` for when turns came or went. */
export function speaking() {
  const list = document.getElementById("transcript");
  let byTrack = null;
  let marked = [];

  list?.addEventListener("pointerover", (event) => {
    const turn = event.target.closest?.(".turn");
    if (turn) spell(turn);
  }, { passive: true });

  function turns(track) {
    if (!byTrack) {
      byTrack = {};
      for (const turn of document.querySelectorAll("#transcript > .turn")) {
        (byTrack[turn.dataset.track] ??= []).push({ turn, start: Number(turn.dataset.start), end: Number(turn.dataset.end) });
      }
      for (const each of Object.values(byTrack)) each.sort((a, b) => a.start - b.start);
    }
    return byTrack[track] ?? [];
  }

  /** The elements that are heard at a time. */
  function heard(seconds, track) {
    const one = last(turns(track), (each) => each.start <= seconds);
    if (!one || seconds > one.end + LINGERS) return [];
    const spoken = times(one.turn);
    const n = lastIndex(spoken, ([from]) => from <= seconds);
    const word = n >= 0 && seconds <= spoken[n][1] + LINGERS ? spell(one.turn)[n] : null;
    return word ? [one.turn, word] : [one.turn];
  }

  return {
    at(seconds, tracks) {
      const now = tracks.flatMap((track) => heard(seconds, track));
      if (now.length === marked.length && now.every((element, n) => element === marked[n])) return null;
      for (const element of marked) if (!now.includes(element)) element.classList.remove("heard");
      for (const element of now) element.classList.add("heard");
      marked = now;
      return now.at(-1) ?? null;
    },
    settle() {
      byTrack = null;
    },
  };
}

const last = (list, holds) => list[lastIndex(list, holds)];

/** Of a list whose first elements hold and whose later ones do not. */
function lastIndex(list, holds) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle])) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
