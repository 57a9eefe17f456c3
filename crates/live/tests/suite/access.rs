//! Rules 1 to 7: who is answered, and what can be asked for.

use std::net::TcpStream;
use std::time::Instant;

use live::Limits;
use serde_json::json;
#[cfg(target_os = "linux")]
use testing::book::CHAT;

use crate::{TALK, real_book};
#[cfg(target_os = "linux")]
use crate::{serve, small_book};

#[test]
fn rule_1_the_address_is_a_literal_and_reachable_under_no_other() {
    let server = real_book();
    assert!(TcpStream::connect(("127.0.0.1", server.reader.port)).is_ok());
    // The whole of 127/8 is this machine on Linux; only one address of it is ours.
    if cfg!(target_os = "linux") {
        assert!(TcpStream::connect(("127.0.0.2", server.reader.port)).is_err());
    }
    assert!(TcpStream::connect(("::1", server.reader.port)).is_err());
}

#[test]
fn rule_5_a_token_that_comes_too_late_is_worth_nothing() {
    let server = real_book();
    let began = Instant::now();
    let mut page = server.reader.silent_page();
    assert!(page.is_refused());
    assert!(began.elapsed() >= Limits::default().hello);
}

/// Another account of this machine sees every command line, and what it may open.
#[cfg(target_os = "linux")]
#[test]
fn rule_5_the_token_is_in_no_command_line_and_in_no_environment() {
    use testing::processes::{commands, descendants};
    let limits = Limits {
        silence: testing::DEADLINE,
        ..Limits::default()
    };
    let server = serve(small_book(), limits);
    let token = &server.reader.token;
    let mut page = server.reader.page();
    page.play_myself(CHAT, 1);
    page.wait_for_line("Carla", "Verbunden.");
    assert_eq!(commands(|command| command.contains(token)), [""; 0]);
    let own = std::process::id();
    let mut everybody = descendants(own);
    assert!(everybody.iter().any(|(_, command)| command.contains("ch05-small-server")));
    everybody.push((own, "the server".to_owned()));
    for (pid, command) in everybody {
        // Who has ended meanwhile has none any more.
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&environment).contains(token),
            "{command}"
        );
    }
}

#[test]
fn rules_5_and_6_no_answer_holds_the_token_a_cookie_or_a_cors_header() {
    let server = real_book();
    let asked = format!("/?token={}", server.reader.token);
    for path in [
        "/",
        "/sockets.html",
        "/-/live.js",
        "/-/live",
        &asked,
        "/nichts",
    ] {
        let answer = server.reader.get(path);
        let (head, token) = (&answer.head, &server.reader.token);
        assert!(
            !head.contains(token) && !answer.content.contains(token),
            "{path}"
        );
        assert!(
            !head.contains("set-cookie") && !head.contains("access-control"),
            "{head}"
        );
        assert!(
            head.contains("frame-ancestors 'none'") && head.contains("nosniff"),
            "{head}"
        );
    }
}

#[test]
fn rule_7_a_page_names_things_of_our_tables_and_nothing_else() {
    let server = real_book();
    let mut page = server.reader.page();
    for (run, scene) in [
        "ch01-socket-basics/gibt-es-nicht",
        "../listings/ch01-socket-basics/gespraech",
        "ch01-socket-basics/../ch01-socket-basics/gespraech",
        "/etc/passwd",
        "ch01-server",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        page.send(json!({"type": "play", "scene": scene, "mode": "perform", "run": run}));
        let told = page.all_until("over");
        assert!(
            told.iter().all(|message| message["type"] != "event"),
            "{scene}"
        );
        assert!(told.last().expect("over")["reason"].is_string(), "{scene}");
    }
    for cell in ["sockets#0", "sockets#999", "sockets", "../sockets#1", ""] {
        page.send(
            json!({"type": "run-cell", "run": 50, "cell": cell, "source": "fn main() {}"}),
        );
        let told = page.all_until("cell-ended");
        assert!(
            told.iter().all(|message| message["type"] != "cell-building"),
            "{cell}"
        );
    }
    for more in [
        json!({"type": "play", "scene": TALK, "mode": "self", "run": 1, "args": ["--port", "1"]}),
        json!({"type": "play", "scene": TALK, "mode": "self", "run": 1, "program": "/bin/sh"}),
        json!({"type": "start-process", "run": 1, "process": "Server", "env": {"A": "b"}}),
        json!({"type": "run", "command": "ls"}),
    ] {
        let mut page = server.reader.page();
        page.send(more.clone());
        let told = page.all_until("refused");
        assert!(
            told.iter().all(|message| message["type"] != "event"),
            "{more}"
        );
        assert!(page.hear().is_none());
    }
}
