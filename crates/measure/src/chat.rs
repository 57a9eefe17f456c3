//! The chat servers under the same load: `cargo run --release -- measure chat`.
//! In flow the servers of [`SUBJECTS`], out flows a [`ChatReport`] with every round of every server.
//!
//! All servers run from the beginning to the end, and take turns: what disturbs the machine for a while disturbs them
//! all. Nothing is pinned to a core: pinned apart, a server that can use two cores would lose one of them, and a
//! reader's system pins nothing either.

pub mod load;
pub mod report;
pub mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail};
use print::{show, tell};

use crate::gauge::Gauge;
use crate::hearing::Hearing;
use crate::kept;
use crate::machine::{self, Machine};
use crate::subject::{self, Recipe, Runnable, Subject};
use load::Crowd;
use print::german;
use programs::interrupt::cancelled_by_ctrl_c;
use programs::listings::{self, Profile, Programs};
use programs::processes::Running;
use report::{ChatReport, ChatServer, Round};

/// The listings whose servers are compared.
const LISTINGS: [&str; 3] = [
    "ch05-threaded-chat",
    "ch06-event-loop-chat",
    "ch08-tokio-chat",
];

/// The listing of the Python server.
const PYTHON_LISTING: &str = LISTINGS[1];

/// One line a server: its name, and how it is built, as the table's note says it.
const SUBJECTS: [Subject; 5] = [
    Subject {
        id: "ch05-server",
        name: "zwei Threads je Verbindung",
        recipe: Recipe::Listing("ch05-server", &[]),
    },
    Subject {
        id: "ch06-server",
        name: "Event Loop in einem Thread",
        recipe: Recipe::Listing("ch06-server", &[]),
    },
    Subject {
        id: "ch08-server, 1 Thread",
        name: "tokio, zwei Tasks je Verbindung",
        recipe: Recipe::Listing("ch08-server", &[]),
    },
    Subject {
        id: "ch08-server, alle Kerne",
        name: "derselbe mit einem Thread je Kern",
        recipe: Recipe::OnAllCores("ch08-server"),
    },
    Subject {
        id: BASELINE,
        name: "Python, Event Loop in einem Thread",
        recipe: Recipe::Python("python/broadcast.py"),
    },
];

/// The server the others are compared with.
const BASELINE: &str = "asyncio";

/// Lines of a burst.
const BURST: usize = 200;

/// The rounds of all servers together take about this long.
const ROUNDS_TIME: Duration = Duration::from_secs(24);

/// One server under one load, at most.
const LONGEST_ROUND: Duration = Duration::from_secs(1);

/// Where a kept measurement stands, relative to the root.
pub fn file() -> PathBuf {
    kept::file("chat.json")
}

/// Measures all servers, prints the table on stdout and progress on stderr.
///
/// `receivers` clients listen, or fewer if the system does not allow as many; every server has its turn in each round.
///
/// # Errors
///
/// German sentences: a server does not start, loses or doubles a line, hangs up; Ctrl-C.
pub fn run(root: &Path, receivers: u64, rounds: u64, save: bool) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        tell(
            "Ohne --release bremst vor allem der Lastgenerator: Die Zahlen sagen dann mehr über ihn als über die Server.",
        );
    }
    if save && (cfg!(debug_assertions) || machine::python().is_none()) {
        bail!("Aufgehoben wird nur eine Messung mit --release und mit python3.");
    }
    let cancelled = cancelled_by_ctrl_c();
    tell(listings::BUILDING);
    let programs = listings::built_of(root, &LISTINGS, Profile::Release, &cancelled)?;
    let report = measure(root, &programs, receivers, rounds, &cancelled)?;
    show(table::text(&report));
    if save {
        kept::save(root, &file(), &report)?;
    }
    Ok(())
}

