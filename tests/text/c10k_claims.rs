//! What chapter 11 says about its measurement follows from what is kept of it. The numbers in its sentences are included
//! from a file that is drawn from the data (`tests/figures.rs`); here stands what the sentences say *about* them.

use std::fs;
use std::path::Path;

use measure::c10k::report::{C10kReport, Model};
use measure::c10k::summary::{self, Load, Memory, Summary};

/// „Zehntausend“.
const MANY: u64 = 10_000;

fn report() -> C10kReport {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/measurements/c10k.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn model<'a>(report: &'a C10kReport, id: &str) -> &'a Model {
    summary::model(report, id).unwrap_or_else(|| panic!("{id} was measured"))
}

fn all(report: &C10kReport, id: &str, connections: u64) -> Summary {
    summary::summary(model(report, id), connections, Load::All).unwrap()
}

fn memory(report: &C10kReport, id: &str) -> Memory {
    summary::memory(model(report, id), MANY).unwrap()
}

/// By how much `id` was faster than `other`, in the median of the runs.
fn ratio(report: &C10kReport, id: &str, other: &str) -> f64 {
    let [model, other] = [id, other].map(|id| model(report, id));
    summary::times_as_fast(model, other, MANY, Load::All).unwrap().median
}

#[test]
fn it_is_a_whole_measurement_with_servers_and_load_on_different_cores() {
    let report = report();
    assert!(report.complete && report.pinned);
    assert_eq!(summary::sizes(&report), [100, 1_000, MANY]);
    assert_eq!(report.models.len(), 10);
    for model in &report.models {
        let runs = model.trials.iter().filter(|trial| trial.connections == MANY).count();
        assert!(runs >= 5, "{}: {runs} runs", model.id);
    }
}

/// „Kein Modell verliert etwas“: the load compares every byte, and what it finds fails the trial. Only Python's threads
/// were too slow once.
#[test]
fn no_model_loses_anything() {
    let report = report();
    let trials = report.models.iter().flat_map(|model| {
        model.trials.iter().map(|trial| (model.id.as_str(), trial.connections, trial))
    });
    let failures: Vec<_> = trials
        .filter_map(|(id, connections, trial)| {
            Some((id, connections, trial.failure.as_deref()?))
        })
        .collect();
    let too_slow = "Nach 11 s waren nicht alle Antworten da.";
    assert_eq!(failures, [("python-threads", MANY, too_slow)]);
    let runs = model(&report, "python-threads").trials.iter();
    assert_eq!(runs.filter(|trial| trial.connections == MANY).count(), 9);
}

#[test]
fn what_it_says_about_memory() {
    let report = report();
    let threads = memory(&report, "threads");
    let small = memory(&report, "threads-small");
    // Kilobytes are there, megabytes are reserved; a small stack changes only what is reserved.
    assert!((8.0 * 1024.0..32.0 * 1024.0).contains(&threads.resident));
    assert!(threads.reserved > 2.0 * 1024.0 * 1024.0);
    assert!((small.resident / threads.resident - 1.0).abs() < 0.05);
    assert!(small.reserved < threads.reserved / 8.0);
    // A stack of 16 KiB and an entry of 4 KiB in the kernel: more than the program itself has.
    let near = |bytes: Option<f64>, kib: f64| (bytes.unwrap() / 1024.0 - kib).abs() < 0.3;
    assert!(near(threads.kernel_stacks, 16.0) && near(threads.page_tables, 4.0));
    assert!(threads.kernel().unwrap() > threads.resident);

    let [tokio, lean] = ["tokio", "tokio-lean"].map(|id| memory(&report, id).resident);
    assert!(tokio > 8.0 * 1024.0 && lean < 1024.0);
    assert!(memory(&report, "event-loop").resident <= 300.0);
    assert!((2.0..8.0).contains(&(memory(&report, "asyncio").resident / 1024.0)));
    assert!(memory(&report, "python-threads").resident > threads.resident);
    // In the program the thread has some hundred times as much, on the server's machine about ten times.
    let event_loop = memory(&report, "event-loop");
    assert!((100.0..1000.0).contains(&(threads.resident / event_loop.resident)));
    let sockets = memory(&report, "epoll").slab.unwrap();
    let of_server = |memory: &Memory| {
        memory.resident + memory.kernel().unwrap() + memory.slab.unwrap() - sockets / 2.0
    };
    let times = of_server(&threads) / of_server(&event_loop);
    assert!((10.0..13.0).contains(&times), "{times}");
    // The threads' kernel objects are more than those of the sockets.
    assert!(threads.slab.unwrap() > 1.3 * memory(&report, "epoll").slab.unwrap());
}

