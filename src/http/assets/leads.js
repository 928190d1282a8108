// The list of leads: a lead appears by itself and fills by itself.

import { connect, every, refresher } from "./base.js";

const page = refresher(["leads"]);
const source = connect("/api/v1/leads/events", () => page.position, ["snapshot", "lead"], (_, __, id) => {
  if (id !== page.position) page.refresh();
});
// Jobs may run in another process, of which no events come.
const asking = every(() => (document.querySelector("[data-pending]") ? 3 : 20), () => page.refresh());
page.refused = () => {
  source.close();
  asking.stop();
};
document.getElementById("refresh").addEventListener("click", (event) => {
  event.preventDefault();
  page.refresh();
});
