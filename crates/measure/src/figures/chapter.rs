//! What chapter 11 shows of the report besides its figures: tables, and single numbers that its sentences include.
//! In flows a [`C10kReport`], out flow HTML and a file of anchors; whoever wants a number in a sentence names its
//! anchor.

use std::collections::BTreeSet;

use anyhow::bail;

use crate::c10k::report::{C10kReport, Model};
use crate::c10k::summary::{self, Load, Memory, REFERENCE};
use crate::c10k::table;
use crate::herd::{Herd, HerdReport};
use crate::section::{Section, figure};
use crate::spread::{Spread, median};
use print::german::{self, NARROW, bytes, percent, time};

/// Connections of the calculation at the chapter's end.
const MILLION: f64 = 1e6;

/// Answers and their times: the greatest count of connections in full sight, the others to be unfolded.
pub fn answers_html(report: &C10kReport) -> String {
    let mut sizes = summary::sizes(report);
    let Some(greatest) = sizes.pop() else { return String::new() };
    let ranking = |connections| {
        let held = match summary::same_in_every_run(report, connections, Load::All) {
            true => "war in jedem Durchgang dieselbe",
            false => "war nicht in jedem Durchgang dieselbe",
        };
        format!(
            "Die Reihenfolge bei {} Verbindungen {held}.",
            german::whole(connections)
        )
    };
    let [answers, ..] = table::notes(report);
    let notes = [
        answers,
        ranking(greatest),
        "Selbst messen: cargo run --release -- measure --connections 100,1000,10000"
            .to_owned(),
    ];
    let tables = [speed(report, greatest), times(report, greatest)];
    let caption = format!(
        "Zeilen hin und zurück, {} Verbindungen",
        german::whole(greatest)
    );
    let mut html = figure(&caption, &tables, &notes, None);
    for connections in sizes.into_iter().rev() {
        let caption = format!("{} Verbindungen", german::whole(connections));
        let tables = [speed(report, connections), times(report, connections)];
        html += &format!("<details><summary>Dasselbe mit {caption}</summary>\n");
        html += &figure(&caption, &tables, &[ranking(connections)], None);
        html += "</details>\n";
    }
    html
}

/// How many answers, and what one costs the server.
fn speed(report: &C10kReport, connections: u64) -> Section {
    let reference = summary::model(report, REFERENCE);
    let row = |model: &Model| {
        let Some(all) = summary::summary(model, connections, Load::All) else {
            return missing(model, 6);
        };
        let ratio = reference
            .and_then(|other| summary::times_as_fast(model, other, connections, Load::All));
        let Spread {
            median,
            least,
            most,
        } = all.rate;
        vec![
            model.name.clone(),
            german::rounded(median),
            format!("{} – {}", german::rounded(least), german::rounded(most)),
            ratio.map_or("–".into(), |ratio| {
                format!("{}×", german::decimal(ratio.median, 2))
            }),
            time(all.cpu.median),
            all.switches
                .map_or("–".into(), |switches| german::decimal(switches.median, 2)),
            percent(all.load_share.median),
        ]
    };
    Section {
        title: "Alle reden: Antworten je Sekunde, und was eine kostet".into(),
        header: vec![
            "Modell",
            "Antworten/s",
            "von – bis",
            "zu epoll",
            "CPU",
            "Wechsel",
            "Last",
        ],
        rows: report.models.iter().map(row).collect(),
    }
}

/// How long one waits for an answer.
fn times(report: &C10kReport, connections: u64) -> Section {
    let row = |model: &Model| {
        let of = |load| summary::summary(model, connections, load);
        let (Some(all), Some(few)) = (of(Load::All), of(Load::Few)) else {
            return missing(model, 6);
        };
        vec![
            model.name.clone(),
            time(all.p50.median),
            time(all.p99.median),
            german::rounded(few.rate.median),
            time(few.cpu.median),
            time(few.p50.median),
            time(few.p99.median),
        ]
    };
    Section {
        title: "Antwortzeiten: alle reden, und *: eine von hundert redet".into(),
        header: vec![
            "Modell",
            "Hälfte bis",
            "99 % bis",
            "Antworten/s *",
            "CPU *",
            "Hälfte bis *",
            "99 % bis *",
        ],
        rows: report.models.iter().map(row).collect(),
    }
}

