//! What the trials amount to: medians, spreads, bytes a connection, ratios, rankings.
//! In flows a [`C10kReport`], out flow numbers; tables, figures and the tests of the text compute nothing beyond this.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{C10kReport, Model, Phase, Trial};
use crate::gauge::Footprint;
use crate::spread::{Spread, median, ratio};

/// Id of the model that the others are compared with: as little as possible, straight on epoll.
pub const REFERENCE: &str = "epoll";

/// Which connections talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Every one always has a line on its way.
    All,
    /// One in a hundred has.
    Few,
}

/// One model under one load with one count of connections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Answers a second.
    pub rate: Spread,
    /// Half of the answers came within this time, in microseconds.
    pub p50: Spread,
    /// 99 of 100 answers came within this time, in microseconds.
    pub p99: Spread,
    /// Processor time of the server for one answer, in microseconds.
    pub cpu: Spread,
    /// Context switches of the server for one answer. `None` where the system does not say.
    pub switches: Option<Spread>,
    /// The share of one core that the load generator kept busy.
    pub load_share: Spread,
}

/// What one more connection occupies, in bytes: with all of them, nobody talking, minus without any, divided; medians
/// of the runs. What counts for the whole system is below zero if something else shrank meanwhile. `None` where the
/// system does not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Memory of the server that is really there.
    pub resident: f64,
    /// Addresses of the server, occupied or not.
    pub reserved: f64,
    pub page_tables: Option<f64>,
    pub kernel_stacks: Option<f64>,
    /// Kernel objects, those of both ends.
    pub slab: Option<f64>,
    /// Threads of the server.
    pub threads: Option<f64>,
}

impl Memory {
    /// Addresses that are reserved and not occupied. Nothing, if what was reserved before the first connection
    /// suffices.
    pub fn merely_reserved(&self) -> f64 {
        (self.reserved - self.resident).max(0.0)
    }

    /// What the kernel keeps for the server's side alone: stacks and page tables. `None` where the system does not say.
    pub fn kernel(&self) -> Option<f64> {
        Some(self.page_tables? + self.kernel_stacks?)
    }
}

/// The counts of connections, in ascending order.
pub fn sizes(report: &C10kReport) -> Vec<u64> {
    let trials = report.models.iter().flat_map(|model| &model.trials);
    let sizes: BTreeSet<u64> = trials.map(|trial| trial.connections).collect();
    sizes.into_iter().collect()
}

/// How often the models had their turn, at most.
pub fn runs(report: &C10kReport) -> u64 {
    let trials = report.models.iter().flat_map(|model| &model.trials);
    trials.map(|trial| trial.run).max().unwrap_or(0)
}

/// The model of that id.
pub fn model<'a>(report: &'a C10kReport, id: &str) -> Option<&'a Model> {
    report.models.iter().find(|model| model.id == id)
}

/// How a model fared with so many connections under that load; `None` if no trial came that far.
pub fn summary(model: &Model, connections: u64, load: Load) -> Option<Summary> {
    let phases: Vec<&Phase> = phases(model, connections, load).into_values().collect();
    let spread = |value: fn(&Phase) -> f64| {
        let values: Vec<f64> = phases.iter().map(|phase| value(phase)).collect();
        Spread::of(&values)
    };
    let switches: Option<Vec<f64>> = phases
        .iter()
        .map(|phase| Some(ratio(phase.switches?, phase.exchanges)))
        .collect();
    Some(Summary {
        rate: spread(rate)?,
        p50: spread(|phase| phase.p50_nanos as f64 / 1e3)?,
        p99: spread(|phase| phase.p99_nanos as f64 / 1e3)?,
        cpu: spread(|phase| ratio(phase.server_cpu_micros, phase.exchanges))?,
        switches: switches.and_then(|values| Spread::of(&values)),
        load_share: spread(|phase| ratio(phase.load_cpu_micros, phase.micros))?,
    })
}

/// How many times as many answers a second as `other` gave in the same run. Runs in which one of both failed do not
/// count.
pub fn times_as_fast(
    model: &Model,
    other: &Model,
    connections: u64,
    load: Load,
) -> Option<Spread> {
    let others = phases(other, connections, load);
    let ratios: Vec<f64> = phases(model, connections, load)
        .into_iter()
        .filter_map(|(run, phase)| Some(rate(phase) / rate(others.get(&run)?)))
        .collect();
    Spread::of(&ratios)
}

