//! One trial: a fresh server, a fresh load generator, what both of them say and cost, and their end.
//! In flows a model, out flows a [`Trial`] – also if it fails, with what was measured until then.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::Deserialize;

use super::cores::Cores;
use super::report::{Phase, Trial};
use crate::gauge::{Footprint, Gauge};
use crate::hearing::{GRACE, Hearing, Trouble, failed};
use crate::subject::Runnable;
use print::german;

/// Even a slow server takes less to get to know one connection.
const GREETING: Duration = Duration::from_millis(1);

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
    pub fn trial(&self, model: &Runnable, connections: u64, run: u64) -> Option<Trial> {
        let mut trial = Trial {
            connections,
            run,
            failure: None,
            empty: Footprint::NONE,
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

    fn attempt(&self, model: &Runnable, trial: &mut Trial) -> Result<(), Trouble> {
        let mut hearing = Hearing::new(&self.cancelled);
        let apart = self.cores.filter(|_| !model.all_cores);
        let core = apart.map(|cores| cores.server);
        let (server, address) = hearing.start_server(core, model)?;
        let mut gauge = Gauge::of(server.id());
        trial.empty = gauge.footprint();

        let connections = trial.connections;
        let core = apart.map(|cores| cores.load);
        let mut load = hearing.start(core, self.load(address, connections), "Die Last")?;
        let greeting = GRACE + GREETING * count(connections);
        let answer = hearing.line(LOAD, greeting, || {
            format!(
                "Nach {} s hatten nicht alle {} Verbindungen eine Antwort.",
                seconds(greeting),
                german::whole(connections)
            )
        })?;
        let Told::Connected {
            connections: gathered,
            micros,
        } = answer_in(&answer)?
        else {
            return Err(incomprehensible(&answer));
        };
        if gathered != connections {
            return Err(failed(format!(
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
            let answer = hearing.line(LOAD, time + self.grace, || {
                let late = seconds(time + self.grace);
                format!("Nach {late} s waren nicht alle Antworten da.")
            })?;
            let after = Counters::read(&mut gauge);
            let measured = match answer_in(&answer)? {
                Told::All(measured) if name == "all" => measured,
                Told::Few(measured) if name == "few" => measured,
                _ => return Err(incomprehensible(&answer)),
            };
            *phase = Some(measured.phase(&before, &after));
            before = after;
        }

        load.stdin = None;
        // All is measured: if it takes too long over its end, it is ended, and so is the server, which never ends by
        // itself.
        if !hearing.ends(LOAD)? || load.wait().is_ok_and(|status| status.success()) {
            return Ok(());
        }
        Err(hearing.last_sentence(LOAD))
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

/// The number of the load, which is started after the server.
const LOAD: usize = 1;

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
enum Told {
    Connected { connections: u64, micros: u64 },
    All(Answered),
    Few(Answered),
}

/// What the load generator says about a phase.
#[derive(Deserialize)]
struct Answered {
    exchanges: u64,
    micros: u64,
    p50_nanos: u64,
    p99_nanos: u64,
    cpu_micros: u64,
}

impl Answered {
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

fn answer_in(line: &str) -> Result<Told, Trouble> {
    serde_json::from_str(line).map_err(|_| incomprehensible(line))
}

fn incomprehensible(line: &str) -> Trouble {
    failed(format!("Die Last meldet etwas Unverständliches: „{line}“."))
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    german::decimal(seconds, if seconds < 9.95 { 1 } else { 0 })
}

/// Nobody has more connections than that.
fn count(connections: u64) -> u32 {
    u32::try_from(connections).unwrap_or(u32::MAX)
}
