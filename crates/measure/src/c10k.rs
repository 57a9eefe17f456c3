//! The C10k laboratory: one thread a connection against one event loop, `cargo run --release -- measure`.
//! In flow the line-echo servers of `listings/ch11-c10k`, out flows a [`C10kReport`] with every trial of every model.
//!
//! A trial is a fresh server and a fresh load generator. All models have their turn before the next run begins: what
//! disturbs the machine for a while disturbs them all. A server of one core and the load are kept on different cores,
//! where the system lets us: on two cores their rates vary two- to threefold otherwise.

mod cores;
pub mod models;
mod progress;
pub mod report;
pub mod summary;
pub mod table;
mod trial;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use print::{show, tell};

use self::progress::ProgressLine;
use self::report::{C10kReport, Model};
use self::trial::Laboratory;
use crate::hearing::GRACE;
use crate::kept;
use crate::machine::{self, Machine};
use crate::subject::{self, Runnable, WORKING_FOLDER};
use print::files::write_file;
use print::german;
use programs::interrupt::cancelled_by_ctrl_c;
use programs::listings::{self, Profile, Programs};

/// Bytes of one line, its end included, as the load generator sends it.
const LINE_BYTES: u64 = 32;

/// Where a kept measurement stands, relative to the root.
pub fn file() -> PathBuf {
    kept::file("c10k.json")
}

/// Where the last measurement stands, whole or not, relative to the root.
pub fn draft() -> PathBuf {
    Path::new(WORKING_FOLDER).join("c10k.json")
}

/// What is to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How many connections; each count has its own trials. Lowered if the system does not allow as many.
    pub connections: Vec<u64>,
    /// Ids of the models; all that run here if it is empty.
    pub models: Vec<String>,
    /// How often every model has its turn.
    pub runs: u64,
    /// How long all connections talk.
    pub all: Duration,
    /// How long one in a hundred talks.
    pub few: Duration,
}

impl Plan {
    /// All ten models, 1,000 connections and five runs are done in half a minute; 10,000 connections take five.
    pub fn quick(connections: Vec<u64>, models: Vec<String>, runs: u64) -> Plan {
        let most = connections.iter().copied().max().unwrap_or(0).clamp(1000, 5000);
        let time = Duration::from_micros(125 * most);
        Plan {
            connections,
            models,
            runs,
            all: time,
            few: time,
        }
    }
}

/// What happens while it is measured.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// The programs are being built.
    Building,
    /// A German sentence for the reader: what this system does not allow, what is left out.
    Remark(String),
    /// A trial begins.
    Trial {
        /// 1, 2, … up to `of`.
        number: u64,
        of: u64,
        /// Name of the model.
        model: String,
        connections: u64,
        run: u64,
        /// How long everything may take from now on.
        left: Duration,
    },
    /// A trial has ended, well or not.
    Measured {
        /// Name of its model.
        model: String,
        /// What went wrong, as a German sentence.
        failure: Option<String>,
        /// Everything up to now.
        report: Box<C10kReport>,
    },
    /// All trials are done. An interrupted measurement ends without this.
    Finished,
}

/// Builds the programs, drives all trials and tells what happens meanwhile.
///
/// A trial that fails is part of the report. Once `cancelled` is set, the trial under way ends, with its programs, and
/// the report is what was measured until then.
///
/// # Errors
///
/// A German sentence: the programs cannot be built, no model runs here, not enough files may be open.
pub fn measure(
    root: &Path,
    profile: Profile,
    plan: &Plan,
    cancelled: &Arc<AtomicBool>,
    tell: &mut dyn FnMut(News),
) -> anyhow::Result<C10kReport> {
    tell(News::Building);
    let programs = listings::built_of(root, &[models::LISTING], profile, cancelled)?;
    measure_with(root, &programs, GRACE, plan, cancelled, tell)
}

