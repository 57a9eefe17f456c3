// The page's one connection to the server that shows it. It keeps the page up to date (reloads it when the book has
// changed, says why it cannot be built), proves with the token that the reader is the reader, and passes messages
// about runs to whoever started them. The server adds this script; the book's files do not contain it.
(() => {
  "use strict";

  const RETRY_MS = 1000;
  const REFUSED_RETRY_MS = 5000;
  const QUIET_MS = 1500; // a connection that is back so soon was not worth a word
  const ANSWER_MS = 500; // by then the reader's other tabs have answered
  const TOKEN = "chatbuch-token";
  const NO_TOKEN =
    "▶ ist hier noch aus: Öffnen Sie die Adresse mit „#token=…“, die „cargo run“ gedruckt hat. Sie beweist, dass Sie es sind.";
  const LOST =
    "Die Verbindung zum Buch ist unterbrochen; was lief, ist beendet. Die Seite verbindet sich neu, sobald „cargo run“ läuft.";
  const shown = document.currentScript.dataset.book;

  const runs = new Map(); // number of a run → who wants to hear of it
  const waiting = []; // who wants to hear once that ▶ works
  let takeCells = null; // who wants to hear which runnable snippets the page has
  let numbers = 0;
  let socket = null;
  let retry = null;
  let ready = false;
  let lastRun = null;
  let limits = {};

  // The token comes in the address's fragment, which no server and no log sees, and leaves the address bar at once.
  // A tab that was opened by a click asks the reader's other tabs of this book.
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel(TOKEN) : null;
  let known = null;
  const remember = (token) => {
    known = token;
    try {
      sessionStorage.setItem(TOKEN, token);
    } catch {
      // Without storage the token lasts as long as this page.
    }
  };
  try {
    known = sessionStorage.getItem(TOKEN);
  } catch {
    // Some browsers forbid storage; then the address must be opened again on every page.
  }

  // What the reader has closed stays closed on the next page as well.
  const CLOSED = "chatbuch-closed";
  const closed = new Map();
  try {
    JSON.parse(sessionStorage.getItem(CLOSED) ?? "[]").forEach(([name, text]) => closed.set(name, text));
  } catch {
    // Without storage it lasts as long as this page.
  }
  const keep = () => {
    try {
      sessionStorage.setItem(CLOSED, JSON.stringify([...closed]));
    } catch {
      // As above.
    }
  };

  function takeToken() {
    const [, token] = /^#token=([0-9a-f]{32})$/.exec(location.hash) ?? [];
    if (!token) return false;
    history.replaceState(history.state, "", location.pathname + location.search);
    remember(token);
    return true;
  }

  tabs?.addEventListener("message", ({ data }) => {
    if (data.wanted && ready) {
      tabs.postMessage({ token: known });
    } else if (data.token && data.token !== known && !ready) {
      remember(data.token);
      connect();
    }
  });

  // Without the token there is nothing to say, so there is no connection either.
  function connect() {
    clearTimeout(retry);
    leave();
    if (!known) {
      tabs?.postMessage({ wanted: true });
      retry = setTimeout(() => say("connection", NO_TOKEN), ANSWER_MS);
      return;
    }
    const opened = (socket = new WebSocket(`ws://${location.host}/-/live`));
    let refused = false;
    opened.addEventListener("open", () => opened.send(JSON.stringify({ type: "hello", token: known, path: location.pathname })));
    opened.addEventListener("message", (event) => {
      if (socket !== opened) return;
      const message = JSON.parse(event.data);
      refused ||= message.type === "refused";
      receive(message);
    });
    opened.addEventListener("close", () => {
      if (socket !== opened) return; // replaced, or left on purpose
      const lost = ready;
      leave();
      if (lost && !refused) setTimeout(() => ready || say("connection", LOST), QUIET_MS);
      retry = setTimeout(connect, refused ? REFUSED_RETRY_MS : RETRY_MS);
    });
  }

  /** Ends the connection, and with it what runs. */
  function leave() {
    const left = socket;
    socket = null;
    ready = false;
    left?.close();
    document.documentElement.classList.remove("notizbuch-live");
    for (const [run, listener] of runs) {
      runs.delete(run);
      listener.lost();
    }
  }

  function receive(message) {
    switch (message.type) {
      case "book":
        if (message.version !== shown) {
          location.reload();
        } else {
          tell(message.problems);
        }
        break;
      case "ready":
        limits = message.limits;
        if (!ready) begin();
        progress(message);
        break;
      case "cells":
        takeCells?.(message.cells);
        takeCells = null; // a connection that is back says it again
        break;
      case "refused":
        refuse(message.reason);
        break;
      default: {
        const listener = runs.get(message.run);
        if (!listener) break;
        if (message.type === "over" || message.type === "cell-ended") runs.delete(message.run);
        listener.receive(message);
      }
    }
  }

  function begin() {
    ready = true;
    say("connection", "");
    document.documentElement.classList.add("notizbuch-live");
    tabs?.postMessage({ token: known }); // for a tab that asked too early, or has an older one
    waiting.splice(0).forEach((act) => act());
  }

  function refuse(reason) {
    if (!ready) {
      // The token belongs to an earlier start of the server; perhaps another tab has the new one.
      tabs?.postMessage({ wanted: true });
      say("connection", NO_TOKEN);
      return;
    }
    const listener = runs.get(lastRun);
    if (listener) listener.refused(reason);
    else say("refused", reason);
  }

  // How far the builds in the background are, and whatever else is to be said about the connection.
  const corner = document.createElement("aside");
  corner.className = "notizbuch-stand";
  corner.setAttribute("aria-label", "Verbindung zum Buch");
  const lines = {};
  for (const name of ["connection", "refused", "problem"]) {
    lines[name] = document.createElement("div");
    lines[name].setAttribute("role", "status");
  }
  // Whoever only wants to read can have the corner to himself; what is new in it is shown again.
  const close = document.createElement("button");
  close.type = "button";
  close.className = "notizbuch-zu";
  close.textContent = "×";
  close.setAttribute("aria-label", "Hinweis schließen");
  close.addEventListener("click", () => {
    for (const name of Object.keys(lines)) {
      if (lines[name].textContent) closed.set(name, lines[name].textContent);
    }
    keep();
    Object.values(lines).forEach((line) => line.replaceChildren());
  });
  const building = document.createElement("div");
  building.className = "notizbuch-bau";
  corner.append(close, ...Object.values(lines), building);
  document.body.append(corner);

  function say(name, text) {
    if (text === "" && closed.delete(name)) keep();
    if (closed.get(name) === text || lines[name].textContent === text) return;
    lines[name].textContent = text;
  }

  function progress({ scenes, cells, problem }) {
    say("problem", problem ?? "");
    corner.dataset.cells = `${cells.done}/${cells.of}`; // for whoever drives the page by a script
    const left = scenes.of - scenes.done + cells.of - cells.done;
    if (left <= 0 || problem) {
      building.replaceChildren();
      return;
    }
    const bar = document.createElement("progress");
    bar.max = scenes.of + cells.of;
    bar.value = scenes.done + cells.done;
    const text = `▶ wird vorbereitet: ${scenes.done} von ${scenes.of} Szenen, ${cells.done} von ${cells.of} Schnipseln.`;
    bar.setAttribute("aria-label", text);
    building.replaceChildren(text, bar);
  }

  let banner = null;

  function tell(problems) {
    if (problems.length === 0) {
      if (banner) banner.hidden = true;
      return;
    }
    banner ??= makeBanner();
    banner.querySelector("pre").textContent = problems.join("\n");
    banner.hidden = false;
  }

  function makeBanner() {
    const style = document.createElement("style");
    style.textContent = `
      #live-problems { position: fixed; inset: auto 0 0 0; z-index: 200; max-height: 35vh; overflow: auto;
        padding: 0.5em 1em; font-size: 1.4rem; color: #3b2300; background: #fff1d6; border-top: 2px solid #b35c00; }
      #live-problems pre { margin: 0.3em 0 0; white-space: pre-wrap; overflow-wrap: anywhere; color: inherit; }
      @media print { #live-problems { display: none; } }`;
    const made = document.createElement("div");
    made.id = "live-problems";
    made.setAttribute("role", "status");
    made.lang = "de";
    const heading = document.createElement("strong");
    heading.textContent = "Das Buch lässt sich so nicht bauen; Sie lesen den letzten guten Stand.";
    made.append(heading, document.createElement("pre"));
    document.head.append(style);
    document.body.append(made);
    return made;
  }

  /** What the other scripts of the page may do. `listener` has `receive(message)`, `refused(reason)`, `lost()`. */
  const notebook = (window.Chatbuch ??= {});
  notebook.live = {
    /** Calls `act` once, as soon as the server has accepted this page. */
    whenReady: (act) => (ready ? act() : waiting.push(act)),
    /** Calls `act` once with the runnable snippets of the page: their names and texts, in order. */
    whenCells: (act) => { takeCells = act; },
    /** How many bytes the server accepts: `input` in a line, `source` in a snippet. */
    get limits() { return limits; },
    /** Starts a run and returns its number, or null without a connection. */
    start(message, listener) {
      if (!ready) return null;
      say("refused", "");
      lastRun = numbers += 1;
      runs.set(lastRun, listener);
      socket.send(JSON.stringify({ ...message, run: lastRun }));
      return lastRun;
    },
    /** Says something about a run that was started. */
    send(message) {
      if (ready && runs.has(message.run)) socket.send(JSON.stringify(message));
    },
  };

  // Whoever leaves the page ends what runs in it; a page that comes back from the browser's memory starts anew.
  window.addEventListener("pagehide", () => {
    clearTimeout(retry);
    leave();
  });
  window.addEventListener("pageshow", (event) => event.persisted && connect());
  // mdBook turns the page at → and ←, and leaving a page ends what runs in it.
  document.documentElement.addEventListener("keydown", (event) => {
    if (runs.size > 0 && (event.key === "ArrowLeft" || event.key === "ArrowRight")) event.stopPropagation();
  });
  // The same page with another fragment is not loaded again.
  window.addEventListener("hashchange", () => takeToken() && connect());

  takeToken();
  connect();
})();
