// The microphone's page: asks for it, streams it, shows what is heard. A lost connection comes back as
// another stream of the same call.

import { clock, connect, refresher } from "./base.js";
import { follow } from "./heard.js";
import { openMicrophone } from "./microphone.js";

/** Seconds to wait before each attempt to come back. */
const AGAIN = [0.5, 1, 2, 4, 8, 8, 8, 8];
/** Close codes after which it is worth trying again: gone, lost, busy, draining. */
const PASSING = [1001, 1005, 1006, 1011, 1012, 1013];
/** What may wait for a slow network, in seconds of audio; beyond it packets are let go and leave a gap. */
const BACKLOG = 10;

const $ = (id) => document.getElementById(id);
const form = $("speak");
/** This page's name for its place on the server. */
const page = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
let air = null;
let words = null;
let places = null;

if (isSecureContext && navigator.mediaDevices && globalThis.AudioWorkletNode) {
  form.hidden = false;
  followLiveCalls();
} else if (!isSecureContext) {
  trouble("The browser keeps the microphone from this page, because it did not come over a secure connection.", [
    `On the machine that callscribe runs on, open http://localhost${location.port && `:${location.port}`}/try instead.`,
    "From elsewhere, open it over https: put a TLS proxy in front, as the README says.",
  ]);
} else {
  trouble("This browser cannot stream a microphone.", ["Chrome and Edge from 94 on, Firefox from 76 and Safari from 14.1 can."]);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!air) start(Object.fromEntries(new FormData(form)));
});
$("stop").addEventListener("click", () => air?.stop());
$("again").addEventListener("click", () => back());
addEventListener("pagehide", () => air?.stop());

async function start({ call, speaker, language }) {
  $("trouble").hidden = true;
  form.hidden = true;
  $("air").hidden = false;
  $("call").hidden = true;
  $("again").hidden = true;
  $("level").hidden = false;
  $("stop").hidden = false;
  $("heard").hidden = true;
  $("time").textContent = clock(0);
  words?.close();
  show("asking", "Waiting for the microphone", "The browser asks whether this page may use it.");
  $("stop").focus();
  air = newAir({ role: call ? "agent" : "caller", call, speaker, language });
  try {
    await air.open();
  } catch (error) {
    air.end();
    back();
    refused(error);
  }
}