/// The same with programs that are built already. `grace` is how long the answers of a trial may take beyond the time
/// in which they are counted; then the trial has failed.
///
/// # Errors
///
/// A German sentence: no model runs here, not enough files may be open.
pub fn measure_with(
    root: &Path,
    programs: &Programs,
    grace: Duration,
    plan: &Plan,
    cancelled: &Arc<AtomicBool>,
    tell: &mut dyn FnMut(News),
) -> anyhow::Result<C10kReport> {
    let mut remark = |sentence| tell(News::Remark(sentence));
    let models = models::runnable(root, programs, &plan.models, &mut remark)?;
    if models.is_empty() {
        bail!("Von diesen Modellen läuft hier keines.");
    }
    let files = machine::open_files()?;
    let connections = allowed_connections(&plan.connections, files, &mut remark)?;
    let cores = cores::choose();
    remark(match &cores {
        Ok(cores) => cores.describe(),
        Err(reason) => reason.clone(),
    });

    let laboratory = Laboratory {
        load: programs.path("ch11-load").map_err(anyhow::Error::msg)?.to_owned(),
        cores: cores.ok(),
        all: plan.all,
        few: plan.few,
        grace,
        cancelled: Arc::clone(cancelled),
    };
    let mut report = C10kReport {
        date: chrono::Local::now().date_naive(),
        machine: Machine::this(root),
        files,
        line_bytes: LINE_BYTES,
        pinned: laboratory.cores.is_some(),
        complete: false,
        models: models.iter().map(without_trials).collect(),
    };
    let turns = turns(models.len(), &connections, plan.runs);
    let mut clock = Clock::new(&laboratory);
    let mut hopeless = Hopeless::default();
    for (index, turn) in turns.iter().enumerate() {
        if cancelled.load(Ordering::Relaxed) {
            return Ok(report);
        }
        if hopeless.contains(turn) {
            continue;
        }
        let model = &models[turn.model];
        let ahead = turns[index..].iter().filter(|turn| !hopeless.contains(turn));
        tell(News::Trial {
            number: index as u64 + 1,
            of: turns.len() as u64,
            model: model.name.to_owned(),
            connections: turn.connections,
            run: turn.run,
            left: ahead.map(|turn| clock.expected(turn)).sum(),
        });
        let begin = Instant::now();
        let Some(trial) = laboratory.trial(model, turn.connections, turn.run) else {
            return Ok(report);
        };
        let time = begin.elapsed();
        clock.note(turn, time);
        let failure = trial.failure.clone();
        let given_up = failure.is_some() && time >= grace && hopeless.second_time(turn);
        report.models[turn.model].trials.push(trial);
        tell(News::Measured {
            model: model.name.to_owned(),
            failure,
            report: Box::new(report.clone()),
        });
        if given_up {
            tell(News::Remark(format!(
                "{} mit {} Verbindungen: zweimal nicht rechtzeitig fertig, weitere Durchgänge entfallen.",
                model.name,
                german::whole(turn.connections)
            )));
        }
    }
    report.complete = true;
    tell(News::Finished);
    Ok(report)
}

fn without_trials(model: &Runnable) -> Model {
    Model {
        id: model.id.to_owned(),
        name: model.name.to_owned(),
        command: model.shown.clone(),
        all_cores: model.all_cores,
        trials: Vec::new(),
    }
}

/// Every connection is a file, in the server and in the load; each of them inherits our raised limit. Ascending, each
/// count once.
fn allowed_connections(
    wanted: &[u64],
    files: u64,
    remark: &mut dyn FnMut(String),
) -> anyhow::Result<Vec<u64>> {
    let most = wanted.iter().copied().max().unwrap_or(0);
    let possible = machine::connections(files, 1);
    let most = machine::allowed((most, "Verbindungen"), possible, files, remark)?;
    let connections: BTreeSet<u64> =
        wanted.iter().map(|wanted| *wanted.min(&most)).collect();
    Ok(connections.into_iter().collect())
}

/// A trial that is to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Turn {
    /// Its place in the list of models.
    model: usize,
    connections: u64,
    run: u64,
}

/// All models have their turn before the next count of connections, all counts before the next run; each time another
/// model begins.
fn turns(models: usize, connections: &[u64], runs: u64) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut first = 0;
    for run in 1..=runs {
        for &connections in connections {
            turns.extend((0..models).map(|next| Turn {
                model: (first + next) % models,
                connections,
                run,
            }));
            first += 1;
        }
    }
    turns
}

/// How long a trial will take: as long as the last one of its kind.
struct Clock<'a> {
    laboratory: &'a Laboratory,
    seen: HashMap<(usize, u64), Duration>,
}

impl<'a> Clock<'a> {
    fn new(laboratory: &'a Laboratory) -> Clock<'a> {
        Clock {
            laboratory,
            seen: HashMap::new(),
        }
    }

    fn note(&mut self, turn: &Turn, time: Duration) {
        self.seen.insert((turn.model, turn.connections), time);
    }

    fn expected(&self, turn: &Turn) -> Duration {
        let seen = self.seen.get(&(turn.model, turn.connections)).copied();
        seen.unwrap_or_else(|| self.laboratory.planned(turn.connections))
    }
}

/// Models that ran out of time, with that many connections: how often.
#[derive(Default)]
struct Hopeless(HashMap<(usize, u64), u64>);

impl Hopeless {
    /// Counts one more time; is it the second?
    fn second_time(&mut self, turn: &Turn) -> bool {
        let times = self.0.entry((turn.model, turn.connections)).or_default();
        *times += 1;
        *times == 2
    }

