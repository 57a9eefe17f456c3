//! The player notices each way in which a program can stray from its script, and ends what it has started.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use programs::listings;
use scenes::player::{Failure, play};
use scenes::recording::{Event, EventKind};
use scenes::script::Script;
use scenes::settings::Settings;

use crate::root;

const READY: &str = "Server lauscht auf 127.0.0.1:5000";
const CONNECTED: &str = "Verbunden. Zeile tippen und Enter; bye beendet das Gespräch.";

/// A scene of the server and the client of chapter 1, with these steps.
fn script(steps: &str) -> Script {
    let text = format!(
        r#"title = "Probe"
           ports = {{ server = 5000 }}
           steps = [{steps}]
           [[process]]
           name = "Server"
           program = "ch01-server"
           args = ["--port", "{{server}}"]
           [[process]]
           name = "Client"
           program = "ch01-client"
           args = ["--port", "{{server}}"]"#
    );
    Script::parse(&text).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Steps until both are connected; `Server` has no input, so it answers by itself.
fn connected(steps: &str) -> Script {
    script(&format!(
        r#"{{ start = "Server" }}, {{ see = "Server", line = "{READY}" }}, {{ eof = "Server" }},
           {{ start = "Client" }}, {{ see = "Client", line = "{CONNECTED}" }},
           {{ see = "Server", line = "Verbindung von 127.0.0.1:1" }},
           {steps}"#
    ))
}

const HALLO: &str = r#"{ type = "Client", line = "Hallo" },"#;
const END: &str = r#"{ eof = "Client" }, { exit = "Client" },
    { see = "Server", line = "Der Client hat aufgelegt." }, { stop = "Server" }, { exit = "Server" }"#;

fn run(script: &Script, deadline: Duration) -> Result<Vec<Event>, Failure> {
    let programs = listings::built(root()).unwrap();
    let settings = Settings {
        deadline,
        ..Settings::for_replay(script).unwrap()
    };
    play(script, programs, root(), &settings).map(|played| played.events)
}

const PATIENT: Duration = Duration::from_secs(20);
/// For steps that must fail by their deadline; long enough that the steps before them hold under load.
const SHORT: Duration = Duration::from_secs(3);

fn failure(script: &Script, deadline: Duration) -> Failure {
    run(script, deadline).expect_err("this script does not fit the programs")
}

#[test]
fn a_scene_that_goes_well_yields_its_events_in_the_order_of_the_script() {
    let script = connected(&format!(
        r#"{HALLO}
           {{ see = "Server", line = "Client: Hallo" }},
           {{ see = "Server", line = "Von selbst geantwortet: Bytes erhalten: 5" }},
           {{ see = "Client", line = "Server: Bytes erhalten: 5" }},
           {{ quiet = {{ Client = "wartet auf die Tastatur", Server = "wartet auf den Client" }}, seconds = 0.05 }},
           {END}"#
    ));
    let events = run(&script, PATIENT).unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.process.as_str(), event.kind, event.text.as_deref()))
        .collect();
    let of = |process| -> Vec<_> {
        let told = told.iter().filter(|event| event.0 == process);
        told.map(|(_, kind, text)| (*kind, *text)).collect()
    };
    let address = of("Server")[3].1.unwrap();
    assert!(
        address.starts_with("Verbindung von 127.0.0.1:"),
        "{address}"
    );
    assert_eq!(
        of("Server"),
        [
            (EventKind::Start, None),
            (EventKind::Out, Some(READY)),
            (EventKind::Eof, None),
            (EventKind::Out, Some(address)),
            (EventKind::Out, Some("Client: Hallo")),
            (
                EventKind::Out,
                Some("Von selbst geantwortet: Bytes erhalten: 5")
            ),
            (EventKind::Quiet, Some("wartet auf den Client")),
            (EventKind::Out, Some("Der Client hat aufgelegt.")),
            (EventKind::Stop, None),
            (EventKind::Exit, None),
        ]
    );
    assert_eq!(
        of("Client"),
        [
            (EventKind::Start, None),
            (EventKind::Out, Some(CONNECTED)),
            (EventKind::In, Some("Hallo")),
            (EventKind::Out, Some("Server: Bytes erhalten: 5")),
            (EventKind::Quiet, Some("wartet auf die Tastatur")),
            (EventKind::Eof, None),
            (EventKind::Exit, None),
        ]
    );
    // Between the two only what follows from a step is certain: which of them is seen to end first is not.
    let place = |event| told.iter().position(|told| *told == event).unwrap();
    let typed = place(("Client", EventKind::In, Some("Hallo")));
    assert!(place(("Server", EventKind::Out, Some(address))) < typed);
    assert!(typed < place(("Server", EventKind::Out, Some("Client: Hallo"))));
    assert!(
        place(("Client", EventKind::Exit, None)) < place(("Server", EventKind::Stop, None))
    );
    assert!(events.windows(2).all(|pair| pair[0].t <= pair[1].t));
}

#[test]
fn a_wrong_line_breaks_the_scene_off_and_the_report_shows_what_came_instead() {
    let script = connected(&format!(
        r#"{HALLO} {{ see = "Server", line = "Client: Tschüs" }}, {END}"#
    ));
    let failure = failure(&script, SHORT);
    assert_eq!(failure.step, 8);
    let report = failure.to_string();
    assert!(
        report.starts_with(
            "Schritt 8 (see Server „Client: Tschüs“): „Client: Tschüs“ kam nicht innerhalb von 3 s."
        ),
        "{report}"
    );
    assert!(report.contains("\n    Client: Hallo"), "{report}");
    assert!(
        report.contains(&format!("\n  Client:\n    {CONNECTED}")),
        "{report}"
    );
}