function newAir(wish) {
  let microphone;
  let socket;
  let onAir = false;
  let stopped = false;
  let base; // the time of this stream's first packet, in microseconds
  let waiting = []; // packets from the hello to the server's answer
  let attempts = 0;
  let began;
  let last = 0;
  let timer;

  return { open, stop, end };

  async function open() {
    microphone = await openMicrophone({ hear, level, lost: () => stop("The microphone is gone: was it unplugged?") });
    if (stopped) return microphone.close();
    dial();
  }

  function dial() {
    show("connecting", attempts ? "Connecting again" : "Connecting", "");
    socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/try/stream`);
    socket.binaryType = "arraybuffer";
    base = undefined;
    waiting = [];
    socket.onopen = () => {
      socket.send(JSON.stringify({ event: "hello", page, ...microphone.codec, ...wish }));
      base = null;
    };
    socket.onmessage = ({ data }) => started(JSON.parse(data));
    socket.onclose = closed;
  }

  function started({ call }) {
    wish.call = call;
    onAir = true;
    attempts = 0;
    for (const packet of waiting) send(packet);
    waiting = [];
    if (!began) {
      began = Date.now();
      timer = setInterval(() => ($("time").textContent = clock((Date.now() - began) / 1000)), 500);
      $("heard").hidden = false;
      $("call").href = `/calls/${call}`;
      $("call").hidden = false;
      $("version").textContent = "";
      words = follow(call, names(), told);
    }
    show("live", "On air", "Speak. The words come below.");
  }

  function names() {
    const [track, name] = wish.role === "agent" ? ["outbound", "Agent"] : ["inbound", "You"];
    return { [track]: wish.speaker.trim() || name };
  }

  function hear(packet, micros) {
    if (base === undefined) return;
    base ??= micros;
    const message = new Uint8Array(8 + packet.length);
    new DataView(message.buffer).setBigUint64(0, BigInt(micros - base), true);
    message.set(packet, 8);
    if (onAir) send(message);
    else waiting.push(message);
  }

  function send(message) {
    const most = BACKLOG * 50 * message.length;
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < most) socket.send(message);
  }

  function closed({ code, reason }) {
    const was = onAir;
    onAir = false;
    base = undefined;
    if (stopped) return;
    if (code === 1000) return stop(reason === "the call is over" ? "The call is over." : "This microphone goes on elsewhere.");
    if (PASSING.includes(code) && (was || began) && attempts < AGAIN.length) {
      show("lost", "Connection lost", "Trying again. What you say meanwhile is not heard.");
      setTimeout(() => stopped || dial(), AGAIN[attempts++] * 1000);
      return;
    }
    const said = reason ? `The server says: ${reason}.` : "The server does not answer.";
    if (began) return stop(said);
    end();
    back();
    trouble("Not connected. " + said, ["Try again in a while, or choose another place to speak."]);
  }

  function stop(why) {
    if (stopped) return;
    if (socket?.readyState === WebSocket.OPEN) socket.send('{"event":"stop"}');
    end();
    if (!began) return back();
    show("done", "Stopped", why ?? "The final transcript is made from the whole recording now.");
    $("stop").hidden = true;
    $("level").hidden = true;
    $("again").hidden = false;
    $("again").focus();
  }

  function end() {
    stopped = true;
    air = null;
    clearInterval(timer);
    microphone?.close();
    if (socket?.readyState === WebSocket.CONNECTING) socket.close();
    level(0);
  }

  function level(now) {
    last = Math.max(now, last * 0.85); // falls slower than it rises
    if (stopped) last = 0;
    const percent = Math.round(last * 100);
    $("level").firstElementChild.style.transform = `scaleX(${last})`;
    if (percent % 5 === 0) $("level").setAttribute("aria-valuenow", percent);
  }

  function told(what, event) {
    if (what === "replaced") $("version").textContent = "This is the final transcript, made from the whole recording.";
    if (what === "ended" && stopped) {
      const hints = { final: "The final transcript is ready.", empty: "No words were understood.", failed: "The final transcription failed; these are the live words." };
      $("hint").textContent = hints[event.state] ?? "";
    }
  }
}

/** The form is there again, for another try. */
function back() {
  form.hidden = false;
  $("air").hidden = true;
  $("go").focus();
  places.refresh();
}

function show(state, name, hint) {
  $("state").className = `badge ${state}`;
  $("state").textContent = name;
  $("hint").textContent = hint;
}

function refused(error) {
  const [what, ...does] = {
    NotAllowedError: ["The browser did not give this page the microphone.",
      "Press the sign to the left of the address, allow the microphone, and start again.",
      "If it never asks, the system's own settings may keep the browser from the microphone."],
    NotFoundError: ["There is no microphone.", "Plug one in, or switch it on, and start again."],
    NotReadableError: ["The microphone cannot be opened.", "Another program may hold it: close that, and start again."],
  }[error.name] ?? [`The microphone cannot be used: ${error.message}`, "Load the page again; another browser may do better."];
  trouble(what, does);
}

function trouble(what, does) {
  $("trouble").querySelector("p").textContent = what;
  $("trouble").querySelector("ul").replaceChildren(...does.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  $("trouble").hidden = false;
}

/** Calls that come and go are offered and withdrawn while nobody speaks; the choice stays. */
function followLiveCalls() {
  places = refresher(["places"]);
  places.around = (swap) => {
    if (air) return;
    const chosen = new FormData(form).get("call");
    swap();
    const same = [...form.querySelectorAll("[name=call]")].find((place) => place.value === chosen);
    if (same) same.checked = true;
  };
  connect("/api/v1/events", () => places.position, ["snapshot", "call"], (_, __, id) => {
    if (id !== places.position && !air) places.refresh();
  });
}
