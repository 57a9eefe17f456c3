// The stage of a scene: one terminal for each program, side by side, with the time since the start in the margin.
// It only shows what it is told. Recordings are played by aufzeichnung.js; live runs, where `cargo run` shows the page, by the
// server's scripts. What programs print gets into the page as text, never as HTML.
(() => {
  "use strict";

  /** An element with attributes and content; strings become text. */
  const make = (tag, attributes = {}, ...content) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...content);
    return element;
  };

  const button = (action, text, attributes = {}) =>
    make("button", { type: "button", class: "knopf", "data-action": action, ...attributes }, text);

  /** Milliseconds as „1,5 s“. */
  const seconds = (milliseconds) =>
    `${(Math.round(milliseconds / 100) / 10).toFixed(1).replace(".", ",")}\u202fs`;

  /** Shows or hides an element; the keyboard's focus moves on instead of getting lost. */
  const reveal = (element, visible, instead) => {
    const leaves = !visible && element.contains(document.activeElement);
    element.hidden = !visible;
    if (leaves && instead) instead.focus();
  };

  /** Makes control characters visible, as the recording does. */
  const printable = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) =>
    character < " " ? String.fromCharCode(0x2400 + character.charCodeAt(0)) : "\ufffd");

  class Terminal {
    constructor({ name, command, colour }) {
      this.name = name;
      this.said = make("span", { class: "zustand" });
      this.log = make("pre", {
        role: "log", "aria-live": "polite", "aria-label": `Ausgabe von ${name}`, tabindex: "0",
      });
      const head = make("div", { class: "terminal-kopf" }, make("strong", {}, name));
      if (command) head.append(" ", make("code", {}, command));
      head.append(this.said);
      this.element = make("div", {
        class: `terminal farbe-${colour}`, "data-process": name, role: "group", "aria-label": name,
      }, head, this.log);
      this.state("fern", "noch nicht gestartet");
    }

    /** A line with its time; `kind` as in the recording: start, out, err, in, eof, stop, exit. */
    line(kind, text, t) {
      const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 4;
      const row = make("span", { class: `zeile ${kind}` });
      const time = seconds(t);
      if (time !== this.lastTime) row.dataset.zeit = this.lastTime = time;
      if (kind === "err") row.append(make("small", { title: "Fehlerausgabe" }, "stderr"), " ");
      if (kind === "in") {
        row.append(make("kbd", {}, make("span", { class: "nur-vorgelesen" }, "Eingabe: "), `› ${printable(text) || "⏎"}`));
      } else {
        row.append(printable(text));
      }
      row.append("\n");
      this.log.append(row);
      if (atEnd) this.log.scrollTop = this.log.scrollHeight;
    }

    started(t, text = "▸ gestartet") { this.line("start", text, t); this.state("lebt", "läuft"); }
    ended(t, status) {
      this.line("exit", status == null ? "■ endet" : `■ endet mit Status ${status}`, t);
      this.state("fern", "beendet");
    }
    eof(t) { this.line("eof", "Eingabe zu Ende", t); }
    stopped(t) { this.line("stop", "Strg+C", t); }

    /** What it does: `fern` (it is not running), `lebt` or `wartet`, with the sentence that says so. */
    state(kind, text) {
      this.element.dataset.state = kind;
      if (this.said.textContent !== text) this.said.textContent = text;
    }

    clear() {
      this.log.replaceChildren();
      this.lastTime = undefined;
      this.state("fern", "noch nicht gestartet");
    }
  }

  class Stage {
    constructor(processes) {
      this.element = make("div", { class: "buehne" });
      this.terminals = new Map();
      // Arrow keys inside an output must not turn the page: that would end what is running.
      this.element.addEventListener("keydown", (event) => {
        if (event.target.matches("[role='log']")) event.stopPropagation();
      });
      this.fixed = new Set(processes.map((process) => process.name));
      processes.forEach((process) => this.add(process));
    }

    add(process) {
      const colour = process.colour ?? (this.terminals.size % 4) + 1;
      const terminal = new Terminal({ ...process, colour });
      this.terminals.set(process.name, terminal);
      this.element.append(terminal.element);
      return terminal;
    }

    get(name) { return this.terminals.get(name) ?? this.add({ name }); }

    /** Empties all terminals and removes those that were added during a run. */
    clear() {
      for (const [name, terminal] of this.terminals) {
        if (this.fixed.has(name)) {
          terminal.clear();
        } else {
          terminal.element.remove();
          this.terminals.delete(name);
        }
      }
    }
  }

  window.Chatbuch = { make, button, seconds, reveal, printable, Stage };
})();
