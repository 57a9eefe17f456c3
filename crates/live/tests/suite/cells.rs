//! Cells of the real book, run as they are and changed.

use live::Limits;
use serde_json::{Value, json};
use testing::book::CELL;
use testing::reader::texts;

use crate::{real_book, root};

#[test]
fn a_cell_runs_is_edited_broken_and_repaired() {
    let server = real_book();
    let mut page = server.reader.page();
    let as_in_the_book = page.run_cell(CELL, 1, None);
    assert!(!texts(&as_in_the_book, "cell-output").is_empty());
    assert_eq!(as_in_the_book.last().expect("its end")["status"], 0);

    let edited = "#[tokio::main]\nasync fn main() {\n    let eins = tokio::spawn(async { 41 + 1 });\n    println!(\"{}\", eins.await.unwrap());\n}\n";
    let told = page.run_cell(CELL, 2, Some(edited));
    assert_eq!(texts(&told, "cell-output"), ["42"]);

    let broken = edited.replace("41 + 1", "\"41\" + 1");
    let told = page.run_cell(CELL, 3, Some(&broken));
    let errors =
        told.iter().find(|message| message["type"] == "cell-errors").expect("errors");
    let text = errors["text"].as_str().expect("a text");
    assert!(
        text.contains("error[E0369]") && text.contains("3 |"),
        "{text}"
    );
    assert!(
        !text.contains(&root().display().to_string()) && !text.contains(".cargo"),
        "{text}"
    );
    assert_eq!(errors["lines"][0]["line"], 3);
    assert_eq!(errors["lines"][0]["level"], "error");
    let end = told.last().expect("its end");
    assert_eq!(
        (&end["status"], &end["why"]),
        (&Value::Null, &json!("Übersetzung"))
    );
    assert!(texts(&told, "cell-output").is_empty());

    let told = page.run_cell(CELL, 4, Some(edited));
    assert_eq!(texts(&told, "cell-output"), ["42"]);

    // A panic tells its line, and nothing of this machine.
    let told = page.run_cell(CELL, 5, Some("fn main() {\n    panic!(\"weg\");\n}\n"));
    let printed = texts(&told, "cell-output").join("\n");
    assert!(
        printed.contains("zelle.rs:2:5") && printed.contains("weg"),
        "{printed}"
    );
    assert_eq!(told.last().expect("its end")["status"], 101);

    // A warning of the compiler does not hinder.
    let told = page.run_cell(
        CELL,
        6,
        Some("fn main() {\n    let x = 1;\n    println!(\"da\");\n}\n"),
    );
    assert!(texts(&told, "cell-errors").concat().contains("unused variable"));
    assert_eq!(texts(&told, "cell-output"), ["da"]);
}

#[test]
fn a_cell_sees_an_empty_folder_no_input_and_little_of_our_environment() {
    let server = real_book();
    let mut page = server.reader.page();
    let source = r#"fn main() {
        let here = std::env::current_dir().unwrap();
        println!("{}", std::fs::read_dir(&here).unwrap().count());
        println!("{}", std::io::stdin().lines().count());
        println!("{}", std::env::var_os("CARGO_MANIFEST_DIR").is_none());
        println!("{}", std::env::var_os("HOME").is_none());
        std::fs::write("notiz.txt", "x").unwrap();
        println!("{}", here.display());
    }"#;
    let told = page.run_cell(CELL, 1, Some(source));
    let printed = texts(&told, "cell-output");
    assert_eq!(printed[..4], ["0", "0", "true", "true"]);
    assert!(
        !printed[4].contains(&root().display().to_string()),
        "{printed:?}"
    );
}

#[test]
fn an_endless_loop_ends_by_stop_by_time_and_by_too_much_output() {
    let server = real_book();
    let mut page = server.reader.page();
    let endless = "fn main() { println!(\"los\"); loop { std::hint::spin_loop(); } }";
    // For the clock it makes no difference whether the loop computes, but for the other tests.
    let lazy = endless.replace("hint::spin_loop", "thread::park");

    let told = page.run_cell(CELL, 1, Some(&lazy));
    let end = told.last().expect("its end");
    assert_eq!(
        (&end["status"], &end["why"]),
        (&Value::Null, &json!("Zeit"))
    );
    assert!(
        texts(&told, "cell-output")[1].contains("2 Sekunden"),
        "{told:?}"
    );

    page.send(json!({"type": "run-cell", "run": 2, "cell": CELL, "source": endless}));
    page.wait_for("cell-output");
    page.send(json!({"type": "stop", "run": 2}));
    assert_eq!(page.wait_for("cell-ended")["why"], "Stop");

    let told = page.run_cell(CELL, 3, Some("fn main() { loop { println!(\"voll\"); } }"));
    assert_eq!(told.last().expect("its end")["why"], "Ausgabe");
    let printed = texts(&told, "cell-output");
    assert_eq!(printed.len(), Limits::default().lines + 1);
    assert!(printed.last().expect("a last line").contains("abgeschnitten"));

    // Without any end of line as well.
    let told = page.run_cell(
        CELL,
        4,
        Some("fn main() { loop { print!(\"{}\", \"x\".repeat(1000)); } }"),
    );
    assert_eq!(told.last().expect("its end")["why"], "Ausgabe");
    let whole: usize = texts(&told, "cell-output").iter().map(String::len).sum();
    assert!(whole < Limits::default().bytes + 1000, "{whole}");
}

#[test]
fn a_cell_that_makes_way_for_a_scene_says_so() {
    let server = real_book();
    let mut page = server.reader.page();
    let endless = "fn main() { println!(\"los\"); loop { std::thread::park(); } }";
    page.send(json!({"type": "run-cell", "run": 1, "cell": CELL, "source": endless}));
    page.wait_for("cell-output");
    page.send(json!({"type": "play", "scene": crate::TALK, "mode": "self", "run": 2}));
    let note = page.wait_for("note")["text"].to_string();
    assert!(note.contains("anderes gestartet"), "{note}");
    assert_eq!(page.wait_for("cell-ended")["why"], "Stop");
    page.wait_for_line("Server", "Server lauscht auf");
    page.send(json!({"type": "stop", "run": 2}));
    page.wait_for("over");
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_page_ends_its_cell_and_whatever_that_has_started() {
    let server = real_book();
    let mut page = server.reader.page();
    let source = r#"fn main() {
        let mut child = std::process::Command::new("/bin/sleep").arg("3611").spawn().unwrap();
        println!("los");
        child.wait().unwrap();
    }"#;
    page.send(json!({"type": "run-cell", "run": 1, "cell": CELL, "source": source}));
    page.wait_for("cell-output");
    let sleeping = || {
        !testing::processes::commands(|command| command.contains("sleep 3611")).is_empty()
    };
    assert!(sleeping());
    drop(page);
    testing::wait_until("everything is gone", crate::GONE_WITHIN, || !sleeping());
}
