// One call: its words appear as they are spoken, and are heard where they are clicked.

import { body, connect, refresher } from "./base.js";
import { offerCopy } from "./call-copy.js";
import { keys } from "./call-keys.js";
import { player } from "./call-player.js";
import { scroller } from "./call-scroll.js";
import { completed, delta, merge, partial } from "./call-talk.js";
import { speaking } from "./call-words.js";

if (document.getElementById("talk")) followCall();

/** A hit of the search leads to its moment. A browser that plays nothing by itself stands there. */
function playWhatIsAskedFor(sound) {
  const asked = new URLSearchParams(location.search);
  const seconds = parseFloat(asked.get("play"));
  if (Number.isFinite(seconds)) sound.hear(seconds, asked.get("track"));
}

function followCall() {
  const marks = speaking();
  const sound = player(marks.at);
  const page = refresher(["status", "meaning", "players", "recordings", "quality", "about", "history", "exports", "talk"], {
    players: sound.swap,
    recordings: sound.swap,
    talk: merge,
  });
  const view = scroller();
  const roving = keys(sound);
  offerCopy();
  playWhatIsAskedFor(sound);
  page.around = (swap) => {
    view.keep(swap);
    roving.settle();
    marks.settle();
  };
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
      tellOfTheFinalText();
    }
  };

  function show(name, event, id) {
    if (id <= page.position) return; // the page that was fetched has it already
    page.position = id;
    view.grow(() => words[name](event));
    if (name === "completed") {
      roving.settle();
      marks.settle();
    }
  }
}

function tellOfTheFinalText() {
  const note = document.getElementById("swapped");
  note.hidden = false;
  note.textContent = "The final transcript, made from the whole recording, has replaced the live text. ";
  const changed = document.getElementById("what-changed");
  if (changed) {
    const link = document.createElement("a");
    link.href = changed.href;
    link.textContent = "See what changed";
    note.append(link);
  }
  document.getElementById("talk").classList.add("fresh");
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
