// ▶ for scenes: starts a scene's real programs on the reader's machine, shows what they print in the scene's
// terminals, and sends what the reader types. Without the server's token there is no button at all.
(() => {
  "use strict";

  const { live, scenes, make, button, reveal, compare } = window.Chatbuch;
  if (!scenes) return; // a book without the notebook's scripts

  class LiveScene {
    constructor(scene) {
      this.scene = scene;
      this.run = null;
      this.events = [];
      this.masks = { masks: [], again: [] };

      const mode = (value, text, checked) =>
        make("label", {}, make("input", { type: "radio", name: "mode", value, checked }), text);
      this.modes = make("fieldset", { "aria-label": "Wer tippt" },
        mode("perform", "Vorführen", true), mode("self", "Selbst tippen", false));
      this.start = button("run", "▶ Starten");
      this.stop = button("stop", "Stopp", { hidden: true });
      this.compare = button("compare", "Vergleichen", { hidden: true });
      scene.bar.prepend(this.start, this.modes, this.stop, this.compare);
      this.comparison = make("div", { class: "vergleich", hidden: true });
      scene.stage.element.after(this.comparison);

      this.start.addEventListener("click", () => this.begin());
      this.stop.addEventListener("click", () => this.send("stop"));
      this.compare.addEventListener("click", () => this.showComparison(this.comparison.hidden));

      // The first process of a scene is the one the others connect to; it has only one place to be.
      const [, ...others] = scene.recording.processes;
      const like = new Map(others.filter(({ reads }) => reads).map(({ program, name }) => [program, name]));
      this.adders = [...like.values()].map((name) => {
        const text = like.size === 1 ? "Noch einen Client starten" : `Noch einen wie ${name} starten`;
        const adder = button("add-client", text, { hidden: true });
        adder.addEventListener("click", () => {
          this.wanted = others.find((process) => process.name === name);
          this.send("add-client", { like: name });
        });
        this.stop.after(adder);
        return adder;
      });
    }

    get self() { return this.mode === "self"; }

    send(type, more = {}) { if (this.run != null) live.send({ type, run: this.run, ...more }); }

    begin() {
      this.mode = this.modes.querySelector(":checked").value;
      this.scene.enter(this);
      this.showComparison(false);
      reveal(this.compare, false, this.start);
      this.events = [];
      this.offset = performance.now();
      this.run = live.start({ type: "play", scene: this.scene.id, mode: this.mode }, this);
      if (this.run == null) {
        this.say("Keine Verbindung zum Buch: Läuft „cargo run“ noch?");
        return;
      }
      this.start.textContent = "Neu starten";
      reveal(this.stop, true);
      this.adders.forEach((adder) => reveal(adder, this.self));
      this.scene.recording.processes.forEach(({ name, reads }) => this.control(name, reads));
      this.sayWhoTypes();
      this.ticking = setInterval(() => this.tick(), 100);
    }

    say(text) { this.scene.say(make("strong", {}, "▶ "), text); }

    sayWhoTypes() {
      this.say(this.self
        ? "Läuft auf Ihrem Rechner. Was getippt wird, tippen Sie."
        : "Läuft auf Ihrem Rechner; getippt wird wie in der Aufzeichnung.");
    }

    /** Gives a terminal what the reader needs to type into it, to stop it and to start it. */
    control(name, reads) {
      const terminal = this.scene.stage.get(name);
      terminal.controls?.forEach((element) => element.remove());
      terminal.controls = [];
      Object.assign(terminal, { alive: false, starter: null, form: null, input: null, end: null });
      if (!this.self) return;
      terminal.stopper = button("stop-process", "Strg+C", { title: `${name} beenden` });
      terminal.starter = button("start-process", `${name} starten`);
      terminal.stopper.addEventListener("click", () => this.send("stop-process", { process: name }));
      terminal.starter.addEventListener("click", () => this.send("start-process", { process: name }));
      terminal.form = make("form", { class: "eingabe", hidden: true }, terminal.stopper);
      if (reads) this.keyboard(terminal);
      terminal.controls.push(terminal.form, make("div", { class: "terminal-knoepfe" }, terminal.starter));
      terminal.element.append(...terminal.controls);
    }

    /** A field to type into a terminal, and the end of its input. */
    keyboard(terminal) {
      const { name, form } = terminal;
      terminal.input = make("input", {
        type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        "aria-label": `Eingabe an ${name}`, placeholder: "tippen, dann Enter",
      });
      terminal.end = button("eof", "Eingabe beenden", { title: "wie Strg+D" });
      form.prepend(terminal.input, terminal.end);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const line = terminal.input.value;
        if (terminal.input.disabled) return;
        if (new TextEncoder().encode(line).length > live.limits.input) {
          this.say(`Die Zeile ist zu lang: Mehr als ${live.limits.input.toLocaleString("de")} Bytes nimmt ▶ nicht an.`);
          return;
        }
        this.send("input", { process: name, line });
        terminal.input.value = "";
      });
      terminal.end.addEventListener("click", () => this.send("eof", { process: name }));
    }

    /** A process lives or does not; its fields follow. */
    alive(terminal, alive) {
      terminal.alive = alive;
      terminal.lastAt = performance.now();
      if (!terminal.starter) return;
      const focused = terminal.element.contains(document.activeElement);
      reveal(terminal.starter, !alive);
      terminal.form.hidden = !alive;
      this.typing(terminal, alive);
      if (focused && !terminal.element.contains(document.activeElement)) {
        (alive ? terminal.input ?? terminal.stopper : terminal.starter).focus();
      }
    }

    typing(terminal, possible) {
      if (!terminal.input) return;
      if (!possible && [terminal.input, terminal.end].includes(document.activeElement)) terminal.stopper.focus();
      terminal.input.disabled = terminal.end.disabled = !possible;
    }

    receive(message) {
      if (message.run !== this.run) return; // the last words of a run that was replaced
      switch (message.type) {
        case "masks": // it begins; what it waited for is there
          this.masks = message;
          this.sayWhoTypes();
          break;
        case "event":
          this.happens(message);
          break;
        case "note":
          this.say(message.text);
          break;
        case "over":
          this.over(message.reason);
          break;
      }
    }

    /** Shows what has happened, and keeps it for the comparison. */
    happens(event) {
      const { process: name, kind, t, text, status } = event;
      const fresh = !this.scene.stage.terminals.has(name);
      const terminal = fresh
        ? this.scene.stage.add({ name, command: this.wanted?.command })
        : this.scene.stage.get(name);
      if (fresh) this.control(name, true);
      terminal.lastAt = performance.now();
      terminal.waits = null;
      this.offset = performance.now() - t;
      switch (kind) {
        case "start":
          terminal.started(t);
          this.alive(terminal, true);
          if (fresh) terminal.input?.focus();
          break;
        case "eof":
          terminal.eof(t);
          this.typing(terminal, false);
          break;
        case "stop":
          terminal.stopped(t);
          break;
        case "quiet":
          terminal.waits = text;
          terminal.state("wartet", text);
          break;
        case "exit":
          terminal.ended(t, status);
          this.alive(terminal, false);
          break;
        default: // a line: out, err, in
          terminal.line(kind, text, t);
          if (terminal.alive && kind !== "in") terminal.state("lebt", "läuft");
      }
      this.events.push({ ...event, who: name });
    }

    /** The clock runs, and who has been silent for a while is seen to be. */
    tick() {
      this.scene.time(performance.now() - this.offset);
      for (const terminal of this.scene.stage.terminals.values()) {
        const silent = (performance.now() - terminal.lastAt) / 1000;
        const since = `seit ${Math.floor(silent)}\u202fs`;
        if (!terminal.alive || silent < 1) continue;
        if (terminal.waits) terminal.state("wartet", `${terminal.waits}, ${since}`);
        else terminal.state("lebt", `still ${since}`);
      }
    }

    refused(reason) { if (this.run != null) this.over(`Abgelehnt: ${reason}`); }

    lost() { if (this.run != null) this.over("Die Verbindung zum Buch ist unterbrochen; was lief, ist beendet."); }

    over(reason) {
      this.rest();
      this.say(reason ?? "Zu Ende: Alle Programme der Szene sind beendet.");
      reveal(this.compare, this.events.length > 0);
    }

    /** Nothing runs any more. */
    rest() {
      clearInterval(this.ticking);
      this.run = null;
      this.start.textContent = "▶ Noch einmal";
      reveal(this.stop, false, this.start);
      this.adders.forEach((adder) => reveal(adder, false, this.start));
      for (const terminal of this.scene.stage.terminals.values()) {
        if (terminal.alive) terminal.state("fern", "beendet");
        terminal.alive = false;
        if (terminal.starter) {
          reveal(terminal.form, false, this.start);
          reveal(terminal.starter, false, this.start);
        }
      }
    }

    showComparison(visible) {
      this.comparison.hidden = !visible;
      this.compare.textContent = visible ? "Vergleich schließen" : "Vergleichen";
      this.comparison.replaceChildren(...(visible ? compare(this.scene.recording, this.events, this.masks) : []));
    }

    /** Somebody else wants the stage: the recording, or this very scene once more. */
    leave() {
      this.send("stop");
      this.rest();
      for (const terminal of this.scene.stage.terminals.values()) {
        terminal.controls?.forEach((element) => element.remove());
      }
      this.showComparison(false);
      reveal(this.compare, false, this.start);
      this.start.textContent = "▶ Starten";
    }
  }

  live.whenReady(() => scenes.forEach((scene) => new LiveScene(scene)));
})();
