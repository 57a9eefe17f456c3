//! The laboratory's report as tables for the terminal.
//! In flows a [`Report`], out flows German text; everything it says is computed in [`summary`].

use super::report::{Model, Report};
use super::summary::{self, Load, REFERENCE, Spread, Summary};
use crate::chat::table::{NARROW, Section, percent};
use print::german;

/// Ends with a line end.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for connections in summary::sizes(report) {
        out += &format!(
            "{}\n{}\n",
            answers(report, connections).text(),
            memory(report, connections).text()
        );
        out += &remarks(report, connections);
    }
    for note in notes(report) {
        out += &format!("{note}\n");
    }
    out
}

pub(crate) fn answers(report: &Report, connections: u64) -> Section {
    let reference = summary::model(report, REFERENCE);
    let row = |model: &Model| {
        let of = |load| summary::summary(model, connections, load);
        let (all, few) = (of(Load::All), of(Load::Few));
        let all = |cell: fn(&Summary) -> String| all.as_ref().map_or_else(none, cell);
        let ratio = reference.and_then(|reference| {
            summary::times_as_fast(model, reference, connections, Load::All)
        });
        vec![
            model.id.clone(),
            all(|all| german::rounded(all.rate.median)),
            all(|all| {
                let Spread { least, most, .. } = all.rate;
                format!("{} – {}", german::rounded(least), german::rounded(most))
            }),
            ratio.map_or_else(none, |ratio| {
                format!("{}×", german::decimal(ratio.median, 2))
            }),
            all(|all| time(all.p50.median)),
            all(|all| time(all.p99.median)),
            few.map_or_else(none, |few| time(few.p99.median)),
            all(|all| time(all.cpu.median)),
            all(|all| {
                let switches = all.switches;
                switches.map_or_else(none, |switches| german::decimal(switches.median, 2))
            }),
            all(|all| percent(all.load_share.median)),
        ]
    };
    Section {
        title: format!(
            "{} Verbindungen: Antworten je Sekunde",
            german::whole(connections)
        ),
        header: vec![
            "Modell",
            "Antworten/s",
            "von – bis",
            "zu epoll",
            "Hälfte bis",
            "99 % bis",
            "99 % bis *",
            "CPU",
            "Wechsel",
            "Last",
        ],
        rows: report.models.iter().map(row).collect(),
    }
}

pub(crate) fn memory(report: &Report, connections: u64) -> Section {
    let row = |model: &Model| {
        let memory = summary::memory(model, connections);
        let optional = |value: Option<f64>| value.map_or_else(none, bytes);
        let gathering = summary::gathering(model, connections);
        let mut row = vec![model.id.clone()];
        match memory {
            Some(memory) => row.extend([
                bytes(memory.resident),
                bytes(memory.merely_reserved()),
                optional(memory.page_tables),
                optional(memory.kernel_stacks),
                optional(memory.slab),
            ]),
            None => row.extend(std::iter::repeat_n(none(), 5)),
        }
        row.push(gathering.map_or_else(none, |spread| time(spread.median)));
        row
    };
    Section {
        title: format!(
            "{} Verbindungen: Speicher je Verbindung",
            german::whole(connections)
        ),
        header: vec![
            "Modell",
            "belegt",
            "nur reserviert",
            "Seitentabelle",
            "Kernel-Stapel",
            "Kernel-Objekte",
            "alle da nach",
        ],
        rows: report.models.iter().map(row).collect(),
    }
}

/// What the numbers of one count of connections do not say: whether the ranking holds, and what failed.
fn remarks(report: &Report, connections: u64) -> String {
    let mut out = String::new();
    let ranking = summary::ranking(report, connections, Load::All);
    if ranking.len() > 1 && runs(report) > 1 {
        let ids: Vec<&str> = ranking.iter().map(|model| model.id.as_str()).collect();
        let held = match summary::same_in_every_run(report, connections, Load::All) {
            true => "in jedem Durchgang dieselbe",
            false => "nicht in jedem Durchgang dieselbe",
        };
        out += &format!("Reihenfolge: {} ({held}).\n", ids.join(", "));
    }
    for model in &report.models {
        let trials = model.trials.iter().filter(|trial| trial.connections == connections);
        let all = trials.clone().count();
        let failed = trials.filter(|trial| trial.failure.is_some()).count();
        for sentence in summary::failures(model, connections) {
            out += &format!(
                "{} ({failed} von {all} gescheitert): {sentence}\n",
                model.id
            );
        }
    }
    match out.is_empty() {
        true => out,
        false => out + "\n",
    }
}

