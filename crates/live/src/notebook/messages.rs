//! What a page and the server say to each other, one JSON object a message.
//! A text goes in, out comes a message or the one German sentence why it is none.

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use measure::figures::OwnValue;
use scenes::recording::EventKind;

/// What a page may say. Everything else is refused.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromPage {
    /// The first message: the page proves that it is the reader's, and says where it is: `/sockets.html`.
    Hello {
        token: String,
        #[serde(default)]
        path: String,
    },
    /// Starts a scene.
    Play { scene: String, mode: Mode, run: u32 },
    /// Types a line into a process.
    Input {
        run: u32,
        process: String,
        line: String,
    },
    /// Ends the input of a process.
    Eof { run: u32, process: String },
    /// Ctrl-C for a process.
    StopProcess { run: u32, process: String },
    /// Starts a process that is not running.
    StartProcess { run: u32, process: String },
    /// Starts one more client like the one named.
    AddClient { run: u32, like: String },
    /// Ends the run.
    Stop { run: u32 },
    /// Measures on this machine.
    Measure { run: u32, measurement: String },
    /// Runs a snippet, as it is in the book or as the reader has changed it.
    RunCell {
        run: u32,
        cell: String,
        source: Option<String>,
    },
}

/// Who types in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Mode {
    /// The script.
    Perform,
    /// The reader.
    Myself,
}

/// By hand, since serde would also take `{"self": null}`.
impl TryFrom<String> for Mode {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Mode, &'static str> {
        match name.as_str() {
            "perform" => Ok(Mode::Perform),
            "self" => Ok(Mode::Myself),
            _ => Err("no such mode"),
        }
    }
}

impl FromPage {
    /// Reads a message.
    pub fn read(text: &str, limits: &Limits) -> Result<FromPage, String> {
        // serde would also take a list of the fields: ["stop", 1].
        let is_object = text.trim_ascii_start().starts_with('{');
        let message = is_object.then(|| serde_json::from_str::<FromPage>(text));
        let Some(Ok(message)) = message else {
            return Err("Diese Nachricht gibt es nicht.".to_owned());
        };
        match &message {
            FromPage::Input { line, .. } if line.contains(['\n', '\r', '\0']) => {
                Err("Eine Eingabe ist genau eine Zeile.".to_owned())
            }
            FromPage::Input { line, .. } if line.len() > limits.input => {
                Err(format!("Eine Zeile hat höchstens {} Bytes.", limits.input))
            }
            FromPage::RunCell {
                source: Some(source),
                ..
            } if source.len() > limits.source => Err(format!(
                "Ein Schnipsel hat höchstens {} Bytes.",
                limits.source
            )),
            _ => Ok(message),
        }
    }
}

/// Whether a page may say this. Nothing is done about it: it is for whoever thinks up messages to try the reading alone (`fuzz/`), which
/// no page could do without a program being started.
#[doc(hidden)]
pub fn is_message(text: &str) -> bool {
    FromPage::read(text, &Limits::default()).is_ok()
}

/// What the server says. Times are milliseconds since the run's first event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ToPage {
    /// The state of the book: sent after the greeting and after every change.
    Book {
        /// A page that was loaded with another version is out of date.
        version: String,
        /// Why the present source cannot be built, a line a problem; empty if it can.
        problems: Vec<String>,
    },
    /// What is built already; the first one says that the page is the reader's.
    Ready {
        #[serde(flatten)]
        state: Readiness,
        limits: Longest,
    },
    /// The runnable snippets of the page, in their order.
    Cells { cells: Vec<CellOfPage> },
    /// What differs from run to run in the lines of a scene, told before its first event: patterns, each with what stands in
    /// the place of its matches, and patterns of lines that may come again.
    Masks {
        run: u32,
        masks: Vec<(String, &'static str)>,
        again: Vec<String>,
    },
    /// Something happened to a process of a scene.
    Event {
        run: u32,
        t: f64,
        process: String,
        kind: EventKind,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<i32>,
    },
    /// How far a measurement is.
    Measuring {
        run: u32,
        text: String,
        /// So many trials are over; while something is built, it is not known how many there will be.
        done: u64,
        of: Option<u64>,
    },
    /// What was measured.
    Measured(Box<Measured>),
    /// All programs of a scene or of a measurement are gone.
    Over { run: u32, reason: Option<String> },
    /// The compiler is at work.
    CellBuilding { run: u32 },
    /// The cell printed a line.
    CellOutput {
        run: u32,
        stream: &'static str,
        text: String,
        t: f64,
    },
    /// What the compiler says; if one of its lines is an error, the cell does not run.
    CellErrors {
        run: u32,
        text: String,
        lines: Vec<Marked>,
        t: f64,
    },
    /// The cell is gone.
    CellEnded {
        run: u32,
        status: Option<i32>,
        why: Option<&'static str>,
        t: f64,
    },
    /// Something the reader should know; the run goes on.
    Note { run: u32, text: String },
    /// Nothing more will be said.
    Refused { reason: String },
}

