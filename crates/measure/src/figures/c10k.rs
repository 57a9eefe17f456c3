//! The figures of the C10k laboratory: memory a connection, answers a second, the slowest of a hundred answers.
//! In flows a [`C10kReport`], out flow the SVGs – and the places of a reader's own values in them, by the same code.

use super::bars::{self, Bar, MIB, Part, mib, sum};
use super::canvas::{Canvas, notes_height};
use super::curves::{self, Axis, Curve, Legend, Value};
use super::marks::Sign;
use super::{OwnValue, Picture};
use crate::c10k::report::{C10kReport, Model};
use crate::c10k::summary::{self, Load, Memory, Summary};
use crate::spread::Spread;
use print::german::{self, NARROW};
use print::svg::Title;

const KIB: f64 = 1024.0;
/// Space between two panels, and above legend and notes.
const GAP: i32 = 12;
/// Models that lie so close to others that one could not tell them apart. The tables have them.
const LEFT_OUT: [&str; 3] = ["epoll-c", "tokio-cores", "threads-small"];

const OCCUPIED: [Part; 3] = [
    Part {
        class: "balken ganz",
        name: "Server",
    },
    Part {
        class: "balken halb",
        name: "Stapel und Seitentabellen im Kern",
    },
    Part {
        class: "balken leer",
        name: "Kernel-Objekte (beider Enden)",
    },
];
const RESERVED: [Part; 1] = [Part {
    class: "balken leer",
    name: "",
}];

/// The places of the reader's values in all figures of the book.
pub fn marks(book: &C10kReport, reader: &C10kReport) -> Vec<OwnValue> {
    let figures = [memory, throughput, latency];
    figures.into_iter().flat_map(|draw| draw(book, Some(reader)).marks).collect()
}

/// What one connection occupies and reserves, by model, at the largest number of connections.
pub fn memory(book: &C10kReport, reader: Option<&C10kReport>) -> Picture {
    let connections = summary::sizes(book).pop().unwrap_or(0);
    let known: Vec<(&Model, Memory)> = book
        .models
        .iter()
        .filter_map(|model| Some((model, summary::memory(model, connections)?)))
        .collect();
    let rows = |values: fn(&Memory) -> Vec<Option<f64>>| -> Vec<Bar> {
        let row = |(model, memory): &(&Model, Memory)| Bar {
            name: model.name.clone(),
            values: values(memory),
            spread: None,
        };
        known.iter().map(row).collect()
    };
    let occupied = rows(occupied);
    let reserved = rows(|memory| vec![Some(only_reserved(memory))]);
    let own = own_memory(&known, reader);
    let of = |value: fn(&Memory) -> f64| -> Vec<(usize, f64)> {
        own.iter().map(|(row, _, memory)| (*row, value(memory))).collect()
    };

    let number = german::whole(connections);
    let upper = bars::BarPanel {
        title: &format!("Belegt in KiB je Verbindung, bei {number}"),
        unit: "KiB",
        top: 0,
        parts: &OCCUPIED,
        rows: &occupied,
        format: kib,
    };
    let lower = bars::BarPanel {
        title: "Nur reserviert je Verbindung",
        unit: "MiB",
        top: upper.height() + GAP,
        parts: &RESERVED,
        rows: &reserved,
        format: mib,
    };
    let notes = [format!("Balken und Zahlen: {}", median_of(book))];
    let below = lower.top + lower.height() + GAP;
    let mut canvas = Canvas::default();
    let mut places = upper.draw(&mut canvas, &of(|memory| sum(&self::occupied(memory))));
    places.extend(lower.draw(&mut canvas, &of(only_reserved)));
    canvas.notes(&notes, below);
    let title = Title {
        id: "c10k-speicher",
        title: &format!("Speicher je Verbindung bei {number} Verbindungen"),
        desc: &memory_in_words(&known, &number),
    };
    let svg = canvas.finish(below + notes_height(&notes), title);
    let mut places = places.into_iter();
    let mut marks = Vec::new();
    for value in [
        (|memory| format!("{}{NARROW}KiB belegt", occupied_in_all(memory)))
            as fn(&Memory) -> String,
        |memory| format!("{} nur reserviert", mib(only_reserved(memory))),
    ] {
        for ((_, model, memory), place) in own.iter().zip(&mut places) {
            marks.push(mark("c10k-speicher", model, &value(memory), place));
        }
    }
    Picture { svg, marks }
}

