//! The player: starts a scene's programs, types into them and waits for what must be seen.
//! In flow a script and the programs' paths, out flow the events – or the step that went wrong
//! and all that was printed until then. Whatever happens, no program outlives the play.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use process_wrap::std::{ChildWrapper, CommandWrap};
use regex::Regex;

use super::ports;
use super::programs::Programs;
use super::recording::{Event, Kind, Masks};
use super::script::{Action, Process, Script, Step, duration, fill_in};
use super::strace;

/// More lines than that are a program running wild.
const MOST_LINES: usize = 10_000;

/// How long one look at the clock and at the cancel flag may be put off.
const TICK: Duration = Duration::from_millis(50);

/// Two programs that print at about the same moment: our threads may notice the second one first.
/// Within this span the order of the script's steps says which came first.
const JITTER: Duration = Duration::from_millis(50);

/// How a scene is played.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The number behind each placeholder.
    pub ports: BTreeMap<String, u16>,
    /// Whether `pause` steps take their time.
    pub pauses: bool,
    /// How long a step waits for what must come.
    pub deadline: Duration,
    /// Set from outside to give up.
    pub cancelled: Arc<AtomicBool>,
    /// Where every program's system calls are written down, by `strace`, if anywhere.
    pub traces: Option<PathBuf>,
}

impl Settings {
    /// With the script's own ports and all pauses.
    pub fn for_recording(script: &Script) -> Settings {
        Settings {
            ports: script.ports.clone(),
            pauses: true,
            deadline: Duration::from_secs(10),
            cancelled: Arc::default(),
            traces: None,
        }
    }

    /// With free ports and without pauses. Fails if no port is free.
    pub fn for_replay(script: &Script) -> io::Result<Settings> {
        let mut settings = Settings::for_recording(script);
        settings.pauses = false;
        for port in settings.ports.values_mut() {
            *port = ports::free()?;
        }
        Ok(settings)
    }
}

/// Why a play broke off; as text it is a German report.
#[derive(Debug)]
pub struct Failure {
    /// Number of the step, counted from 1.
    pub step: usize,
    /// The step as the script has it.
    pub action: String,
    /// What went wrong, one German sentence.
    pub message: String,
    /// What every process that was started had printed.
    pub printed: Vec<(String, Vec<String>)>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Schritt {} ({}): {}",
            self.step, self.action, self.message
        )?;
        write!(f, "Bis dahin gedruckt:")?;
        for (process, lines) in &self.printed {
            write!(f, "\n  {process}:")?;
            for line in lines {
                write!(f, "\n    {line}")?;
            }
            if lines.is_empty() {
                write!(f, "\n    (nichts)")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// What came of a play.
#[derive(Debug)]
pub struct Played {
    /// In order of time; ports stand in them as the script declares them, whatever the settings chose.
    pub events: Vec<Event>,
    /// When by the clock on the wall the first event happened; traces tell the time by it.
    pub began: SystemTime,
}

/// Plays a script from its first to its last step, in the directory `root`.
pub fn play(
    script: &Script,
    programs: &Programs,
    root: &Path,
    settings: &Settings,
) -> Result<Played, Failure> {
    let mut play = Play::new(script, programs, root, settings);
    for (index, step) in script.steps.iter().enumerate() {
        play.step(index, step).map_err(|message| play.failure(index, message))?;
    }
    // Whoever was stopped without an `exit` step still has to be gone in the end.
    let last = script.steps.len().saturating_sub(1);
    for process in 0..script.processes.len() {
        if play.running[process].as_ref().is_some_and(|running| running.status.is_none()) {
            play.await_end(process).map_err(|message| play.failure(last, message))?;
        }
    }
    let began = play.began;
    Ok(Played {
        events: play.into_events(),
        began,
    })
}

/// An event that still remembers its exact place.
struct Moment {
    at: Instant,
    /// Set when the script's order overruled the clock; breaks ties.
    rank: usize,
    process: usize,
    event: Event,
}

/// A line, or the end of a stream, as a reader thread reports it.
struct Report {
    process: usize,
    stream: Kind,
    at: Instant,
    line: Option<String>,
}

/// A program that was started. Dropping it ends it.
struct Running {
    child: Box<dyn ChildWrapper>,
    stdin: Option<ChildStdin>,
    open_streams: usize,
    closed_at: Instant,
    stopped: bool,
    status: Option<i32>,
    /// Printed lines no step has seen yet, as indexes into the moments.
    unseen: Vec<usize>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() {
            // Both fail only if it is gone already, which is what we want.
            let _ = self.child.start_kill();
            let _ = self.child.wait();
        }
    }
}

struct Play<'a> {
    script: &'a Script,
    programs: &'a Programs,
    root: &'a Path,
    settings: &'a Settings,
    masks: Masks,
    /// A replay has other ports than the recording; in what is printed they get their declared numbers.
    declared_ports: Vec<(Regex, String)>,
    reports: Receiver<Report>,
    sender: SyncSender<Report>,
    running: Vec<Option<Running>>,
    moments: Vec<Moment>,
    /// When the first moment was, by the clock on the wall.
    began: SystemTime,
    /// The last thing observed, while one observing step follows another.
    observed: Option<Instant>,
    ranks: usize,
}

