//! The elephants' 500: once a thread each, once a task each, `cargo run --release -- measure herd`.
//! In flow the rows that `ch10-herd` prints, out flows a [`Report`] with every run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::chat::report::median;
use crate::machine::Machine;
use crate::section::Section;
use print::files::write_file;
use print::german::{self, NARROW};
use programs::interrupt::cancelled_by_ctrl_c;
use programs::listings;

const LISTING: &str = "ch10-elephants";
const PROGRAM: &str = "ch10-herd";
const ELEPHANTS: u64 = 500;

/// Where a kept measurement stands, relative to the root.
pub fn file() -> PathBuf {
    Path::new("book/measurements").join("herde.json")
}

/// One measurement of the herd: `book/measurements/herde.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The day it was taken.
    pub date: NaiveDate,
    pub machine: Machine,
    /// How many sleep at the same time.
    pub elephants: u64,
    /// Runs in which each one slept in a thread of its own.
    pub threads: Vec<Herd>,
    /// Runs in which each one slept in a task of its own.
    pub tasks: Vec<Herd>,
}

/// One herd that slept. `None` where the system does not say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Herd {
    /// How many woke up again.
    pub answers: u64,
    /// How long all of it took, in seconds.
    pub seconds: f64,
    /// Memory that is really there, in bytes: with all asleep minus without any.
    pub resident: Option<u64>,
    /// Addresses, occupied or not, in bytes: with all asleep minus without any.
    pub reserved: Option<u64>,
    /// Threads with all asleep.
    pub threads: Option<u64>,
}

impl Report {
    /// As it is kept in the repository.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("numbers and text have a JSON form") + "\n"
    }
}

/// Lets both herds sleep in turns, prints the table on stdout and progress on stderr.
///
/// # Errors
///
/// A German sentence: the program cannot be built, fails, prints something else; Ctrl-C.
pub fn run(root: &Path, runs: u64, save: bool) -> anyhow::Result<()> {
    let cancelled = cancelled_by_ctrl_c();
    eprintln!("Die Programme der Messung werden gebaut …");
    let programs = listings::built_for_release_of(root, LISTING, &cancelled)?;
    let program = programs.path(PROGRAM).map_err(anyhow::Error::msg)?;
    let mut report = Report {
        date: chrono::Local::now().date_naive(),
        machine: Machine::this(root),
        elephants: ELEPHANTS,
        threads: Vec::new(),
        tasks: Vec::new(),
    };
    for run in 1..=runs {
        eprintln!("Durchgang {run} von {runs} …");
        for (model, herds) in [
            ("threads", &mut report.threads),
            ("tasks", &mut report.tasks),
        ] {
            // It sleeps for two seconds; Ctrl-C at the terminal reaches it too.
            let herd = sleep(program, model);
            if cancelled.load(Ordering::Relaxed) {
                bail!("Mit Strg+C abgebrochen.");
            }
            herds.push(herd?);
        }
    }
    print!("{}", text(&report));
    if save {
        write_file(&root.join(file()), report.to_json())?;
        eprintln!("\nAufgehoben in {}.", file().display());
    }
    Ok(())
}

