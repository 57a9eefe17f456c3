//! The C10k laboratory with made-up servers and a made-up load: whatever a model does, the measurement goes on and
//! keeps what it has. How fast anything is, no test says.

use std::fs;
use std::path::Path;

use measure::c10k::report::{C10kReport, Model, Phase, Trial};
use measure::c10k::{self, table};
use measure::gauge::Footprint;
use measure::herd::{self, HerdReport};
use measure::kept;
use measure::machine::Machine;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[cfg(unix)]
mod made_up {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use measure::c10k::report::C10kReport;
    use measure::c10k::{News, Plan, draft, drafting, measure_with};
    use measure::kept;
    use programs::listings::Programs;

    /// `ch11-event-loop` does not come up; what the others do, `labor/server.sh` says.
    fn programs() -> Programs {
        let file = |name: &str| {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/labor").join(name)
        };
        let programs = [
            ("ch11-load", "load.sh"),
            ("ch11-threads", "server.sh"),
            ("ch11-tokio", "server.sh"),
            ("ch11-tokio-lean", "server.sh"),
            ("ch11-event-loop", "mute.sh"),
        ];
        let programs = programs.map(|(name, script)| (name.to_owned(), file(script)));
        BTreeMap::from(programs).into()
    }

    fn plan(connections: &[u64], models: &[&str], runs: u64) -> Plan {
        Plan {
            connections: connections.to_vec(),
            models: models.iter().map(|&id| id.to_owned()).collect(),
            runs,
            all: Duration::from_millis(1),
            few: Duration::from_millis(1),
        }
    }

    /// The report and what was told; `watch` may cancel.
    fn measured(
        plan: &Plan,
        watch: impl Fn(&News, &AtomicBool),
    ) -> (C10kReport, Vec<News>) {
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut told = Vec::new();
        // Whoever never answers is waited for twice; the others answer at once, but not if the machine is busy.
        let silent = plan.models.iter().any(|id| id == "tokio-cores");
        let grace = Duration::from_millis(if silent { 200 } else { 10_000 });
        let root = Path::new(super::ROOT);
        let report =
            measure_with(root, &programs(), grace, plan, &cancelled, &mut |event| {
                watch(&event, &cancelled);
                told.push(event);
            });
        (report.unwrap(), told)
    }

    #[test]
    fn every_model_has_its_turn_in_every_run_with_every_count() {
        let plan = plan(&[20, 10, 20], &["threads", "tokio"], 2);
        let (report, told) = measured(&plan, |_, _| {});
        assert!(report.complete && report.files > 0);
        let ids: Vec<&str> = report.models.iter().map(|model| model.id.as_str()).collect();
        // In the order of tables, whatever the reader's.
        assert_eq!(ids, ["tokio", "threads"]);
        for model in &report.models {
            let trials: Vec<_> =
                model.trials.iter().map(|trial| (trial.run, trial.connections)).collect();
            assert_eq!(trials, [(1, 10), (1, 20), (2, 10), (2, 20)]);
            for trial in &model.trials {
                assert_eq!(trial.failure, None);
                assert_eq!(trial.gather_micros, Some(4000));
                let idle = trial.idle.expect("all connected");
                assert!(trial.empty.resident > 0 && idle.resident > 0);
                for phase in [trial.all, trial.few] {
                    let phase = phase.expect("it was measured");
                    assert_eq!((phase.exchanges, phase.micros), (1000, 200_000));
                    assert_eq!((phase.p50_nanos, phase.p99_nanos), (1500, 9000));
                    assert_eq!(phase.load_cpu_micros, 50_000);
                    if cfg!(target_os = "linux") {
                        assert!(phase.switches.is_some());
                    }
                }
            }
        }
        let again: C10kReport = serde_json::from_str(&kept::json(&report)).unwrap();
        assert_eq!(again, report);

        let begun: Vec<_> = told
            .iter()
            .filter_map(|event| match event {
                News::Trial {
                    number, of, model, ..
                } => Some((*number, *of, model.as_str())),
                _ => None,
            })
            .collect();
        let (tasks, threads) = ("tokio, 8 KiB Puffer", "Thread je Verbindung");
        let order = [
            tasks, threads, threads, tasks, tasks, threads, threads, tasks,
        ];
        let expected: Vec<_> =
            (1..).zip(order).map(|(number, model)| (number, 8, model)).collect();
        assert_eq!(begun, expected);
        assert_eq!(told.last(), Some(&News::Finished));
    }