fn missing(model: &Model, cells: usize) -> Vec<String> {
    let none = std::iter::repeat_n("–".to_owned(), cells);
    std::iter::once(model.name.clone()).chain(none).collect()
}

/// What one connection occupies, with the greatest count of connections; and where it was measured.
pub fn connection_html(report: &C10kReport) -> String {
    let Some(connections) = summary::sizes(report).pop() else {
        return String::new();
    };
    let table = named(table::memory(report, connections), report);
    let mut notes = vec![
        "Gewachsen ist das alles von der leeren zur vollen Tabelle der Verbindungen; geteilt durch deren Zahl, Median der Durchgänge."
            .to_owned(),
    ];
    let [_, memory, _, machine] = table::notes(report);
    notes.extend([memory, machine]);
    figure(
        "Eine Verbindung, bei der niemand redet",
        &[table],
        &notes,
        None,
    )
}

/// The same, calculated for a million connections.
pub fn million_html(report: &C10kReport) -> String {
    let Some(connections) = summary::sizes(report).pop() else {
        return String::new();
    };
    let gib = |bytes: f64| {
        let gib = bytes * MILLION / f64::from(1u32 << 30);
        let places = if gib < 9.95 { 1 } else { 0 };
        format!("{}{NARROW}GiB", german::decimal(gib.max(0.0), places))
    };
    let row = |model: &Model| {
        let memory = summary::memory(model, connections)?;
        let (kernel, slab) = (memory.kernel()?, memory.slab?);
        let parts = [memory.resident, kernel, slab, whole(&memory)?];
        Some(std::iter::once(model.name.clone()).chain(parts.map(gib)).collect())
    };
    let table = Section {
        title: "Hochgerechnet auf eine Million Verbindungen".into(),
        header: vec![
            "Modell",
            "im Programm",
            "Stapel und Seitentabelle im Kern",
            "Kernel-Objekte, beide Enden",
            "zusammen",
        ],
        rows: report.models.iter().filter_map(row).collect(),
    };
    let note = format!(
        "Gerechnet, nicht gemessen: die Bytes je Verbindung bei {} Verbindungen, mal eine Million.",
        german::whole(connections)
    );
    figure("Eine Million Verbindungen", &[table], &[note], None)
}

/// Single numbers with their units, each between the anchors of its name: `10000-threads-belegt`. Only those of these
/// names.
///
/// # Errors
///
/// A German sentence: a name that no number has.
pub fn numbers(
    report: &C10kReport,
    herd: Option<&HerdReport>,
    names: &BTreeSet<String>,
) -> anyhow::Result<String> {
    let mut numbers = vec![("dateien".to_owned(), german::whole(report.files))];
    for connections in summary::sizes(report) {
        for model in &report.models {
            for (name, number) in of_model(report, model, connections) {
                numbers.push((format!("{connections}-{}-{name}", model.id), number));
            }
        }
        numbers.extend(compared(report, connections));
    }
    numbers.extend(herd.map_or_else(Vec::new, of_herd));
    numbers.retain(|(name, _)| names.contains(name));
    let is_unknown = |name: &&String| numbers.iter().all(|(known, _)| known != *name);
    if let Some(name) = names.iter().find(is_unknown) {
        bail!("Ein Kapitel nennt die Zahl „{name}“, aber so eine ist nicht gemessen");
    }
    let mut text = String::new();
    for (name, number) in numbers {
        text += &format!("ANCHOR: {name}\n{number}\nANCHOR_END: {name}\n");
    }
    Ok(text)
}

