//! Rule 8: how much a page may ask for.

use std::time::Duration;

use live::Limits;
use serde_json::json;
use testing::book::{CELL, CHAT};

use crate::{real_book, serve, small_book};

#[test]
fn rule_8_too_long_messages_lines_and_cells_are_refused() {
    let server = real_book();
    let limits = Limits::default();
    for message in [
        json!({"type": "input", "run": 1, "process": "Anna", "line": "x".repeat(limits.input + 1)}),
        json!({"type": "input", "run": 1, "process": "Anna", "line": "zwei\nZeilen"}),
        json!({"type": "run-cell", "run": 1, "cell": CELL, "source": "x".repeat(limits.source + 1)}),
    ] {
        let mut page = server.reader.page();
        page.send(message);
        page.wait_for("refused");
        assert!(page.hear().is_none());
    }
    // Beyond 64 KiB nothing is even looked at.
    let mut page = server.reader.page();
    page.try_say(&"x".repeat(64 * 1024 + 1));
    while page.hear().is_some() {}
}

#[test]
fn rule_8_one_group_a_page_so_many_in_all_and_so_many_programs() {
    let limits = Limits {
        groups: 1,
        processes: 5,
        silence: Duration::from_secs(30),
        ..Limits::default()
    };
    let server = serve(small_book(), limits);
    let mut page = server.reader.page();
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables))]
    let first = page.play_myself(CHAT, 1);
    page.wait_for_line("Carla", "Verbunden.");

    let mut other = server.reader.page();
    other.send(json!({"type": "play", "scene": CHAT, "mode": "self", "run": 1}));
    let reason = other.wait_for("over")["reason"].to_string();
    assert!(reason.contains("Es laufen schon 1"), "{reason}");

    page.send(json!({"type": "add-client", "run": 1, "like": "Anna"}));
    page.wait_for_line("Client 2", "Verbunden.");
    page.send(json!({"type": "add-client", "run": 1, "like": "Anna"}));
    let note = page.wait_for("note")["text"].to_string();
    assert!(note.contains("Mehr als 5 Programme"), "{note}");

    // A new run ends the old one first, and may have its port.
    #[cfg(target_os = "linux")]
    let of_first: Vec<u32> = {
        let named = format!("--port {first}");
        let ours = testing::processes::descendants(std::process::id()).into_iter();
        ours.filter(|(_, command)| command.contains(&named))
            .map(|(pid, _)| pid)
            .collect()
    };
    page.send(json!({"type": "play", "scene": CHAT, "mode": "self", "run": 2}));
    let over = page.wait_for("over");
    assert_eq!(over["run"], 1);
    let why = over["reason"].to_string();
    assert!(why.contains("anderes gestartet"), "{why}");
    #[cfg(target_os = "linux")]
    {
        assert_eq!(of_first.len(), 5);
        testing::wait_until(
            "no program of the first run is left",
            crate::GONE_WITHIN,
            || !of_first.iter().any(|pid| testing::processes::is_alive(*pid)),
        );
    }
}

#[test]
fn rule_8_a_scene_runs_only_so_long() {
    let limits = Limits {
        scene: Duration::from_secs(1),
        // The time is looked at five times within this.
        silence: Duration::from_secs(5),
        ..Limits::default()
    };
    let server = serve(small_book(), limits);
    let mut page = server.reader.page();
    page.send(json!({"type": "play", "scene": CHAT, "mode": "self", "run": 1}));
    // On a slow machine its time may be over before.
    let listens = page.find("a server", |message| {
        message["type"] == "over"
            || message["text"].as_str().is_some_and(|text| text.contains("lauscht"))
    });
    let over = match listens["type"].as_str() {
        Some("over") => listens,
        _ => page.wait_for("over"),
    };
    let reason = over["reason"].as_str().expect("a reason");
    assert!(reason.contains("1 Sekunde"), "{over}");
}
