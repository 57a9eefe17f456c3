// Keeps an open page up to date: listens to the server's WebSocket, reloads the page when the book has changed
// and shows why the book cannot be built. The server adds this script; the book's files do not contain it.
(() => {
  "use strict";

  const RETRY_MS = 1000;
  const shown = document.currentScript.dataset.book;
  let banner = null;

  function connect() {
    const socket = new WebSocket(`ws://${location.host}/-/live`);
    socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
    socket.addEventListener("close", () => setTimeout(connect, RETRY_MS));
  }

  function receive(message) {
    if (message.type !== "book") return;
    if (message.version === shown) {
      tell(message.problems);
    } else {
      location.reload();
    }
  }

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

  connect();
})();