#[test]
fn what_it_says_about_speed() {
    let report = report();
    let of = |id, connections| all(&report, id, connections);
    let always = |faster, slower| {
        let [faster, slower] = [faster, slower].map(|id| model(&report, id));
        summary::always_faster(faster, slower, MANY, Load::All)
    };
    // Faster than threads, but by less than two.
    assert!(always("event-loop", "threads"));
    assert!((1.2..2.5).contains(&ratio(&report, "event-loop", "threads")));
    // A context switch for each answer, and almost none.
    let switches = |id| of(id, MANY).switches.unwrap().median;
    assert!((0.9..1.2).contains(&switches("threads")) && switches("event-loop") < 0.05);
    // An answer costs more when there are more connections, however many of them talk at the same time.
    for id in ["epoll", "event-loop", "tokio-lean", "tokio"] {
        assert!(of(id, MANY).cpu.median > of(id, 1_000).cpu.median, "{id}");
    }
    let few = |id| summary::summary(model(&report, id), MANY, Load::Few).unwrap();
    for id in ["epoll", "event-loop"] {
        let [few, all] = [few(id), of(id, MANY)];
        assert!((few.cpu.median / all.cpu.median - 1.0).abs() < 0.2, "{id}");
        assert!(
            (few.rate.median / all.rate.median - 1.0).abs() < 0.15,
            "{id}"
        );
        assert!(few.p99.median < 10_000.0, "{id}: milliseconds");
    }
    // With few connections the load is the limit.
    for connections in [100, 1_000] {
        assert!(of("epoll", connections).load_share.median > 0.85);
    }
    // Half of the threads' answers come sooner, the slowest much later.
    let [threads, event_loop] = ["threads", "event-loop"].map(|id| of(id, MANY));
    assert!(threads.p99.median > 2.0 * event_loop.p99.median);
    assert!(threads.p99.median > 4.0 * threads.p50.median);
    assert!(event_loop.p99.median < 2.0 * event_loop.p50.median);
    // Both Python servers answer less than threads in Rust, its threads less than its event loop.
    assert!(always("threads", "asyncio") && always("asyncio", "python-threads"));
    assert!(switches("python-threads") > 5.0);
    for connections in [100, 1_000] {
        let [threads, asyncio] =
            ["python-threads", "asyncio"].map(|id| of(id, connections).rate.median);
        assert!(threads > 1.3 * asyncio, "{connections}");
    }
    // More with a hundred connections, too; nothing gained by all cores.
    assert!(of("event-loop", 100).rate.median > 1.3 * of("threads", 100).rate.median);
    let [one, all_cores] = ["tokio", "tokio-cores"].map(|id| of(id, MANY).rate.median);
    assert!((all_cores / one - 1.0).abs() < 0.1);
    // How near they come to the measure: what was asked of the servers of this book.
    assert!(ratio(&report, "event-loop", "epoll") >= 0.9);
    assert!(ratio(&report, "tokio-lean", "epoll") >= 0.85);
    assert!(ratio(&report, "event-loop", "epoll-c") >= 0.9);
    assert!(ratio(&report, "tokio-lean", "epoll-c") >= 0.85);
    assert!(ratio(&report, "event-loop", "asyncio") >= 3.0);
    assert!(ratio(&report, "tokio-lean", "asyncio") >= 3.0);
}

/// „Reihenfolge … nicht in jedem Durchgang dieselbe“: the note below the table, and the sentence about a tenth.
#[test]
fn the_ranking_does_not_hold_in_every_run() {
    let report = report();
    for connections in [100, 1_000, MANY] {
        assert!(!summary::same_in_every_run(&report, connections, Load::All));
    }
}
