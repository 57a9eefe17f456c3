//! Eine ganze Herde schläft zugleich: einmal jeder Elefant in einem Thread, einmal jeder
//! in einer Task. Gemessen wird in dem Augenblick, in dem alle schlafen.

use std::fmt;
use std::fs;
use std::io;
use std::sync::mpsc;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::time::sleep;

use crate::cli::decimal;

/// Womit die Herde schläft.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Model {
    Threads,
    Tasks,
}

impl Model {
    pub const ALL: [Model; 2] = [Model::Threads, Model::Tasks];

    /// Der Name, mit dem sich das Programm selbst startet.
    pub fn name(self) -> &'static str {
        match self {
            Model::Threads => "threads",
            Model::Tasks => "tasks",
        }
    }

    /// Der Name, den die Tabelle zeigt.
    pub fn title(self) -> &'static str {
        match self {
            Model::Threads => "Threads",
            Model::Tasks => "Tasks",
        }
    }

    pub fn named(name: &str) -> Result<Model, String> {
        let known = Model::ALL.into_iter().find(|model| model.name() == name);
        known.ok_or_else(|| format!("Ein Modell „{name}“ gibt es nicht."))
    }

    /// Lässt so viele Elefanten so lange schlafen und misst dabei.
    pub fn measure(self, elephants: usize, nap: Duration) -> io::Result<Measured> {
        match self {
            Model::Threads => threads(elephants, nap),
            Model::Tasks => tasks(elephants, nap),
        }
    }
}

/// Was Linux über diesen Prozess aufschreibt.
#[derive(Clone, Copy)]
pub struct Footprint {
    /// Belegter Speicher in KiB: Seiten, die wirklich da sind (*resident*).
    pub resident: u64,
    /// Reservierte Adressen in KiB, belegt oder nicht (*virtual*).
    pub reserved: u64,
    pub threads: u64,
}

// ANCHOR: footprint
impl Footprint {
    /// Liest `/proc/self/status`; anderswo als unter Linux gibt es die Datei nicht.
    pub fn now() -> Option<Footprint> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let number = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(Footprint {
            resident: number("VmRSS:")?,
            reserved: number("VmSize:")?,
            threads: number("Threads:")?,
        })
    }
}
// ANCHOR_END: footprint

/// Was eine schlafende Herde gekostet hat.
pub struct Measured {
    pub replies: usize,
    pub elapsed: Duration,
    /// Schliefen beim Messen noch alle? Dauert das Starten zu lange, ist der Erste wach.
    pub all_asleep: bool,
    /// Vorher, und als alle schliefen.
    pub footprints: Option<(Footprint, Footprint)>,
}

// ANCHOR: threads
/// Jeder Elefant schläft in einem eigenen Thread.
fn threads(elephants: usize, nap: Duration) -> io::Result<Measured> {
    let before = Footprint::now();
    let start = Instant::now();
    let (there, arrivals) = mpsc::channel::<()>();
    let mut herd = Vec::new();
    for _ in 0..elephants {
        let there = there.clone();
        herd.push(Builder::new().spawn(move || {
            drop(there);
            thread::sleep(nap);
        })?);
    }
    drop(there);
    let _ = arrivals.recv(); // endet, wenn alle ihr Ende des Kanals fallen gelassen haben
    let asleep = Footprint::now();
    let all_asleep = start.elapsed() < nap; // sonst ist der Erste schon wieder wach
    let replies = herd.into_iter().filter_map(|elephant| elephant.join().ok()).count();
    Ok(Measured {
        replies,
        elapsed: start.elapsed(),
        all_asleep,
        footprints: before.zip(asleep),
    })
}
// ANCHOR_END: threads

// ANCHOR: tasks
/// Jeder Elefant schläft in einer eigenen Task, alle in diesem einen Thread.
fn tasks(elephants: usize, nap: Duration) -> io::Result<Measured> {
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let before = Footprint::now();
        let start = Instant::now();
        let (there, mut arrivals) = tokio::sync::mpsc::channel::<()>(1);
        let mut herd = Vec::new();
        for _ in 0..elephants {
            let there = there.clone();
            herd.push(tokio::spawn(async move {
                drop(there);
                sleep(nap).await;
            }));
        }
        drop(there);
        let _ = arrivals.recv().await; // endet ebenso: Auch der Letzte gab den Thread her
        let asleep = Footprint::now();
        let all_asleep = start.elapsed() < nap;
        let mut replies = 0;
        for elephant in herd {
            replies += usize::from(elephant.await.is_ok());
        }
        Ok(Measured {
            replies,
            elapsed: start.elapsed(),
            all_asleep,
            footprints: before.zip(asleep),
        })
    })
}
// ANCHOR_END: tasks

