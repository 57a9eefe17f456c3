//! Every scene of the book is played again and must say what its recording says; and the player
//! itself must notice each way in which a program can stray from its script.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::plays::side_by_side;
use programs::{listings, ports};
use scenes::player::{Failure, play};
use scenes::recording::{Event, Kind, Recording};
use scenes::script::Script;
use scenes::settings::Settings;
use scenes::{self as scene, SceneId, observe as trace, render};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scenes() -> Vec<SceneId> {
    let scenes = scene::all(root());
    assert!(!scenes.is_empty(), "das Buch hat Szenen");
    scenes
}

/// Text of a file with the line ends it has in the repository, whatever a checkout made of them.
fn text(file: &Path) -> String {
    let text = fs::read_to_string(root().join(file));
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.replace("\r\n", "\n")
}

#[test]
fn every_scene_plays_as_it_was_recorded() {
    let reports = side_by_side(scenes(), 16, |id| scene::replay(root(), id));
    assert!(reports.is_empty(), "\n\n{}\n", reports.join("\n\n"));
}

#[test]
fn every_transcript_is_rendered_from_its_recording() {
    for id in scenes() {
        let recording = scene::load_recording(root(), &id).unwrap();
        assert_eq!(
            text(&id.transcript()),
            render(&recording),
            "Abhilfe: cargo run -- record {id}"
        );
        assert_eq!(text(&id.recording()), recording.to_json(), "{id}");
    }
}

#[test]
fn every_recording_belongs_to_its_script_of_today() {
    for id in scenes() {
        let script = scene::load_script(root(), &id).unwrap();
        let recording = scene::load_recording(root(), &id).unwrap();
        let today = Recording::new(&id, &script, recording.events.clone());
        let expected = Recording {
            recorded: recording.recorded.clone(),
            ..today
        };
        assert_eq!(recording, expected, "Abhilfe: cargo run -- record {id}");
    }
}

#[test]
fn every_timeline_is_drawn_from_what_was_recorded() {
    for id in scenes() {
        let script = scene::load_script(root(), &id).unwrap();
        let recording = scene::load_recording(root(), &id).unwrap();
        let trace = script.is_traced().then(|| trace::load(root(), &id).unwrap());
        if let Some(figure) =
            scene::figure(&id, &script, &recording, trace.as_ref()).unwrap()
        {
            let remedy = format!("Abhilfe: cargo run -- record {id}");
            assert_eq!(text(&id.figure()), figure, "{remedy}");
        }
        if let Some(trace) = trace {
            assert_eq!(text(&id.trace()), trace.to_json(), "{id}");
            let of = (trace.scene, trace.script);
            let today = (id.to_string(), script.digest());
            assert_eq!(of, today, "Abhilfe: cargo run -- record {id}");
        }
    }
}

#[test]
fn nothing_is_left_of_a_scene_or_a_timeline_that_is_gone() {
    let mut expected = Vec::new();
    for id in scenes() {
        let script = scene::load_script(root(), &id).unwrap();
        expected.extend([id.script(), id.recording(), id.transcript()]);
        expected.extend(script.timeline.is_some().then(|| id.figure()));
        expected.extend(script.is_traced().then(|| id.trace()));
    }
    for listing in fs::read_dir(root().join("listings")).unwrap() {
        let Ok(files) = fs::read_dir(listing.unwrap().path().join("scenes")) else {
            continue; // a listing without scenes
        };
        for file in files {
            let file = file.unwrap().path();
            let file = file.strip_prefix(root()).unwrap();
            let known = expected.iter().any(|expected| expected == file);
            assert!(known, "{} gehört zu keiner Szene", file.display());
        }
    }
}

// ---- The player -------------------------------------------------------------------------------

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
            (Kind::Start, None),
            (Kind::Out, Some(READY)),
            (Kind::Eof, None),
            (Kind::Out, Some(address)),
            (Kind::Out, Some("Client: Hallo")),
            (Kind::Out, Some("Von selbst geantwortet: Bytes erhalten: 5")),
            (Kind::Quiet, Some("wartet auf den Client")),
            (Kind::Out, Some("Der Client hat aufgelegt.")),
            (Kind::Stop, None),
            (Kind::Exit, None),
        ]
    );
    assert_eq!(
        of("Client"),
        [
            (Kind::Start, None),
            (Kind::Out, Some(CONNECTED)),
            (Kind::In, Some("Hallo")),
            (Kind::Out, Some("Server: Bytes erhalten: 5")),
            (Kind::Quiet, Some("wartet auf die Tastatur")),
            (Kind::Eof, None),
            (Kind::Exit, None),
        ]
    );
    // Between the two only what follows from a step is certain: which of them is seen to end first is not.
    let place = |event| told.iter().position(|told| *told == event).unwrap();
    let typed = place(("Client", Kind::In, Some("Hallo")));
    assert!(place(("Server", Kind::Out, Some(address))) < typed);
    assert!(typed < place(("Server", Kind::Out, Some("Client: Hallo"))));
    assert!(place(("Client", Kind::Exit, None)) < place(("Server", Kind::Stop, None)));
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