/// What one connection occupies; `None` if no trial came that far.
pub fn memory(model: &Model, connections: u64) -> Option<Memory> {
    let pairs: Vec<(Footprint, Footprint)> = trials(model, connections)
        .filter_map(|trial| Some((trial.empty, trial.idle?)))
        .collect();
    let grown = |value: fn(&Footprint) -> Option<u64>| {
        let values: Option<Vec<f64>> = pairs
            .iter()
            .map(|(empty, idle)| Some(value(idle)? as f64 - value(empty)? as f64))
            .collect();
        Some(median(&values?)? / connections as f64)
    };
    Some(Memory {
        resident: grown(|footprint| Some(footprint.resident))?,
        reserved: grown(|footprint| Some(footprint.reserved))?,
        page_tables: grown(|footprint| footprint.page_tables),
        kernel_stacks: grown(|footprint| footprint.kernel_stacks),
        slab: grown(|footprint| footprint.slab),
        threads: grown(|footprint| footprint.threads),
    })
}

/// Time until every connection had its first answer, in microseconds.
pub fn gathering(model: &Model, connections: u64) -> Option<Spread> {
    let times: Vec<f64> = trials(model, connections)
        .filter_map(|trial| Some(trial.gather_micros? as f64))
        .collect();
    Spread::of(&times)
}

/// The models by their median of answers a second, the fastest first. Who never came that far is missing.
pub fn ranking(report: &C10kReport, connections: u64, load: Load) -> Vec<&Model> {
    let rated = report
        .models
        .iter()
        .filter_map(|model| Some((summary(model, connections, load)?.rate.median, model)));
    sorted(rated.collect())
}

/// Was the order of the models in every run the one of [`ranking`]? Of each run, those count that came that far.
pub fn same_in_every_run(report: &C10kReport, connections: u64, load: Load) -> bool {
    let overall = ranking(report, connections, load);
    let mut runs: BTreeMap<u64, Vec<(f64, &Model)>> = BTreeMap::new();
    for model in &report.models {
        for (run, phase) in phases(model, connections, load) {
            runs.entry(run).or_default().push((rate(phase), model));
        }
    }
    runs.into_values().all(|rated| {
        let order = ids(&sorted(rated));
        let here = |id: &&str| order.contains(id);
        ids(&overall).into_iter().filter(here).eq(order.iter().copied())
    })
}

/// Did `model` give more answers a second than `other` in every run that both of them finished, and was there one?
pub fn always_faster(model: &Model, other: &Model, connections: u64, load: Load) -> bool {
    times_as_fast(model, other, connections, load).is_some_and(|ratio| ratio.least > 1.0)
}

/// What went wrong with so many connections, each sentence once.
pub fn failures(model: &Model, connections: u64) -> BTreeSet<&str> {
    trials(model, connections)
        .filter_map(|trial| trial.failure.as_deref())
        .collect()
}

fn trials(model: &Model, connections: u64) -> impl Iterator<Item = &Trial> {
    model.trials.iter().filter(move |trial| trial.connections == connections)
}

/// The phases under that load by their run. In a phase without any answer nothing was measured.
fn phases(model: &Model, connections: u64, load: Load) -> BTreeMap<u64, &Phase> {
    let mut phases = BTreeMap::new();
    for trial in trials(model, connections) {
        let phase = match load {
            Load::All => &trial.all,
            Load::Few => &trial.few,
        };
        if let Some(phase) = phase.as_ref().filter(|phase| phase.exchanges > 0) {
            phases.insert(trial.run, phase);
        }
    }
    phases
}

/// Answers a second.
fn rate(phase: &Phase) -> f64 {
    ratio(phase.exchanges, phase.micros) * 1e6
}

/// The greatest value first.
fn sorted(mut rated: Vec<(f64, &Model)>) -> Vec<&Model> {
    rated.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    rated.into_iter().map(|(_, model)| model).collect()
}