/// The same with programs that are built already, and without a table.
///
/// # Errors
///
/// German sentences, see [`run`].
pub fn measure(
    root: &Path,
    programs: &Programs,
    receivers: u64,
    rounds: u64,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<ChatReport> {
    let mut tell = |sentence: String| tell(&sentence);
    let servers =
        subject::runnable(root, PYTHON_LISTING, SUBJECTS.iter(), programs, &mut tell);
    let files = machine::open_files()?;
    let possible = possible_receivers(files, servers.len() as u64);
    let receivers =
        machine::allowed((receivers, "Empfängern"), possible, files, &mut tell)?;
    let mut contenders = Vec::new();
    for server in &servers {
        let contender = Contender::begin(server, receivers, cancelled);
        contenders.push(contender.with_context(|| server.id)?);
    }
    take_turns(&mut contenders, rounds)?;
    Ok(ChatReport {
        date: chrono::Local::now().date_naive(),
        machine: Machine::this(root),
        receivers,
        burst: BURST as u64,
        line_bytes: load::line_bytes() as u64,
        baseline: BASELINE.into(),
        servers: contenders.into_iter().map(|contender| contender.result).collect(),
    })
}

/// Every connection is a file here, and up to two in a server, which inherits our limit. One connection is the
/// speaker's.
fn possible_receivers(files: u64, servers: u64) -> u64 {
    machine::connections(files, servers.max(2)).saturating_sub(1)
}

/// A running server, its clients and what was measured so far.
struct Contender {
    /// Never read again, but its end is the server's.
    _server: Running,
    server: Gauge,
    ourselves: Gauge,
    crowd: Crowd,
    result: ChatServer,
}

impl Contender {
    fn begin(
        server: &Runnable,
        receivers: u64,
        cancelled: &Arc<AtomicBool>,
    ) -> anyhow::Result<Contender> {
        let mut hearing = Hearing::new(cancelled);
        let (program, address) = hearing.start_server(None, server)?;
        hearing.end().context("Es lässt sich kein Thread starten.")?;
        let mut gauge = Gauge::of(program.id());
        let empty = gauge.footprint().resident;
        let connections = receivers + 1;
        tell(format_args!(
            "{}: {} Verbindungen werden aufgebaut …",
            server.id,
            german::whole(connections)
        ));
        let mut crowd = Crowd::gather(address, receivers, cancelled)?;
        let full = gauge.footprint();
        // The first lines on a connection are not typical: its buffers still grow.
        crowd.speak(1, Duration::from_millis(100))?;
        crowd.speak(BURST / 10, Duration::from_millis(100))?;
        Ok(Contender {
            server: gauge,
            ourselves: Gauge::of_ourselves(),
            crowd,
            result: ChatServer {
                name: server.id.into(),
                kind: server.name.into(),
                bytes_per_connection: (full.resident > 0)
                    .then(|| full.resident.saturating_sub(empty) / connections),
                threads: full.threads,
                single: Vec::new(),
                bursts: Vec::new(),
            },
            _server: program,
        })
    }

    fn round(&mut self, lines: usize, time: Duration) -> anyhow::Result<Round> {
        let before = (self.server.cpu(), self.ourselves.cpu());
        let delivered = self.crowd.speak(lines, time)?;
        let after = (self.server.cpu(), self.ourselves.cpu());
        Ok(Round {
            deliveries: delivered.deliveries,
            micros: micros(delivered.time),
            server_cpu_micros: micros(after.0.saturating_sub(before.0)),
            generator_cpu_micros: micros(after.1.saturating_sub(before.1)),
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("a round takes seconds")
}

/// Rounds in which the servers take turns, each time beginning with another one.
fn take_turns(contenders: &mut [Contender], rounds: u64) -> anyhow::Result<()> {
    let count = contenders.len();
    let parts = u32::try_from(count as u64 * rounds * 2).unwrap_or(u32::MAX);
    let time = LONGEST_ROUND.min(ROUNDS_TIME / parts.max(1));
    for round in 1..=rounds {
        tell(format_args!("Runde {round} von {rounds} …"));
        for lines in [1, BURST] {
            for turn in 0..count {
                let contender = &mut contenders[(round as usize + turn) % count];
                let measured = contender.round(lines, time);
                let result = &mut contender.result;
                let measured =
                    measured.with_context(|| format!("{}, Runde {round}", result.name))?;
                match lines {
                    1 => result.single.push(measured),
                    _ => result.bursts.push(measured),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_files_mean_fewer_receivers() {
        assert_eq!(possible_receivers(20_000, 3), 6644);
        assert_eq!(possible_receivers(1024, 3), 319);
        // A server may need two files a connection, however few servers there are.
        assert_eq!(possible_receivers(1024, 1), 479);
        assert_eq!(possible_receivers(60, 3), 0);
    }

    #[test]
    fn a_server_is_compared_on_one_core_and_on_all() {
        let on_one = |subject: &Subject| match subject.recipe {
            Recipe::Listing(program, []) => Some(program),
            _ => None,
        };
        for subject in &SUBJECTS {
            if let Recipe::OnAllCores(program) = subject.recipe {
                assert!(SUBJECTS.iter().filter_map(on_one).any(|other| other == program));
            }
        }
    }

    #[test]
    fn the_table_of_servers_names_each_once_and_has_a_baseline() {
        let mut names = SUBJECTS.map(|subject| subject.id).to_vec();
        assert!(names.contains(&BASELINE));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SUBJECTS.len());
    }
}
