//! The elephants' 500: once a thread each, once a task each, `cargo run --release -- measure herd`.
//! In flows what `ch10-herd` measures, out flows a [`HerdReport`] with every run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use print::{show, tell};
use serde::{Deserialize, Serialize};

use crate::hearing::Hearing;
use crate::kept;
use crate::machine::Machine;
use crate::section::Section;
use crate::spread::median;
use print::german::{self, NARROW};
use programs::interrupt::cancelled_by_ctrl_c;
use programs::listings::{self, Profile, Programs};

const LISTING: &str = "ch10-elephants";
const PROGRAM: &str = "ch10-herd";
const ELEPHANTS: u64 = 500;

/// A herd sleeps for two seconds; waking up takes a moment too.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a kept measurement stands, relative to the root.
pub fn file() -> PathBuf {
    kept::file("herde.json")
}

/// One measurement of the herd: `book/measurements/herde.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HerdReport {
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

/// Lets both herds sleep in turns, prints the table on stdout and progress on stderr.
///
/// # Errors
///
/// A German sentence: the program cannot be built, fails, prints something else; Ctrl-C.
pub fn run(root: &Path, runs: u64, save: bool) -> anyhow::Result<()> {
    let cancelled = cancelled_by_ctrl_c();
    tell(listings::BUILDING);
    let programs = listings::built_of(root, &[LISTING], Profile::Release, &cancelled)?;
    let report = measure(root, &programs, runs, &cancelled)?;
    show(text(&report));
    if save {
        kept::save(root, &file(), &report)?;
    }
    Ok(())
}

/// The same with a program that is built already, and without a table.
///
/// # Errors
///
/// A German sentence, see [`run`].
pub fn measure(
    root: &Path,
    programs: &Programs,
    runs: u64,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<HerdReport> {
    let program = programs.path(PROGRAM).map_err(anyhow::Error::msg)?;
    let mut report = HerdReport {
        date: chrono::Local::now().date_naive(),
        machine: Machine::this(root),
        elephants: ELEPHANTS,
        threads: Vec::new(),
        tasks: Vec::new(),
    };
    for run in 1..=runs {
        tell(format_args!("Durchgang {run} von {runs} …"));
        report.threads.push(sleep(program, "threads", cancelled)?);
        report.tasks.push(sleep(program, "tasks", cancelled)?);
    }
    Ok(report)
}

/// One herd in a process of its own.
fn sleep(program: &Path, model: &str, cancelled: &AtomicBool) -> anyhow::Result<Herd> {
    let mut command = Command::new(program);
    command
        .args(["--model", model, "--elephants", &ELEPHANTS.to_string()])
        .arg("--json");
    let mut hearing = Hearing::new(cancelled);
    let mut herd = hearing.start(None, command, "„ch10-herd“")?;
    let late = || {
        format!(
            "„{PROGRAM}“ sagt auch nach {} s nichts.",
            PATIENCE.as_secs()
        )
    };
    let line = hearing.line(0, PATIENCE, late)?;
    let measured = serde_json::from_str(&line)
        .ok()
        .with_context(|| format!("„{PROGRAM}“ meldet keine Herde, sondern „{line}“."))?;
    if !hearing.ends(0)? || !herd.wait()?.success() {
        bail!(hearing.last_sentence(0));
    }
    Ok(measured)
}

fn mebibytes(bytes: Option<u64>) -> Option<f64> {
    Some(bytes? as f64 / f64::from(1 << 20))
}

fn text(report: &HerdReport) -> String {
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

    #[test]
    fn the_table_shows_medians() {
        let herd = |mebibytes: u64| Herd {
            answers: 500,
            seconds: 2.0,
            resident: Some(mebibytes << 20),
            reserved: Some(2_063_702_426),
            threads: Some(501),
        };
        let unknown = Herd {
            resident: None,
            threads: None,
            ..herd(1)
        };
        let report = HerdReport {
            date: NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day"),
            machine: Machine::this(Path::new(".")),
            elephants: 500,
            threads: vec![herd(9), herd(2), herd(4)],
            tasks: vec![unknown, herd(3)],
        };
        let text = text(&report);
        let rows = "  Threads        500  2,0\u{202f}s  4,0\u{202f}MiB  1.968,1\u{202f}MiB      501\n  Tasks          500  2,0\u{202f}s        –  1.968,1\u{202f}MiB        –\n";
        assert!(text.contains(rows), "{text}");
        let again: HerdReport =
            serde_json::from_str(&kept::json(&report)).expect("its own JSON");
        assert_eq!(again, report);
    }
}