fn ids<'a>(models: &[&'a Model]) -> Vec<&'a str> {
    models.iter().map(|model| model.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    fn footprint(resident: u64) -> Footprint {
        Footprint {
            resident,
            reserved: 10 * resident,
            page_tables: Some(resident / 100),
            kernel_stacks: Some(5000 - resident / 100),
            slab: None,
            threads: Some(1 + resident / 1000),
        }
    }

    fn phase(exchanges: u64) -> Phase {
        Phase {
            exchanges,
            micros: 500_000,
            p50_nanos: 2000,
            p99_nanos: 9000,
            server_cpu_micros: 2 * exchanges,
            load_cpu_micros: 250_000,
            switches: Some(exchanges / 2),
        }
    }

    fn trial(run: u64, all: Option<u64>) -> Trial {
        Trial {
            connections: 100,
            run,
            failure: all.is_none().then(|| "Schade.".to_owned()),
            empty: footprint(1000 * run),
            idle: all.map(|_| footprint(1000 * run + 10_000 * run)),
            gather_micros: all.map(|_| 1000 * run),
            all: all.map(phase),
            few: None,
        }
    }

    /// Models with the exchanges of their runs.
    fn report(models: &[(&str, &[Option<u64>])]) -> C10kReport {
        let model = |(id, runs): &(&str, &[Option<u64>])| Model {
            id: (*id).to_owned(),
            name: id.to_uppercase(),
            command: format!("ch11-{id}"),
            all_cores: false,
            trials: (1..).zip(*runs).map(|(run, all)| trial(run, *all)).collect(),
        };
        C10kReport {
            date: chrono::NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day"),
            machine: Machine {
                cpu: "Beispiel 9000".into(),
                cores: 2,
                memory: 8 << 30,
                system: "Linux 6.12.3".into(),
                rustc: "1.95.0".into(),
                python: None,
            },
            files: 20_000,
            line_bytes: 32,
            pinned: true,
            complete: true,
            models: models.iter().map(model).collect(),
        }
    }

    #[test]
    fn runs_are_summed_up_by_median_least_and_most() {
        let report = report(&[("epoll", &[Some(100), Some(400), Some(200)])]);
        let epoll = model(&report, "epoll").expect("it is there");
        let summary = summary(epoll, 100, Load::All).expect("it was measured");
        let rate = Spread {
            median: 400.0,
            least: 200.0,
            most: 800.0,
        };
        assert_eq!(summary.rate, rate);
        assert_eq!((summary.p50.median, summary.p99.median), (2.0, 9.0));
        assert_eq!((summary.cpu.least, summary.cpu.most), (2.0, 2.0));
        assert_eq!(summary.switches.map(|switches| switches.median), Some(0.5));
        assert_eq!(summary.load_share.median, 0.5);
        assert_eq!(gathering(epoll, 100).map(|time| time.median), Some(2000.0));
        assert_eq!(super::summary(epoll, 100, Load::Few), None);
        assert_eq!(super::summary(epoll, 99, Load::All), None);
        assert_eq!(sizes(&report), [100]);
    }

    #[test]
    fn models_are_compared_within_a_run_and_a_failed_run_counts_for_nothing() {
        let report = report(&[
            ("epoll", &[Some(100), Some(400), None, Some(0)]),
            ("threads", &[Some(50), Some(300), Some(900), Some(900)]),
        ]);
        let [epoll, threads] = &report.models[..] else { panic!("two models") };
        let ratio = times_as_fast(threads, epoll, 100, Load::All).expect("two runs");
        assert_eq!((ratio.least, ratio.median, ratio.most), (0.5, 0.625, 0.75));
        assert!(always_faster(epoll, threads, 100, Load::All));
        assert!(!always_faster(threads, epoll, 100, Load::All));
        assert!(!always_faster(epoll, threads, 100, Load::Few));
        assert_eq!(Vec::from_iter(failures(epoll, 100)), ["Schade."]);
        assert!(failures(threads, 100).is_empty());
    }

    #[test]
    fn a_connection_occupies_what_has_grown_divided_by_their_number() {
        let report = report(&[("epoll", &[Some(1), None, Some(1), Some(1)])]);
        let memory = memory(&report.models[0], 100).expect("it was measured");
        // 10,000, 30,000 and 40,000 bytes more.
        assert_eq!((memory.resident, memory.reserved), (300.0, 3000.0));
        assert_eq!(memory.merely_reserved(), 2700.0);
        let reused = Memory {
            reserved: 10.0,
            ..memory
        };
        assert_eq!(reused.merely_reserved(), 0.0);
        assert_eq!(memory.page_tables, Some(3.0));
        // What shrank is below zero.
        assert_eq!(memory.kernel_stacks, Some(-3.0));
        assert_eq!((memory.slab, memory.threads), (None, Some(0.3)));
        assert_eq!(memory.kernel(), Some(0.0));
        assert_eq!(super::memory(&report.models[0], 7), None);
    }

    #[test]
    fn a_ranking_holds_if_every_run_has_the_same() {
        let ranked = |models: &[(&str, &[Option<u64>])]| {
            let report = report(models);
            let order = ids(&ranking(&report, 100, Load::All)).join(" ");
            (order, same_in_every_run(&report, 100, Load::All))
        };
        let [slow, fast]: [&[Option<u64>]; 2] =
            [&[Some(1), Some(2), Some(3)], &[Some(4), Some(5), Some(6)]];
        assert_eq!(ranked(&[("a", slow), ("b", fast)]), ("b a".into(), true));
        let crossing: &[Option<u64>] = &[Some(9), Some(1), Some(9)];
        assert_eq!(
            ranked(&[("a", crossing), ("b", fast)]),
            ("a b".into(), false)
        );
        // A run that one of them did not finish says nothing about the other ones.
        let failing: &[Option<u64>] = &[None, Some(2), None];
        assert_eq!(
            ranked(&[("a", failing), ("b", fast), ("c", &[None, None, None])]),
            ("b a".into(), true)
        );
    }
}
