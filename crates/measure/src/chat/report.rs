//! What was measured, as it is kept: every round of every server, and the machine.
//! In flow rounds, out flow medians and spreads; everything a table says is computed from here.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::spread::{Spread, median, ratio};

/// One run of the chat measurement: `book/measurements/chat.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatReport {
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
    pub servers: Vec<ChatServer>,
}

/// One server under both loads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatServer {
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
pub struct Throughput {
    /// Deliveries a second.
    pub rate: Spread,
    /// Median of the server's processor time for one delivery, in microseconds.
    pub server_micros: f64,
    /// Median of the share of one core that the server kept busy; 2 are two cores.
    pub server_share: f64,
    /// Median of the share of one core that the load generator kept busy.
    pub generator_share: f64,
}

impl Throughput {
    /// `None` for no rounds.
    pub fn of(rounds: &[Round]) -> Option<Throughput> {
        let all = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
        let middle = |value| median(&all(value));
        Some(Throughput {
            rate: Spread::of(&all(|round| ratio(round.deliveries, round.micros) * 1e6))?,
            server_micros: middle(|round| {
                ratio(round.server_cpu_micros, round.deliveries)
            })?,
            server_share: middle(|round| ratio(round.server_cpu_micros, round.micros))?,
            generator_share: middle(|round| {
                ratio(round.generator_cpu_micros, round.micros)
            })?,
        })
    }
}

impl ChatReport {
    /// Deliveries a second of the server that is the measure, under the load that `rounds` picks.
    pub fn baseline_rate(&self, rounds: fn(&ChatServer) -> &[Round]) -> Option<f64> {
        let mut servers = self.servers.iter();
        let baseline = servers.find(|server| server.name == self.baseline)?;
        Some(Throughput::of(rounds(baseline))?.rate.median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let summary = Throughput::of(&rounds).unwrap();
        let Spread {
            median,
            least,
            most,
        } = summary.rate;
        assert_eq!((least, median, most), (1000.0, 2000.0, 4000.0));
        assert_eq!(summary.server_micros, 500.0);
        assert_eq!(summary.server_share, 0.5);
        assert_eq!(summary.generator_share, 0.25);
        assert_eq!(Throughput::of(&[]), None);
    }
}
