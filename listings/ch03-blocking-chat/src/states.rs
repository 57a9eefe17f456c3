//! Was Linux über jeden Thread dieses Programms aufschreibt: in welchem Zustand er ist,
//! wie viel er gerechnet hat und wie oft er den Prozessorkern hergab. Zu lesen unter
//! `/proc/self/task`. Diese Datei ist in den Kapiteln 3, 6 und 7 gleich.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::cli::decimal;

// ANCHOR: states
/// Was das Betriebssystem über einen Thread weiß.
pub struct ThreadState {
    pub name: String,
    /// `R`: rechnet oder könnte es (*running*), `S`: wartet auf ein Ereignis
    /// (*sleeping*).
    pub state: char,
    /// Rechenzeit seit dem Start des Threads, auf 10 ms genau.
    pub cpu_time: Duration,
    /// So oft hat er den Kern von sich aus hergegeben, weil er warten musste.
    pub gave_up: u64,
    /// So oft wurde ihm der Kern entzogen, damit ein anderer rechnen kann.
    pub taken: u64,
}
// ANCHOR_END: states

impl fmt::Display for ThreadState {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ThreadState {
            name,
            state,
            gave_up,
            taken,
            ..
        } = self;
        let seconds = decimal(format!("{:.2}", self.cpu_time.as_secs_f64()));
        write!(f, "{name:8} Zustand {state}, Rechenzeit {seconds} s, ")?;
        write!(f, "Kern abgegeben: {gave_up}, Kern entzogen: {taken}")
    }
}

/// Liest den Zustand aller Threads dieses Prozesses. Nur unter Linux; anderswo gibt es
/// die Dateien nicht.
pub fn of_this_process() -> io::Result<Vec<ThreadState>> {
    let mut threads = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        threads.push(read(&task?.path())?);
    }
    Ok(threads)
}

/// Die Felder stehen in proc(5): `stat` zählt die Rechenzeit in Hundertstelsekunden.
fn read(task: &Path) -> io::Result<ThreadState> {
    let stat = fs::read_to_string(task.join("stat"))?;
    let status = fs::read_to_string(task.join("status"))?;
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "unbekannte Form");
    let (start, rest) = stat.rsplit_once(')').ok_or_else(strange)?;
    let (_, name) = start.split_once('(').ok_or_else(strange)?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    let counter = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Ok(ThreadState {
        name: name.into(),
        state: fields.first().and_then(|state| state.chars().next()).ok_or_else(strange)?,
        cpu_time: Duration::from_millis(
            10 * (ticks(11).ok_or_else(strange)? + ticks(12).ok_or_else(strange)?),
        ),
        gave_up: counter("voluntary_ctxt_switches:").ok_or_else(strange)?,
        taken: counter("nonvoluntary_ctxt_switches:").ok_or_else(strange)?,
    })
}
