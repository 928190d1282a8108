// Files are dropped or chosen, sent one by one with their progress, and followed until they are read.

import { refresher } from "./base.js";

const form = document.getElementById("bring");
const input = document.getElementById("file");
const sending = document.getElementById("sending");
const followed = new Set();
const page = refresher(["files"]);
page.swapped = follow;

// The browser's own way stays for whoever has no script; who may not bring files has no form.
if (form) listen();
follow();

function listen() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(input.files);
    form.reset();
  });
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      event.preventDefault();
      form.classList.add("over");
    });
  }
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    send(event.dataTransfer.files);
  });
  // Beside the form, a dropped file would take the place of the page.
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
}

/** One after the other: a browser has six connections to a server, and the line is one all the same. */
let last = Promise.resolve();
function send(files) {
  for (const file of files) {
    const line = lineFor(file.name);
    last = last.then(() => sendOne(file, line));
  }
}

function sendOne(file, line) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/files");
    request.setRequestHeader("Prefer", "respond-async");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) line.bar.value = event.loaded / event.total;
    };
    request.onload = () => {
      if (request.status < 400) {
        line.item.remove();
        page.refresh();
      } else {
        line.refuse(messageOf(request));
      }
      done();
    };
    request.onerror = () => {
      line.refuse("The server does not answer.");
      done();
    };
    const data = new FormData();
    data.append("file", file);
    request.send(data);
  });
}

function messageOf(request) {
  try {
    return JSON.parse(request.responseText).error.message;
  } catch {
    return `The server answered ${request.status}.`;
  }
}

function lineFor(name) {
  const item = document.createElement("li");
  const title = document.createElement("bdi");
  title.textContent = name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Sending ${name}`);
  item.append(title, bar);
  sending.append(item);
  const refuse = (why) => {
    const said = document.createElement("span");
    said.className = "refused";
    said.textContent = why.charAt(0).toUpperCase() + why.slice(1);
    bar.replaceWith(said);
  };
  return { item, bar, refuse };
}

/** Those of the waiting that came first, as they have their turn first; when one ends, another is followed. */
function follow() {
  for (const row of [...document.querySelectorAll("[data-waits]")].reverse()) {
    const id = row.dataset.waits;
    if (followed.has(id) || followed.size >= 3) continue;
    followed.add(id);
    const source = new EventSource(`/api/v1/files/${id}/events`);
    let state;
    source.addEventListener("progress", (event) => {
      const now = JSON.parse(event.data);
      if (state && state !== now.state) page.refresh();
      state = now.state;
      if (now.progress) show(id, now.progress);
    });
    source.addEventListener("ended", () => {
      source.close();
      followed.delete(id);
      page.refresh();
    });
  }
}

/** How far it is transcribed; the row may have been swapped for another meanwhile. */
function show(id, { done, total }) {
  const row = document.querySelector(`[data-waits="${id}"]`);
  const bar = row?.querySelector("progress");
  if (!bar) return;
  const share = total > 0 ? done / total : 0;
  bar.hidden = false;
  bar.value = share;
  row.querySelector(".badge").textContent = `Transcribing ${Math.floor(share * 100)} %`;
}