/// On the answers, on the memory, the models, the machine.
pub(crate) fn notes(report: &Report) -> [String; 4] {
    let models: Vec<String> = report
        .models
        .iter()
        .map(|model| format!("  {}: {} – {}", model.id, model.name, model.command))
        .collect();
    let pinned = match report.pinned {
        true => {
            " Ein Server, der einen Kern braucht, und die Last liefen auf verschiedenen Kernen."
        }
        false => " Server und Last liefen, wo das System wollte.",
    };
    [
        format!(
            "Median aus {}; in jedem kommt jedes Modell an die Reihe. „Zu epoll“ vergleicht innerhalb eines Durchgangs mit ch11-epoll, \
             und der Median der Verhältnisse ist nicht das Verhältnis der Mediane. \
             Alle Verbindungen haben immer eine Zeile von {} Bytes unterwegs, bei * nur jede hundertste. \
             CPU und Kontextwechsel: des Servers, je Antwort. Last: wie viel eines Kerns der Lastgenerator braucht.{pinned}",
            match runs(report) {
                1 => "einem Durchgang".to_owned(),
                runs => format!("{runs} Durchgängen"),
            },
            report.line_bytes
        ),
        "Kernel-Stapel und Kernel-Objekte: die des ganzen Systems, also beider Enden. \
         „Alle da nach“: So lange dauerte es, bis jede Verbindung ihre erste Antwort hatte."
            .to_owned(),
        models.join("\n"),
        format!(
            "Gemessen am {} auf {}; bis zu {} offene Dateien.",
            report.date.format("%-d.%-m.%Y"),
            report.machine.describe(),
            german::whole(report.files)
        ),
    ]
}

/// How often the models had their turn, at most.
fn runs(report: &Report) -> u64 {
    let trials = report.models.iter().flat_map(|model| &model.trials);
    trials.map(|trial| trial.run).max().unwrap_or(0)
}

fn none() -> String {
    "–".to_owned()
}

/// A time given in microseconds.
pub fn time(micros: f64) -> String {
    let (number, unit) = match micros {
        seconds if seconds >= 999_500.0 => (seconds / 1e6, "s"),
        millis if millis >= 999.5 => (millis / 1e3, "ms"),
        micros => (micros, "µs"),
    };
    let places = if number < 9.95 { 1 } else { 0 };
    format!("{}{NARROW}{unit}", german::decimal(number, places))
}

/// An amount of memory; one that has shrunk is below zero.
pub fn bytes(bytes: f64) -> String {
    let size = bytes.abs();
    const KIB: f64 = 1024.0;
    let (number, unit) = match size {
        huge if huge >= KIB * KIB * KIB => (huge / KIB / KIB / KIB, "GiB"),
        big if big >= KIB * KIB => (big / KIB / KIB, "MiB"),
        middle if middle >= KIB => (middle / KIB, "KiB"),
        small => (small, "B"),
    };
    // Tenths of a byte do not exist, and beyond a hundred nobody asks for tenths.
    let places = if unit == "B" || number >= 99.95 { 0 } else { 1 };
    let sign = if bytes <= -0.5 { "−" } else { "" };
    format!("{sign}{}{NARROW}{unit}", german::decimal(number, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_fits() {
        for (micros, text) in [
            (3.12, "3,1\u{202f}µs"),
            (870.0, "870\u{202f}µs"),
            (8100.0, "8,1\u{202f}ms"),
            (82_000.0, "82\u{202f}ms"),
            (2_300_000.0, "2,3\u{202f}s"),
        ] {
            assert_eq!(time(micros), text);
        }
    }

    #[test]
    fn memory_has_the_unit_that_fits() {
        for (number, text) in [
            (139.6, "140\u{202f}B"),
            (-0.2, "0\u{202f}B"),
            (-4000.0, "−3,9\u{202f}KiB"),
            (2_097_152.0, "2,0\u{202f}MiB"),
            (163_000.0, "159\u{202f}KiB"),
            (22e9, "20,5\u{202f}GiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