/// A measurement of the reader's, beside the book's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    pub run: u32,
    pub caption: String,
    /// Names of the columns; the first one names the row.
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// Sentences below the table.
    pub notes: Vec<String>,
    /// The values in the figures of the book.
    pub marks: Vec<OwnValue>,
}

/// A line of the cell that the compiler speaks of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Marked {
    pub line: usize,
    pub level: String,
    pub message: String,
}

/// A runnable snippet, as the page finds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellOfPage {
    pub id: String,
    /// Its text; there is no other way to tell it from what is no cell.
    pub program: String,
}

/// How far the background builds are.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Readiness {
    pub scenes: Tally,
    /// Of the pages that are open.
    pub cells: Tally,
    /// Why something cannot be built.
    pub problem: Option<String>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub done: usize,
    pub of: usize,
}

/// What a page may send at most, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Longest {
    /// A line that is typed.
    pub input: usize,
    /// A cell.
    pub source: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FromPage, String> {
        FromPage::read(text, &Limits::default())
    }

    #[test]
    fn every_message_is_read_and_nothing_beside() {
        assert_eq!(
            read(r#"{"type":"play","scene":"a/b","mode":"self","run":3}"#),
            Ok(FromPage::Play {
                scene: "a/b".to_owned(),
                mode: Mode::Myself,
                run: 3
            })
        );
        assert!(read(r#"{"type":"run-cell","run":1,"cell":"a#1"}"#).is_ok());
        assert!(read(r#"{"type":"run-cell","run":1,"cell":"a#1","source":"x"}"#).is_ok());
        assert!(read(r#"{"type":"stop-process","run":1,"process":"A"}"#).is_ok());
        for wrong in [
            "",
            "x",
            "null",
            "[]",
            r#"["stop",1]"#,
            r#"["play","a/b","self",3]"#,
            r#"["hello","0123"]"#,
            "{}",
            r#"{"type":"stop"}"#,
            r#"{"type":"Stop","run":1}"#,
            r#"{"type":"stop","run":-1}"#,
            r#"{"type":"stop","run":1.5}"#,
            r#"{"type":"stop","run":"1"}"#,
            r#"{"type":"stop","run":4294967296}"#,
            r#"{"type":"stop","run":1,"more":1}"#,
            r#"{"type":"stop","run":1,"run":2}"#,
            r#"{"type":"stop","run":1}{"type":"stop","run":1}"#,
            r#"{"type":"run","run":1,"program":"/bin/sh"}"#,
            r#"{"type":"play","scene":"a/b","mode":"other","run":3}"#,
            r#"{"type":"play","scene":"a/b","mode":{"self":null},"run":3}"#,
            r#"{"type":"play","scene":"a/b","mode":1,"run":3}"#,
            r#"{"type":"play","scene":"a/b","mode":"self","run":3,"args":[]}"#,
            r#"{"type":"play","scene":["a"],"mode":"self","run":3}"#,
            r#"{"type":"input","run":1,"process":"A","line":"a\nb"}"#,
            r#"{"type":"input","run":1,"process":"A","line":null}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let long = "x".repeat(8 * 1024 + 1);
        assert!(
            read(&format!(
                r#"{{"type":"input","run":1,"process":"A","line":"{long}"}}"#
            ))
            .is_err()
        );
        let long = "x".repeat(32 * 1024 + 1);
        assert!(
            read(&format!(
                r#"{{"type":"run-cell","run":1,"cell":"A","source":"{long}"}}"#
            ))
            .is_err()
        );
    }

    #[test]
    fn names_on_the_wire_are_those_the_page_reads() {
        let json = |message: &ToPage| serde_json::to_string(message).unwrap();
        assert_eq!(
            json(&ToPage::CellEnded {
                run: 2,
                status: None,
                why: Some("Zeit"),
                t: 1.5
            }),
            r#"{"type":"cell-ended","run":2,"status":null,"why":"Zeit","t":1.5}"#
        );
        let event = |kind, text: Option<&str>, status| ToPage::Event {
            run: 3,
            t: 0.5,
            process: "Anna".to_owned(),
            kind,
            text: text.map(str::to_owned),
            status,
        };
        assert_eq!(
            json(&event(EventKind::Out, Some(""), None)),
            r#"{"type":"event","run":3,"t":0.5,"process":"Anna","kind":"out","text":""}"#
        );
        assert_eq!(
            json(&event(EventKind::Exit, None, Some(0))),
            r#"{"type":"event","run":3,"t":0.5,"process":"Anna","kind":"exit","status":0}"#
        );
        assert_eq!(
            json(&ToPage::Ready {
                state: Readiness::default(),
                limits: Limits::default().longest()
            }),
            r#"{"type":"ready","scenes":{"done":0,"of":0},"cells":{"done":0,"of":0},"problem":null,"limits":{"input":8192,"source":32768}}"#
        );
    }
}
