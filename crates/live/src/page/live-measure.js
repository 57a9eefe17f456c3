// ▶ for measurements: has the server measure on the reader's machine, shows how far it is and what came out, and puts
// the reader's values into the figures of the book. What to measure stands in the server's own table.
(() => {
  "use strict";

  const { live, make, button, reveal } = window.Chatbuch;
  if (!make) return; // a book without the notebook's scripts
  if (/\/print\.html$/.test(location.pathname)) return; // that page is for paper

  const SVG = "http://www.w3.org/2000/svg";

  const drawn = (tag, attributes, ...content) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...content);
    return element;
  };

  /** The signs of the reader's values, each in a ring, and a sentence below the figure that says so. */
  function draw(marks) {
    document.querySelectorAll(".ihr-rechner").forEach((element) => element.remove());
    for (const id of new Set(marks.map(({ figure }) => figure))) {
      const figure = document.getElementById(id);
      if (!figure) continue; // it is on another page
      const signs = marks.filter((mark) => mark.figure === id).map(({ x, y, path, classes, text, beyond }) => {
        const words = `Ihr Rechner – ${text}${beyond ? " (liegt außerhalb des Bildes)" : ""}`;
        return drawn("g", { transform: `translate(${x} ${y})`, class: beyond ? "ausserhalb" : "innerhalb" },
          drawn("title", {}, words), drawn("circle", { r: 8, class: "ring" }), drawn("path", { d: path, class: classes }));
      });
      figure.append(drawn("g", { class: "ihr-rechner" }, ...signs));
      const outside = marks.some((mark) => mark.figure === id && mark.beyond);
      figure.after(make("p", { class: "anmerkung ihr-rechner" }, "Im Ring: Ihr Rechner.",
        outside ? " Ein gestrichelter Ring liegt in Wahrheit außerhalb des Bildes." : ""));
    }
  }

  function table({ caption, columns, rows }) {
    const cells = ([name, ...values]) => [make("th", { scope: "row" }, name), ...values.map((value) => make("td", {}, value))];
    return make("table", {}, make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row)))));
  }

  class Measurement {
    constructor(element) {
      this.element = element;
      this.start = button("run", "▶ Auf diesem Rechner messen");
      this.stop = button("stop", "Stopp", { hidden: true });
      this.says = make("span", { class: "labor-sagt", role: "status" });
      this.bar = make("progress", { "aria-label": "Fortschritt der Messung", hidden: true });
      this.step = make("span", { class: "labor-schritt" }); // too often for a voice
      this.result = make("div", { class: "messung labor-ergebnis" });
      element.prepend(make("div", { class: "labor-leiste", role: "group", "aria-label": "Messen" },
        this.start, this.stop, this.says, this.bar, this.step));
      element.append(this.result);
      this.start.addEventListener("click", () => this.begin());
      this.stop.addEventListener("click", () => live.send({ type: "stop", run: this.run }));
    }

    begin() {
      this.run = live.start({ type: "measure", measurement: this.element.dataset.measure }, this);
      if (this.run == null) {
        this.say("Keine Verbindung zum Buch: Läuft „cargo run“ noch?");
        return;
      }
      this.done = false;
      this.result.replaceChildren();
      draw([]);
      reveal(this.stop, true);
      reveal(this.start, false, this.stop);
      this.say("Wird vorbereitet …");
    }

    say(text) { if (this.says.textContent !== text) this.says.textContent = text; }

    receive(message) {
      if (message.run !== this.run) return; // the last words of a run that was replaced
      switch (message.type) {
        case "note":
          this.say(message.text);
          break;
        case "measuring":
          this.progress(message);
          break;
        case "measured":
          this.done = true;
          this.result.replaceChildren(make("div", { class: "table-wrapper" }, table(message)),
            ...message.notes.map((text) => make("p", { class: "anmerkung" }, text)));
          draw(message.marks);
          break;
        case "over":
          this.rest(message.reason ?? (this.done ? "Gemessen; darunter steht, was herauskam." : "Gestoppt."));
          break;
      }
    }

    progress({ text, done, of }) {
      this.bar.hidden = false;
      if (of == null) {
        this.bar.removeAttribute("value");
        this.say(text);
        this.count();
      } else {
        clearInterval(this.ticking);
        this.bar.max = of;
        this.bar.value = done;
        this.say("Es wird gemessen; lassen Sie den Rechner so lange in Ruhe.");
        this.step.textContent = `${done + 1} von ${of}: ${text}`;
      }
    }

    /** How long a build will take nobody knows; that it goes on is to be seen. */
    count() {
      const begun = performance.now();
      clearInterval(this.ticking);
      this.ticking = setInterval(() => {
        this.step.textContent = `seit ${Math.floor((performance.now() - begun) / 1000)}\u202fs`;
      }, 1000);
    }

    refused(reason) { this.rest(`Abgelehnt: ${reason}`); }

    lost() { if (this.run != null) this.rest("Die Verbindung zum Buch ist unterbrochen; was lief, ist beendet."); }

    rest(text) {
      clearInterval(this.ticking);
      this.run = null;
      this.bar.hidden = true;
      this.step.textContent = "";
      this.start.textContent = "▶ Noch einmal messen";
      reveal(this.start, true);
      reveal(this.stop, false, this.start);
      this.say(text);
    }
  }

  live.whenReady(() => document.querySelectorAll("[data-measure]").forEach((element) => new Measurement(element)));
})();
