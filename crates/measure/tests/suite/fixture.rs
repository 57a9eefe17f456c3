//! Made-up measurements: plausible enough to be looked at, and no number in them was ever measured.

use chrono::NaiveDate;
use measure::c10k::report::{C10kReport, Model, Phase, Trial};
use measure::gauge::Footprint;
use measure::machine::Machine;

/// Id, name, answers a second, resident bytes a connection, reserved ones, and whether it has a thread a connection.
type Made = (&'static str, &'static str, f64, u64, u64, bool);

const MADE: [Made; 10] = [
    ("epoll-c", "epoll in C", 131e3, 60, 70, false),
    ("epoll", "epoll, so wenig wie möglich", 130e3, 66, 80, false),
    (
        "event-loop",
        "Event Loop von Hand (mio)",
        124e3,
        140,
        200,
        false,
    ),
    (
        "tokio-lean",
        "tokio, ohne eigenen Puffer",
        114e3,
        1_100,
        1_300,
        false,
    ),
    ("tokio", "tokio, 8 KiB Puffer", 108e3, 9_400, 9_900, false),
    (
        "tokio-cores",
        "tokio, alle Kerne",
        92e3,
        9_600,
        11_000,
        false,
    ),
    (
        "threads",
        "Thread je Verbindung",
        71e3,
        13_300,
        2_120_000,
        true,
    ),
    (
        "threads-small",
        "Thread, Stapel 64 KiB",
        72e3,
        13_300,
        90_000,
        true,
    ),
    ("asyncio", "Python asyncio", 31e3, 5_600, 6_000, false),
    (
        "python-threads",
        "Python-Threads",
        14e3,
        24_000,
        8_500_000,
        true,
    ),
];

fn machine() -> Machine {
    Machine {
        cpu: "Beispiel 9000".into(),
        cores: 2,
        memory: 8 << 30,
        system: "Linux 6.12.3".into(),
        rustc: "1.95.0".into(),
        python: Some("3.11.7".into()),
    }
}

/// So many runs of every model with so many connections each.
pub fn report(sizes: &[u64], runs: u64) -> C10kReport {
    let model = |(id, name, rate, resident, reserved, threads): &Made| {
        let mut trials = Vec::new();
        for run in 1..=runs {
            for connections in sizes {
                let n = *connections as f64;
                // The more, the slower, and no two runs alike.
                let slower =
                    1.0 - 0.09 * (n / 100.0).log10() * if *threads { 2.0 } else { 1.0 };
                let luck =
                    1.0 + 0.03 * ((run * 7 + connections + id.len() as u64) % 5) as f64;
                trials.push(trial(
                    *connections,
                    run,
                    rate * slower * luck,
                    |footprint| {
                        footprint.resident += resident * connections;
                        footprint.reserved += reserved * connections;
                        if *threads {
                            footprint.kernel_stacks =
                                footprint.kernel_stacks.map(|b| b + 16_384 * connections);
                            footprint.page_tables =
                                footprint.page_tables.map(|b| b + 8_192 * connections);
                            footprint.slab =
                                footprint.slab.map(|b| b + 9_000 * connections);
                            footprint.threads =
                                footprint.threads.map(|threads| threads + connections);
                        }
                        footprint.slab = footprint.slab.map(|b| b + 4_700 * connections);
                    },
                ));
            }
        }
        Model {
            id: (*id).into(),
            name: (*name).into(),
            command: format!("ch11-{id}"),
            all_cores: *id == "tokio-cores",
            trials,
        }
    };
    C10kReport {
        date: NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day"),
        machine: machine(),
        files: 1 << 20,
        line_bytes: 32,
        pinned: true,
        complete: true,
        models: MADE.iter().map(model).collect(),
    }
}

fn trial(connections: u64, run: u64, rate: f64, grow: impl Fn(&mut Footprint)) -> Trial {
    let empty = Footprint {
        resident: 3 << 20,
        reserved: 300 << 20,
        page_tables: Some(60_000),
        kernel_stacks: Some(4 << 20),
        slab: Some(100 << 20),
        threads: Some(1),
    };
    let mut idle = empty;
    grow(&mut idle);
    let phase = |active: f64, rate: f64| Phase {
        exchanges: (rate * 0.2) as u64,
        micros: 200_000,
        p50_nanos: (active / rate * 0.9e9) as u64,
        p99_nanos: (active / rate * 1.7e9) as u64,
        server_cpu_micros: 190_000,
        load_cpu_micros: 120_000,
        switches: Some((rate * 0.1) as u64),
    };
    Trial {
        connections,
        run,
        failure: None,
        empty,
        idle: Some(idle),
        gather_micros: Some(connections * 30),
        all: Some(phase(connections as f64, rate)),
        few: Some(phase((connections as f64 / 100.0).max(1.0), rate * 0.6)),
    }
}