impl Measured {
    /// Ein Stück JSON; Speicher in Bytes. `null` steht da, wo das System nichts verrät oder
    /// nicht alle zugleich schliefen.
    pub fn json(&self) -> String {
        let (answers, seconds) = (self.replies, self.elapsed.as_secs_f64());
        let footprints = self.footprints.filter(|_| self.all_asleep);
        let number = |number: fn(Footprint, Footprint) -> u64| match footprints {
            Some((before, asleep)) => number(before, asleep).to_string(),
            None => "null".into(),
        };
        let resident =
            number(|before, asleep| more(before.resident, asleep.resident) * 1024);
        let reserved =
            number(|before, asleep| more(before.reserved, asleep.reserved) * 1024);
        let threads = number(|_, asleep| asleep.threads);
        let counted = format!(r#""answers":{answers},"seconds":{seconds}"#);
        let memory = format!(r#""resident":{resident},"reserved":{reserved}"#);
        format!(r#"{{{counted},{memory},"threads":{threads}}}"#)
    }
}

/// Um so viel ist es mehr geworden.
fn more(before: u64, asleep: u64) -> u64 {
    asleep.saturating_sub(before)
}

/// Die Überschriften zu [`Row`].
pub const HEAD: &str =
    "Modell   Antworten   Dauer      belegt  je Elefant    reserviert  Threads";

/// Eine Zeile der Tabelle.
pub struct Row {
    pub model: Model,
    pub elephants: usize,
    pub measured: Measured,
}

/// Steht unter der Zeile, wenn sie weniger zeigt, als sie soll.
const TOO_SLOW: &str =
    "Das Starten dauerte so lange, dass nicht mehr alle zugleich schliefen.";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = self.model.title();
        let replies = self.measured.replies;
        let seconds = tenths(self.measured.elapsed.as_secs_f64());
        write!(f, "{name:7} {replies:10} {seconds:>5} s ")?;
        self.footprints(f)?;
        match self.measured.all_asleep {
            true => Ok(()),
            false => write!(f, "\n{TOO_SLOW}"),
        }
    }
}

impl Row {
    /// Der Teil der Zeile, den nur Linux verrät.
    fn footprints(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Some((before, asleep)) = self.measured.footprints else {
            let unknown = "unbekannt";
            return write!(f, "{unknown:>11} {unknown:>11} {unknown:>13} {unknown:>8}");
        };
        let resident = more(before.resident, asleep.resident) as f64;
        let reserved = more(before.reserved, asleep.reserved) as f64;
        write!(f, "{:>7} MiB ", tenths(resident / 1024.0))?;
        write!(f, "{:>7} KiB ", tenths(resident / self.elephants as f64))?;
        write!(f, "{:>9} MiB ", tenths(reserved / 1024.0))?;
        write!(f, "{:8}", asleep.threads)
    }
}

/// Eine Zahl der Tabelle, mit einer Stelle hinter dem Komma.
fn tenths(number: f64) -> String {
    decimal(format!("{number:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_wake_still_counts_and_who_wakes_early_is_told() {
        let footprint = |resident, threads| Footprint {
            resident,
            reserved: 2048 * threads,
            threads,
        };
        let mut row = Row {
            model: Model::Threads,
            elephants: 4,
            measured: Measured {
                replies: 1,
                elapsed: Duration::from_secs(2),
                all_asleep: true,
                footprints: Some((footprint(100, 1), footprint(140, 5))),
            },
        };
        let numbers =
            "Threads          1   2,0 s     0,0 MiB    10,0 KiB       8,0 MiB        5";
        assert_eq!(row.to_string(), numbers);
        let json =
            r#"{"answers":1,"seconds":2,"resident":40960,"reserved":8388608,"threads":5}"#;
        assert_eq!(row.measured.json(), json);
        row.measured.all_asleep = false;
        let json =
            r#"{"answers":1,"seconds":2,"resident":null,"reserved":null,"threads":null}"#;
        assert_eq!(row.measured.json(), json);
        assert_eq!(row.to_string(), format!("{numbers}\n{TOO_SLOW}"));
        row.measured.footprints = None;
        assert!(row.to_string().ends_with(TOO_SLOW));
    }
}
