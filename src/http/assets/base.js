// What every page with a script shares: events, fetching anew, times. The pages work without scripts; with
// them they follow what happens. Everything that people said is put on a page as text, never as markup.

export const body = document.body;

localTimes(document);

/**
 * Listens to a stream of events for as long as the page is seen. A hidden tab lets go of its connection,
 * because a browser has six to a server, and goes on where it was when it is seen again.
 */
export function connect(path, position, names, handle) {
  let source;
  let closed = false;
  const open = () => {
    source?.close();
    if (closed || document.hidden) return;
    source = new EventSource(`${path}?last_event_id=${position()}`);
    source.onopen = () => say("");
    source.onerror = () => {
      say("Connection lost. Trying again …");
      // The browser tries again by itself unless it was refused.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 3000);
    };
    for (const name of names) {
      source.addEventListener(name, (event) => handle(name, JSON.parse(event.data), Number(event.lastEventId)));
    }
  };
  open();
  document.addEventListener("visibilitychange", open);
  return {
    close() {
      closed = true;
      source?.close();
      say("");
    },
  };
}

export function say(what) {
  document.getElementById("connection").textContent = what;
}

/**
 * Fetches the page that is shown and swaps the named parts that differ. `own` has, by part, who swaps it in
 * another way: it is given the old part, the new one, and what would be done.
 */
export function refresher(parts, own = {}) {
  let running = false;
  let again = false;
  const page = {
    position: Number(body.dataset.position),
    busy: () => running || again,
    around: (swap) => swap(),
    merge() {},
    swapped() {},
    refused() {},
    refresh() {
      again = true;
      if (!running) run();
    },
  };
  async function run() {
    running = true;
    while (again) {
      again = false;
      try {
        await once();
      } catch {
        say("The server does not answer. Trying again …");
        again = true;
        await new Promise((done) => setTimeout(done, 2000));
      }
    }
    running = false;
    page.swapped();
  }
  async function once() {
    const response = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
    if (response.status >= 400 && response.status < 500) {
      page.refused();
      return say("This page is gone or closed to you by now. Load it again to see why.");
    }
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    say("");
    page.around(() => swap(fresh));
    page.position = Number(fresh.body.dataset.position);
  }
  function swap(fresh) {
    Object.assign(body.dataset, fresh.body.dataset);
    document.title = fresh.title;
    localTimes(fresh);
    for (const id of parts) {
      const [old, next] = [document.getElementById(id), fresh.getElementById(id)];
      if (old && next) (own[id] ?? replace)(old, next, replace);
    }
    page.merge(fresh);
  }
  /** Keeps what is the same, what is playing, what has the focus and what was unfolded. */
  function replace(old, next) {
    const folds = [...next.querySelectorAll("details")];
    [...old.querySelectorAll("details")].forEach((fold, n) => {
      if (folds[n]) folds[n].open = fold.open || folds[n].open;
    });
    if (old.isEqualNode(next)) return;
    const playing = [...old.querySelectorAll("audio")].find((audio) => !audio.paused);
    if (playing) {
      playing.addEventListener("pause", () => page.refresh(), { once: true });
      return;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(document.adoptNode(next));
    if (!focused) return;
    const name = (element) => element.getAttribute("href") ?? element.textContent;
    const same = focused === old ? next : [...next.querySelectorAll("a, button, summary")].find((e) => name(e) === name(focused));
    same?.focus({ preventScroll: true });
  }
  return page;
}

/** Times of day in the reader's own zone and manner. */
export function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const exact = time.classList.contains("exact");
    time.textContent = at.toLocaleString([], exact ? { dateStyle: "short", timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
    time.title = time.dateTime;
  }
}

/** `0:07`, `12:34`, `1:02:03`. */
export function clock(seconds) {
  const s = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** Calls `work` again and again while the page is seen; `seconds` says how long to wait each time. */
export function every(seconds, work) {
  let timer;
  const next = () => {
    timer = setTimeout(() => {
      if (!document.hidden) work();
      next();
    }, seconds() * 1000);
  };
  next();
  return { stop: () => clearTimeout(timer) };
}
