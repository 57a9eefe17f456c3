//! One trial: a fresh server, a fresh load generator, everything both of them say and cost, and their end.
//! In flows a model, out flows a [`Trial`] – also if it fails, with what was measured until then.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::cores::Cores;
use super::gauge::Gauge;
use super::models::Ready;
use super::report::{Footprint, Phase, Trial};
use print::german;
use programs::processes::{Heard, Launch, Stream};

/// What a ready server prints before its address.
const READY: &str = "Server lauscht auf ";

/// How long a step may take that should take no time at all, and any other step beyond the time planned for it.
pub const GRACE: Duration = Duration::from_secs(10);

/// Even a slow server takes less to get to know one connection.
const GREETING: Duration = Duration::from_millis(1);

/// How long a look at the cancel flag may be put off.
const TICK: Duration = Duration::from_millis(50);

/// What all trials have in common.
pub struct Laboratory {
    /// The load generator.
    pub load: PathBuf,
    /// Where server and load run; `None`: anywhere.
    pub cores: Option<Cores>,
    pub all: Duration,
    pub few: Duration,
    /// How long the answers may take beyond the time in which they are counted.
    pub grace: Duration,
    pub cancelled: Arc<AtomicBool>,
}

impl Laboratory {
    /// `None`: it was cancelled.
    pub fn trial(&self, model: &Ready, connections: u64, run: u64) -> Option<Trial> {
        let mut trial = Trial {
            connections,
            run,
            failure: None,
            empty: NOTHING,
            idle: None,
            gather_micros: None,
            all: None,
            few: None,
        };
        match self.attempt(model, &mut trial) {
            Ok(()) => {}
            Err(Trouble::Cancelled) => return None,
            Err(Trouble::Failed(sentence)) => trial.failure = Some(sentence),
        }
        Some(trial)
    }

    /// How long a trial takes if nothing goes wrong: what is known before the first one.
    pub fn planned(&self, connections: u64) -> Duration {
        let each = Duration::from_micros(100);
        Duration::from_millis(150) + each * count(connections) + self.all + self.few
    }

    fn attempt(&self, model: &Ready, trial: &mut Trial) -> Result<(), Trouble> {
        let (sender, reports) = sync_channel(64);
        let mut stage = Stage {
            reports,
            cancelled: &self.cancelled,
            open: [2; 2],
            last_words: Default::default(),
        };
        let apart = self.cores.filter(|_| !model.all_cores);
        let start = |core, command, number, name: &str| {
            let launch = Launch {
                core,
                ..Launch::default()
            };
            launch.start(command, number, &sender).map_err(|error| {
                Trouble::Failed(format!("„{name}“ lässt sich nicht starten ({error})."))
            })
        };

        let core = apart.map(|cores| cores.server);
        let server = start(core, model.command(), SERVER, &model.shown)?;
        let ready = stage.line(SERVER, GRACE, || {
            "Der Server meldet nicht, wo er lauscht.".to_owned()
        })?;
        let address = address_in(&ready)?;
        let mut gauge = Gauge::of(server.id());
        trial.empty = gauge.footprint();

        let connections = trial.connections;
        let core = apart.map(|cores| cores.load);
        let mut load = start(core, self.load(address, connections), LOAD, "ch11-load")?;
        let greeting = GRACE + GREETING * count(connections);
        let answer = stage.line(LOAD, greeting, || {
            format!(
                "Nach {} s hatten nicht alle {} Verbindungen eine Antwort.",
                seconds(greeting),
                german::whole(connections)
            )
        })?;
        let Answer::Connected {
            connections: gathered,
            micros,
        } = answer_in(&answer)?
        else {
            return Err(incomprehensible(&answer));
        };
        if gathered != connections {
            return Err(Trouble::Failed(format!(
                "Statt {} Verbindungen hält die Last nur {}.",
                german::whole(connections),
                german::whole(gathered)
            )));
        }
        trial.gather_micros = Some(micros);
        trial.idle = Some(gauge.footprint());

        let mut before = Counters::read(&mut gauge);
        for (name, time, phase) in [
            ("all", self.all, &mut trial.all),
            ("few", self.few, &mut trial.few),
        ] {
            let input = load.stdin.as_mut().expect("its input ends below");
            // Whoever does not read any more has something to say, below.
            let _ = writeln!(input, "{name} {}", time.as_secs_f64());
            let answer = stage.line(LOAD, time + self.grace, || {
                let late = seconds(time + self.grace);
                format!("Nach {late} s waren nicht alle Antworten da.")
            })?;
            let after = Counters::read(&mut gauge);
            let measured = match answer_in(&answer)? {
                Answer::All(measured) if name == "all" => measured,
                Answer::Few(measured) if name == "few" => measured,
                _ => return Err(incomprehensible(&answer)),
            };
            *phase = Some(measured.phase(&before, &after));
            before = after;
        }

        load.stdin = None;
        // All is measured: if it takes too long over its end, it is ended, and so is the server, which never ends by itself.
        if !stage.ends(LOAD)? || load.wait().is_ok_and(|status| status.success()) {
            return Ok(());
        }
        Err(stage.sentence(LOAD))
    }

    fn load(&self, address: SocketAddr, connections: u64) -> Command {
        let mut command = Command::new(&self.load);
        command
            .args(["--host", &address.ip().to_string()])
            .args(["--port", &address.port().to_string()])
            .args(["--connections", &connections.to_string()])
            .arg("--json");
        command
    }
}