#[test]
fn a_changed_output_and_a_changed_script_are_reported_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let id = SceneId::new("ch01-socket-basics", "kein-server");
    let copy = |content: String, file: &Path| {
        let target = folder.path().join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, content).unwrap();
    };
    listings::built(root()).unwrap(); // the copy has no workspace to build them from
    let (toml, json) = (text(&id.script()), text(&id.recording()));
    copy(toml.clone(), &id.script());
    copy(json.clone(), &id.recording());
    scene::replay(folder.path(), &id).unwrap();

    copy(
        json.replace("Läuft der Server?", "Ist da wer?"),
        &id.recording(),
    );
    let report = scene::replay(folder.path(), &id).unwrap_err().to_string();
    assert!(
        report.contains("≠ Keine Verbindung zu 127.0.0.1:PORT: Ist da wer?"),
        "{report}"
    );
    assert!(
        report.ends_with("cargo run -- record ch01-socket-basics/kein-server"),
        "{report}"
    );

    copy(json, &id.recording());
    copy(
        toml.replace("Niemand lauscht", "Keiner lauscht"),
        &id.script(),
    );
    let report = scene::replay(folder.path(), &id).unwrap_err().to_string();
    assert!(
        report.contains("ist neuer als seine Aufzeichnung"),
        "{report}"
    );
}

/// A client finds no server.
const NOBODY: &str = r#"
    steps = [{ start = "Client" }, { exit = "Client", status = 1 }]
    [[process]]
    name = "Client"
    program = "ch01-client"
    args = ["--port", "{server}"]"#;

/// A server waits for a second and is stopped.
const WAITING: &str = r#"
    steps = [{ start = "Server" }, { see = "Server", line = "Server lauscht auf 127.0.0.1:5000" },
             { pause = 1.0 }, { stop = "Server" }]
    [[process]]
    name = "Server"
    program = "ch01-server"
    args = ["--port", "{server}"]"#;

/// A folder with one scene, whose `server` has this port.
fn folder_with_a_scene(port: u16, play: &str) -> (tempfile::TempDir, SceneId) {
    listings::built(root()).unwrap(); // the folder has no workspace to build them from
    let folder = tempfile::tempdir().unwrap();
    let id = SceneId::new("ch01-socket-basics", "probe");
    let file = folder.path().join(id.script());
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let script = format!("title = \"Probe\"\nports = {{ server = {port} }}\n{play}");
    fs::write(file, script).unwrap();
    (folder, id)
}

#[test]
fn recording_writes_run_and_transcript_and_leaves_unchanged_scenes_alone() {
    let port = ports::free().unwrap();
    let (folder, id) = folder_with_a_scene(port, NOBODY);
    scene::record(folder.path(), &[id.to_string()]).unwrap();
    let recording = scene::load_recording(folder.path(), &id).unwrap();
    let sentence = format!("Keine Verbindung zu 127.0.0.1:{port}: Läuft der Server?");
    assert_eq!(recording.events[1].text, Some(sentence));
    let transcript = folder.path().join(id.transcript());
    assert_eq!(fs::read_to_string(&transcript).unwrap(), render(&recording));

    // A run over everything keeps the old recording, here recognisable by its date …
    let old = Recording {
        recorded: "2001-01-01".into(),
        ..recording.clone()
    };
    let file = folder.path().join(id.recording());
    fs::write(&file, old.to_json()).unwrap();
    fs::remove_file(&transcript).unwrap();
    scene::record(folder.path(), &[]).unwrap();
    assert_eq!(scene::load_recording(folder.path(), &id).unwrap(), old);
    assert_eq!(fs::read_to_string(&transcript).unwrap(), render(&old));

    // … unless it says something else.
    fs::write(&file, old.to_json().replace("Läuft", "Schläft")).unwrap();
    scene::record(folder.path(), &[]).unwrap();
    let new = scene::load_recording(folder.path(), &id).unwrap();
    assert_eq!(new.recorded, recording.recorded);
}

#[test]
fn recording_refuses_a_taken_port() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let (folder, id) = folder_with_a_scene(port, NOBODY);
    let error = scene::record(folder.path(), &[]).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("Port {port} ist belegt")),
        "{error}"
    );
    assert!(!folder.path().join(id.recording()).exists());
}

/// Connects to the server. `record` too listens for a moment, to see whether the port is free: that is over at once.
fn stays_connected(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let silence = stream.peek(&mut [0]).map_err(|error| error.kind());
    matches!(silence, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn a_run_that_a_stranger_joined_is_not_recorded() {
    let port = ports::free().unwrap();
    let (folder, id) = folder_with_a_scene(port, WAITING);
    let over = AtomicBool::new(false);
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            while !stays_connected(port) {
                assert!(!over.load(Ordering::Relaxed), "the server never listened");
                thread::sleep(Duration::from_millis(1)); // nobody reports that a port is open
            }
        });
        let result = scene::record(folder.path(), &[]);
        over.store(true, Ordering::Relaxed);
        result.unwrap_err().to_string()
    });
    assert!(error.contains("verläuft nicht zweimal gleich"), "{error}");
    assert!(error.contains("Verbindung von 127.0.0.1:PORT"), "{error}");
    assert!(!folder.path().join(id.recording()).exists());
}
