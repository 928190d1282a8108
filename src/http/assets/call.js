// One call: its words appear as they are spoken.

import { body, clock, connect, refresher } from "./base.js";

followCall();

function followCall() {
  const page = refresher(["status", "meaning", "players", "about", "exports", "talk"]);
  const view = scroller();
  seekByTime();
  if (!["live", "finishing"].includes(body.dataset.state)) return;
  const words = { partial, delta, completed };
  let waiting = []; // words that come while the page is being fetched anew
  const names = ["snapshot", ...Object.keys(words), "replaced", "degraded", "state", "note", "ended"];
  const source = connect(`/api/v1/calls/${body.dataset.call}/events`, () => page.position, names, (name, event, id) => {
    if (words[name]) {
      if (page.busy()) waiting.push([name, event, id]);
      else show(name, event, id);
    } else if (name === "ended") {
      source.close();
      page.refresh();
      lookForMeaning(page);
    } else if (id !== page.position) {
      if (name === "replaced") page.replaced = true;
      page.refresh();
    }
  });
  page.refused = () => source.close();
  page.swapped = () => {
    const late = waiting;
    waiting = [];
    for (const each of late) show(...each);
    if (page.replaced && body.dataset.version === "final") {
      page.replaced = false;
      const note = document.getElementById("swapped");
      note.hidden = false;
      note.textContent = "The final transcript, made from the whole recording, has replaced the live text.";
      document.getElementById("talk").classList.add("fresh");
    }
  };
  page.around = (swap) => view.keep(swap);

  function show(name, event, id) {
    if (id <= page.position) return; // the page that was fetched has it already
    page.position = id;
    view.grow(() => words[name](event));
  }
}

/** What the call meant follows its end by seconds, when no more events come. */
function lookForMeaning(page, waits = [2, 4, 8, 16, 32]) {
  if (!waits.length) return;
  setTimeout(() => {
    if (document.getElementById("meaning")?.firstElementChild) return;
    page.refresh();
    lookForMeaning(page, waits.slice(1));
  }, waits[0] * 1000);
}

function partial(event) {
  const turn = openTurn(event);
  turn.querySelector(".partial").textContent = text(event.words);
  if (!turn.querySelector(".said").textContent.trim()) turn.remove();
}

function delta(event) {
  const said = openTurn(event, event.words[0]?.start).querySelector(".said");
  said.querySelector(".partial").textContent = "";
  const committed = said.querySelector(".committed");
  committed.textContent = `${committed.textContent} ${text(event.words)}`.trim() + " ";
}

function completed(event) {
  openTurn(event).remove();
  if (!event.text) return; // it turned out to be no speech
  const turn = newTurn(event);
  turn.querySelector(".said").textContent = event.text;
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
  for (const other of [...list.children].reverse()) {
    const [from, to] = [Number(other.dataset.start), Number(other.dataset.end)];
    const shared = Math.min(end, to) - Math.max(start, from);
    const same = other.dataset.track === turn.dataset.track && shared > Math.min(end - start, to - from) / 2;
    if (same) other.remove();
    else if (from <= start) {
      after = other;
      break;
    }
  }
  if (after) after.after(turn);
  else list.prepend(turn);
  document.getElementById("nothing")?.remove();
}

// ---- following the talk

/** Stays at the end while the reader is there, and leaves a reader who scrolled up in peace. */
function scroller() {
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

/** A turn's time plays the recording from there. */
function seekByTime() {
  document.addEventListener("click", (event) => {
    const turn = event.target.closest?.(".at")?.closest(".turn");
    if (!turn) return;
    const at = Number(turn.dataset.start);
    const player = [...document.querySelectorAll("audio")].find((audio) => {
      const [start, end] = [Number(audio.dataset.start), Number(audio.dataset.end)];
      return audio.dataset.track === turn.dataset.track && at >= start && at < end;
    });
    if (!player) return;
    event.preventDefault();
    document.querySelectorAll("audio").forEach((audio) => audio.pause());
    player.currentTime = at - Number(player.dataset.start);
    player.play();
  });
}
