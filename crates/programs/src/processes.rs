//! Programs that we start, and their end: a command goes in; out come its lines with the time of their arrival.
//! Whatever happens, no program outlives the one who holds it – on Unix not even if ours is killed.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};

#[cfg(unix)]
use crate::keeper::EndsWithUs;
use crate::system;

/// After so long without an end, the end of input is followed by TERM.
const TERM_AFTER: Duration = Duration::from_millis(300);
/// After so long without an end, KILL follows.
const KILL_AFTER: Duration = Duration::from_secs(2);

/// All that a program gets to see of our environment, on whatever system it runs.
const ENVIRONMENT: [&str; 10] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "SystemDrive",
    "windir",
];

/// One of a program's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// stdout
    Out,
    /// stderr
    Err,
}

/// A line without its end, or the end of a stream.
#[derive(Debug)]
pub struct Heard {
    /// Which program, as a number that [`Launch::start`] was given.
    pub program: usize,
    /// Where it printed.
    pub stream: Stream,
    /// When it arrived.
    pub at: Instant,
    /// `None`: the stream has ended.
    pub line: Option<String>,
}

/// How a program is started.
#[derive(Debug, Clone, Copy)]
pub struct Launch {
    /// The only core it runs on; `None`: wherever the system likes.
    pub core: Option<usize>,
    /// A line of more bytes is reported in pieces: a program that never ends its line shall not fill our memory.
    pub longest_line: u64,
    /// Whether it runs only when nobody else needs the processor.
    pub gives_way: bool,
}

impl Default for Launch {
    fn default() -> Launch {
        Launch {
            core: None,
            longest_line: 64 * 1024,
            gives_way: false,
        }
    }
}

impl Launch {
    /// Starts `command` and reports under `number` what it prints.
    ///
    /// # Errors
    ///
    /// The operating system does not start it, or not on that core.
    pub fn start(
        self,
        command: Command,
        number: usize,
        heard: &SyncSender<Heard>,
    ) -> io::Result<Running> {
        let mut command = command;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn(command)?;
        let stdin = child.stdin().take();
        let stdout = child.stdout().take();
        let stderr = child.stderr().take();
        // Whatever fails from here on, dropping it ends the child.
        let running = Running {
            child,
            stdin,
            ended: None,
        };
        let piped = "both streams are piped above";
        let hear = |stream, pipe: Box<dyn Read + Send>| {
            listen(number, stream, pipe, heard.clone(), self.longest_line)
        };
        hear(Stream::Out, Box::new(stdout.expect(piped)))?;
        hear(Stream::Err, Box::new(stderr.expect(piped)))?;
        Ok(running)
    }

    /// Starts `command` in a process group of its own (on Windows: in a job). Who calls this minds its streams and its
    /// end itself.
    ///
    /// # Errors
    ///
    /// The operating system does not start it, or not on that core.
    pub fn spawn(self, command: Command) -> io::Result<Box<dyn ChildWrapper>> {
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader()).wrap(EndsWithUs);
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);

        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let child = match self.core {
            Some(core) => system::on_core(core, || command.spawn())?,
            None => command.spawn()?,
        };
        drop(alone);
        if self.gives_way {
            system::give_way(child.id());
        }
        Ok(child)
    }
}

/// A program that was started, in a process group of its own. Dropping it ends it.
pub struct Running {
    child: Box<dyn ChildWrapper>,
    /// Its open input.
    pub stdin: Option<ChildStdin>,
    ended: Option<ExitStatus>,
}

impl Running {
    /// How it ended, if it has. With its end everything ends that it has started itself.
    ///
    /// # Errors
    ///
    /// The operating system does not tell.
    pub fn poll(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
            if self.ended.is_some() {
                // Fails if nobody is left, and that is what we want.
                let _ = self.child.start_kill();
            }
        }
        Ok(self.ended)
    }

    /// Its number in the operating system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended, and how.
    ///
    /// # Errors
    ///
    /// The operating system does not tell.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        match self.ended {
            Some(status) => Ok(status),
            None => {
                let status = self.child.wait()?;
                self.ended = Some(status);
                Ok(status)
            }
        }
    }

    /// Ctrl-C, as a terminal would send it. Where it cannot be sent to a single program, that one is killed.
    ///
    /// # Errors
    ///
    /// The operating system does not let us.
    pub fn interrupt(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        {
            self.child.signal(rustix::process::Signal::INT.as_raw())
        }
        #[cfg(not(unix))]
        {
            self.child.start_kill()
        }
    }

    /// Asks it to end (TERM); where that cannot be asked, nothing happens.
    fn terminate(&mut self) {
        #[cfg(unix)]
        {
            // Fails only if it is gone already.
            let _ = self.child.signal(rustix::process::Signal::TERM.as_raw());
        }
    }

    /// Ends it at once and waits until it is gone.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            // Both fail only if it is gone already, which is what we want.
            let _ = self.child.start_kill();
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The way programs are ended that would rather go on: end of input, then TERM, then KILL.
#[derive(Debug)]
pub struct Ending {
    begun: Instant,
    asked: bool,
}

