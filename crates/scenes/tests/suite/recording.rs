//! What is recorded is what happened, twice in the same way; and what no longer holds is reported with the remedy.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use programs::{listings, ports};
use scenes::recording::Recording;
use scenes::{self as scene, SceneId, render};

use crate::{folder_with_a_scene, root};

const LISTING: &str = "ch01-socket-basics";

#[test]
fn a_changed_output_and_a_changed_script_are_reported_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let id = SceneId::new(LISTING, "kein-server");
    let copy = |content: String, file: &Path| {
        let target = folder.path().join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, content).unwrap();
    };
    listings::built(root()).unwrap(); // the copy has no workspace to build them from
    let read = |file: &Path| fs::read_to_string(root().join(file)).unwrap();
    let (toml, json) = (read(&id.script()), read(&id.recording()));
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

#[test]
fn recording_writes_run_and_transcript_and_leaves_unchanged_scenes_alone() {
    let port = ports::free().unwrap();
    let (folder, id) = folder_with_a_scene(LISTING, port, NOBODY);
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
    let (folder, id) = folder_with_a_scene(LISTING, port, NOBODY);
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
    let (folder, id) = folder_with_a_scene(LISTING, port, WAITING);
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
