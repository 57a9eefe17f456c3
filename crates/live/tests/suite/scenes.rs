//! A scene of the real book, performed and played by the reader.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};

use serde_json::{Value, json};
use testing::book::CHAT;

use crate::{TALK, assert_gone, real_book, root};

#[test]
fn a_scene_is_performed_as_its_script_says() {
    let server = real_book();
    let mut page = server.reader.page();
    page.send(json!({"type": "play", "scene": TALK, "mode": "perform", "run": 3}));
    let mut told = Vec::new();
    page.find("the server", |message| {
        told.push(message.clone());
        message["text"].as_str().is_some_and(|text| text.contains("lauscht"))
    });
    told.extend(page.all_until("over"));
    let of_run: Vec<&Value> = told.iter().filter(|message| message["run"] == 3).collect();
    assert_eq!(
        told.last().expect("over")["reason"],
        Value::Null,
        "{told:?}"
    );

    // The order is that of the script, the words those of the recording.
    let happened: Vec<String> = of_run
        .iter()
        .filter(|message| message["type"] == "event")
        .map(|message| {
            let kind = message["kind"].as_str().expect("a kind");
            let process = message["process"].as_str().expect("a process");
            let text = message["text"].as_str().unwrap_or_default();
            // Ports differ from run to run.
            let text = text.split(":5").next().unwrap_or(text);
            let text = text.split(" 127.0.0.1").next().unwrap_or(text);
            format!("{kind} {process} {text}").trim_end().to_owned()
        })
        .collect();
    for wanted in [
        "start Server",
        "out Server Server lauscht auf",
        "start Client",
        "in Client Hallo, ist da jemand?",
        "out Server Client: Hallo, ist da jemand?",
        "quiet Client wartet auf die Antwort des Servers",
        "in Server Ja. Was gibt es?",
        "out Client Server: Ja. Was gibt es?",
        "in Client bye",
        "exit Client",
        "stop Server",
        "exit Server",
    ] {
        assert!(
            happened.iter().any(|one| one == wanted),
            "{wanted} in {happened:#?}"
        );
    }
    let at = |wanted: &str| happened.iter().position(|one| one == wanted);
    assert!(
        at("in Client Hallo, ist da jemand?")
            < at("out Server Client: Hallo, ist da jemand?")
    );
    assert!(at("start Server") < at("start Client"));

    // It takes the time of the recording, its pauses included.
    let recording = root().join(format!("listings/{}.json", TALK.replace('/', "/scenes/")));
    let recording: Value =
        serde_json::from_str(&fs::read_to_string(recording).expect("a recording"))
            .expect("JSON");
    let typed = |events: &[Value]| -> Vec<f64> {
        let events = events.iter().filter(|event| event["kind"] == "in");
        events.map(|event| event["t"].as_f64().expect("a time")).collect()
    };
    let recorded = typed(recording["events"].as_array().expect("events"));
    let live = typed(&told);
    assert_eq!(recorded.len(), live.len());
    for (recorded, live) in recorded.iter().zip(&live) {
        // Earlier only by what starting a program took then.
        assert!(*live > recorded - 200.0, "{live} instead of {recorded}");
    }
    let ended = told.iter().filter(|message| message["kind"] == "exit");
    assert!(ended.into_iter().all(|message| message["status"] == 0));
}

#[test]
fn what_a_scene_masks_is_told_before_anything_happens() {
    let mut page = real_book().reader.page();
    page.send(json!({"type": "play", "scene": "ch07-mini-executor/groesse", "mode": "perform", "run": 1}));
    let told = page.all_until("over");
    let first = |kind: &str| told.iter().position(|message| message["type"] == kind);
    let masks = first("masks").expect("the masks");
    assert!(masks < first("event").expect("something happens"));
    assert_eq!(told[masks]["masks"][0], json!([" +[0-9]+ Bytes", "…"]));
    assert_eq!(told[masks]["again"], json!([]));
}

#[test]
fn in_the_other_mode_all_typing_is_the_readers() {
    let server = real_book();
    let mut page = server.reader.page();
    let port = page.play_myself(CHAT, 1);
    page.wait_for_line("Carla", "Verbunden.");
    for (name, line) in [("Anna", "Anna"), ("Ben", "Ben")] {
        page.send(json!({"type": "input", "run": 1, "process": name, "line": line}));
        page.wait_for_line("Server", &format!("{name} ist da"));
    }
    let markup = "<b>Hallo</b> „&amp;“ <script>alert(1)</script>";
    page.send(json!({"type": "input", "run": 1, "process": "Anna", "line": markup}));
    // Rule 10: what programs print goes through as text, character by character.
    assert_eq!(
        page.wait_for_line("Ben", "Hallo"),
        format!("Anna: {markup}")
    );

    // One more client, who chats with the others.
    page.send(json!({"type": "add-client", "run": 1, "like": "Anna"}));
    page.find("the new client", |message| {
        message["kind"] == "start" && message["process"] == "Client 2"
    });
    page.send(json!({"type": "input", "run": 1, "process": "Client 2", "line": "Dora"}));
    page.wait_for_line("Ben", "* Dora ist da");

    // The end of input, Ctrl-C and another start.
    page.send(json!({"type": "eof", "run": 1, "process": "Ben"}));
    page.find("Ben's end", |message| {
        message["kind"] == "exit" && message["process"] == "Ben"
    });
    page.send(json!({"type": "start-process", "run": 1, "process": "Ben"}));
    page.wait_for_line("Ben", "Verbunden.");
    page.send(json!({"type": "stop-process", "run": 1, "process": "Server"}));
    // Who notices it first is chance.
    let (mut hung_up, mut ended) = (false, false);
    page.find("the server's end", |message| {
        ended |= message["kind"] == "exit" && message["process"] == "Server";
        hung_up |=
            message["process"] == "Anna" && message["text"] == "Der Server hat aufgelegt.";
        hung_up && ended
    });

    // What makes no sense is answered, and the run goes on.
    for nonsense in [
        json!({"type": "input", "run": 1, "process": "Niemand", "line": "x"}),
        json!({"type": "input", "run": 1, "process": "Server", "line": "x"}),
        json!({"type": "add-client", "run": 1, "like": "Server"}),
    ] {
        page.send(nonsense);
        page.wait_for("note");
    }
    // What is meant for another run is not heard.
    page.send(json!({"type": "stop", "run": 99}));
    page.send(json!({"type": "start-process", "run": 1, "process": "Server"}));
    page.wait_for_line("Server", "Server lauscht auf");

    page.send(json!({"type": "stop", "run": 1}));
    assert_eq!(page.wait_for("over")["reason"], Value::Null);
    assert_gone(port);
}

#[test]
fn two_pages_play_the_same_scene_at_once_on_ports_of_their_own() {
    let server = real_book();
    let (mut one, mut other) = (server.reader.page(), server.reader.page());
    let (first, second) = (one.play_myself(CHAT, 1), other.play_myself(CHAT, 1));
    assert_ne!(first, second);
    for (page, name) in [(&mut one, "Eins"), (&mut other, "Zwei")] {
        page.wait_for_line("Anna", "Verbunden.");
        page.send(json!({"type": "input", "run": 1, "process": "Anna", "line": name}));
        page.wait_for_line("Server", &format!("{name} ist da"));
    }
    // The end of one is not the end of the other.
    drop(one);
    assert_gone(first);
    other.send(json!({"type": "input", "run": 1, "process": "Anna", "line": "Noch da?"}));
    other.find("the typed line", |message| message["text"] == "Noch da?");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, second)).is_ok());
    drop(other);
    assert_gone(second);
}
