//! Programs that we start, and their end: a command goes in; out come its lines with the time of their arrival.
//! Whatever happens, no program outlives the one who holds it – on Linux not even if ours is killed.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, SyncSender, channel};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};

/// After so long without an end, the end of input is followed by TERM.
const TERM_AFTER: Duration = Duration::from_millis(300);
/// After so long without an end, KILL follows.
const KILL_AFTER: Duration = Duration::from_secs(2);
/// A longer line is reported in pieces: a program that never ends its line shall not fill our memory.
const LONGEST_LINE: u64 = 64 * 1024;

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
pub struct Report {
    /// Which program, as a number that [`Program::start`] was given.
    pub program: usize,
    /// Where it printed.
    pub stream: Stream,
    /// When it arrived.
    pub at: Instant,
    /// `None`: the stream has ended.
    pub line: Option<String>,
}

/// A program that was started, in a process group of its own. Dropping it ends it.
pub struct Program {
    child: Box<dyn ChildWrapper>,
    /// Its open input.
    pub stdin: Option<ChildStdin>,
    ended: Option<ExitStatus>,
}

impl Program {
    /// Starts `command` and reports under `number` what it prints.
    ///
    /// # Errors
    ///
    /// The operating system does not start it.
    pub fn start(
        command: Command,
        number: usize,
        reports: &SyncSender<Report>,
    ) -> io::Result<Program> {
        Program::start_with(command, number, reports, LONGEST_LINE, None)
    }

    /// The same on one core and nowhere else, if one is named.
    ///
    /// # Errors
    ///
    /// The operating system does not start it, or not there.
    pub fn start_on(
        core: Option<usize>,
        command: Command,
        number: usize,
        reports: &SyncSender<Report>,
    ) -> io::Result<Program> {
        Program::start_with(command, number, reports, LONGEST_LINE, core)
    }

    /// The same for a program whose lines are long and must stay whole.
    ///
    /// # Errors
    ///
    /// The operating system does not start it.
    pub fn start_wordy(
        command: Command,
        number: usize,
        reports: &SyncSender<Report>,
    ) -> io::Result<Program> {
        Program::start_with(command, number, reports, 16 * LONGEST_LINE, None)
    }

    fn start_with(
        command: Command,
        number: usize,
        reports: &SyncSender<Report>,
        longest_line: u64,
        core: Option<usize>,
    ) -> io::Result<Program> {
        let mut command = command;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn_on(core, command)?;
        let stdin = child.stdin().take();
        let stdout = child.stdout().take();
        let stderr = child.stderr().take();
        let program = Program {
            child,
            stdin,
            ended: None,
        };
        let piped = "both streams are piped above";
        listen(
            number,
            Stream::Out,
            stdout.expect(piped),
            reports.clone(),
            longest_line,
        )?;
        listen(
            number,
            Stream::Err,
            stderr.expect(piped),
            reports.clone(),
            longest_line,
        )?;
        Ok(program)
    }

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

    /// Whether it is known to have ended.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Ctrl-C, as a terminal would send it. Where it cannot be sent to a single program, that one is killed.
    ///
    /// # Errors
    ///
    /// The operating system does not let us.
    pub fn interrupt(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        {
            self.child.signal(2)
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
            let _ = self.child.signal(15);
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

impl Drop for Program {
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
    pub fn begin<'a>(programs: impl Iterator<Item = &'a mut Program>) -> Ending {
        programs.for_each(|program| program.stdin = None);
        Ending {
            begun: Instant::now(),
            asked: false,
        }
    }

    /// Goes on with it; `true` when all are gone. To be called every few milliseconds.
    pub fn go_on<'a>(&mut self, programs: impl Iterator<Item = &'a mut Program>) -> bool {
        let age = self.begun.elapsed();
        let ask = !self.asked && age >= TERM_AFTER;
        self.asked |= ask;
        let mut all_gone = true;
        for program in programs {
            // Who cannot be asked about is as good as running.
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

/// Lets `command` run only when nobody else needs the processor.
pub fn give_way(command: &mut Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // SAFETY: between fork and exec there is one system call, and nothing is allocated.
        unsafe {
            command.pre_exec(|| {
                // Being refused is no reason not to run.
                let _ = rustix::process::nice(10);
                Ok(())
            });
        }
    }
    #[cfg(not(unix))]
    {
        let _ = command;
    }
}

/// Gives back to the system what is free of our memory, where the C library keeps it. Starting a program copies the
/// list of our pages: the shorter it is, the sooner the program runs. After big work it pays.
pub fn slim_down() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn malloc_trim(keep: usize) -> std::ffi::c_int;
        }
        // SAFETY: glibc has this function, and any thread may call it at any time.
        unsafe {
            malloc_trim(0);
        }
    }
}

/// Starts `command` in a process group of its own (on Windows: in a job).
///
/// # Errors
///
/// The operating system does not start it.
pub fn spawn(command: Command) -> io::Result<Box<dyn ChildWrapper>> {
    spawn_on(None, command)
}

/// The same on one core and nowhere else, if one is named.
fn spawn_on(core: Option<usize>, command: Command) -> io::Result<Box<dyn ChildWrapper>> {
    let mut command = command;
    die_with_us(&mut command);
    let mut command = CommandWrap::from(command);
    #[cfg(unix)]
    command.wrap(process_wrap::std::ProcessGroup::leader());
    #[cfg(windows)]
    command.wrap(process_wrap::std::JobObject);

    let gone = || io::Error::other("Es lässt sich kein Thread starten.");
    let (answer, started) = channel();
    let starter = STARTER.as_ref().map_err(|_| gone())?;
    let starter = starter.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    starter.send((core, command, answer)).map_err(|_| gone())?;
    started.recv().map_err(|_| gone())?
}

