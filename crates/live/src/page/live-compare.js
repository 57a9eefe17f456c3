// Compares a reader's run of a scene with its recording, process by process. Times are left aside; what the scene masks
// (ports, dates, times of day and more) differs from run to run and is no difference, neither is the order of lines that
// come in any order, nor how often a program had to try.
(() => {
  "use strict";

  const { make, printable } = window.Chatbuch ?? {};
  if (!make) return; // a book without the notebook's scripts

  const LONGEST = 1000; // lines a process that are compared; the comparison takes their product

  /** What replaces in a line all that differs from run to run; the masks are the server's: a pattern and a name each. */
  function masking(masks) {
    const known = masks.map(([pattern, name]) => [new RegExp(pattern, "gu"), name]);
    return (text) => known.reduce((line, [pattern, name]) => line.replace(pattern, name), text);
  }

  /** The events without lines that are the one before, on the same stream, once more: a program that tries again. */
  function once(events, again) {
    const kinds = again.map((pattern) => new RegExp(pattern, "u"));
    const before = {};
    return events.filter(({ kind, text = "" }) => {
      const last = before[kind] ?? "";
      before[kind] = text;
      return !kinds.some((pattern) => pattern.test(last) && pattern.test(text));
    });
  }

  const withoutNumbers = (text) => text.replace(/\d+([.,]\d+)*/g, "0");

  /** What is compared of an event: its kind and its text without what changes anyway. */
  function entry({ kind, text = "", status, free }, masked) {
    const line = {
      out: text,
      err: `stderr ${text}`,
      in: `› ${text}`,
      eof: "Eingabe zu Ende",
      stop: "Strg+C",
      exit: status == null ? "■ endet" : `■ endet mit Status ${status}`,
    }[kind];
    return line == null ? null : { text: line, key: `${kind} ${masked(text)} ${status ?? ""}`, free };
  }

  /** Pairs of entries in order; one side of a pair is null where the other has something of its own. */
  function align(book, own) {
    const lengths = Array.from({ length: book.length + 1 }, () => new Uint16Array(own.length + 1));
    for (let i = book.length - 1; i >= 0; i -= 1) {
      for (let j = own.length - 1; j >= 0; j -= 1) {
        lengths[i][j] = book[i].key === own[j].key
          ? lengths[i + 1][j + 1] + 1
          : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
      }
    }
    const pairs = [];
    let [i, j] = [0, 0];
    while (i < book.length || j < own.length) {
      if (i < book.length && j < own.length && book[i].key === own[j].key) pairs.push([book[i++], own[j++]]);
      else if (j >= own.length || (i < book.length && lengths[i + 1][j] >= lengths[i][j + 1])) pairs.push([book[i++], null]);
      else pairs.push([null, own[j++]]);
    }
    return pairs;
  }

  /**
   * Lines in any order: the own ones take the order of the recording where it has them. The same text may be recorded
   * several times, sometimes in order and sometimes not: the first one is the first one's partner, and so on.
   */
  function inOrderOf(book, own, ordered) {
    const recorded = new Map();
    for (const line of book) recorded.set(line.key, [...(recorded.get(line.key) ?? []), line]);
    const places = []; // of those among the own lines that may change places
    const partners = new Map();
    own.forEach((line, place) => {
      const partner = recorded.get(line.key)?.shift();
      if (!partner || (ordered && !partner.free)) return;
      places.push(place);
      partners.set(partner, line);
    });
    const sorted = [...own];
    let next = 0;
    for (const line of book) {
      if (partners.has(line)) sorted[places[next++]] = partners.get(line);
    }
    return sorted;
  }

  /** Lines that stand alone next to each other and differ in numbers only become a pair. */
  function pairNumbers(pairs) {
    const joined = [];
    let open = []; // entries of the recording that stand alone, with their place
    for (const pair of pairs) {
      const [book, own] = pair;
      if (book && own) {
        open = [];
      } else if (book) {
        open.push(joined.length);
      } else {
        const like = open.findIndex((place) => withoutNumbers(joined[place][0].key) === withoutNumbers(own.key));
        if (like >= 0) {
          joined[open[like]] = [joined[open[like]][0], own];
          open = open.slice(like + 1);
          continue;
        }
      }
      joined.push(pair);
    }
    return joined;
  }

  function compareProcess(process, book, own, { masks, again }) {
    const masked = masking(masks);
    const lines = (events) => once(events, again).map((event) => entry(event, masked)).filter(Boolean).slice(0, LONGEST);
    const [recorded, now] = [lines(book), lines(own)];
    const pairs = pairNumbers(align(recorded, inOrderOf(recorded, now, process?.ordered ?? true)));
    return pairs.map(([left, right]) => {
      const kind = left?.key === right?.key ? "same" : left && right ? "numbers" : left ? "missing" : "new";
      return { left, right, kind };
    });
  }

  const SIGNS = { same: "=", numbers: "≈", missing: "−", new: "+" };
  const WORDS = {
    same: "gleich: ", numbers: "andere Zahl: ", missing: "nur in der Aufzeichnung: ", new: "nur in Ihrem Lauf: ",
  };

  function section(name, colour, rows, known) {
    const count = rows.filter(({ kind }) => kind === "missing" || kind === "new").length;
    const numbers = rows.filter(({ kind }) => kind === "numbers").length;
    const verdict = !known ? "nicht in der Aufzeichnung" : [
      count === 0 ? "wie in der Aufzeichnung" : count === 1 ? "1 Unterschied" : `${count} Unterschiede`,
      numbers > 0 ? "andere Zahlen" : "",
    ].filter(Boolean).join(", ");
    const cell = (side, kind) => side
      ? make("td", {}, make("span", { class: "nur-vorgelesen" }, WORDS[kind]), make("span", { class: "zeichen", "aria-hidden": "true" }, SIGNS[kind]), printable(side.text))
      : make("td", { "aria-label": "nichts" });
    const body = rows.map(({ left, right, kind }) =>
      make("tr", { class: kind === "missing" || kind === "new" ? "anders" : "", "data-difference": kind },
        cell(left, kind), cell(right, kind)));
    return make("section", { class: `farbe-${colour}`, "data-compare": name },
      make("h4", {}, name, make("span", {}, `: ${verdict}`)),
      make("table", {},
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Aufzeichnung"), make("th", { scope: "col" }, "Ihr Lauf"))),
        make("tbody", {}, ...body)));
  }

  /** The comparison as elements: a section for each process of the recording, then for those the reader added; `masks` is the server's message. */
  window.Chatbuch.compare = ({ processes, events }, own, masks) => {
    const names = [...new Set([...processes.map(({ name }) => name), ...own.map(({ who }) => who)])];
    const sections = names.map((name, place) => {
      const process = processes.find((process) => process.name === name);
      const of = (list) => list.filter(({ who }) => who === name);
      return section(name, process?.colour ?? (place % 4) + 1, compareProcess(process, of(events), of(own), masks), process != null);
    });
    const legend = "= gleich, ≈ andere Zahl, − nur in der Aufzeichnung, + nur in Ihrem Lauf. Zeiten, Ports, Daten und was sonst bei jedem Lauf anders ist, zählen nicht.";
    return [make("p", { class: "anmerkung" }, legend), ...sections];
  };
})();
