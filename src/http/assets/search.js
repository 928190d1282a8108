// Search: the key "/" leads to the field, and the address holds only what is filled in.

import { body } from "./base.js";

const field = document.getElementById("q");

body.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  field.focus();
  field.select();
});

document.querySelector("form.search").addEventListener("submit", (event) => {
  const empty = [...event.target.elements].filter((each) => each.name && !each.value);
  for (const each of empty) each.disabled = true;
  // A page that is gone back to has its fields again.
  setTimeout(() => empty.forEach((each) => (each.disabled = false)));
});