#[test]
fn a_line_of_a_program_that_has_ended_is_not_waited_for() {
    let script = connected(
        r#"{ eof = "Client" }, { see = "Client", line = "Noch da?" }, { exit = "Client" }, { stop = "Server" }"#,
    );
    let begin = Instant::now();
    let failure = failure(&script, PATIENT);
    assert_eq!(
        failure.message,
        "„Noch da?“ kommt nicht mehr, das Programm ist zu Ende."
    );
    assert!(begin.elapsed() < PATIENT);
}

#[test]
fn a_line_that_was_passed_over_cannot_be_seen_any_more() {
    let script = connected(&format!(
        r#"{HALLO}
           {{ see = "Server", line = "Von selbst geantwortet: Bytes erhalten: 5" }},
           {{ see = "Server", line = "Client: Hallo" }}, {END}"#
    ));
    assert_eq!(failure(&script, SHORT).step, 9);
}

#[test]
fn lines_in_free_order_are_seen_in_any_order() {
    let script = connected(&format!(
        r#"{HALLO}
           {{ see = "Server", lines = ["Von selbst geantwortet: Bytes erhalten: 5", "Client: Hallo"] }}, {END}"#
    ));
    let events = run(&script, PATIENT).unwrap();
    let free: Vec<_> = events.iter().filter(|event| event.free == Some(8)).collect();
    assert_eq!(free.len(), 2);
}

#[test]
fn a_wrong_status_breaks_the_scene_off() {
    let script = script(
        r#"{ start = "Client" }, { exit = "Client", status = 0 }, { start = "Server" }, { stop = "Server" }"#,
    );
    let failure = failure(&script, PATIENT);
    assert_eq!(failure.step, 2);
    assert_eq!(failure.message, "Das Programm endete mit Status 1 statt 0.");
}

#[test]
fn noise_where_silence_was_promised_breaks_the_scene_off() {
    let script = connected(&format!(
        r#"{HALLO} {{ quiet = "Client", seconds = 20 }}, {END}"#
    ));
    let failure = failure(&script, PATIENT);
    assert_eq!(failure.step, 8);
    assert!(
        failure.message.starts_with(
            "Client sollte nichts drucken, druckte aber „Server: Bytes erhalten: 5“."
        ),
        "{}",
        failure.message
    );
}

#[test]
fn who_ends_does_not_count_as_waiting() {
    let script = connected(
        r#"{ eof = "Client" }, { quiet = "Client", seconds = 20 }, { exit = "Client" }, { stop = "Server" }"#,
    );
    let failure = failure(&script, PATIENT);
    assert_eq!(failure.message, "Client sollte warten und ist zu Ende.");
}

#[test]
fn a_program_that_does_not_end_breaks_the_scene_off_and_is_ended() {
    let script = script(&format!(
        r#"{{ start = "Server" }}, {{ see = "Server", line = "{READY}" }}, {{ exit = "Server" }},
           {{ start = "Client" }}, {{ stop = "Client" }}"#
    ));
    let programs = listings::built(root()).unwrap();
    let settings = Settings {
        deadline: SHORT,
        ..Settings::for_replay(&script).unwrap()
    };
    let failure = play(&script, programs, root(), &settings).unwrap_err();
    assert_eq!(
        failure.message,
        "Das Programm ist nach 3 s noch nicht zu Ende."
    );
    let address = (Ipv4Addr::LOCALHOST, settings.ports["server"]);
    assert!(
        TcpStream::connect(address).is_err(),
        "the server is still running"
    );
}

#[test]
fn a_play_that_is_cancelled_ends_its_programs() {
    let script = script(&format!(
        r#"{{ start = "Server" }}, {{ see = "Server", line = "{READY}" }}, {{ pause = 60 }},
           {{ stop = "Server" }}, {{ start = "Client" }}, {{ stop = "Client" }}"#
    ));
    let programs = listings::built(root()).unwrap();
    let settings = Settings {
        pauses: true,
        ..Settings::for_replay(&script).unwrap()
    };
    let address = (Ipv4Addr::LOCALHOST, settings.ports["server"]);
    let played = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while TcpStream::connect(address).is_err() {
                assert!(!played.load(Ordering::Relaxed), "the server never listened");
                thread::yield_now();
            }
            settings.cancelled.store(true, Ordering::Relaxed);
        });
        let failure = play(&script, programs, root(), &settings).unwrap_err();
        played.store(true, Ordering::Relaxed);
        assert_eq!(failure.message, "Mit Strg+C abgebrochen.");
    });
    assert!(
        TcpStream::connect(address).is_err(),
        "the server is still running"
    );
}

#[test]
fn an_unknown_program_is_named() {
    let text = r#"title = "Probe"
        steps = [{ start = "A" }, { stop = "A" }]
        [[process]]
        name = "A"
        program = "ch99-server""#;
    let script = Script::parse(text).unwrap();
    assert_eq!(
        failure(&script, SHORT).message,
        "Kein Listing hat ein Programm namens „ch99-server“."
    );
}