type Start = (
    Option<usize>,
    CommandWrap,
    Sender<io::Result<Box<dyn ChildWrapper>>>,
);

/// One thread starts every program. It lives as long as ours does: Linux ends a program with the *thread* that
/// started it. And since it starts one after the other, none inherits what is only meant for another.
static STARTER: LazyLock<io::Result<Mutex<Sender<Start>>>> = LazyLock::new(|| {
    let (orders, pending) = channel::<Start>();
    thread::Builder::new().name("starter".to_owned()).spawn(move || {
        for (core, mut command, answer) in pending {
            let started = match core {
                Some(core) => on_core(core, || command.spawn()),
                None => command.spawn(),
            };
            // Who no longer waits for it gets it dropped, and a dropped child is ended below.
            if let Err(unwanted) = answer.send(started)
                && let Ok(mut child) = unwanted.0
            {
                let _ = child.kill();
            }
        }
    })?;
    Ok(Mutex::new(orders))
});

/// Does `work` on that core alone; a program that it starts stays there. Only Linux can.
///
/// # Errors
///
/// The core is not ours to choose, or what `work` says.
pub fn on_core<T>(core: usize, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        if core >= CpuSet::MAX_CPU {
            return Err(rustix::io::Errno::INVAL.into());
        }
        let mut only = CpuSet::new();
        only.set(core);
        let usual = sched_getaffinity(None)?;
        sched_setaffinity(None, &only)?;
        let done = work();
        // What was ours before cannot be refused, and what is done is done.
        let _ = sched_setaffinity(None, &usual);
        done
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (core, work);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// On Linux the kernel kills the program when ours is gone, even if ours was killed.
fn die_with_us(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let us = rustix::process::getpid();
        // SAFETY: between fork and exec there are two system calls, and nothing is allocated.
        unsafe {
            command.pre_exec(move || {
                let kill = Some(rustix::process::Signal::KILL);
                rustix::process::set_parent_process_death_signal(kill)?;
                // Ours may have ended just before.
                if rustix::process::getppid() != Some(us) {
                    return Err(rustix::io::Errno::SRCH.into());
                }
                Ok(())
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = command;
    }
}

/// A thread that reports every line with the time of its arrival.
fn listen(
    program: usize,
    stream: Stream,
    pipe: impl Read + Send + 'static,
    reports: SyncSender<Report>,
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
            let report = Report {
                program,
                stream,
                at: Instant::now(),
                line,
            };
            // Nobody listens any more: the play is over.
            if reports.send(report).is_err() || count == 0 {
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

    fn shell(script: &str) -> (Program, Receiver<Report>) {
        let (sender, reports) = sync_channel(64);
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        (
            Program::start(command, 7, &sender).expect("sh starts"),
            reports,
        )
    }

    fn end(program: &mut Program) -> Duration {
        let begin = Instant::now();
        let mut ending = Ending::begin([&mut *program].into_iter());
        while !ending.go_on([&mut *program].into_iter()) {
            thread::sleep(Duration::from_millis(2));
        }
        begin.elapsed()
    }

    #[test]
    fn who_reads_ends_with_the_input_who_does_not_with_term_and_the_deaf_with_kill() {
        let (mut reading, _reports) = shell("cat");
        assert!(end(&mut reading) < KILL_AFTER);
        assert_eq!(reading.ended.and_then(|status| status.code()), Some(0));

        let (mut sleeping, _reports) = shell("exec sleep 60");
        assert!(end(&mut sleeping) < KILL_AFTER);
        assert_eq!(sleeping.ended.map(exit_code), Some(128 + 15));

        let (mut deaf, reports) =
            shell("trap '' TERM; echo taub; while :; do sleep 0.1; done");
        reports.recv_timeout(Duration::from_secs(10)).expect("it is deaf by now");
        assert!(end(&mut deaf) >= KILL_AFTER);
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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_for_one_core_stays_there_and_the_next_one_is_free_again() {
        use rustix::thread::{CpuSet, sched_getaffinity};
        let allowed = sched_getaffinity(None).expect("it is asked of ourselves");
        let cores: Vec<usize> =
            (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
        let last = *cores.last().expect("we run somewhere");
        let count_on = |core| {
            let (sender, reports) = sync_channel(64);
            let mut command = Command::new("nproc");
            command.env_remove("OMP_NUM_THREADS");
            let program = Program::start_on(core, command, 1, &sender);
            let _program = program.expect("nproc starts");
            loop {
                let report = reports.recv_timeout(Duration::from_secs(10));
                let report = report.expect("it says how many cores it has");
                if let (Stream::Out, Some(line)) = (report.stream, report.line) {
                    return line.parse::<usize>().expect("a number");
                }
            }
        };
        assert_eq!(count_on(Some(last)), 1);
        assert_eq!(count_on(None), cores.len());
        let (sender, _reports) = sync_channel(1);
        let nowhere = Some(CpuSet::MAX_CPU - 1);
        assert!(Program::start_on(nowhere, Command::new("nproc"), 1, &sender).is_err());
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
        assert_eq!((whole, longest as u64), (200_000, LONGEST_LINE));
    }
}
