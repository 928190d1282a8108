// Pages that no event tells of: looked at anew every few seconds while they are seen. Their forms with
// `data-api` are sent from here, so that the reader stays where they are.

import { every, refresher, say } from "./base.js";

export function tend(parts, seconds) {
  const there = parts.filter((id) => document.getElementById(id));
  if (!there.length) return; // a question, not a list
  const page = refresher(there);
  const asking = every(() => seconds, () => page.refresh());
  page.refused = () => asking.stop();
  document.addEventListener("submit", async (event) => {
    const address = event.target.dataset.api;
    if (!address) return;
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(address, { method: "POST", headers: { accept: "application/json" } });
      const told = answer.ok ? null : (await answer.json()).error.message;
      page.refresh();
      if (told) setTimeout(() => say(told), 500); // after the refresh has said that all is well
    } catch {
      say("The server does not answer. Try again.");
    }
    button.disabled = false;
  });
}
