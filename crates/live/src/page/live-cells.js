// ▶ for snippets: every runnable program of the page becomes a cell that can be run, edited and restored.
// Edits stay in the browser's storage, under the cell's name and a hash of the book's text, so that they outlive
// the page but never pass for what a newer book says.
(() => {
  "use strict";

  const { live, make, button, reveal, printable } = window.Chatbuch;
  if (!make) return; // a book without the notebook's scripts

  const INDENT = "    ";
  const WHY = {
    Zeit: "Beendet, weil die Zeit um ist.",
    Ausgabe: "Beendet, weil es zu viel druckt.",
    Stop: "Gestoppt.",
    Übersetzung: "Der Compiler lehnt das Programm ab.",
  };

  /** FNV-1a, enough to notice that a text has changed. */
  function hash(text) {
    let value = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
    return value.toString(16);
  }

  const storage = {
    get(id) {
      try {
        return JSON.parse(localStorage.getItem(`chatbuch-cell:${id}`));
      } catch {
        return null;
      }
    },
    /** Whether it could be kept. */
    set(id, value) {
      try {
        if (value) localStorage.setItem(`chatbuch-cell:${id}`, JSON.stringify(value));
        else localStorage.removeItem(`chatbuch-cell:${id}`);
        return true;
      } catch {
        return false;
      }
    },
  };

  class Cell {
    constructor(code, id) {
      this.id = id;
      this.shown = code.parentElement;
      this.original = code.textContent;
      this.hash = hash(this.original);
      const next = this.shown.nextElementSibling;
      const recorded = next?.matches("pre") && next.querySelector(":scope > code.ausgabe");
      this.recorded = recorded ? recorded.textContent : "";

      this.run = button("run", "▶ Ausführen");
      this.stop = button("stop", "Stopp", { hidden: true });
      this.edit = button("edit", "Bearbeiten");
      this.reset = button("reset", "Zurücksetzen", { hidden: true });
      this.says = make("span", { class: "zelle-sagt", role: "status" });
      this.bar = make("div", { class: "zelle-leiste", role: "group", "aria-label": "Programm ausführen" },
        this.run, this.stop, this.edit, this.reset, this.says);
      this.editor = this.makeEditor();
      this.output = make("output", { "aria-live": "polite" });
      this.element = make("div", { class: "zelle", "data-cell": id });
      this.shown.before(this.element);
      this.element.append(this.shown, this.editor, this.hint, this.bar, this.output);
      if (recorded) this.output.before(next);

      this.run.addEventListener("click", () => this.begin());
      this.stop.addEventListener("click", () => live.send({ type: "stop", run: this.number }));
      this.edit.addEventListener("click", () => { this.open(this.original); this.text.focus(); });
      this.reset.addEventListener("click", () => this.restore());
      this.recall();
    }

    makeEditor() {
      this.numbers = make("div", { class: "nummern", "aria-hidden": "true" });
      this.stripes = make("div", { "aria-hidden": "true" });
      const help = `tasten-${this.id.replace(/\W/g, "-")}`;
      this.text = make("textarea", {
        "aria-label": "Programm bearbeiten", "aria-describedby": help, spellcheck: "false", autocomplete: "off",
        autocapitalize: "off", wrap: "off",
      });
      this.hint = make("p", { class: "tasten", id: help, hidden: true },
        "Strg+Enter führt aus. Tab rückt ein; Esc und dann Tab verlässt das Programm.");
      this.text.addEventListener("input", () => this.changed());
      this.text.addEventListener("keydown", (event) => this.key(event));
      this.text.addEventListener("blur", () => { this.leaving = false; });
      return make("div", { class: "schreiben", hidden: true }, this.numbers,
        make("div", { class: "schreibflaeche" }, this.stripes, this.text));
    }

    get editing() { return !this.editor.hidden; }

    get source() { return this.editing ? this.text.value : this.original; }

    /** Shows what an earlier visit left: at once if the book still says the same, else only on request. */
    recall() {
      const kept = storage.get(this.id);
      if (typeof kept?.source !== "string") return;
      if (kept.hash === this.hash) {
        this.open(kept.source);
        return;
      }
      const take = button("restore", "Meine Fassung öffnen");
      const drop = button("discard", "Verwerfen");
      const note = make("div", { class: "zelle-leiste" },
        "Dieses Programm hat sich im Buch geändert, seit Sie es bearbeitet haben. ", take, drop);
      take.addEventListener("click", () => { note.remove(); this.open(kept.source); this.changed(); this.text.focus(); });
      drop.addEventListener("click", () => { note.remove(); storage.set(this.id, null); this.edit.focus(); });
      this.element.prepend(note);
    }

    open(source) {
      this.text.value = source.replace(/\n$/, "");
      this.editor.hidden = this.hint.hidden = false;
      this.shown.hidden = true;
      reveal(this.reset, true);
      reveal(this.edit, false, this.text);
      this.layout();
    }

    restore() {
      storage.set(this.id, null);
      this.shown.hidden = false;
      this.editor.hidden = this.hint.hidden = true;
      this.mark([]);
      reveal(this.edit, true);
      reveal(this.reset, false, this.edit);
      this.output.replaceChildren();
      this.say("Das Programm steht wieder da wie im Buch.");
    }

    changed() {
      this.layout();
      this.mark([]);
      const same = this.text.value === this.original.replace(/\n$/, "");
      if (!storage.set(this.id, same ? null : { hash: this.hash, source: this.text.value })) {
        this.say("Ihr Browser bewahrt die Änderung nicht auf.");
      }
    }

    layout() {
      const lines = this.text.value.split("\n").length;
      this.text.rows = lines;
      if (this.numbers.childElementCount === lines) return;
      this.numbers.replaceChildren(...Array.from({ length: lines }, (_, index) => make("span", {}, String(index + 1))));
    }

    key(event) {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.begin();
      } else if (event.key === "Escape") {
        this.leaving = true; // the next Tab moves on
      } else if (event.key === "Tab" && !this.leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        if (event.shiftKey) this.outdent();
        else this.insert(INDENT);
      } else if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing) {
        event.preventDefault();
        const before = this.text.value.slice(0, this.text.selectionStart);
        const line = before.slice(before.lastIndexOf("\n") + 1);
        this.insert(`\n${/^[ \t]*/.exec(line)[0]}${/\{\s*$/.test(line) ? INDENT : ""}`);
      } else if (event.key !== "Shift" && event.key !== "Tab") {
        this.leaving = false;
      }
    }

    /** Types `text`. The command is old but the only one that „Rückgängig“ of the browser knows. */
    insert(text) {
      if (document.execCommand("insertText", false, text)) return;
      this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
      this.changed();
    }

    outdent() {
      const { selectionStart: at, value } = this.text;
      const start = value.lastIndexOf("\n", at - 1) + 1;
      const blanks = /^ {1,4}/.exec(value.slice(start))?.[0].length ?? 0;
      if (blanks === 0) return;
      this.text.setRangeText("", start, start + blanks, "preserve");
      this.changed();
    }

    begin() {
      const edited = this.editing && this.source !== this.original.replace(/\n$/, "");
      const source = `${this.source.replace(/\n$/, "")}\n`;
      if (edited && new TextEncoder().encode(source).length > live.limits.source) {
        this.say(`Das Programm ist zu lang: Mehr als ${live.limits.source / 1024} KiB nimmt ▶ nicht an.`);
        return;
      }
      if (this.number != null) live.send({ type: "stop", run: this.number });
      this.output.replaceChildren();
      this.printed = null;
      this.plain = "";
      this.failed = false;
      this.noted = null;
      this.mark([]);
      const message = { type: "run-cell", cell: this.id };
      this.number = live.start(edited ? { ...message, source } : message, this);
      if (this.number == null) {
        this.say("Keine Verbindung zum Buch: Läuft „cargo run“ noch?");
        return;
      }
      this.edited = edited;
      reveal(this.stop, true);
      this.say("läuft …");
    }

    say(text) { if (this.says.textContent !== text) this.says.textContent = text; }

    receive(message) {
      if (message.run !== this.number) return; // the last words of a run that was replaced
      switch (message.type) {
        case "cell-building":
          this.say("wird übersetzt …");
          break;
        case "cell-output":
          if (this.plain === "" && !this.printed) this.say("läuft …");
          this.print(message.stream, message.text);
          break;
        case "cell-errors":
          this.errors(message);
          break;
        case "cell-ended":
          this.ended(message);
          break;
        case "note":
          this.noted = message.text;
          this.say(message.text);
          break;
      }
    }

    print(stream, text) {
      if (!this.printed) {
        this.printed = make("pre", {});
        this.output.append(make("p", {}, "Ihre Ausgabe"), this.printed);
      }
      if (stream === "out") this.plain += `${text}\n`;
      this.printed.append(make("span", { class: stream, title: stream === "err" ? "Fehlerausgabe" : null }, printable(text)), "\n");
    }

    errors({ text, lines }) {
      const serious = lines.filter(({ level }) => level === "error");
      this.failed ||= serious.length > 0 || lines.length === 0;
      this.output.append(make("p", {}, this.failed ? "Der Compiler lehnt das Programm ab" : "Der Compiler warnt"),
        make("pre", { class: "fehler" }, text));
      if (!this.editing) this.open(this.original);
      this.mark(lines);
      const first = serious[0] ?? lines[0];
      this.found = first && `${first.level === "error" ? "Fehler" : "Warnung"} in Zeile ${first.line}: ${first.message}`;
      if (this.found) this.say(this.found);
    }

    /** Marks lines of the editor, errors over warnings. */
    mark(lines) {
      const levels = new Map();
      for (const { line, level, message } of lines) {
        if (levels.get(line)?.level !== "fehler") levels.set(line, { level: level === "error" ? "fehler" : "warnung", message });
      }
      const height = 1.4 * 1.5;
      this.stripes.replaceChildren(...[...levels].map(([line, { level }]) =>
        make("div", { class: `streifen ${level}`, style: `top: calc(0.7 * 1.4rem + ${((line - 1) * height).toFixed(2)}rem)` })));
      [...this.numbers.children].forEach((number, index) => {
        const found = levels.get(index + 1);
        number.className = found?.level ?? "";
        number.title = found?.message ?? "";
        number.textContent = `${found ? "▸" : ""}${index + 1}`;
      });
      this.text.toggleAttribute("aria-invalid", [...levels.values()].some(({ level }) => level === "fehler"));
    }

    ended({ status, why, t }) {
      if (this.failed) {
        this.rest(this.found ?? "Der Compiler lehnt das Programm ab.");
        return;
      }
      const time = t == null ? "" : ` nach ${t < 100 ? `${t.toFixed(0)}\u202fms` : window.Chatbuch.seconds(t)}`;
      const result = (why === "Stop" ? this.noted : null) ?? WHY[why] ?? (status === 0 ? `Zu Ende${time}.` : status == null ? "Abgebrochen." : `Zu Ende mit Status ${status}.`);
      const same = status === 0 && !why && this.plain.trimEnd() === this.recorded.trimEnd();
      const compared = same ? " Die Ausgabe ist die im Buch." : !this.edited && status === 0 && !why ? " Die Ausgabe ist anders als im Buch." : "";
      if (this.plain === "" && !this.printed && !why && status === 0) this.rest(`${result} Es hat nichts gedruckt.`);
      else this.rest(result + compared);
    }

    refused(reason) { this.rest(`Abgelehnt: ${reason}`); }

    lost() { if (this.number != null) this.rest("Die Verbindung zum Buch ist unterbrochen; was lief, ist beendet."); }

    rest(text) {
      this.number = null;
      reveal(this.stop, false, this.run);
      this.say(text);
    }
  }

  // The server knows what is a program of its own; here it is found again by its text.
  live.whenCells((cells) => {
    const codes = [...document.querySelectorAll("main pre > code.language-rust")];
    for (const { id, program } of cells) {
      const place = codes.findIndex((code) => code.textContent.trimEnd() === program.trimEnd());
      if (place >= 0) new Cell(codes.splice(0, place + 1).pop(), id);
    }
  });
})();