/// In KiB: the server's memory, what the kernel keeps for its threads and addresses, and the kernel's objects.
fn occupied(memory: &Memory) -> Vec<Option<f64>> {
    let parts = [Some(memory.resident), memory.kernel(), memory.slab];
    parts.map(|bytes| bytes.map(|bytes| bytes / KIB)).to_vec()
}

/// A number of KiB: the event loops lie below one, and differ.
fn kib(value: f64) -> String {
    match value {
        value if value < 0.005 => "0".to_owned(),
        value if value < 0.995 => german::decimal(value, 2),
        value => german::decimal(value, 1),
    }
}

fn occupied_in_all(memory: &Memory) -> String {
    kib(sum(&occupied(memory)))
}

/// In MiB.
fn only_reserved(memory: &Memory) -> f64 {
    memory.merely_reserved() / MIB
}

/// The reader's values, with the row each belongs to.
fn own_memory<'r>(
    known: &[(&Model, Memory)],
    reader: Option<&'r C10kReport>,
) -> Vec<(usize, &'r Model, Memory)> {
    let Some(reader) = reader else { return Vec::new() };
    let connections = summary::sizes(reader).pop().unwrap_or(0);
    let own = reader.models.iter().filter_map(|model| {
        let row = known.iter().position(|(other, _)| other.id == model.id)?;
        Some((row, model, summary::memory(model, connections)?))
    });
    own.collect()
}

fn memory_in_words(known: &[(&Model, Memory)], number: &str) -> String {
    if known.is_empty() {
        return "Dazu liegt keine Messung vor.".to_owned();
    }
    let server = known.iter().map(|(model, memory)| {
        let kib = kib(memory.resident.max(0.0) / KIB);
        format!("{} {kib}{NARROW}KiB", model.name)
    });
    let mut words = format!(
        "Bei {number} Verbindungen belegt der Server je Verbindung: {}.",
        list(server)
    );
    let reserving: Vec<String> = known
        .iter()
        .filter(|(_, memory)| only_reserved(memory) >= 0.05)
        .map(|(model, memory)| format!("{} {}", model.name, mib(only_reserved(memory))))
        .collect();
    words += &match reserving.len() {
        0 => " Nennenswert reserviert keiner mehr als das.".to_owned(),
        _ => format!(" Nur reserviert sind: {}.", list(reserving)),
    };
    words
}

/// Answers a second over the number of connections, with all of them active.
pub fn throughput(book: &C10kReport, reader: Option<&C10kReport>) -> Picture {
    let loads = [(Load::All, "Antworten je Sekunde, alle aktiv")];
    let chart = Chart {
        loads: &loads,
        value: |summary| summary.rate,
        axis: Axis::Linear,
        across: "Verbindungen (Achse logarithmisch)",
        format: |value| german::decimal(value, 0),
    };
    let (book, left_out) = shown(book);
    let facts = [left_out, missing(&book, &[Load::All])].concat();
    let title = Title {
        id: "c10k-durchsatz",
        title: "Antworten je Sekunde",
        desc: &with_facts(throughput_in_words(&book), &facts),
    };
    let (svg, own) = chart.draw(&book, reader, &facts, title);
    let marks = own.into_iter().map(|(model, value, place)| {
        let rate = format!("{} Antworten je Sekunde", german::rounded(value.median));
        mark("c10k-durchsatz", model, &rate, place)
    });
    Picture {
        svg,
        marks: marks.collect(),
    }
}

fn throughput_in_words(book: &C10kReport) -> String {
    let sentences = summary::sizes(book).into_iter().filter_map(|connections| {
        let ranking = summary::ranking(book, connections, Load::All);
        let rates = ranking.iter().filter_map(|model| {
            let summary = summary::summary(model, connections, Load::All)?;
            Some(format!(
                "{} {}",
                model.name,
                german::rounded(summary.rate.median)
            ))
        });
        let rates: Vec<String> = rates.collect();
        let order = match summary::same_in_every_run(book, connections, Load::All) {
            true => "in jedem Lauf dieselbe Reihenfolge",
            false => "die Reihenfolge wechselt von Lauf zu Lauf",
        };
        (!rates.is_empty()).then(|| {
            format!(
                "Bei {} Verbindungen ({order}): {}.",
                german::whole(connections),
                list(rates)
            )
        })
    });
    let sentences: Vec<String> = sentences.collect();
    match sentences.len() {
        0 => "Dazu liegt keine Messung vor.".to_owned(),
        _ => format!("Antworten je Sekunde im Median. {}", sentences.join(" ")),
    }
}