fn sleep(program: &Path, model: &str) -> anyhow::Result<Herd> {
    let output = Command::new(program)
        .args(["--model", model, "--elephants", &ELEPHANTS.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("„{PROGRAM}“ lässt sich nicht starten."))?;
    let row = String::from_utf8_lossy(&output.stdout);
    match read(row.trim_end()) {
        Some(herd) if output.status.success() => Ok(herd),
        _ => bail!(
            "„{PROGRAM}“ meldet keine Herde, sondern „{}“.",
            row.trim_end()
        ),
    }
}

/// A row of the printed table: model, answers, seconds, resident, resident an elephant, reserved, threads.
fn read(row: &str) -> Option<Herd> {
    let mut words = row.split_whitespace().skip(1);
    let answers = words.next()?.parse().ok()?;
    let seconds = words.next()?.parse().ok()?;
    (words.next()? == "s").then_some(())?;
    let all = amount(&mut words)?;
    let each = amount(&mut words)?;
    let reserved = amount(&mut words)?;
    let threads = words.next()?.parse().ok();
    // A tenth of a KiB an elephant is finer than a tenth of a MiB for all of them – as long as there are no more than a thousand.
    let finer = each.map(|each| each * answers as f64);
    let resident = if answers <= 1000 { finer } else { all };
    Some(Herd {
        answers,
        seconds,
        resident: resident.map(|bytes| bytes.round() as u64),
        reserved: reserved.map(|bytes| bytes.round() as u64),
        threads,
    })
}

/// `9.7 KiB` in bytes, or `unbekannt`.
fn amount<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Option<f64>> {
    let number = match words.next()? {
        "unbekannt" => return Some(None),
        number => number.parse::<f64>().ok()?,
    };
    let unit = match words.next()? {
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        _ => return None,
    };
    Some(Some(number * unit))
}

fn mebibytes(bytes: Option<u64>) -> Option<f64> {
    Some(bytes? as f64 / f64::from(1 << 20))
}

fn text(report: &Report) -> String {
    let row = |name: &str, herds: &[Herd]| {
        let middle = |value: fn(&Herd) -> Option<f64>| {
            let values: Option<Vec<f64>> = herds.iter().map(value).collect();
            median(&values?)
        };
        let cell = |value: Option<f64>, places, unit| match value {
            Some(value) => format!("{}{unit}", german::decimal(value, places)),
            None => "–".to_owned(),
        };
        let mib = format!("{NARROW}MiB");
        vec![
            name.to_owned(),
            cell(middle(|herd| Some(herd.answers as f64)), 0, String::new()),
            cell(middle(|herd| Some(herd.seconds)), 1, format!("{NARROW}s")),
            cell(middle(|herd| mebibytes(herd.resident)), 1, mib.clone()),
            cell(middle(|herd| mebibytes(herd.reserved)), 1, mib),
            cell(middle(|herd| Some(herd.threads? as f64)), 0, String::new()),
        ]
    };
    let table = Section {
        title: format!(
            "{} Elefanten schlafen zugleich (Median aus {})",
            german::whole(report.elephants),
            report.threads.len()
        ),
        header: vec![
            "Modell",
            "Antworten",
            "Dauer",
            "belegt",
            "reserviert",
            "Threads",
        ],
        rows: vec![row("Threads", &report.threads), row("Tasks", &report.tasks)],
    };
    format!(
        "{}\nGemessen am {} auf {}.\n",
        table.text(),
        report.date.format("%-d.%-m.%Y"),
        report.machine.describe()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        "Threads        500   2.0 s     4.7 MiB     9.7 KiB    1968.1 MiB      501";

    #[test]
    fn a_printed_row_is_read() {
        let herd = Herd {
            answers: 500,
            seconds: 2.0,
            resident: Some(4_966_400),
            reserved: Some(2_063_702_426),
            threads: Some(501),
        };
        assert_eq!(read(ROW), Some(herd));
        let row =
            "Tasks          500   2.0 s   unbekannt   unbekannt     unbekannt unbekannt";
        let unknown = Herd {
            resident: None,
            reserved: None,
            threads: None,
            ..herd
        };
        assert_eq!(read(row), Some(unknown));
        for wrong in [
            "",
            "500 Elefanten schlafen zugleich, 2 s lang.",
            &ROW.replace("KiB", "Bytes"),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_table_shows_medians() {
        let herd = |mebibytes: u64| Herd {
            resident: Some(mebibytes << 20),
            ..read(ROW).expect("a row")
        };
        let unknown = Herd {
            resident: None,
            threads: None,
            ..herd(1)
        };
        let report = Report {
            date: NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day"),
            machine: Machine::this(Path::new(".")),
            elephants: 500,
            threads: vec![herd(9), herd(2), herd(4)],
            tasks: vec![unknown, herd(3)],
        };
        let text = text(&report);
        let rows = "  Threads        500  2,0\u{202f}s  4,0\u{202f}MiB  1.968,1\u{202f}MiB      501\n  Tasks          500  2,0\u{202f}s        –  1.968,1\u{202f}MiB        –\n";
        assert!(text.contains(rows), "{text}");
        let again: Report = serde_json::from_str(&report.to_json()).expect("its own JSON");
        assert_eq!(again, report);
    }
}
