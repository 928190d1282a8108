// The words of a call as a short list of turns, by its events: settled ones, and below them what is being
// said. For a page that shows a call beside something else; the call's own page can do more.

import { clock, connect } from "./base.js";

const NAMES = ["snapshot", "partial", "delta", "completed", "replaced", "state", "ended"];

/**
 * Follows `call` until it is settled. `names` are those of the tracks, where they are known;
 * `changed(what, event)` hears of `state`, `replaced` and `ended`.
 */
export function follow(call, names, changed) {
  const settled = document.getElementById("settled");
  const open = document.getElementById("open");
  let position = "";
  let source;
  const heard = {
    snapshot(event) {
      settled.replaceChildren();
      open.replaceChildren();
      for (const segment of event.segments) {
        names[segment.track] ??= segment.speaker;
        settled.append(turn(segment, segment.text));
      }
      for (const each of event.open) say(each, each.start, text(each.committed), text(each.partial));
      changed("state", { state: event.call.state });
    },
    partial(event) {
      const line = say(event, event.start);
      line.querySelector(".partial").textContent = text(event.words);
      if (!line.querySelector(".said").textContent.trim()) line.remove();
    },
    delta(event) {
      const line = say(event, event.words[0]?.start);
      line.querySelector(".committed").textContent += text(event.words) + " ";
      line.querySelector(".partial").textContent = "";
    },
    completed(event) {
      find(event)?.remove();
      if (!event.text) return; // it turned out to be no speech
      const line = turn(event, event.text);
      const after = [...settled.children].findLast((other) => Number(other.dataset.start) <= event.start);
      if (after) after.after(line);
      else settled.prepend(line);
      line.scrollIntoView({ block: "nearest" });
    },
    replaced(event) {
      changed("replaced", event);
      // The whole of it, as it stands now.
      source.close();
      position = "";
      listen();
    },
    state: (event) => changed("state", event),
    ended(event) {
      source.close();
      open.replaceChildren();
      changed("ended", event);
    },
  };

  listen();
  return { close: () => source.close() };

  function listen() {
    source = connect(`/api/v1/calls/${call}/events`, () => position, NAMES, (name, event, id) => {
      // A settled call's end comes along with its snapshot.
      if (!["snapshot", "ended"].includes(name) && id <= position) return;
      position = id;
      heard[name](event);
      document.getElementById("nothing").hidden = Boolean(settled.children.length + open.children.length);
    });
  }

  function turn({ track, start = 0 }, words = "") {
    const line = document.getElementById("turn").content.firstElementChild.cloneNode(true);
    line.classList.add(track);
    line.dataset.start = start;
    line.querySelector("bdi").textContent = names[track] ?? { inbound: "Caller", outbound: "Agent" }[track];
    line.querySelector(".at").textContent = clock(start);
    line.querySelector(".committed").textContent = words;
    return line;
  }

  /** The line of an utterance that is being spoken; made at its first words. */
  function say(of, start, committed, partial) {
    let line = find(of);
    if (!line) {
      line = turn({ track: of.track, start });
      line.classList.add("open");
      line.dataset.key = key(of);
      open.append(line);
    }
    if (committed) line.querySelector(".committed").textContent = `${committed} `;
    if (partial) line.querySelector(".partial").textContent = partial;
    return line;
  }

  function find(of) {
    return [...open.children].find((line) => line.dataset.key === key(of));
  }
}

const key = (of) => `${of.stream}-${of.track}-${of.utterance}`;
const text = (words) => words.map((word) => word.text).join(" ");