    #[test]
    fn a_model_that_fails_is_told_and_the_others_go_on() {
        let models = ["event-loop", "tokio", "threads-small"];
        let (report, told) = measured(&plan(&[10], &models, 3), |_, _| {});
        assert!(report.complete);
        let [mute, tokio, small] = &report.models[..] else { panic!("three models") };
        let failures = |model: &measure::c10k::report::Model| {
            model.trials.iter().map(|trial| trial.failure.clone()).collect::<Vec<_>>()
        };
        let sentence = |text: &str| vec![Some(text.to_owned()); 3];
        assert_eq!(failures(mute), sentence("Der Port ist belegt."));
        assert_eq!(failures(tokio), [None, None, None]);
        assert_eq!(
            failures(small),
            sentence("Verbindung 3: Die Antwort fehlt.")
        );
        // What was measured until then is kept.
        let trial = &small.trials[0];
        assert!(trial.idle.is_some() && trial.gather_micros == Some(4000));
        assert_eq!((trial.all, trial.few), (None, None));
        let complaints = told.iter().filter(|event| match event {
            News::Measured { failure, .. } => failure.is_some(),
            _ => false,
        });
        assert_eq!(complaints.count(), 6);
    }

    #[test]
    fn a_model_that_runs_out_of_time_twice_is_spared_the_rest() {
        let (report, told) = measured(&plan(&[10], &["tokio-cores"], 4), |_, _| {});
        assert!(report.complete);
        let trials = &report.models[0].trials;
        assert_eq!(trials.len(), 2);
        for trial in trials {
            let sentence = "Nach 0,2 s waren nicht alle Antworten da.";
            assert_eq!(trial.failure.as_deref(), Some(sentence));
        }
        let remark = "tokio, alle Kerne mit 10 Verbindungen: zweimal nicht rechtzeitig fertig, weitere Durchgänge entfallen.";
        assert!(told.contains(&News::Remark(remark.to_owned())), "{told:?}");
    }

    #[test]
    fn an_interruption_keeps_what_was_measured() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(draft());
        let read = || {
            let json = fs::read_to_string(&file).unwrap();
            serde_json::from_str::<C10kReport>(&json).unwrap()
        };
        let trials = |report: &C10kReport| -> usize {
            report.models.iter().map(|model| model.trials.len()).sum()
        };
        let plan = plan(&[10], &["tokio", "threads"], 3);
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut written = Vec::new();
        let measured = drafting(root.path(), |draft| {
            let root = Path::new(super::ROOT);
            let grace = Duration::from_secs(10);
            measure_with(root, &programs(), grace, &plan, &cancelled, &mut |event| {
                draft(&event);
                if let News::Measured { .. } = event {
                    written.push(trials(&read()));
                    if written.len() == 3 {
                        cancelled.store(true, Ordering::Relaxed);
                    }
                }
            })
        });
        let report = measured.unwrap();
        assert_eq!(written, [1, 2, 3]);
        assert_eq!((report.complete, trials(&report)), (false, 3));
        assert_eq!(read(), report);
    }

    #[test]
    fn an_interruption_ends_the_trial_under_way() {
        // Its answers never come.
        let plan = Plan {
            all: Duration::from_secs(60),
            ..plan(&[10], &["tokio-cores"], 1)
        };
        let begin = Instant::now();
        let (report, told) = measured(&plan, |event, cancelled| {
            if let News::Trial { .. } = event {
                cancelled.store(true, Ordering::Relaxed);
            }
        });
        assert!(begin.elapsed() < Duration::from_secs(30));
        assert!(!report.complete && report.models[0].trials.is_empty());
        assert!(!told.contains(&News::Finished));
    }
}