impl<'a> Play<'a> {
    fn new(
        script: &'a Script,
        programs: &'a Programs,
        root: &'a Path,
        settings: &'a Settings,
    ) -> Self {
        // Bounded: a program running wild has to wait for us instead of filling the memory.
        let (sender, reports) = sync_channel(256);
        let declared_ports = script.ports.iter().map(|(name, declared)| {
            let chosen = settings.ports[name];
            let number =
                Regex::new(&format!(r"\b{chosen}\b")).expect("digits are a valid pattern");
            (number, declared.to_string())
        });
        Play {
            script,
            programs,
            root,
            settings,
            masks: script.masks(),
            declared_ports: declared_ports.collect(),
            reports,
            sender,
            running: script.processes.iter().map(|_| None).collect(),
            moments: Vec::new(),
            began: SystemTime::now(),
            observed: None,
            ranks: 0,
        }
    }

    fn step(&mut self, index: usize, step: &Step) -> Result<(), String> {
        if !matches!(step.action, Action::See(_) | Action::Exit(_)) {
            self.observed = None;
        }
        let Some(process) = step.process else {
            return match &step.action {
                Action::Quiet(seconds, quiet) => self.quiet(quiet, duration(*seconds)),
                Action::Pause(seconds) if self.settings.pauses => {
                    self.pause(duration(*seconds))
                }
                _ => Ok(()),
            };
        };
        match &step.action {
            Action::Start => self.start(process),
            Action::See(lines) => self.see(process, lines, index + 1),
            Action::Type(line) => self.type_line(process, line),
            Action::Quiet(..) | Action::Pause(_) => Ok(()), // concern no single process, see above
            Action::Eof => {
                self.log(Instant::now(), process, Kind::Eof, None);
                self.running(process).stdin = None;
                Ok(())
            }
            Action::Stop => self.stop(process),
            Action::Exit(status) => self.exit(process, *status),
        }
    }

