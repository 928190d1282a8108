// The list of calls: a call appears by itself, its last words move, and older calls come as they are reached.

import { connect, localTimes, refresher, say } from "./base.js";

const page = refresher([]);
const source = connect("/api/v1/events", () => page.position, ["snapshot", "call", "words"], (name, event, id) => {
  if (name === "words") event.calls.forEach(lastWords);
  else if (id !== page.position) page.refresh();
});
page.refused = () => source.close();
page.merge = (fresh) => {
  const call = document.activeElement?.closest("li[data-call]")?.dataset.call;
  mergeCalls(fresh);
  // A call that ended stands elsewhere now, and the reader goes with it.
  if (!call || document.activeElement?.closest("li[data-call]")) return;
  document.querySelector(`li[data-call="${CSS.escape(call)}"] a`)?.focus({ preventScroll: true });
};
watchEnd();
sendOnlyWhatIsFilledIn();

function mergeCalls(fresh) {
  const [ours, theirs] = [document.getElementById("calls"), fresh.getElementById("calls")];
  // Something is there for the first time, or nothing is left.
  if (ours.children.length !== theirs.children.length || !ours.querySelector("#earlier") || !theirs.querySelector("#earlier")) {
    ours.replaceChildren(...theirs.childNodes);
    return watchEnd();
  }
  for (const id of ["live", "earlier"]) merge(document.getElementById(id), fresh.getElementById(id));
}

function lastWords({ call, track, text }) {
  const line = document.querySelector(`#live li[data-call="${CSS.escape(call)}"] .last`);
  if (!line) return;
  line.dataset.track = track;
  line.querySelector(".who").textContent = line.dataset[track];
  line.querySelector(".words").textContent = text;
}

/** Makes a section what the server says, and leaves what is the same, what has the focus, and older pages. */
function merge(old, next) {
  if (!old || !next) return;
  const [oldHead, nextHead] = [old.querySelector("h2"), next.querySelector("h2")];
  oldHead.textContent = nextHead.textContent;
  const list = old.querySelector(".calls");
  const rows = [...next.querySelector(".calls").children];
  const known = new Map([...list.children].map((row) => [row.dataset.call, row]));
  const wanted = new Set(rows.map((row) => row.dataset.call));
  const more = old.querySelector("#more");
  const oldest = Number(rows.at(-1)?.dataset.started ?? 0);
  const isOlder = (row) => next.querySelector("#more") && Number(row.dataset.started) < oldest;
  for (const row of known.values()) if (!wanted.has(row.dataset.call) && !isOlder(row)) row.remove();
  let before = null;
  for (const row of rows) {
    const same = known.get(row.dataset.call);
    const here = same ?? document.adoptNode(row);
    if (same && !same.isEqualNode(row)) same.querySelector("a").replaceChildren(...row.querySelector("a").childNodes);
    const place = before ? before.nextElementSibling : list.firstElementChild;
    if (here !== place) list.insertBefore(here, place);
    before = here;
  }
  const kept = list.children.length > rows.length;
  if (!kept && more?.href !== next.querySelector("#more")?.href) {
    old.querySelector(".pager").replaceWith(document.adoptNode(next.querySelector(".pager")));
    watchEnd();
  }
  const empty = !list.children.length;
  for (const element of [list, old.id === "earlier" ? oldHead : null]) if (element) element.hidden = empty;
  const nobody = old.querySelector(":scope > p.quiet");
  if (nobody) nobody.hidden = !empty;
}

/** Older calls are fetched when the end of the list is near. Without this the link leads to them. */
function watchEnd() {
  const link = document.getElementById("more");
  if (!link) return;
  const near = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    older(link);
  }, { rootMargin: "800px" });
  near.observe(link);
}

async function older(link) {
  const label = link.textContent;
  link.textContent = "Loading …";
  try {
    const response = await fetch(link.href, { headers: { accept: "text/html" } });
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    localTimes(fresh);
    append(fresh, link);
  } catch {
    link.textContent = label;
    say("Older calls could not be fetched. The link at the end tries again.");
  }
}

function append(fresh, link) {
  const list = document.querySelector("#earlier .calls");
  const shown = new Set([...document.querySelectorAll(".calls > li")].map((row) => row.dataset.call));
  for (const row of [...fresh.querySelectorAll("#earlier .calls > li")]) {
    if (!shown.has(row.dataset.call)) list.append(document.adoptNode(row));
  }
  list.hidden = !list.children.length;
  const next = fresh.getElementById("more");
  if (!next) {
    const had = document.activeElement === link;
    link.remove();
    if (had) list.lastElementChild?.querySelector("a").focus({ preventScroll: true });
    return;
  }
  link.href = next.getAttribute("href");
  link.textContent = next.textContent;
  watchEnd();
}

/** Keeps the address short. */
function sendOnlyWhatIsFilledIn() {
  document.querySelector("form.filters").addEventListener("submit", (event) => {
    const empty = [...event.target.elements].filter((field) => field.name && !field.value);
    for (const field of empty) field.disabled = true;
    // A page that is gone back to has its fields again.
    setTimeout(() => empty.forEach((field) => (field.disabled = false)));
  });
}
