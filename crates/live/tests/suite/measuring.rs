//! „Auf diesem Rechner messen“, with doubles for the programs measured.

#[cfg(target_os = "linux")]
use std::path::Path;
#[cfg(target_os = "linux")]
use std::time::Instant;

use live::Limits;
use programs::listings::Profile;
use serde_json::{Value, json};
use testing::reader::Page;
use testing::{DEADLINE, book};

use crate::{fixture, serve, temporary};

/// The programs of that book, but not the book's own.
#[cfg(target_os = "linux")]
fn measured_programs(root: &Path) -> Vec<String> {
    let root = root.display().to_string();
    testing::processes::commands(|command| {
        command.contains(&root) && command.contains("ch11-")
    })
}

/// Starts a measurement and waits until it is under way.
fn measure(page: &mut Page, run: u32) {
    page.send(json!({"type": "measure", "run": run, "measurement": "c10k"}));
    let trial = page.find("a trial", |message| {
        message["type"] == "measuring" && message["of"].is_u64()
    });
    assert_eq!((&trial["run"], &trial["done"]), (&json!(run), &json!(0)));
    let text = trial["text"].as_str().expect("a text");
    assert!(text.contains("1.000 Verbindungen; noch etwa "), "{text}");
}

#[test]
fn a_measurement_tells_how_far_it_is_and_what_came_out_beside_the_book() {
    let book = book::laboratory(temporary("measuring"));
    book.write(
        "book/measurements/c10k.json",
        measure::kept::json(&fixture::report(&[100, 1_000], 2)),
    );
    let limits = Limits {
        silence: DEADLINE,
        measured: Profile::Dev,
        ..Limits::default()
    };
    let server = serve(book.root(), limits);
    let mut page = server.reader.page();
    for unknown in ["herde", "", "../c10k", "c10k/"] {
        page.send(json!({"type": "measure", "run": 1, "measurement": unknown}));
        let told = page.all_until("over");
        assert!(
            told.iter().all(|message| message["type"] != "measuring"),
            "{unknown}"
        );
        let reason = told.last().expect("the end")["reason"].to_string();
        assert!(reason.contains("Diese Messung gibt es nicht"), "{reason}");
    }

    measure(&mut page, 2);
    // Somebody else may not measure at the same time, and disturbs nobody by asking.
    let mut other = server.reader.page();
    other.send(json!({"type": "measure", "run": 1, "measurement": "c10k"}));
    let reason = other.wait_for("over")["reason"].to_string();
    assert!(
        reason.contains("Auf einer anderen Seite wird gerade gemessen"),
        "{reason}"
    );

    let told = page.all_until("over");
    let steps: Vec<_> =
        told.iter().filter(|message| message["type"] == "measuring").collect();
    assert!(steps.iter().all(|step| step["of"] == steps[0]["of"]));
    assert!(steps.is_sorted_by_key(|step| step["done"].as_u64()));
    assert_eq!(told.last().expect("the end")["reason"], Value::Null);
    let measured =
        told.iter().find(|message| message["type"] == "measured").expect("a result");
    assert_eq!(
        measured["caption"],
        "Ihr Rechner mit 1.000 Verbindungen, Median aus 2 Durchgängen"
    );
    let rows = measured["rows"].as_array().expect("rows");
    let columns = measured["columns"].as_array().expect("columns").len();
    assert!(rows.iter().all(|row| row.as_array().is_some_and(|row| row.len() == columns)));
    // 15,000 answers in 100 ms.
    assert_eq!(
        (&rows[1][0], &rows[1][1]),
        (&json!("Event Loop von Hand (mio)"), &json!("150.000"))
    );
    assert!(
        rows[1][2].as_str().expect("the book's value").starts_with("1"),
        "{rows:?}"
    );
    let marks = measured["marks"].as_array().expect("marks");
    for figure in ["c10k-speicher", "c10k-durchsatz", "c10k-antwortzeit"] {
        assert!(
            marks.iter().any(|mark| mark["figure"] == figure),
            "{figure}"
        );
    }
    if rows.len() == 6 {
        // There is a Python, but not the server it should run.
        let notes = measured["notes"].to_string();
        assert!(notes.contains("Python asyncio: "), "{notes}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_measurement_ends_by_stop_and_with_its_page_and_nothing_is_left() {
    let book = book::laboratory(temporary("measuring-stopped"));
    let limits = Limits {
        silence: DEADLINE,
        measured: Profile::Dev,
        ..Limits::default()
    };
    let server = serve(book.root(), limits);
    let nothing = || measured_programs(book.root()).is_empty();
    let mut page = server.reader.page();

    measure(&mut page, 1);
    testing::wait_until("a server and a load run", DEADLINE, || {
        measured_programs(book.root()).len() == 2
    });
    page.send(json!({"type": "stop", "run": 1}));
    let told = page.all_until("over");
    assert_eq!(told.last().expect("the end")["reason"], Value::Null);
    assert!(nothing(), "the run has ended, and its programs with it");
    // What was measured until then is shown, and said to be no more than that.
    for measured in told.iter().filter(|message| message["type"] == "measured") {
        assert!(
            measured["notes"].to_string().contains("Abgebrochen"),
            "{measured}"
        );
    }

    measure(&mut page, 2);
    testing::wait_until("a server and a load run", DEADLINE, || !nothing());
    drop(page);
    testing::wait_until("no program is left", crate::GONE_WITHIN, nothing);

    // Whoever left leaves room for the next one.
    let end = Instant::now() + DEADLINE;
    let mut page = server.reader.page();
    loop {
        page.send(json!({"type": "measure", "run": 3, "measurement": "c10k"}));
        let next = page.find("an answer", |message| {
            message["type"] == "measuring" || message["type"] == "over"
        });
        if next["type"] == "measuring" {
            return;
        }
        assert!(Instant::now() < end, "{next}");
    }
}
