//! The programs of a measurement: started, heard, and ended with their value – on Unix even if ours is killed.
//! In flow commands, out flow the lines of their stdout, and a German sentence when one of them fails.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::subject::Runnable;
use print::tell;
use programs::processes::{Heard, Launch, Running, Stream};

/// How long a step may take that should take no time at all.
pub const GRACE: Duration = Duration::from_secs(10);

/// What a ready server prints before its address.
const READY: &str = "Server lauscht auf ";

/// How long a look at the cancel flag may be put off.
const TICK: Duration = Duration::from_millis(50);

/// Why nothing more is measured.
#[derive(Debug)]
pub enum Trouble {
    /// The reader does not want to go on.
    Cancelled,
    /// A German sentence.
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Cancelled => "Mit Strg+C abgebrochen.",
            Trouble::Failed(sentence) => sentence,
        })
    }
}

impl std::error::Error for Trouble {}

/// What the programs say that it has started.
pub struct Hearing<'a> {
    sender: SyncSender<Heard>,
    reports: Receiver<Heard>,
    cancelled: &'a AtomicBool,
    /// In the order in which they were started, which is also the number they report under.
    voices: Vec<Voice>,
}

/// One program.
struct Voice {
    /// What sentences call it: „Der Server“.
    who: &'static str,
    /// How many of its outputs are open.
    open: usize,
    /// The last line on its stderr.
    last_words: Option<String>,
}

impl<'a> Hearing<'a> {
    /// Nobody is heard yet. Once `cancelled` is set, nobody is waited for any more.
    pub fn new(cancelled: &'a AtomicBool) -> Hearing<'a> {
        let (sender, reports) = sync_channel(64);
        Hearing {
            sender,
            reports,
            cancelled,
            voices: Vec::new(),
        }
    }

    /// Starts a program, on one core and nowhere else if one is named. The first one has the number 0.
    pub fn start(
        &mut self,
        core: Option<usize>,
        command: Command,
        who: &'static str,
    ) -> Result<Running, Trouble> {
        let number = self.voices.len();
        self.voices.push(Voice {
            who,
            open: 2,
            last_words: None,
        });
        let launch = Launch {
            core,
            ..Launch::default()
        };
        launch
            .start(command, number, &self.sender)
            .map_err(|error| failed(format!("{who} lässt sich nicht starten ({error}).")))
    }

    /// Starts a server first of all and waits until it says where it listens.
    pub fn start_server(
        &mut self,
        core: Option<usize>,
        server: &Runnable,
    ) -> Result<(Running, SocketAddr), Trouble> {
        let program = self.start(core, server.command(), "Der Server")?;
        let silent = || "Der Server meldet nicht, wo er lauscht.".to_owned();
        let line = self.line(0, GRACE, silent)?;
        let address = line.strip_prefix(READY).and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| {
            failed(format!(
                "Der Server meldet nicht, wo er lauscht, sondern „{line}“."
            ))
        })?;
        Ok((program, address))
    }

    /// The next line on that program's stdout; `late` is the sentence if there is none in time.
    pub fn line(
        &mut self,
        number: usize,
        patience: Duration,
        late: impl FnOnce() -> String,
    ) -> Result<String, Trouble> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(line) = self.listen(deadline, number)? {
                return Ok(line);
            }
            if self.voices[number].open == 0 {
                return Err(self.last_sentence(number));
            }
        }
        Err(failed(late()))
    }

    /// Waits until that program has closed its outputs; has it?
    pub fn ends(&mut self, number: usize) -> Result<bool, Trouble> {
        let deadline = Instant::now() + GRACE;
        while self.voices[number].open > 0 && Instant::now() < deadline {
            self.listen(deadline, number)?;
        }
        Ok(self.voices[number].open == 0)
    }

    /// Waits for a moment; a line if that program has printed one on stdout.
    fn listen(
        &mut self,
        deadline: Instant,
        number: usize,
    ) -> Result<Option<String>, Trouble> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Trouble::Cancelled);
        }
        let moment = deadline.saturating_duration_since(Instant::now()).min(TICK);
        match self.reports.recv_timeout(moment) {
            Ok(report) => {
                let from = report.program;
                Ok(self.note(report).filter(|_| from == number))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => unreachable!("we hold a sender"),
        }
    }

    /// A line of a program's stdout; what else there is to know is kept.
    fn note(&mut self, report: Heard) -> Option<String> {
        let voice = &mut self.voices[report.program];
        match (report.stream, report.line) {
            (Stream::Out, Some(line)) => return Some(line),
            (Stream::Err, Some(line)) if !line.trim().is_empty() => {
                voice.last_words = Some(line);
            }
            (_, Some(_)) => {}
            (_, None) => voice.open -= 1,
        }
        None
    }

    /// Why that program ended, as it says itself; why another one failed the server may know better.
    pub fn last_sentence(&mut self, number: usize) -> Trouble {
        while let Ok(report) = self.reports.recv_timeout(TICK) {
            self.note(report);
        }
        let Voice {
            who, last_words, ..
        } = &self.voices[number];
        let server = self.voices[0].last_words.as_ref().filter(|_| number > 0);
        failed(match (last_words, server) {
            (Some(words), Some(server)) => format!("{words} Der Server sagt: „{server}“"),
            (Some(words), None) => words.clone(),
            (None, _) => format!("{who} ist ohne ein Wort abgebrochen."),
        })
    }

    /// Waits for no line any more: what the programs print is thrown away, so that they can go on printing, and what
    /// they complain about goes to our stderr.
    pub fn end(self) -> io::Result<()> {
        let Hearing { reports, .. } = self;
        let read = move || {
            for report in reports {
                if let (Stream::Err, Some(line)) = (report.stream, report.line) {
                    tell(&line);
                }
            }
        };
        thread::Builder::new().name("hearing".to_owned()).spawn(read).map(drop)
    }
}

pub fn failed(sentence: String) -> Trouble {
    Trouble::Failed(sentence)
}