/// What is known of a server that never came up.
const NOTHING: Footprint = Footprint {
    resident: 0,
    reserved: 0,
    page_tables: None,
    kernel_stacks: None,
    slab: None,
    threads: None,
};

/// Why a trial ends before its time.
enum Trouble {
    Cancelled,
    /// A German sentence.
    Failed(String),
}

/// The two programs, by the number they report under.
const SERVER: usize = 0;
const LOAD: usize = 1;

/// What both programs say.
struct Stage<'a> {
    reports: Receiver<Heard>,
    cancelled: &'a AtomicBool,
    /// How many of a program's outputs are open.
    open: [usize; 2],
    /// The last line on a program's stderr.
    last_words: [Option<String>; 2],
}

impl Stage<'_> {
    /// The next line on that program's stdout.
    fn line(
        &mut self,
        program: usize,
        patience: Duration,
        late: impl FnOnce() -> String,
    ) -> Result<String, Trouble> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(line) = self.listen(deadline, program)? {
                return Ok(line);
            }
            if self.open[program] == 0 {
                return Err(self.sentence(program));
            }
        }
        Err(Trouble::Failed(late()))
    }

    /// Waits until that program has closed its outputs; has it?
    fn ends(&mut self, program: usize) -> Result<bool, Trouble> {
        let deadline = Instant::now() + GRACE;
        while self.open[program] > 0 && Instant::now() < deadline {
            self.listen(deadline, program)?;
        }
        Ok(self.open[program] == 0)
    }

    /// Waits for a moment; a line if that program has printed one on stdout.
    fn listen(
        &mut self,
        deadline: Instant,
        program: usize,
    ) -> Result<Option<String>, Trouble> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Trouble::Cancelled);
        }
        let moment = deadline.saturating_duration_since(Instant::now()).min(TICK);
        match self.reports.recv_timeout(moment) {
            Ok(report) => Ok(self.note(report).filter(|(from, _)| *from == program)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => unreachable!("we hold a sender"),
        }
        .map(|line| line.map(|(_, line)| line))
    }

    /// A line of a program's stdout; what else there is to know is kept.
    fn note(&mut self, report: Heard) -> Option<(usize, String)> {
        match (report.stream, report.line) {
            (Stream::Out, Some(line)) => return Some((report.program, line)),
            (Stream::Err, Some(line)) if !line.trim().is_empty() => {
                self.last_words[report.program] = Some(line);
            }
            (_, Some(_)) => {}
            (_, None) => self.open[report.program] -= 1,
        }
        None
    }

    /// Why that program ended, as it says itself; why the load failed the server may know better.
    fn sentence(&mut self, program: usize) -> Trouble {
        while let Ok(report) = self.reports.recv_timeout(TICK) {
            self.note(report);
        }
        let server = self.last_words[SERVER].take();
        Trouble::Failed(match (program, self.last_words[LOAD].take(), server) {
            (LOAD, Some(load), Some(server)) => {
                format!("{load} Der Server sagt: „{server}“")
            }
            (LOAD, Some(load), None) => load,
            (LOAD, None, _) => "Die Last ist ohne ein Wort abgebrochen.".to_owned(),
            (_, _, Some(server)) => server,
            (_, _, None) => "Der Server ist ohne ein Wort abgebrochen.".to_owned(),
        })
    }
}

/// What a server has cost so far.
struct Counters {
    cpu: Duration,
    switches: Option<u64>,
}

impl Counters {
    /// Read while nobody talks: the files of ten thousand threads take their time.
    fn read(gauge: &mut Gauge) -> Counters {
        Counters {
            cpu: gauge.cpu(),
            switches: gauge.switches(),
        }
    }
}

/// One line of the load generator.
#[derive(Deserialize)]
#[serde(tag = "phase", rename_all = "lowercase")]
enum Answer {
    Connected { connections: u64, micros: u64 },
    All(Measured),
    Few(Measured),
}

/// What the load generator says about a phase.
#[derive(Deserialize)]
struct Measured {
    exchanges: u64,
    micros: u64,
    p50_nanos: u64,
    p99_nanos: u64,
    cpu_micros: u64,
}

impl Measured {
    fn phase(&self, before: &Counters, after: &Counters) -> Phase {
        let cpu = after.cpu.saturating_sub(before.cpu).as_micros();
        Phase {
            exchanges: self.exchanges,
            micros: self.micros,
            p50_nanos: self.p50_nanos,
            p99_nanos: self.p99_nanos,
            server_cpu_micros: u64::try_from(cpu).unwrap_or(u64::MAX),
            load_cpu_micros: self.cpu_micros,
            switches: before
                .switches
                .zip(after.switches)
                .map(|(before, after)| after.saturating_sub(before)),
        }
    }
}

fn address_in(line: &str) -> Result<SocketAddr, Trouble> {
    let address = line.strip_prefix(READY).and_then(|address| address.parse().ok());
    address.ok_or_else(|| {
        Trouble::Failed(format!(
            "Der Server meldet nicht, wo er lauscht, sondern „{line}“."
        ))
    })
}

fn answer_in(line: &str) -> Result<Answer, Trouble> {
    serde_json::from_str(line).map_err(|_| incomprehensible(line))
}

fn incomprehensible(line: &str) -> Trouble {
    Trouble::Failed(format!("Die Last meldet etwas Unverständliches: „{line}“."))
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    german::decimal(seconds, if seconds < 9.95 { 1 } else { 0 })
}

/// Nobody has more connections than that.
fn count(connections: u64) -> u32 {
    u32::try_from(connections).unwrap_or(u32::MAX)
}