fn made_up_report() -> C10kReport {
    let footprint = |resident, kernel: u64| Footprint {
        resident,
        reserved: 2 * resident,
        page_tables: Some(kernel),
        kernel_stacks: Some(0),
        slab: None,
        threads: Some(1),
    };
    let phase = |exchanges, p99_nanos| Phase {
        exchanges,
        micros: 500_000,
        p50_nanos: 900_000,
        p99_nanos,
        server_cpu_micros: 3 * exchanges,
        load_cpu_micros: 400_000,
        switches: Some(exchanges / 4),
    };
    let trial = |run, exchanges: Option<u64>| Trial {
        connections: 1000,
        run,
        failure: exchanges.is_none().then(|| "Die Antwort fehlt.".to_owned()),
        empty: footprint(1_000_000, 0),
        idle: Some(footprint(3_048_000, 4_096_000)),
        gather_micros: Some(41_000),
        all: exchanges.map(|exchanges| phase(exchanges, 9_000_000)),
        few: exchanges.map(|exchanges| phase(exchanges, 120_000)),
    };
    let model = |id: &str, name: &str, runs: [Option<u64>; 3]| Model {
        id: id.into(),
        name: name.into(),
        command: format!("ch11-{id}"),
        all_cores: false,
        trials: (1..).zip(runs).map(|(run, exchanges)| trial(run, exchanges)).collect(),
    };
    C10kReport {
        date: chrono::NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(),
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
        models: vec![
            model("epoll", "epoll", [Some(50_000), Some(40_000), Some(60_000)]),
            model("threads", "Thread", [Some(25_000), Some(30_000), None]),
            model("tokio", "tokio", [None, None, None]),
        ],
    }
}

#[test]
fn the_table_says_what_the_report_says() {
    let text = table::text(&made_up_report()).replace('\u{202f}', " ");
    let expected = "\
1.000 Verbindungen: Antworten je Sekunde
  Modell   Antworten/s         von – bis  zu epoll  Hälfte bis  99 % bis  99 % bis *     CPU  Wechsel  Last
  epoll        100.000  80.000 – 120.000     1,00×      900 µs    9,0 ms      120 µs  3,0 µs     0,25  80 %
  threads       55.000   50.000 – 60.000     0,62×      900 µs    9,0 ms      120 µs  3,0 µs     0,25  80 %
  tokio              –                 –         –           –         –           –       –        –     –

1.000 Verbindungen: Speicher je Verbindung
  Modell    belegt  nur reserviert  Seitentabelle  Kernel-Stapel  Kernel-Objekte  alle da nach
  epoll    2,0 KiB         2,0 KiB        4,0 KiB            0 B               –         41 ms
";
    assert!(text.starts_with(expected), "{text}");
    let remarks = "\
Reihenfolge: epoll, threads (in jedem Durchgang dieselbe).
threads (1 von 3 gescheitert): Die Antwort fehlt.
tokio (3 von 3 gescheitert): Die Antwort fehlt.
";
    assert!(text.contains(remarks), "{text}");
    assert!(text.contains("Median aus 3 Durchgängen"), "{text}");
    assert!(text.contains("verschiedenen Kernen"), "{text}");
    assert!(
        text.contains("  threads: Thread – ch11-threads\n"),
        "{text}"
    );
    assert!(
        text.ends_with(
            "Gemessen am 1.3.2026 auf Beispiel 9000, 2 Kerne, 8 GiB Speicher; Linux 6.12.3; rustc 1.95.0; \
             bis zu 20.000 offene Dateien.\n"
        ),
        "{text}"
    );
}

#[test]
fn kept_measurements_are_whole_and_what_their_json_says() {
    let read = |file: &Path| fs::read_to_string(Path::new(ROOT).join(file));
    if let Ok(json) = read(&c10k::file()) {
        let report: C10kReport = serde_json::from_str(&json).unwrap();
        assert!(report.complete && report.pinned);
        assert_eq!(kept::json(&report), json.replace("\r\n", "\n"));
    }
    if let Ok(json) = read(&herd::file()) {
        let report: HerdReport = serde_json::from_str(&json).unwrap();
        assert_eq!(report.threads.len(), report.tasks.len());
        assert_eq!(kept::json(&report), json.replace("\r\n", "\n"));
    }
}