/// The slowest of a hundred answers over the number of connections: with all of them active, and with one in a hundred.
pub fn latency(book: &C10kReport, reader: Option<&C10kReport>) -> Picture {
    let loads = [
        (Load::All, "99 von 100 Antworten binnen …, alle aktiv"),
        (
            Load::Few,
            "99 von 100 Antworten binnen …, eine von hundert aktiv",
        ),
    ];
    let chart = Chart {
        loads: &loads,
        value: |summary| summary.p99,
        axis: Axis::Logarithmic,
        across: "Verbindungen (beide Achsen logarithmisch)",
        format: span,
    };
    let (book, mut facts) = shown(book);
    for connections in summary::sizes(&book).into_iter().filter(|number| *number < 200) {
        facts.push(format!(
            "Mit {} Verbindungen ist „eine von hundert“ eine einzige.",
            german::whole(connections)
        ));
    }
    facts.extend(missing(&book, &[Load::All, Load::Few]));
    let title = Title {
        id: "c10k-antwortzeit",
        title: "Die langsamste von hundert Antworten",
        desc: &with_facts(latency_in_words(&book), &facts),
    };
    let (svg, own) = chart.draw(&book, reader, &facts, title);
    let marks = own.into_iter().map(|(model, value, place)| {
        mark("c10k-antwortzeit", model, &span(value.median), place)
    });
    Picture {
        svg,
        marks: marks.collect(),
    }
}

fn latency_in_words(book: &C10kReport) -> String {
    let mut sentences = Vec::new();
    if let Some(connections) = summary::sizes(book).pop() {
        for (load, words) in [
            (Load::All, "alle aktiv"),
            (Load::Few, "eine von hundert aktiv"),
        ] {
            let times = book.models.iter().filter_map(|model| {
                let p99 = summary::summary(model, connections, load)?.p99.median;
                Some(format!("{} {}", model.name, span(p99)))
            });
            let times: Vec<String> = times.collect();
            if !times.is_empty() {
                sentences.push(format!(
                    "Bei {} Verbindungen, {words}, kommen 99 von 100 Antworten binnen: {}.",
                    german::whole(connections),
                    list(times)
                ));
            }
        }
    }
    match sentences.len() {
        0 => "Dazu liegt keine Messung vor.".to_owned(),
        _ => sentences.join(" "),
    }
}

/// So many microseconds in the unit that fits, without a tenth where there is none: axes have round numbers.
fn span(micros: f64) -> String {
    german::time(micros).replace(&format!(",0{NARROW}"), &NARROW.to_string())
}

/// A figure with curves: a panel for each load, one legend, and notes.
struct Chart<'c> {
    /// With the title of its panel.
    loads: &'c [(Load, &'c str)],
    value: fn(Summary) -> Spread,
    axis: Axis,
    across: &'c str,
    format: fn(f64) -> String,
}

/// A value of the reader's: whose it is, and where it lies.
type Own<'r> = (&'r Model, Value, curves::Elsewhere);

impl Chart<'_> {
    /// Draws it, and finds the places of the reader's values.
    fn draw<'r>(
        &self,
        book: &C10kReport,
        reader: Option<&'r C10kReport>,
        facts: &[String],
        title: Title,
    ) -> (String, Vec<Own<'r>>) {
        let value = |load| {
            move |model: &Model, connections| {
                summary::summary(model, connections, load).map(self.value)
            }
        };
        let curves: Vec<Vec<Curve>> =
            self.loads.iter().map(|(load, _)| curves(book, value(*load))).collect();
        let mut panels = Vec::new();
        let mut below = 0;
        for ((_, title), curves) in self.loads.iter().zip(&curves) {
            let panel = curves::CurvePanel {
                title,
                top: below,
                axis: self.axis,
                across: self.across,
                format: self.format,
                curves,
            };
            below += panel.height() + GAP;
            panels.push(panel);
        }
        let is_drawn = |model: &&Model| {
            curves.iter().flatten().any(|curve: &Curve| curve.id == model.id)
        };
        let models = book.models.iter().filter(is_drawn);
        let names = models.map(|model| (model.id.as_str(), model.name.as_str()));
        let joined = curves.iter().flatten().any(|curve| curve.values.len() > 1);
        let legend = Legend::new(names.collect(), joined);
        let mut notes = self.how_to_read(book, joined);
        notes.extend_from_slice(facts);
        let notes_at = below + legend.height() + GAP;

        let mut canvas = Canvas::default();
        let mut own = Vec::new();
        for (panel, (load, _)) in panels.iter().zip(self.loads) {
            let here = own_values(panel.curves, reader, value(*load));
            let places = panel.draw(&mut canvas, &further(&here));
            let here = here.into_iter().zip(places);
            own.extend(here.map(|((_, model, value), place)| (model, value, place)));
        }
        legend.draw(&mut canvas, below);
        canvas.notes(&notes, notes_at);
        (canvas.finish(notes_at + notes_height(&notes), title), own)
    }

    fn how_to_read(&self, book: &C10kReport, joined: bool) -> Vec<String> {
        let mut signs = format!("Zeichen: {}", median_of(book));
        if summary::runs(book) > 1 {
            signs += " Senkrechte Striche: vom kleinsten bis zum größten Wert.";
        }
        signs +=
            " Seitlich versetzt sind die Zeichen nur, damit sie einander nicht verdecken.";
        if joined {
            signs += " Gestrichelt ist verbunden, was zusammengehört; dazwischen ist nichts gemessen.";
        }
        vec![signs]
    }
}