fn of_model(
    report: &C10kReport,
    model: &Model,
    connections: u64,
) -> Vec<(&'static str, String)> {
    let mut numbers = Vec::new();
    if let Some(all) = summary::summary(model, connections, Load::All) {
        numbers.extend([
            ("durchsatz", german::rounded(all.rate.median)),
            ("p50", time(all.p50.median)),
            ("p99", time(all.p99.median)),
            ("cpu", time(all.cpu.median)),
            ("last", percent(all.load_share.median)),
        ]);
        if let Some(switches) = all.switches {
            numbers.push(("wechsel", german::decimal(switches.median, 2)));
        }
    }
    if let Some(few) = summary::summary(model, connections, Load::Few) {
        numbers.extend([
            ("wenige-durchsatz", german::rounded(few.rate.median)),
            ("wenige-cpu", time(few.cpu.median)),
            ("wenige-p50", time(few.p50.median)),
            ("wenige-p99", time(few.p99.median)),
        ]);
    }
    let reference = summary::model(report, REFERENCE);
    let ratio = reference
        .and_then(|other| summary::times_as_fast(model, other, connections, Load::All));
    if let Some(ratio) = ratio {
        numbers.push(("anteil", german::decimal(ratio.median, 2)));
    }
    if let Some(memory) = summary::memory(model, connections) {
        let all = connections as f64;
        numbers.extend([
            ("belegt", bytes(memory.resident)),
            ("belegt-gesamt", bytes(memory.resident * all)),
            ("reserviert", bytes(memory.reserved)),
            ("reserviert-gesamt", bytes(memory.reserved * all)),
        ]);
        let optional = [
            ("kern", memory.kernel()),
            ("stapel", memory.kernel_stacks),
            ("seitentabelle", memory.page_tables),
            ("slab", memory.slab),
            (
                "server",
                reference.and_then(|other| of_server(&memory, other, connections)),
            ),
            ("alles", whole(&memory)),
            ("alles-gesamt", whole(&memory).map(|bytes| bytes * all)),
            (
                "alles-hunderttausend",
                whole(&memory).map(|bytes| bytes * 1e5),
            ),
        ];
        let known = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        numbers.extend(known.map(|(name, value)| (name, bytes(value))));
    }
    numbers
}

/// The thread against the hand-written loop.
fn compared(report: &C10kReport, connections: u64) -> Vec<(String, String)> {
    let [Some(threads), Some(event_loop)] =
        ["threads", "event-loop"].map(|id| summary::model(report, id))
    else {
        return Vec::new();
    };
    let mut numbers = Vec::new();
    if let Some(ratio) = summary::times_as_fast(event_loop, threads, connections, Load::All)
    {
        numbers.push(("schneller", german::decimal(ratio.median, 1)));
    }
    let reference = summary::model(report, REFERENCE);
    let [Some(threads), Some(event_loop)] =
        [threads, event_loop].map(|model| summary::memory(model, connections))
    else {
        return Vec::new();
    };
    numbers.push((
        "mehr-speicher-programm",
        german::rounded((threads.resident / event_loop.resident).round()),
    ));
    if let [Some(threads), Some(event_loop)] = [&threads, &event_loop].map(whole) {
        numbers.push(("mehr-speicher", german::decimal(threads / event_loop, 1)));
    }
    let of_server = |memory| of_server(memory, reference?, connections);
    if let [Some(threads), Some(event_loop)] = [&threads, &event_loop].map(of_server) {
        numbers.push((
            "mehr-speicher-server",
            german::decimal(threads / event_loop, 1),
        ));
    }
    let name = |(name, number)| (format!("{connections}-{name}"), number);
    numbers.into_iter().map(name).collect()
}

fn of_herd(herd: &HerdReport) -> Vec<(String, String)> {
    let mut numbers = Vec::new();
    for (model, herds) in [("threads", &herd.threads), ("tasks", &herd.tasks)] {
        let middle = |value: fn(&Herd) -> Option<u64>| {
            let values: Option<Vec<f64>> =
                herds.iter().map(|herd| Some(value(herd)? as f64)).collect();
            median(&values?)
        };
        for (name, value) in [
            ("belegt", middle(|herd| herd.resident)),
            ("reserviert", middle(|herd| herd.reserved)),
        ] {
            if let Some(value) = value {
                numbers.push((format!("herde-{model}-{name}"), bytes(value)));
            }
        }
    }
    numbers
}

/// Everything one connection costs: in the program, in the kernel for it, and both its ends.
fn whole(memory: &Memory) -> Option<f64> {
    Some(memory.resident + memory.kernel()? + memory.slab?)
}

/// What of it is on the server's machine. The kernel objects of the barest server are those of the two sockets; they are
/// alike, and one of them is the client's.
fn of_server(memory: &Memory, barest: &Model, connections: u64) -> Option<f64> {
    let sockets = summary::memory(barest, connections)?.slab?;
    Some(whole(memory)? - sockets / 2.0)
}

/// The terminal's table names models by their ids, the chapter by their names.
fn named(mut table: Section, report: &C10kReport) -> Section {
    for (row, model) in table.rows.iter_mut().zip(&report.models) {
        row[0].clone_from(&model.name);
    }
    table
}
