//! Cells: the runnable snippets of the book, run as they are or as the reader has changed them.
//! In flow a cell's name and perhaps its new text, out flow what the compiler says and what the program prints.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::Notebook;
use super::compile::Workplace;
use super::limits::{self, Limits};
use super::messages::ToPage;
use super::run::{Fate, Outbox, Stop, name};
use programs::processes::{self, Ending, Heard, Launch, Running, Stream};

/// How soon a stop is noticed.
const TICK: Duration = Duration::from_millis(5);
/// How soon the end of a program is noticed after that of its output.
const MOMENT: Duration = Duration::from_micros(500);
/// A program that has ended but whose output is still open gets so much time for its last lines.
const LAST_LINES: Duration = Duration::from_millis(200);

/// Why a cell is no more, if not by its own end.
pub enum Halt {
    /// The reader's wish, or the book's end.
    Stop,
    /// It took too long.
    Time,
    /// It printed too much.
    Output,
}

impl Halt {
    /// Its name on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Halt::Stop => "Stop",
            Halt::Time => "Zeit",
            Halt::Output => "Ausgabe",
        }
    }
}

/// Runs a cell for a page; returns when everything of it is gone.
pub fn run(
    notebook: &Notebook,
    id: &str,
    source: Option<String>,
    stop: &Arc<Stop>,
    outbox: &Outbox,
) {
    let run = outbox.run;
    let begun = Instant::now();
    outbox.t(begun);
    let outcome = notebook.groups.enter(stop).and_then(|permit| {
        let outcome = work(notebook, id, source, stop, outbox);
        drop(permit);
        outcome
    });
    if let Some(why) = stop.why() {
        outbox.note(why);
    }
    let (status, why) = match outcome {
        Ok(Outcome::Ended(status)) => (status.code(), None),
        Ok(Outcome::Halted(halt)) => (None, Some(halt.word())),
        Ok(Outcome::NotCompiled) => (None, Some("Übersetzung")),
        Err(message) => {
            if !stop.is_wished() {
                outbox.note(message);
            }
            (None, Some("Stop"))
        }
    };
    outbox.send(ToPage::CellEnded {
        run,
        status,
        why,
        t: outbox.t(Instant::now()),
    });
}

enum Outcome {
    Ended(ExitStatus),
    Halted(Halt),
    NotCompiled,
}

fn work(
    notebook: &Notebook,
    id: &str,
    source: Option<String>,
    stop: &Stop,
    outbox: &Outbox,
) -> Result<Outcome, String> {
    let note = |text: String| outbox.note(text);
    let cell = notebook.workshop.cell(id, stop, &note)?;
    let failed = |cause: std::io::Error| {
        format!("Der Schnipsel lässt sich nicht starten ({cause}).")
    };
    let workplace = Workplace::new(notebook.workshop.place()).map_err(failed)?;
    let edited = source.filter(|source| source.trim_end() != cell.program.trim_end());
    let finished = workplace.place.binary(&cell.key);
    let binary = if edited.is_none() && finished.is_file() {
        finished
    } else {
        let toolbox = notebook.workshop.toolbox(stop, &note)?;
        outbox.send(ToPage::CellBuilding { run: outbox.run });
        let program = edited.as_ref().unwrap_or(&cell.program);
        let compiled = workplace
            .compile(&toolbox, program, false, stop, &notebook.limits)
            .map_err(failed)?;
        let compiled = match compiled {
            Ok(compiled) => compiled,
            Err(halt) => return Ok(Outcome::Halted(halt)),
        };
        // A warning in a text of the book is not the reader's business.
        if !compiled.text.is_empty() && (edited.is_some() || !compiled.success) {
            outbox.send(ToPage::CellErrors {
                run: outbox.run,
                text: compiled.text,
                lines: compiled.lines,
                t: outbox.t(Instant::now()),
            });
        }
        if !compiled.success {
            return Ok(Outcome::NotCompiled);
        }
        workplace.binary.clone()
    };
    workplace.execute(&binary, stop, outbox, &notebook.limits).map_err(failed)
}

impl Workplace<'_> {
    /// Runs a finished cell in an empty folder.
    fn execute(
        &self,
        binary: &Path,
        stop: &Stop,
        outbox: &Outbox,
        limits: &Limits,
    ) -> std::io::Result<Outcome> {
        let here = self.folder.path().join("hier");
        fs::create_dir(&here)?;
        let mut command = Command::new(binary);
        command.current_dir(here);
        processes::reduce_environment(&mut command);
        let (sender, reports) = sync_channel(256);
        let mut program = Launch::default().start(command, 0, &sender)?;
        drop(sender);
        program.stdin = None; // a cell has no keyboard
        let run = outbox.run;
        let send = |stream: Stream, text: String, at: Instant| {
            outbox.send(ToPage::CellOutput {
                run,
                stream: name(stream),
                text,
                t: outbox.t(at),
            });
        };
        let driven = drive(
            &mut program,
            &reports,
            stop,
            limits.cell,
            &mut |stream, line, at| {
                let line = self.place.hide(&line);
                match outbox.count("", &line) {
                    Fate::Shown => {
                        send(stream, line, at);
                        true
                    }
                    _ => false,
                }
            },
        )?;
        Ok(match driven {
            Ok(status) => Outcome::Ended(status),
            Err(halt) => {
                let sentence = match halt {
                    Halt::Output => Some(outbox.cut()),
                    Halt::Time => Some(format!(
                        "Nach {} beendet: Der Schnipsel lief noch.",
                        limits::in_words(limits.cell)
                    )),
                    Halt::Stop => stop.why(),
                };
                if let Some(sentence) = sentence {
                    send(Stream::Err, sentence, Instant::now());
                }
                Outcome::Halted(halt)
            }
        })
    }
}

/// Listens to a program until it has ended, or ends it.
pub fn drive(
    program: &mut Running,
    reports: &Receiver<Heard>,
    stop: &Stop,
    most: Duration,
    print: &mut dyn FnMut(Stream, String, Instant) -> bool,
) -> std::io::Result<Result<ExitStatus, Halt>> {
    let begun = Instant::now();
    let mut open_streams = 2;
    let mut ended: Option<(ExitStatus, Instant)> = None;
    let halt = loop {
        match reports.recv_timeout(TICK) {
            Ok(Heard { line: None, .. }) => open_streams -= 1,
            Ok(Heard {
                line: Some(line),
                stream,
                at,
                ..
            }) => {
                if !print(stream, line, at) {
                    break Halt::Output;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Its end is a moment away, unless it has closed its outputs itself.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(MOMENT),
        }
        if open_streams == 0 || ended.is_none() {
            ended = program.poll()?.map(|status| (status, Instant::now())).or(ended);
        }
        if let Some((status, at)) = ended
            && (open_streams == 0 || at.elapsed() > LAST_LINES)
        {
            return Ok(Ok(status));
        }
        if stop.is_wished() {
            break Halt::Stop;
        }
        if begun.elapsed() > most {
            break Halt::Time;
        }
    };
    let mut ending = Ending::begin([&mut *program].into_iter());
    while !ending.go_on([&mut *program].into_iter()) {
        // It is heard no longer, but it must not wait for us either.
        let _ = reports.recv_timeout(TICK);
    }
    Ok(Err(halt))
}