fn median_of(report: &C10kReport) -> String {
    match summary::runs(report) {
        0 | 1 => "ein Durchgang.".to_owned(),
        runs => format!("Median aus {runs} Durchgängen."),
    }
}

/// The report without the models that are left out, and a sentence that names these.
fn shown(report: &C10kReport) -> (C10kReport, Vec<String>) {
    let mut report = report.clone();
    let is_left_out = |model: &Model| LEFT_OUT.contains(&model.id.as_str());
    let left_out = report.models.iter().filter(|model| is_left_out(model));
    let names: Vec<String> = left_out.map(|model| format!("„{}“", model.name)).collect();
    report.models.retain(|model| !is_left_out(model));
    let sentence = match names.len() {
        0 => None,
        _ => Some(format!("Nur in der Tabelle: {}.", list(names))),
    };
    (report, sentence.into_iter().collect())
}

/// What a figure notes belongs to what it says in words.
fn with_facts(words: String, facts: &[String]) -> String {
    [&[words], facts].concat().join(" ")
}

/// Which models have no value, as sentences.
fn missing(report: &C10kReport, loads: &[Load]) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for connections in summary::sizes(report) {
        let lacks = |model: &&Model| {
            let value = |load: &Load| summary::summary(model, connections, *load);
            loads.iter().any(|load| value(load).is_none())
        };
        let names = report.models.iter().filter(lacks).map(|model| model.name.clone());
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            let number = german::whole(connections);
            sentences.push(format!(
                "Ohne Wert bei {number} Verbindungen: {}.",
                list(names)
            ));
        }
    }
    sentences
}

/// The models that have a value somewhere, with all their values.
fn curves(
    report: &C10kReport,
    value: impl Fn(&Model, u64) -> Option<Spread>,
) -> Vec<Curve> {
    let sizes = summary::sizes(report);
    let curve = |model: &Model| Curve {
        id: model.id.clone(),
        name: model.name.clone(),
        values: sizes
            .iter()
            .filter_map(|connections| {
                Some(point(*connections, value(model, *connections)?))
            })
            .collect(),
    };
    let curves = report.models.iter().map(curve);
    curves.filter(|curve| !curve.values.is_empty()).collect()
}

fn point(connections: u64, spread: Spread) -> Value {
    Value {
        connections,
        median: spread.median,
        least: spread.least,
        most: spread.most,
    }
}

/// The reader's values of models that the book has a curve of, with the number of the curve.
fn own_values<'r>(
    curves: &[Curve],
    reader: Option<&'r C10kReport>,
    value: impl Fn(&Model, u64) -> Option<Spread>,
) -> Vec<(usize, &'r Model, Value)> {
    let Some(reader) = reader else { return Vec::new() };
    let mut own = Vec::new();
    for model in &reader.models {
        let Some(number) = curves.iter().position(|curve| curve.id == model.id) else {
            continue;
        };
        for connections in summary::sizes(reader) {
            if let Some(spread) = value(model, connections) {
                own.push((number, model, point(connections, spread)));
            }
        }
    }
    own
}

fn further(own: &[(usize, &Model, Value)]) -> Vec<(usize, Value)> {
    own.iter().map(|(number, _, value)| (*number, *value)).collect()
}

fn mark(
    figure: &'static str,
    model: &Model,
    value: &str,
    (at, beyond): curves::Elsewhere,
) -> OwnValue {
    let sign = Sign::of(&model.id);
    OwnValue {
        figure,
        x: at.0,
        y: at.1,
        path: sign.path(),
        classes: sign.classes(&model.id),
        text: format!("{}: {value}", model.name),
        beyond,
    }
}

/// „a, b und c“.
fn list(words: impl IntoIterator<Item = String>) -> String {
    let mut words: Vec<String> = words.into_iter().collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} und {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}
