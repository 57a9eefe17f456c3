//! What was measured, as it is kept: every round of every server, and the machine.
//! In flow rounds, out flow medians and spreads; everything a table says is computed from here.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// One run of the chat measurement: `book/measurements/chat.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The day it was taken.
    pub date: NaiveDate,
    pub machine: Machine,
    /// How many clients listen; one more speaks.
    pub receivers: u64,
    /// Lines of a burst.
    pub burst: u64,
    /// Bytes of one delivered line, its end included.
    pub line_bytes: u64,
    /// Name of the server the others are compared with.
    pub baseline: String,
    /// In the order of the table.
    pub servers: Vec<Server>,
}

/// One server under both loads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Server {
    pub name: String,
    /// How it is built, in German.
    pub kind: String,
    /// Resident bytes a connection: with all of them minus without any, divided. `None` where the system does not say.
    pub bytes_per_connection: Option<u64>,
    /// Threads with all connections. `None` where the system does not say.
    pub threads: Option<u64>,
    /// One line in flight.
    pub single: Vec<Round>,
    /// Bursts.
    pub bursts: Vec<Round>,
}

/// One round under one load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Lines times receivers.
    pub deliveries: u64,
    /// How long the round took, in microseconds.
    pub micros: u64,
    /// Processor time of the server, all cores together, in microseconds.
    pub server_cpu_micros: u64,
    /// Processor time of the load generator, in microseconds.
    pub generator_cpu_micros: u64,
}

/// What the rounds of one server under one load amount to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Deliveries a second: median, least, most.
    pub rate: f64,
    pub slowest: f64,
    pub fastest: f64,
    /// Median of the server's processor time for one delivery, in microseconds.
    pub server_micros: f64,
    /// Median of the share of one core that the server kept busy; 2 are two cores.
    pub server_share: f64,
    /// Median of the share of one core that the load generator kept busy.
    pub generator_share: f64,
}

impl Summary {
    /// `None` for no rounds.
    pub fn of(rounds: &[Round]) -> Option<Summary> {
        let all = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
        let rates = all(|round| ratio(round.deliveries, round.micros) * 1e6);
        Some(Summary {
            rate: median(&rates)?,
            slowest: rates.iter().copied().reduce(f64::min)?,
            fastest: rates.iter().copied().reduce(f64::max)?,
            server_micros: median(&all(|round| {
                ratio(round.server_cpu_micros, round.deliveries)
            }))?,
            server_share: median(&all(|round| {
                ratio(round.server_cpu_micros, round.micros)
            }))?,
            generator_share: median(&all(|round| {
                ratio(round.generator_cpu_micros, round.micros)
            }))?,
        })
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// The middle of the values, or the mean of the two in the middle; `None` if there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len(), sorted.len() % 2) {
        (0, _) => None,
        (_, 1) => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

impl Report {
    /// As it is kept in the repository.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("numbers and text have a JSON form") + "\n"
    }

    /// Deliveries a second of the server that is the measure, under the load that `rounds` picks.
    pub fn baseline_rate(&self, rounds: fn(&Server) -> &[Round]) -> Option<f64> {
        let mut servers = self.servers.iter();
        let baseline = servers.find(|server| server.name == self.baseline)?;
        Some(Summary::of(rounds(baseline))?.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn rounds_are_summed_up_by_their_medians() {
        let round = |deliveries, micros| Round {
            deliveries,
            micros,
            server_cpu_micros: 500_000,
            generator_cpu_micros: 250_000,
        };
        let rounds = [
            round(1000, 1_000_000),
            round(4000, 1_000_000),
            round(1000, 500_000),
        ];
        let summary = Summary::of(&rounds).unwrap();
        assert_eq!(summary.rate, 2000.0);
        assert_eq!((summary.slowest, summary.fastest), (1000.0, 4000.0));
        assert_eq!(summary.server_micros, 500.0);
        assert_eq!(summary.server_share, 0.5);
        assert_eq!(summary.generator_share, 0.25);
        assert_eq!(Summary::of(&[]), None);
    }
}
