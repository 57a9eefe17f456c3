//! „Auf diesem Rechner messen“: a small measurement for a page. In flows its name, out flow its progress, a table of what was
//! measured, and where these values lie in the figures of the book.

use std::fs;
use std::path::Path;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use super::Notebook;
use super::messages::{Measured, ToPage};
use super::run::{Outbox, Stop};
use measure::c10k::report::{C10kReport, Model};
use measure::c10k::summary::{self, Load};
use measure::c10k::{self, News, Plan};
use measure::figures;
use print::german::{self, bytes, time};

/// The only measurement a page can ask for.
const C10K: &str = "c10k";
/// What is measured. Nothing of it comes from the page.
const CONNECTIONS: u64 = 1_000;
const MODELS: [&str; 6] = [
    "epoll",
    "event-loop",
    "tokio-lean",
    "tokio",
    "threads",
    "asyncio",
];
const RUNS: u64 = 2;
const STRETCH: Duration = Duration::from_millis(100);

/// Measures; returns when everything of it is gone, with the reason if it ended before its time.
pub fn measure(
    notebook: &Notebook,
    measurement: &str,
    stop: &Arc<Stop>,
    outbox: &Outbox,
) -> Option<String> {
    if measurement != C10K {
        return Some(
            "Diese Messung gibt es nicht (mehr); laden Sie die Seite neu.".to_owned(),
        );
    }
    let permit = match notebook.groups.enter(stop) {
        Ok(permit) => permit,
        Err(reason) => return Some(reason),
    };
    let alone = match notebook.measuring.try_lock() {
        // A panic elsewhere leaves nothing behind that could disturb.
        Ok(alone) => alone,
        Err(TryLockError::Poisoned(left)) => left.into_inner(),
        Err(TryLockError::WouldBlock) => {
            return Some(
                "Auf einer anderen Seite wird gerade gemessen; zwei Messungen zugleich störten einander."
                    .to_owned(),
            );
        }
    };
    let outcome = perform(notebook, stop, outbox);
    drop(alone);
    drop(permit);
    if stop.is_wished() {
        return stop.why();
    }
    outcome.err()
}

fn perform(notebook: &Notebook, stop: &Arc<Stop>, outbox: &Outbox) -> Result<(), String> {
    let run = outbox.run;
    notebook.workshop.rest(stop, &|text| outbox.note(text))?;
    let plan = Plan {
        connections: vec![CONNECTIONS],
        models: MODELS.map(str::to_owned).to_vec(),
        runs: RUNS,
        all: STRETCH,
        few: STRETCH,
    };
    let mut remarks = Vec::new();
    let report = c10k::measure(
        &notebook.root,
        notebook.limits.measured,
        &plan,
        &stop.flag(),
        &mut |event| {
            if let News::Remark(sentence) = &event {
                remarks.push(sentence.clone());
            }
            if let Some((text, done, of)) = progress(&event) {
                outbox.send(ToPage::Measuring {
                    run,
                    text,
                    done,
                    of,
                });
            }
        },
    )
    .map_err(|error| notebook.workshop.place().hide(&format!("{error:#}")))?;
    if report.models.iter().any(|model| !model.trials.is_empty()) {
        let book = kept(&notebook.root);
        let measured = measured(run, &report, book.as_ref(), remarks);
        outbox.send(ToPage::Measured(Box::new(measured)));
    }
    Ok(())
}

/// What is told while it is measured: a text, how many trials are over, and how many there are.
fn progress(event: &News) -> Option<(String, u64, Option<u64>)> {
    match event {
        News::Building => Some((
            "Die Programme werden gebaut, wie für eine Messung nötig: mit --release."
                .to_owned(),
            0,
            None,
        )),
        News::Trial {
            number,
            of,
            model,
            connections,
            left,
            ..
        } => Some((
            format!(
                "{model}, {} Verbindungen; noch etwa {}\u{202f}s",
                german::whole(*connections),
                left.as_secs() + 1
            ),
            number - 1,
            Some(*of),
        )),
        News::Remark(_) | News::Measured { .. } | News::Finished => None,
    }
}

/// The book's measurement, if it has one.
fn kept(root: &Path) -> Option<C10kReport> {
    let json = fs::read_to_string(root.join(c10k::file())).ok()?;
    serde_json::from_str(&json).ok()
}

fn measured(
    run: u32,
    own: &C10kReport,
    book: Option<&C10kReport>,
    remarks: Vec<String>,
) -> Measured {
    let connections = summary::sizes(own).pop().unwrap_or(0);
    let rate = |report: &C10kReport, id: &str| {
        let model = summary::model(report, id)?;
        let summary = summary::summary(model, connections, Load::All)?;
        Some(german::rounded(summary.rate.median))
    };
    let row = |model: &Model| {
        let of = |load| summary::summary(model, connections, load);
        let p99 = |load| of(load).map(|summary| time(summary.p99.median));
        let memory = summary::memory(model, connections);
        let cells = [
            rate(own, &model.id),
            book.and_then(|book| rate(book, &model.id)),
            p99(Load::All),
            p99(Load::Few),
            memory.map(|memory| bytes(memory.resident)),
        ];
        let cells = cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
        let mut row = vec![model.name.clone()];
        row.extend(cells);
        row
    };
    let mut notes = remarks;
    for model in &own.models {
        let failures = summary::failures(model, connections);
        notes.extend(failures.iter().map(|sentence| format!("{}: {sentence}", model.name)));
    }
    if !own.complete {
        notes.push("Abgebrochen: Gezeigt wird, was bis dahin gemessen war.".to_owned());
    }
    notes.push(own.machine.describe() + ".");
    let runs = match summary::runs(own) {
        0 | 1 => "ein Durchgang".to_owned(),
        runs => format!("Median aus {runs} Durchgängen"),
    };
    let marks = book.map(|book| figures::c10k::marks(book, own));
    Measured {
        run,
        caption: format!(
            "Ihr Rechner mit {} Verbindungen, {runs}",
            german::whole(connections)
        ),
        columns: vec![
            "Bauart",
            "Antworten je s",
            "im Buch",
            "99\u{202f}% bis, alle aktiv",
            "99\u{202f}% bis, eine von hundert",
            "Speicher je Verbindung",
        ],
        rows: own.models.iter().map(row).collect(),
        notes,
        marks: marks.unwrap_or_default(),
    }
}