    fn contains(&self, turn: &Turn) -> bool {
        self.0.get(&(turn.model, turn.connections)).is_some_and(|times| *times >= 2)
    }
}

/// Measures, with progress on stderr and the table on stdout. After every trial the result is written down.
///
/// # Errors
///
/// A German sentence: see [`measure`]; Ctrl-C, after the table of what was measured until then.
pub fn run(root: &Path, plan: &Plan, save: bool) -> anyhow::Result<()> {
    if save
        && (cfg!(debug_assertions)
            || machine::python().is_none()
            || !subject::has_c_compiler())
    {
        bail!("Aufgehoben wird nur eine Messung mit --release, mit python3 und mit cc.");
    }
    let cancelled = cancelled_by_ctrl_c();
    let mut progress = ProgressLine::on_stderr();
    let report = drafting(root, |draft| {
        measure(root, Profile::Release, plan, &cancelled, &mut |event| {
            draft(&event);
            progress.tell(&event);
        })
    })?;
    drop(progress);
    if report.models.iter().all(|model| model.trials.is_empty()) {
        bail!("Mit Strg+C abgebrochen, bevor etwas gemessen war.");
    }
    show(table::text(&report));
    let place = draft().display().to_string();
    if !report.complete {
        bail!("\nMit Strg+C abgebrochen; was gemessen war, steht oben und in {place}.");
    }
    if save {
        return kept::save(root, &file(), &report);
    }
    tell(format_args!("\nJeder einzelne Versuch steht in {place}."));
    Ok(())
}

/// Writes down after every trial what there is, so that nothing gets lost, and the whole in the end. `measure` hands on
/// its events.
///
/// # Errors
///
/// What `measure` says, or a German sentence: the file cannot be written.
pub fn drafting(
    root: &Path,
    measure: impl FnOnce(&mut dyn FnMut(&News)) -> anyhow::Result<C10kReport>,
) -> anyhow::Result<C10kReport> {
    let file = root.join(draft());
    fs::create_dir_all(root.join(WORKING_FOLDER))
        .with_context(|| format!("{WORKING_FOLDER} ist nicht anzulegen."))?;
    let mut written = Ok(());
    let report = measure(&mut |event| {
        if let (News::Measured { report, .. }, Ok(())) = (event, &written) {
            written = write_file(&file, kept::json(report));
        }
    })?;
    written?;
    write_file(&file, kept::json(&report))?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_models_have_their_turn_before_the_next_run_and_another_one_begins() {
        let turns = turns(3, &[10, 100], 2);
        let order: Vec<_> =
            turns.iter().map(|turn| (turn.run, turn.connections, turn.model)).collect();
        let expected = [
            (1, 10, 0),
            (1, 10, 1),
            (1, 10, 2),
            (1, 100, 1),
            (1, 100, 2),
            (1, 100, 0),
            (2, 10, 2),
            (2, 10, 0),
            (2, 10, 1),
            (2, 100, 0),
            (2, 100, 1),
            (2, 100, 2),
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn too_few_files_mean_fewer_connections_in_one_sentence() {
        let allowed = |wanted: &[u64], files| {
            let mut told = Vec::new();
            let connections =
                allowed_connections(wanted, files, &mut |sentence| told.push(sentence));
            (connections.map_err(|error| error.to_string()), told)
        };
        assert_eq!(allowed(&[1000, 100], 2000), (Ok(vec![100, 1000]), vec![]));
        let sentence = "Das System erlaubt nur 1.024 offene Dateien: Statt 10.000 Verbindungen sind es 960.";
        assert_eq!(
            allowed(&[100, 1000, 10_000], 1024),
            (Ok(vec![100, 960]), vec![sentence.to_owned()])
        );
        let (refused, _) = allowed(&[10], 64);
        assert_eq!(
            refused.unwrap_err(),
            "Das System erlaubt nur 64 offene Dateien: Das ist zu wenig für diese Messung."
        );
    }

    #[test]
    fn who_runs_out_of_time_twice_is_given_up() {
        let mut hopeless = Hopeless::default();
        let turn = Turn {
            model: 1,
            connections: 10,
            run: 1,
        };
        assert!(!hopeless.second_time(&turn) && !hopeless.contains(&turn));
        assert!(hopeless.second_time(&turn) && hopeless.contains(&turn));
        let other = Turn {
            connections: 100,
            ..turn
        };
        assert!(!hopeless.contains(&other));
    }

    #[test]
    fn more_connections_talk_for_longer() {
        let time = |connections: &[u64]| Plan::quick(connections.to_vec(), vec![], 5).all;
        assert_eq!(time(&[100]), time(&[1000]));
        assert!(time(&[1000]) < time(&[100, 10_000]));
        assert!(time(&[1_000_000]) <= Duration::from_secs(1));
    }
}
