// One lead: it fills by itself, and nothing that somebody types is lost over it.

import { connect, every, refresher } from "./base.js";

const parts = ["card", "said", "edit"];
const page = refresher(parts);
const source = connect("/api/v1/leads/events", () => page.position, ["snapshot", "lead"], (_, __, id) => {
  if (id !== page.position) page.refresh();
});
// Jobs may run in another process, of which no events come.
const asking = every(() => (document.querySelector("[data-pending]") ? 3 : 20), () => page.refresh());
page.refused = () => {
  source.close();
  asking.stop();
};
page.around = (swap) => {
  parts.length = 2;
  if (!isEdited()) parts.push("edit");
  swap();
};
document.getElementById("refresh").addEventListener("click", (event) => {
  event.preventDefault();
  page.refresh();
});

const edit = () => document.getElementById("edit");
const field = (name) => edit().querySelector(`[name=${name}]`);

function isEdited() {
  if (!field("notes")) return false; // for who only reads
  const typed = ["notes", "status"].some((name) => field(name).value !== field(`seen_${name}`).value);
  return typed || edit().contains(document.activeElement) || !document.getElementById("theirs").hidden;
}

document.addEventListener("submit", async (event) => {
  if (!edit().contains(event.target)) return;
  event.preventDefault();
  const saved = document.getElementById("saved");
  const change = { seen: {} };
  for (const name of ["notes", "status"]) {
    const [is, was] = [field(name).value, field(`seen_${name}`).value];
    if (is === was) continue;
    change[name] = is;
    change.seen[name] = was;
  }
  saved.textContent = "Saving …";
  try {
    const answer = await ask("PATCH", change);
    if (answer.status === 409) return tellTheirs(await (await ask("GET")).json());
    const lead = await answer.json();
    if (!answer.ok) throw new Error(lead.error.message);
    see(lead);
    document.getElementById("theirs").hidden = true;
    saved.textContent = "Saved.";
    page.refresh();
  } catch (error) {
    saved.textContent = `Not saved: ${error.message}. Your text is still here; try again.`;
  }
});

function ask(method, change) {
  const options = { method, headers: { accept: "application/json" } };
  if (change) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(change);
  }
  return fetch(`/api/v1/leads/${edit().dataset.lead}`, options);
}

function see(lead) {
  for (const name of ["notes", "status"]) field(`seen_${name}`).value = lead[name];
}

/** Somebody else was faster: both texts stay in sight, and saving again is a choice. */
function tellTheirs(lead) {
  const untouched = field("status").value === field("seen_status").value;
  see(lead);
  if (untouched) field("status").value = lead.status;
  const theirs = document.getElementById("theirs");
  const named = [...field("status").options].find((option) => option.value === lead.status)?.textContent;
  const notes = document.createElement("bdi");
  notes.textContent = lead.notes;
  theirs.replaceChildren(
    `Somebody else changed this lead meanwhile; nothing of yours is lost, and nothing of theirs. The status is now “${named}”, and the notes are: “`,
    notes,
    "”. Save again to put yours in their place.",
  );
  theirs.hidden = false;
  document.getElementById("saved").textContent = "Not saved yet.";
}
