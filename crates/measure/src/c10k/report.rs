//! What the laboratory measured, as it is kept in `book/measurements/c10k.json`: every trial of every model, raw.
//! Medians, spreads and everything a figure or a sentence says are computed from here.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::gauge::Footprint;
use crate::machine::Machine;

/// One run of the laboratory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct C10kReport {
    /// The day it was taken.
    pub date: NaiveDate,
    pub machine: Machine,
    /// Open files a process may have, after raising.
    pub files: u64,
    /// Bytes of one line, its end included.
    pub line_bytes: u64,
    /// Were a server of one core and the load generator kept on different cores?
    pub pinned: bool,
    /// False while it runs, and after an interruption.
    pub complete: bool,
    /// In the order of the table.
    pub models: Vec<Model>,
}

/// One way to build the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// As `--models` names it: `event-loop`.
    pub id: String,
    /// As figures and tables name it: `Event Loop von Hand`.
    pub name: String,
    /// Its command without `--port`: `ch11-threads --stack 65536`.
    pub command: String,
    /// May it use every core? Such a server is never pinned.
    pub all_cores: bool,
    /// In the order in which they were made.
    pub trials: Vec<Trial>,
}

/// A fresh server with a fresh load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub connections: u64,
    /// 1, 2, …: all models have their turn before the next run begins.
    pub run: u64,
    /// What went wrong, as a German sentence; what was measured until then stands below.
    pub failure: Option<String>,
    /// Before the first connection.
    pub empty: Footprint,
    /// With all connections, each of which has had one exchange, and nobody talking.
    pub idle: Option<Footprint>,
    /// Time until every connection had its first answer, in microseconds.
    pub gather_micros: Option<u64>,
    /// Every connection has always one line on its way.
    pub all: Option<Phase>,
    /// One connection in a hundred has; with every answer the turn goes to another connection.
    pub few: Option<Phase>,
}

/// A stretch of time under one load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Lines that went out and came back.
    pub exchanges: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Half of the answers came within this time, in nanoseconds.
    pub p50_nanos: u64,
    /// 99 of 100 answers came within this time, in nanoseconds.
    pub p99_nanos: u64,
    /// Processor time of the server, all cores together, in microseconds.
    pub server_cpu_micros: u64,
    /// Processor time of the load generator, in microseconds.
    pub load_cpu_micros: u64,
    /// Context switches of all threads of the server, voluntary and not. `None` where the system does not say.
    pub switches: Option<u64>,
}
