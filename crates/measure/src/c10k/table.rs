//! The laboratory's report as tables for the terminal.
//! In flows a [`C10kReport`], out flows German text; everything it says is computed in [`summary`].

use super::report::{C10kReport, Model};
use super::summary::{self, Load, REFERENCE, Summary};
use crate::section::Section;
use crate::spread::Spread;
use print::german::{self, bytes, percent, time};

/// Ends with a line end.
pub fn text(report: &C10kReport) -> String {
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

pub(crate) fn answers(report: &C10kReport, connections: u64) -> Section {
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

pub(crate) fn memory(report: &C10kReport, connections: u64) -> Section {
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
fn remarks(report: &C10kReport, connections: u64) -> String {
    let mut out = String::new();
    let ranking = summary::ranking(report, connections, Load::All);
    if ranking.len() > 1 && summary::runs(report) > 1 {
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
pub(crate) fn notes(report: &C10kReport) -> [String; 4] {
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
            match summary::runs(report) {
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

fn none() -> String {
    "–".to_owned()
}
