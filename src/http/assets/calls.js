// The list of calls: a call appears by itself.

import { connect, refresher } from "./base.js";

const page = refresher(["calls"]);
const source = connect("/api/v1/events", () => page.position, ["snapshot", "call"], (_, __, id) => {
  if (id !== page.position) page.refresh();
});
page.refused = () => source.close();
