//! The chat servers under the same load: `cargo run --release -- measure chat`.
//! In flow the servers of [`SUBJECTS`], out flows a [`Report`] with every round of every server.
//!
//! All servers run from the beginning to the end, and take turns: what disturbs the machine for a while disturbs them all. Nothing is pinned to
//! a core: pinned apart, a server that can use two cores would lose one of them, and a reader's system pins nothing either.

pub mod load;
pub mod process;
pub mod report;
pub mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use crate::machine::{self, Machine};
use load::Crowd;
use print::files::write_file;
use print::german;
use process::{Gauge, Server};
use programs::interrupt::cancelled_by_ctrl_c;
use programs::listings::{self, Programs};
use report::{Report, Round};
use table as render;

/// What is compared.
struct Subject {
    name: &'static str,
    /// How it is built, as the table's note says it.
    kind: &'static str,
    program: Program,
}

enum Program {
    /// A program of a listing.
    Listing(&'static str),
    /// A program of a listing that can use several cores (`--threads N`), with as many threads as there are cores.
    OnAllCores(&'static str),
    /// A Python program, relative to the root; skipped where there is no Python.
    Python(&'static str),
}

/// One line a server; each of them understands `--port 0` and says where it listens.
const SUBJECTS: [Subject; 5] = [
    Subject {
        name: "ch05-server",
        kind: "zwei Threads je Verbindung",
        program: Program::Listing("ch05-server"),
    },
    Subject {
        name: "ch06-server",
        kind: "Event Loop in einem Thread",
        program: Program::Listing("ch06-server"),
    },
    Subject {
        name: "ch08-server, 1 Thread",
        kind: "tokio, zwei Tasks je Verbindung",
        program: Program::Listing("ch08-server"),
    },
    Subject {
        name: "ch08-server, alle Kerne",
        kind: "derselbe mit einem Thread je Kern",
        program: Program::OnAllCores("ch08-server"),
    },
    Subject {
        name: BASELINE,
        kind: "Python, Event Loop in einem Thread",
        program: Program::Python("listings/ch06-event-loop-chat/python/broadcast.py"),
    },
];

/// The server the others are compared with.
const BASELINE: &str = "asyncio";

/// Lines of a burst.
const BURST: usize = 200;

/// Files this program needs besides its connections.
const OTHER_FILES: u64 = 64;

/// The rounds of all servers together take about this long.
const ROUNDS_TIME: Duration = Duration::from_secs(24);

/// One server under one load, at most.
const LONGEST_ROUND: Duration = Duration::from_secs(1);

/// What the reader may choose.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many clients listen; lowered if the system does not allow as many.
    pub receivers: usize,
    /// How often every server has its turn under either load.
    pub rounds: usize,
    /// Whether the result is kept in `book/measurements/`.
    pub save: bool,
}

/// Where a kept measurement stands, relative to the root: JSON, the tables of chapter 6, the small table of the comparison.
pub fn files() -> [PathBuf; 3] {
    ["chat.json", "chat.html", "modelle.html"]
        .map(|name| Path::new("book/measurements").join(name))
}

/// Measures all servers, prints the table on stdout and progress on stderr.
///
/// Errors are German sentences: a server does not start, loses or doubles a line, hangs up; Ctrl-C.
pub fn run(root: &Path, options: Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!(
            "Ohne --release bremst vor allem der Lastgenerator: Die Zahlen sagen dann mehr über ihn als über die Server."
        );
    }
    let python = machine::python();
    if options.save && (cfg!(debug_assertions) || python.is_none()) {
        bail!("Aufgehoben wird nur eine Messung mit --release und mit python3.");
    }
    let subjects: Vec<&Subject> = SUBJECTS
        .iter()
        .filter(|subject| {
            python.is_some() || !matches!(subject.program, Program::Python(_))
        })
        .collect();
    if python.is_none() {
        eprintln!("python3 ist nicht installiert: Der Vergleich mit asyncio entfällt.");
    }

    let receivers = allowed_receivers(options.receivers, subjects.len())?;
    eprintln!("Die Programme der Listings werden gebaut …");
    let programs = listings::built_for_release(root)?;
    let cancelled = cancelled_by_ctrl_c();
    let mut trials = Vec::new();
    for subject in subjects {
        let trial = Trial::begin(root, subject, programs, receivers, &cancelled)
            .map_err(|message| anyhow!("{}: {message}", subject.name))?;
        trials.push(trial);
    }
    measure(&mut trials, options.rounds)?;

    let report = Report {
        date: chrono::Local::now().date_naive(),
        machine: Machine::this(root),
        receivers: receivers as u64,
        burst: BURST as u64,
        line_bytes: load::line_bytes() as u64,
        baseline: BASELINE.into(),
        servers: trials.into_iter().map(|trial| trial.result).collect(),
    };
    print!("{}", render::text(&report));
    if options.save {
        let contents = [
            report.to_json(),
            render::html(&report),
            render::models_html(&report),
        ];
        for (file, content) in files().iter().zip(&contents) {
            write_file(&root.join(file), content)?;
        }
        let [json, html, models] = files().map(|file| file.display().to_string());
        eprintln!("\nAufgehoben in {json}, {html} und {models}.");
    }
    Ok(())
}

/// Every connection is a file here, and up to two in a server; limits are raised as far as they go, and servers inherit them.
fn allowed_receivers(wanted: usize, servers: usize) -> anyhow::Result<usize> {
    let limit = rlimit::increase_nofile_limit(u64::MAX)
        .context("Wie viele Dateien offen sein dürfen, ist nicht zu erfahren.")?;
    let possible = receivers_within(limit, servers);
    if possible == 0 {
        bail!(
            "Das System erlaubt nur {limit} offene Dateien: Das ist zu wenig für diese Messung."
        );
    }
    if possible < wanted {
        eprintln!(
            "Das System erlaubt nur {} offene Dateien: Statt {} Empfängern sind es {}.",
            german::whole(limit),
            german::whole(wanted as u64),
            german::whole(possible as u64)
        );
    }
    Ok(wanted.min(possible))
}

fn receivers_within(limit: u64, servers: usize) -> usize {
    let connections = limit.saturating_sub(OTHER_FILES) / servers.max(2) as u64;
    usize::try_from(connections.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// A running server, its clients and what was measured so far. Dropping it ends the server.
struct Trial {
    /// Never read again, but its end is the server's.
    _server: Server,
    server: Gauge,
    ourselves: Gauge,
    crowd: Crowd,
    result: report::Server,
}

impl Trial {
    fn begin(
        root: &Path,
        subject: &Subject,
        programs: &Programs,
        receivers: usize,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Trial, String> {
        let mut command = match subject.program {
            Program::Listing(program) => Command::new(programs.path(program)?),
            Program::OnAllCores(program) => {
                let cores = thread::available_parallelism().map_or(1, usize::from);
                let mut command = Command::new(programs.path(program)?);
                command.args(["--threads", &cores.to_string()]);
                command
            }
            Program::Python(file) => {
                let mut command = Command::new("python3");
                command.arg(root.join(file));
                command
            }
        };
        let server = Server::start(command.args(["--port", "0"]), subject.name)?;
        let mut gauge = server.gauge();
        let idle = gauge.memory();
        eprintln!(
            "{}: {} Verbindungen werden aufgebaut …",
            subject.name,
            german::whole(receivers as u64 + 1)
        );
        let mut crowd = Crowd::gather(server.address, receivers, cancelled)?;
        let full = gauge.memory();
        let threads = gauge.threads();
        // The first lines on a connection are not typical: its buffers still grow.
        crowd.speak(1, Duration::from_millis(100))?;
        crowd.speak(BURST / 10, Duration::from_millis(100))?;
        let connections = receivers as u64 + 1;
        Ok(Trial {
            server: gauge,
            ourselves: Gauge::of_ourselves(),
            crowd,
            result: report::Server {
                name: subject.name.into(),
                kind: subject.kind.into(),
                bytes_per_connection: (full > 0)
                    .then(|| full.saturating_sub(idle) / connections),
                threads,
                single: Vec::new(),
                bursts: Vec::new(),
            },
            _server: server,
        })
    }

    fn round(&mut self, lines: usize, time: Duration) -> Result<Round, String> {
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
fn measure(trials: &mut [Trial], rounds: usize) -> anyhow::Result<()> {
    let parts = u32::try_from(trials.len() * rounds * 2).unwrap_or(u32::MAX);
    let time = LONGEST_ROUND.min(ROUNDS_TIME / parts.max(1));
    for round in 1..=rounds {
        eprintln!("Runde {round} von {rounds} …");
        for lines in [1, BURST] {
            let count = trials.len();
            for turn in 0..count {
                let trial = &mut trials[(round + turn) % count];
                let measured = trial.round(lines, time).map_err(|message| {
                    anyhow!("{}, Runde {round}: {message}", trial.result.name)
                })?;
                let result = &mut trial.result;
                let rounds = match lines {
                    1 => &mut result.single,
                    _ => &mut result.bursts,
                };
                rounds.push(measured);
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
        assert_eq!(receivers_within(20_000, 3), 6644);
        assert_eq!(receivers_within(1024, 3), 319);
        // A server may need two files a connection, however few servers there are.
        assert_eq!(receivers_within(1024, 1), 479);
        assert_eq!(receivers_within(60, 3), 0);
    }

    #[test]
    fn a_server_is_compared_on_one_core_and_on_all() {
        let on_one = |subject: &Subject| match subject.program {
            Program::Listing(program) => Some(program),
            _ => None,
        };
        for subject in &SUBJECTS {
            if let Program::OnAllCores(program) = subject.program {
                assert!(SUBJECTS.iter().filter_map(on_one).any(|other| other == program));
            }
        }
    }

    #[test]
    fn the_table_of_servers_names_each_once_and_has_a_baseline() {
        let mut names = SUBJECTS.map(|subject| subject.name).to_vec();
        assert!(names.contains(&BASELINE));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SUBJECTS.len());
    }
}
