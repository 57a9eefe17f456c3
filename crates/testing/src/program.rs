//! A program under test: a command goes in; out come its lines, one after the other, and its end.
//! It runs in a process group of its own and is killed when it is dropped, however the test ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use process_wrap::std::ChildWrapper;
use programs::processes::Launch;

use crate::{DEADLINE, wait_until};

/// A running program.
#[derive(Debug)]
pub struct Program {
    child: Box<dyn ChildWrapper>,
    stdin: Option<ChildStdin>,
    /// What it prints on stdout.
    pub out: Printed,
    /// What it prints on stderr.
    pub err: Printed,
}

/// How a program ended and what it printed.
#[derive(Debug)]
pub struct Finished {
    /// `None` if a signal ended it.
    pub status: Option<i32>,
    /// Its whole stdout.
    pub out: String,
    /// Its whole stderr.
    pub err: String,
}

/// Runs a program that ends by itself; it gets no input.
///
/// # Panics
///
/// It cannot be started, or does not end before the [`DEADLINE`].
#[track_caller]
pub fn run(command: Command) -> Finished {
    let mut program = Program::start(command);
    program.end_input();
    Finished {
        status: program.status().code(),
        out: program.out.rest(),
        err: program.err.rest(),
    }
}

impl Program {
    /// Starts it, with an open input.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    #[track_caller]
    pub fn start(command: Command) -> Program {
        let mut command = command;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let shown = format!("{:?}", command.get_program());
        let mut child = Launch::default()
            .spawn(command)
            .unwrap_or_else(|cause| panic!("{shown} starts: {cause}"));
        let stdin = child.stdin().take();
        let out = Printed::by(child.stdout().take().expect("stdout is piped"));
        let err = Printed::by(child.stderr().take().expect("stderr is piped"));
        Program {
            child,
            stdin,
            out,
            err,
        }
    }

    /// Its number in the operating system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line on stdout.
    ///
    /// # Panics
    ///
    /// None comes before the [`DEADLINE`]; the message holds what it has complained about.
    #[track_caller]
    pub fn line(&mut self) -> String {
        match self.out.within(DEADLINE) {
            Some(line) => line,
            None => panic!(
                "another line comes, after {:#?}; on stderr: {:#?}",
                self.out.seen,
                self.err.so_far()
            ),
        }
    }

    /// Reads on until a line of stdout contains `part`.
    ///
    /// # Panics
    ///
    /// It ends before, or the [`DEADLINE`] is over.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let line = self.line();
            if line.contains(part) {
                return line;
            }
            assert!(
                Instant::now() < end,
                "{part:?} in time: {:#?}",
                self.out.seen
            );
        }
    }

    /// Types a line.
    ///
    /// # Panics
    ///
    /// Its input is closed.
    #[track_caller]
    pub fn type_line(&mut self, line: &str) {
        self.write(format!("{line}\n"));
    }

    /// Writes just these bytes to its input.
    ///
    /// # Panics
    ///
    /// Its input is closed.
    #[track_caller]
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let keyboard = self.stdin.as_mut().expect("its input is open");
        keyboard.write_all(bytes.as_ref()).expect("the program reads");
    }

    /// Ends its input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Ctrl-C.
    ///
    /// # Panics
    ///
    /// It is gone.
    #[cfg(unix)]
    #[track_caller]
    pub fn interrupt(&self) {
        const SIGINT: i32 = 2;
        self.child.signal(SIGINT).expect("it can be interrupted");
    }

    /// Ends it at once, with all that it keeps in its own group.
    pub fn kill(&mut self) {
        // Both fail only if it is gone already, which is what we want.
        let _ = self.child.start_kill();
        let _ = self.child.wait();
    }

    /// Whether it has ended.
    ///
    /// # Panics
    ///
    /// The operating system does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our own process").is_some()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// It does not end before the [`DEADLINE`].
    #[track_caller]
    pub fn status(&mut self) -> ExitStatus {
        self.status_within(DEADLINE)
    }

    /// Waits for its end at most so long.
    ///
    /// # Panics
    ///
    /// It does not end in time.
    #[track_caller]
    pub fn status_within(&mut self, limit: Duration) -> ExitStatus {
        let mut status = None;
        wait_until("the program ends", limit, || {
            status = self.child.try_wait().expect("it is our own process");
            status.is_some()
        });
        status.expect("it has just been seen")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What arrives on one of a program's outputs, read by a thread of its own: no program waits for its test.
#[derive(Debug)]
pub struct Printed {
    /// Lines with their ends; the last one may lack it.
    arriving: Receiver<String>,
    /// The lines taken so far, without their ends.
    pub seen: Vec<String>,
}

impl Printed {
    fn by(stream: impl Read + Send + 'static) -> Printed {
        let (sender, arriving) = channel();
        let read = move || {
            let mut stream = BufReader::new(stream);
            loop {
                let mut bytes = Vec::new();
                // An unreadable pipe is a pipe at its end.
                if stream.read_until(b'\n', &mut bytes).unwrap_or(0) == 0 {
                    return;
                }
                // Nobody listens any more: read on, or the program would block.
                let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
            }
        };
        let reading = thread::Builder::new().spawn(read);
        reading.expect("the system gives a thread");
        Printed {
            arriving,
            seen: Vec::new(),
        }
    }

    /// The next line, without its end; `None` if none comes in this time or the program has closed its output.
    pub fn within(&mut self, patience: Duration) -> Option<String> {
        let line = self.arriving.recv_timeout(patience).ok()?;
        let line = line.trim_end_matches(['\n', '\r']).to_owned();
        self.seen.push(line.clone());
        Some(line)
    }

    /// The next line that contains `part`, or `None` if none comes before the [`DEADLINE`].
    pub fn find(&mut self, part: &str) -> Option<String> {
        let end = Instant::now() + DEADLINE;
        loop {
            let line = self.within(end.saturating_duration_since(Instant::now()))?;
            if line.contains(part) {
                return Some(line);
            }
        }
    }

    /// The lines that are there and were not taken before.
    pub fn so_far(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.within(Duration::ZERO)).collect()
    }

    /// Everything from here to its end, byte for byte if it is UTF-8.
    ///
    /// # Panics
    ///
    /// The end does not come before the [`DEADLINE`].
    #[track_caller]
    pub fn rest(&mut self) -> String {
        use std::sync::mpsc::RecvTimeoutError;
        let end = Instant::now() + DEADLINE;
        let mut text = String::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.arriving.recv_timeout(left) {
                Ok(line) => text.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => return text,
                Err(RecvTimeoutError::Timeout) => panic!("the output ends, after {text}"),
            }
        }
    }
}