    fn start(&mut self, process: usize) -> Result<(), String> {
        let Process { program, args, .. } = &self.script.processes[process];
        let path = self.programs.path(program)?;
        let args: Vec<String> = args
            .iter()
            .map(|arg| {
                fill_in(arg, &self.settings.ports)
                    .expect("checked when the script was read")
            })
            .collect();
        let (path, leading) = match &self.settings.traces {
            None => (path, Vec::new()),
            Some(folder) => (
                Path::new(strace::PROGRAM),
                strace::arguments(&strace::file(folder, process), path),
            ),
        };
        let mut command = CommandWrap::with_new(path, |command| {
            command
                .args(leading)
                .args(args)
                .current_dir(self.root)
                // Whoever asks for backtraces should not find them in a transcript.
                .env_remove("RUST_BACKTRACE")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);

        self.log(Instant::now(), process, Kind::Start, None);
        let mut child = command
            .spawn()
            .map_err(|error| format!("„{program}“ lässt sich nicht starten ({error})."))?;
        let stdin = child.stdin().take();
        let stdout = child.stdout().take();
        let stderr = child.stderr().take();
        self.running[process] = Some(Running {
            child,
            stdin,
            open_streams: 2,
            closed_at: Instant::now(),
            stopped: false,
            status: None,
            unseen: Vec::new(),
        });
        let piped = "both streams are piped above";
        self.listen(process, Kind::Out, stdout.expect(piped))?;
        self.listen(process, Kind::Err, stderr.expect(piped))
    }

    /// A thread that reports every line with the time of its arrival.
    fn listen(
        &self,
        process: usize,
        stream: Kind,
        pipe: impl Read + Send + 'static,
    ) -> Result<(), String> {
        let sender = self.sender.clone();
        let read = move || {
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut bytes = Vec::new();
                // An unreadable pipe is a pipe at its end.
                let count = pipe.read_until(b'\n', &mut bytes).unwrap_or(0);
                let line = (count > 0).then(|| {
                    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    String::from_utf8_lossy(line).into_owned()
                });
                let report = Report {
                    process,
                    stream,
                    at: Instant::now(),
                    line,
                };
                // Nobody listens any more: the play is over.
                if sender.send(report).is_err() || count == 0 {
                    return;
                }
            }
        };
        thread::Builder::new()
            .spawn(read)
            .map(drop)
            .map_err(|error| format!("Es lässt sich kein Thread starten ({error})."))
    }

