// „Aufzeichnung abspielen“: every scene of the page gets a row of buttons and a stage on which its recording is played
// in the recorded times. All that is needed stands in the rows of the table itself (data-t, data-who, data-kind);
// so it works everywhere, even from file://.
(() => {
  "use strict";

  const { make, button, seconds, reveal, Stage } = window.Chatbuch;
  const SPEEDS = [1, 2, 4];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** Reads the table of a scene: its programs and, in order, what happened. */
  function read(table) {
    const processes = [...table.querySelectorAll("thead th[data-program]")].map((head) => ({
      name: head.firstChild.textContent.trim(),
      program: head.dataset.program,
      command: head.querySelector("code")?.textContent,
      ordered: !head.querySelector("small"),
      colour: /farbe-(\d)/.exec(head.className)?.[1],
    }));
    const events = [];
    for (const row of table.querySelectorAll("tbody tr")) {
      const t = Number(row.dataset.t);
      for (const cell of row.querySelectorAll("td.wartet")) {
        events.push({ t, who: cell.dataset.who, kind: "quiet", text: cell.textContent });
      }
      const kind = row.dataset.kind;
      const cell = kind && [...row.cells].find((cell) => cell.dataset.who === row.dataset.who && !cell.classList.contains("wartet"));
      if (cell) events.push({ t, who: row.dataset.who, kind, ...content(kind, cell) });
    }
    const typing = events.filter(({ kind }) => kind === "in" || kind === "eof").map(({ who }) => who);
    const programs = processes.filter(({ name }) => typing.includes(name)).map(({ program }) => program);
    for (const process of processes) process.reads = programs.includes(process.program);
    return { processes, events };
  }

  function content(kind, cell) {
    const free = cell.textContent.startsWith("⇅");
    if (kind === "out" || kind === "err") return { text: cell.querySelector("samp").textContent, free };
    if (kind === "in") {
      const typed = cell.querySelector("kbd").lastChild.textContent.replace(/^› /, "");
      return { text: typed === "⏎" ? "" : typed };
    }
    if (kind === "exit") {
      const status = /Status (-?\d+)/.exec(cell.textContent)?.[1];
      return { status: status == null ? null : Number(status) };
    }
    return {};
  }

  /** A scene of the page. Only one plays on it at a time: a `player` has a `leave()` that sends it away. */
  class Scene {
    constructor(figure) {
      this.figure = figure;
      this.id = figure.dataset.scene;
      this.table = figure.querySelector("table");
      this.recording = read(this.table);
      this.stage = new Stage(this.recording.processes);
      this.clock = make("span", { class: "uhr", "aria-hidden": "true" });
      this.label = make("p", { class: "szene-sagt", role: "status" });
      this.back = button("transcript", "");
      this.back.addEventListener("click", () => this.show(!this.onStage));
      this.end = make("span", { class: "szene-ende" }, this.clock, this.back);
      this.bar = make("form", { class: "szene-leiste", "aria-label": "Szene abspielen" });
      this.line = make("div", { class: "szene-zeile", hidden: true }, this.label, this.end);
      this.bar.addEventListener("submit", (event) => event.preventDefault());
      figure.querySelector("figcaption").after(this.bar, this.line, this.stage.element);
      this.show(false);
    }

    /** Adds buttons to the row. */
    addControls(...controls) { this.bar.append(...controls); }

    /** Shows the stage, or the recording as a table. */
    show(stage) {
      this.onStage = stage;
      this.figure.classList.toggle("spielt", stage);
      this.back.textContent = stage ? "Aufzeichnung als Tabelle" : "Zurück zu den Terminals";
    }

    /** Hands the empty stage over to `player`. */
    enter(player) {
      this.player?.leave();
      this.player = player;
      this.stage.clear();
      this.show(true);
      this.line.hidden = false;
    }

    say(...text) { this.label.replaceChildren(...text); }

    time(milliseconds) { this.clock.textContent = milliseconds == null ? "" : seconds(milliseconds); }
  }

  /** Plays the recording of a scene. */
  class Replay {
    constructor(scene) {
      this.scene = scene;
      this.events = scene.recording.events;
      this.start = button("replay", "Aufzeichnung abspielen");
      this.pause = button("pause", "Pause");
      this.step = button("step", "Nächster Schritt");
      this.faster = button("faster", "");
      this.controls = [this.pause, this.step, this.faster];
      this.controls.forEach((control) => { control.hidden = true; });
      scene.addControls(this.start, ...this.controls);
      this.start.addEventListener("click", () => this.begin());
      this.pause.addEventListener("click", () => (this.running ? this.halt() : this.go()));
      this.step.addEventListener("click", () => { this.halt(); this.next(); });
      this.faster.addEventListener("click", () => {
        const speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
        this.setSpeed(speed);
      });
      this.speed = 1;
      this.setSpeed(1);
    }

    begin() {
      this.halt();
      this.scene.enter(this);
      this.start.textContent = "Von vorn";
      this.controls.forEach((control) => reveal(control, true));
      this.at = 0;
      this.now = 0;
      this.waiting = new Map();
      this.scene.time(0);
      // A reader who prefers little motion goes step by step instead.
      if (calm.matches) {
        this.halt();
        this.next();
      } else {
        this.go();
      }
      this.tell();
    }

    tell() {
      const live = document.documentElement.classList.contains("notizbuch-live");
      this.scene.say(
        make("strong", {}, "Aufzeichnung"),
        this.done ? `, zu Ende nach ${seconds(this.now)}.` : calm.matches && !this.running
          ? ", Schritt für Schritt, weil Ihr System wenig Bewegung wünscht; „Weiter“ lässt sie laufen." : " eines echten Laufs.",
        ...(live ? [] : [" Auf Ihrem eigenen Rechner läuft die Szene mit ", make("code", {}, "cargo run"), " im Ordner des Buchs."]),
      );
    }

    setSpeed(speed) {
      this.now = this.time();
      this.since = performance.now();
      this.speed = speed;
      this.faster.textContent = `Tempo ${speed}×`;
      if (this.running) this.plan();
    }

    /** The time in the recording at this moment. */
    time() {
      return this.running ? this.now + (performance.now() - this.since) * this.speed : this.now;
    }

    get done() { return this.at >= this.events.length; }

    go() {
      if (this.done) return;
      this.running = true;
      this.since = performance.now();
      this.pause.textContent = "Pause";
      this.tell();
      this.plan();
      this.ticking = setInterval(() => this.tick(), 100);
    }

    halt() {
      this.now = this.time();
      this.running = false;
      clearTimeout(this.timer);
      clearInterval(this.ticking);
      this.pause.textContent = "Weiter";
    }

    plan() {
      clearTimeout(this.timer);
      const delay = (this.events[this.at].t - this.time()) / this.speed;
      this.timer = setTimeout(() => {
        while (!this.done && this.events[this.at].t <= this.time() + 1) this.show(this.events[this.at++]);
        if (this.done) this.finish();
        else this.plan();
      }, Math.max(0, delay));
    }

    /** One step: the next event and all waiting that begins with it. */
    next() {
      if (this.done) return;
      do {
        this.now = Math.max(this.now, this.events[this.at].t);
        this.show(this.events[this.at++]);
      } while (this.events[this.at - 1].kind === "quiet" && !this.done);
      while (!this.done && this.events[this.at].kind === "quiet") this.show(this.events[this.at++]);
      this.tick();
      if (this.done) this.finish();
    }

    tick() {
      const now = this.time();
      this.scene.time(now);
      for (const [who, { since, text }] of this.waiting) {
        this.scene.stage.get(who).state("wartet", `${text}, seit ${seconds(Math.max(0, now - since))}`);
      }
    }

    show(event) {
      const terminal = this.scene.stage.get(event.who);
      if (event.kind === "quiet") {
        this.waiting.set(event.who, { since: event.t, text: event.text });
        terminal.state("wartet", event.text);
        return;
      }
      if (this.waiting.delete(event.who)) terminal.state("lebt", "läuft");
      if (event.kind === "start") terminal.started(event.t);
      else if (event.kind === "exit") terminal.ended(event.t, event.status);
      else if (event.kind === "eof") terminal.eof(event.t);
      else if (event.kind === "stop") terminal.stopped(event.t);
      else terminal.line(event.kind, event.text, event.t);
    }

    finish() {
      this.halt();
      this.now = this.events.at(-1)?.t ?? 0;
      this.waiting.clear();
      this.tick();
      reveal(this.pause, false, this.start);
      reveal(this.step, false, this.start);
      this.tell();
    }

    leave() {
      this.halt();
      this.start.textContent = "Aufzeichnung abspielen";
      this.controls.forEach((control) => reveal(control, false, this.start));
    }
  }

  // The print page holds all chapters; it is for paper.
  const onPaper = /\/print\.html$/.test(location.pathname);
  const figures = onPaper ? [] : document.querySelectorAll("figure.szene[data-scene]");
  Chatbuch.scenes = [...figures].map((figure) => new Scene(figure));
  Chatbuch.scenes.forEach((scene) => new Replay(scene));
})();