impl Ending {
    /// Begins: who reads its input comes to its end.
    pub fn begin<'a>(programs: impl Iterator<Item = &'a mut Running>) -> Ending {
        programs.for_each(|program| program.stdin = None);
        Ending {
            begun: Instant::now(),
            asked: false,
        }
    }

    /// Goes on with it; `true` when all are gone. To be called every few milliseconds.
    pub fn go_on<'a>(&mut self, programs: impl Iterator<Item = &'a mut Running>) -> bool {
        let age = self.begun.elapsed();
        let ask = !self.asked && age >= TERM_AFTER;
        self.asked |= ask;
        let mut all_gone = true;
        for program in programs {
            // A program whose state cannot be learned is treated as still running.
            if matches!(program.poll(), Ok(Some(_))) {
                continue;
            }
            if age >= KILL_AFTER {
                program.kill();
            } else {
                all_gone = false;
                if ask {
                    program.terminate();
                }
            }
        }
        all_gone
    }
}

/// The status as a shell reports it: 128 + signal for a program that a signal ended.
pub fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return 128 + signal;
        }
    }
    status.code().unwrap_or(1)
}

/// Leaves of our environment only what programs need.
pub fn reduce_environment(command: &mut Command) {
    command.env_clear();
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

/// One program is started after the other: so none inherits what is only meant for another, also where the system cannot
/// rule that out.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A thread that reports every line with the time of its arrival.
fn listen(
    program: usize,
    stream: Stream,
    pipe: Box<dyn Read + Send>,
    heard: SyncSender<Heard>,
    longest_line: u64,
) -> io::Result<()> {
    let read = move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut bytes = Vec::new();
            let mut piece = (&mut pipe).take(longest_line);
            // An unreadable pipe is a pipe at its end.
            let count = piece.read_until(b'\n', &mut bytes).unwrap_or(0);
            let line = (count > 0).then(|| {
                let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                String::from_utf8_lossy(line).into_owned()
            });
            let line = Heard {
                program,
                stream,
                at: Instant::now(),
                line,
            };
            // Nobody listens any more: the play is over.
            if heard.send(line).is_err() || count == 0 {
                return;
            }
        }
    };
    thread::Builder::new().spawn(read).map(drop)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};

    fn shell(script: &str) -> (Running, Receiver<Heard>) {
        let (sender, heard) = sync_channel(64);
        // Its tools are in their usual place, whatever our own path leads to.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env("PATH", "/usr/bin:/bin");
        (
            Launch::default().start(command, 7, &sender).expect("sh starts"),
            heard,
        )
    }

    fn end(ending: &mut Ending, program: &mut Running) {
        while !ending.go_on([&mut *program].into_iter()) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn begin(program: &mut Running) -> Ending {
        Ending::begin([program].into_iter())
    }

    #[test]
    fn who_reads_ends_with_the_input_who_does_not_with_term_and_the_deaf_with_kill() {
        let (mut reading, _reports) = shell("cat");
        let mut ending = begin(&mut reading);
        end(&mut ending, &mut reading);
        assert!(ending.begun.elapsed() < KILL_AFTER);
        assert_eq!(reading.ended.and_then(|status| status.code()), Some(0));

        let (mut sleeping, _reports) = shell("exec sleep 60");
        let mut ending = begin(&mut sleeping);
        end(&mut ending, &mut sleeping);
        assert!(ending.asked && ending.begun.elapsed() < KILL_AFTER);
        assert_eq!(sleeping.ended.map(exit_code), Some(128 + 15));

        let (mut deaf, reports) =
            shell("trap 'echo nein' TERM; echo taub; while :; do sleep 0.01; done");
        reports.recv_timeout(Duration::from_secs(10)).expect("it can refuse by now");
        // As if it had begun long ago, though not so long that KILL is due.
        let mut ending = begin(&mut deaf);
        let age = KILL_AFTER - Duration::from_millis(500);
        ending.begun = ending.begun.checked_sub(age).expect("a time");
        end(&mut ending, &mut deaf);
        assert!(ending.begun.elapsed() >= KILL_AFTER);
        // Its shell says something as well: what it waited for was ended.
        let mut heard = reports.iter().filter_map(|heard| heard.line);
        assert!(heard.any(|line| line == "nein"), "it was asked before");
        assert_eq!(deaf.ended.map(exit_code), Some(128 + 9));
    }

    #[test]
    fn what_a_program_has_started_ends_with_it() {
        let (mut program, reports) = shell("sleep 60 & echo $!");
        let line = reports.recv_timeout(Duration::from_secs(10)).expect("a number");
        assert_eq!((line.program, line.stream), (7, Stream::Out));
        while program.poll().expect("it can be asked about").is_none() {
            thread::sleep(Duration::from_millis(2));
        }
        // The pipe is held open by the one left behind: it ends when that one ends.
        let rest = reports.recv_timeout(Duration::from_secs(10)).expect("the end");
        assert!(rest.line.is_none());
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let (_program, reports) = shell("head -c 200000 /dev/zero");
        let (mut whole, mut longest) = (0, 0);
        while whole < 200_000 {
            // The other stream comes to its end meanwhile.
            let report = reports.recv_timeout(Duration::from_secs(10)).expect("a report");
            let length = report.line.map_or(0, |line| line.len());
            whole += length;
            longest = longest.max(length);
        }
        assert_eq!(
            (whole, longest as u64),
            (200_000, Launch::default().longest_line)
        );
    }
}