    fn see(&mut self, process: usize, lines: &[String], step: usize) -> Result<(), String> {
        let free = (lines.len() > 1).then_some(step);
        let mut expected: Vec<String> =
            lines.iter().map(|line| self.masks.apply(line)).collect();
        let deadline = Instant::now() + self.settings.deadline;
        let mut last = None;
        loop {
            // Every line that is there may satisfy one expectation.
            let mut index = 0;
            while index < self.running(process).unseen.len() {
                let moment = self.running(process).unseen[index];
                let printed = self.masks.apply(self.text(moment));
                match expected.iter().position(|line| *line == printed) {
                    Some(found) => {
                        expected.remove(found);
                        self.running(process).unseen.remove(index);
                        self.moments[moment].event.free = free;
                        self.observe(moment);
                        last = last.max(Some(moment));
                        // The same line twice stands for two lines, so go on behind the match.
                    }
                    None => index += 1,
                }
                if expected.is_empty() {
                    break;
                }
            }
            if expected.is_empty() {
                self.pass_over(process, last);
                return Ok(());
            }
            if self.running(process).open_streams == 0 {
                return Err(format!(
                    "„{}“ kommt nicht mehr, das Programm ist zu Ende.",
                    expected.join("“, „")
                ));
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "„{}“ kam nicht innerhalb von {} s.",
                    expected.join("“, „"),
                    self.settings.deadline.as_secs_f64()
                ));
            }
            self.next_report(deadline)?;
        }
    }

    /// What was printed before the line just seen, on the same stream, can be seen no more.
    /// Where the order is free there is no „before".
    fn pass_over(&mut self, process: usize, last: Option<usize>) {
        let Some(last) = last else { return };
        if !self.script.processes[process].ordered {
            return;
        }
        let stream = self.moments[last].event.kind;
        let mut unseen = std::mem::take(&mut self.running(process).unseen);
        unseen
            .retain(|moment| *moment > last || self.moments[*moment].event.kind != stream);
        self.running(process).unseen = unseen;
    }

    fn type_line(&mut self, process: usize, line: &str) -> Result<(), String> {
        self.log(Instant::now(), process, Kind::In, Some(line.into()));
        let stdin = self.running(process).stdin.as_mut();
        let stdin = stdin.expect("the script types only while the input is open");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| stdin.flush())
            .map_err(|error| format!("Das Programm nimmt die Zeile nicht an ({error})."))
    }

    fn quiet(&mut self, quiet: &[(usize, String)], span: Duration) -> Result<(), String> {
        let begin = Instant::now();
        for (process, text) in quiet {
            self.log(begin, *process, Kind::Quiet, Some(text.clone()));
        }
        let end = begin + span;
        loop {
            for (process, _) in quiet {
                let name = &self.script.processes[*process].name;
                if let Some(moment) = self.running(*process).unseen.first().copied() {
                    return Err(format!(
                        "{name} sollte nichts drucken, druckte aber „{}“. \
                         (War die Zeile zu erwarten, gehört ein „see“ davor.)",
                        self.text(moment)
                    ));
                }
                if self.running(*process).open_streams == 0 {
                    return Err(format!("{name} sollte warten und ist zu Ende."));
                }
            }
            if Instant::now() >= end {
                return Ok(());
            }
            self.next_report(end)?;
        }
    }

    fn pause(&mut self, span: Duration) -> Result<(), String> {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.next_report(end)?;
        }
        Ok(())
    }

    fn stop(&mut self, process: usize) -> Result<(), String> {
        self.log(Instant::now(), process, Kind::Stop, None);
        let running = self.running(process);
        running.stopped = true;
        interrupt(running.child.as_mut())
            .map_err(|error| format!("Das Programm lässt sich nicht anhalten ({error})."))
    }

    fn exit(&mut self, process: usize, expected: i32) -> Result<(), String> {
        let status = self.await_end(process)?;
        // Where Ctrl-C cannot be sent, a stopped program was killed and chose no status.
        let chosen = cfg!(unix) || !self.running(process).stopped;
        if chosen && status != expected {
            return Err(format!(
                "Das Programm endete mit Status {status} statt {expected}."
            ));
        }
        Ok(())
    }

    /// Waits until the process has closed its streams and is gone, and logs its end.
    fn await_end(&mut self, process: usize) -> Result<i32, String> {
        let deadline = Instant::now() + self.settings.deadline;
        let late = |settings: &Settings| {
            format!(
                "Das Programm ist nach {} s noch nicht zu Ende.",
                settings.deadline.as_secs_f64()
            )
        };
        while self.running(process).open_streams > 0 {
            if Instant::now() >= deadline {
                return Err(late(self.settings));
            }
            self.next_report(deadline)?;
        }
        // Its streams are closed, so it is ending; asking again is all the system offers here.
        let status = loop {
            let status = self.running(process).child.try_wait();
            match status
                .map_err(|error| format!("Sein Ende ist nicht zu erfahren ({error})."))?
            {
                Some(status) => break exit_code(status),
                None if Instant::now() >= deadline => return Err(late(self.settings)),
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        let running = self.running(process);
        running.status = Some(status);
        running.stdin = None;
        let at = running.closed_at;
        let moment = self.log(at, process, Kind::Exit, None);
        self.moments[moment].event.status = Some(status);
        self.observe(moment);
        Ok(status)
    }

    /// Takes in the next line or waits until `until`, whichever comes first.
    fn next_report(&mut self, until: Instant) -> Result<(), String> {
        if self.settings.cancelled.load(Ordering::Relaxed) {
            return Err("Mit Strg+C abgebrochen.".into());
        }
        let wait = until.saturating_duration_since(Instant::now()).min(TICK);
        let report = match self.reports.recv_timeout(wait) {
            Ok(report) => report,
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                unreachable!("we hold a sender ourselves")
            }
        };
        let process = report.process;
        match report.line {
            Some(line) => {
                if self.moments.len() > MOST_LINES {
                    return Err(format!(
                        "Das sind über {MOST_LINES} Zeilen und kein Ende."
                    ));
                }
                let mut line = line;
                for (chosen, declared) in &self.declared_ports {
                    line = chosen.replace_all(&line, declared).into_owned();
                }
                let moment = self.log(report.at, process, report.stream, Some(line));
                self.running(process).unseen.push(moment);
            }
            None => {
                let running = self.running(process);
                running.open_streams -= 1;
                running.closed_at = report.at;
            }
        }
        Ok(())
    }

    fn running(&mut self, process: usize) -> &mut Running {
        self.running[process]
            .as_mut()
            .expect("the script speaks only to processes it has started")
    }

    fn text(&self, moment: usize) -> &str {
        self.moments[moment].event.text.as_deref().unwrap_or_default()
    }

    fn log(
        &mut self,
        at: Instant,
        process: usize,
        kind: Kind,
        text: Option<String>,
    ) -> usize {
        if self.moments.is_empty() {
            self.began = SystemTime::now();
        }
        self.moments.push(Moment {
            at,
            rank: 0,
            process,
            event: Event {
                t: 0,
                process: self.script.processes[process].name.clone(),
                kind,
                text,
                status: None,
                free: None,
            },
        });
        self.moments.len() - 1
    }

    /// Lets the order of the script's steps decide where the clocks of two reader threads cannot.
    fn observe(&mut self, moment: usize) {
        self.ranks += 1;
        let observed = self.observed;
        let moment = &mut self.moments[moment];
        if let Some(before) = observed
            && moment.at <= before
            && before - moment.at <= JITTER
        {
            moment.at = before;
            moment.rank = self.ranks;
        }
        self.observed = Some(moment.at.max(observed.unwrap_or(moment.at)));
    }

    fn failure(&self, index: usize, message: String) -> Failure {
        let printed = |process: usize| {
            let lines = self.moments.iter().filter(|moment| moment.process == process);
            let lines =
                lines.filter(|moment| matches!(moment.event.kind, Kind::Out | Kind::Err));
            let lines = lines.filter_map(|moment| moment.event.text.clone());
            (self.script.processes[process].name.clone(), lines.collect())
        };
        let started =
            (0..self.running.len()).filter(|process| self.running[*process].is_some());
        Failure {
            step: index + 1,
            action: self.script.steps[index].describe(&self.script.processes),
            message,
            printed: started.map(printed).collect(),
        }
    }

    /// The events in order of time, in milliseconds since the first.
    fn into_events(mut self) -> Vec<Event> {
        // Where one line was put back, what its program did later follows it.
        let by_program = |kind| matches!(kind, Kind::Out | Kind::Err | Kind::Exit);
        for process in 0..self.running.len() {
            let mut latest: Option<(Instant, usize)> = None;
            for moment in &mut self.moments {
                if moment.process != process || !by_program(moment.event.kind) {
                    continue;
                }
                if let Some((at, rank)) =
                    latest.filter(|latest| *latest > (moment.at, moment.rank))
                {
                    moment.at = at;
                    moment.rank = rank;
                }
                latest = Some((moment.at, moment.rank));
            }
        }
        self.moments.sort_by_key(|moment| (moment.at, moment.rank));
        let begin = self.moments.first().map(|moment| moment.at);
        let mut events = Vec::new();
        for mut moment in self.moments.drain(..) {
            let since = moment.at - begin.expect("there is a first moment");
            moment.event.t =
                u64::try_from(since.as_millis()).expect("a scene lasts minutes");
            events.push(moment.event);
        }
        events
    }
}

/// Ctrl-C, as a terminal would send it.
#[cfg(unix)]
fn interrupt(child: &mut dyn ChildWrapper) -> io::Result<()> {
    const SIGINT: i32 = 2;
    child.signal(SIGINT)
}

/// Ctrl-C cannot be sent to a single process group without a console of its own: the program is ended.
#[cfg(not(unix))]
fn interrupt(child: &mut dyn ChildWrapper) -> io::Result<()> {
    child.start_kill()
}

/// The status as a shell reports it: 128 + signal for a program that a signal ended.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return 128 + signal;
        }
    }
    status.code().unwrap_or(1)
}
