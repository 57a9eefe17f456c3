// Translates mdBook's controls into German: titles, labels for screen readers, placeholders, the help on keys,
// search results. Without JavaScript the book can be read all the same; only these labels are English then.
(() => {
  "use strict";

  const german = new Map(Object.entries({
    "Table of contents": "Inhaltsverzeichnis",
    "Toggle Table of Contents": "Inhaltsverzeichnis ein- und ausblenden",
    "Change theme": "Farben wählen",
    "Themes": "Farben",
    "Search (`/`)": "Suchen (Taste /)",
    "Toggle Searchbar": "Suche ein- und ausblenden",
    "Search this book ...": "Im Buch suchen …",
    "Print this book": "Das ganze Buch drucken",
    "Page navigation": "Blättern",
    "Previous chapter": "Voriges Kapitel",
    "Next chapter": "Nächstes Kapitel",
    "Copy to clipboard": "In die Zwischenablage kopieren",
    "Show hidden lines": "Ausgeblendete Zeilen zeigen",
    "Hide lines": "Zeilen ausblenden",
    "Auto": "Wie das System",
    "Light": "Hell",
    "Navy": "Dunkel",
    "Copied!": "Kopiert",
    "Keyboard shortcuts": "Tasten",
  }));
  const english = new Map([...german].map(([from, to]) => [to, from]));

  const translate = (element) => {
    for (const attribute of ["title", "aria-label", "placeholder"]) {
      const translated = german.get(element.getAttribute(attribute));
      if (translated) element.setAttribute(attribute, translated);
    }
  };
  document.querySelectorAll("[title], [aria-label], [placeholder]").forEach(translate);

  // Labels that are plain text. textContent instead of innerText: some of them are hidden.
  for (const element of document.querySelectorAll(".theme, .mdbook-help-title")) {
    const translated = german.get(element.textContent.trim());
    if (translated) element.textContent = translated;
  }
  const keys = [
    ["←", "oder", "→", "blättern zwischen den Kapiteln"],
    ["S", "oder", "/", "öffnen die Suche"],
    ["?", "zeigt diese Hilfe"],
    ["Esc", "schließt sie"],
  ];
  document.querySelectorAll("#mdbook-help-popup p").forEach((line, number) => {
    if (!keys[number]) return;
    line.replaceChildren(...keys[number].flatMap((word) => {
      if (!"←→S/?Esc".includes(word)) return [`${word} `];
      const key = document.createElement("kbd");
      key.textContent = word;
      return [key, " "];
    }));
  });

  // The button for hidden lines knows its state by its English title: it gets that back for as long as the click lasts.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".buttons button");
    const original = button && english.get(button.title);
    if (!original) return;
    button.title = original;
    setTimeout(() => { // after the click, not between two of its listeners
      translate(button);
      button.setAttribute("aria-label", button.title);
    });
  }, true);

  const watch = (element, change) => {
    if (!element) return;
    const options = { childList: true, characterData: true, subtree: true };
    const observer = new MutationObserver(() => {
      observer.disconnect();
      change(element);
      observer.observe(element, options);
    });
    observer.observe(element, options);
  };
  watch(document.getElementById("mdbook-searchresults-header"), (header) => {
    const [, count, term] = /^(No|\d+) search results? for '(.*)'[.:]$/s.exec(header.textContent) ?? [];
    if (!count) return;
    header.textContent = count === "No" ? `Nichts gefunden zu „${term}“.` : `${count} Treffer zu „${term}“:`;
  });
  document.querySelectorAll(".clip-button").forEach((button) => watch(button, () => {
    const tooltip = button.firstElementChild;
    const translated = tooltip && german.get(tooltip.textContent);
    if (translated) tooltip.textContent = translated;
  }));
})();
