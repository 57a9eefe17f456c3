//! The player: starts a scene's programs, types into them and waits for what must be seen.
//! In flow a script and the programs' paths, out flow the events – or the step that went wrong
//! and all that was printed until then. Whatever happens, no program outlives the play.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use regex::Regex;

use crate::observe::strace;
use crate::recording::{Event, Kind, Masks};
use crate::script::{Action, Process, Script, Step, duration, fill_in};
use programs::listings::Programs;
use programs::ports;
use programs::processes::{self, Ending, Program, Report, Stream, exit_code};

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
    /// Told of everything at the moment it happens; a play that is watched ends its programs gently.
    pub watcher: Option<Watcher>,
}

/// What happens to a process, at the moment it happens.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// The name of its column.
    pub process: String,
    /// What.
    pub kind: Kind,
    /// The line as it is, with the ports that are really used; or why the process waits.
    pub text: Option<String>,
    /// How it ended; `None` also if a signal ended it.
    pub status: Option<i32>,
}

/// Who is told of a play while it goes on.
#[derive(Clone)]
pub struct Watcher(pub Arc<dyn Fn(Seen) + Send + Sync>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
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
            watcher: None,
        }
    }

    /// With free ports and without pauses. Fails if no port is free.
    pub fn for_replay(script: &Script) -> io::Result<Settings> {
        let mut settings = Settings::for_recording(script);
        settings.pauses = false;
        let of_the_book: Vec<u16> = script.ports.values().copied().collect();
        settings.ports = ports::choose(&script.ports, |port| !of_the_book.contains(&port))?;
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
    let outcome = play.act();
    if outcome.is_err() && settings.watcher.is_some() {
        play.leave();
    }
    outcome.map_err(|(index, message)| play.failure(index, message))?;
    let began = play.began;
    Ok(Played {
        events: play.into_events(),
        began,
    })
}

/// What is started for a process of a script.
///
/// # Errors
///
/// One German sentence: there is no such program.
pub fn command(
    process: &Process,
    programs: &Programs,
    ports: &BTreeMap<String, u16>,
    root: &Path,
) -> Result<Command, String> {
    let mut command = Command::new(programs.path(&process.program)?);
    command.args(arguments(process, ports)).current_dir(root);
    processes::reduce_environment(&mut command);
    Ok(command)
}

fn arguments(process: &Process, ports: &BTreeMap<String, u16>) -> Vec<String> {
    let args = process.args.iter();
    args.map(|arg| fill_in(arg, ports).expect("checked when the script was read"))
        .collect()
}

/// An event that still remembers its exact place.
struct Moment {
    at: Instant,
    /// Set when the script's order overruled the clock; breaks ties.
    rank: usize,
    process: usize,
    event: Event,
}

/// A process that was started. Dropping it ends its program.
struct Running {
    program: Program,
    open_streams: usize,
    closed_at: Instant,
    stopped: bool,
    status: Option<i32>,
    /// Printed lines no step has seen yet, as indexes into the moments.
    unseen: Vec<usize>,
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

    /// Every step, and then everybody's end. The error names the step by its index.
    fn act(&mut self) -> Result<(), (usize, String)> {
        let script = self.script;
        for (index, step) in script.steps.iter().enumerate() {
            self.step(index, step).map_err(|message| (index, message))?;
        }
        // Whoever was stopped without an `exit` step still has to be gone in the end.
        let last = script.steps.len().saturating_sub(1);
        for process in 0..script.processes.len() {
            if self.running[process]
                .as_ref()
                .is_some_and(|running| running.status.is_none())
            {
                self.await_end(process).map_err(|message| (last, message))?;
            }
        }
        Ok(())
    }

    /// The play has broken off: everybody still on the stage leaves it, and what they say meanwhile is heard.
    fn leave(&mut self) {
        fn on_stage(running: &mut [Option<Running>]) -> impl Iterator<Item = &mut Program> {
            let running = running.iter_mut().flatten();
            running.filter(|running| running.status.is_none()).map(|one| &mut one.program)
        }
        let mut ending = Ending::begin(on_stage(&mut self.running));
        let mut gone = false;
        while !gone {
            gone = ending.go_on(on_stage(&mut self.running));
            // The first look waits a moment for the last lines, the others take what is there.
            let mut wait = Duration::from_millis(5);
            while let Ok(report) = self.reports.recv_timeout(wait) {
                // Too many lines are no reason to break off what has broken off.
                let _ = self.take_in(report);
                wait = Duration::ZERO;
            }
        }
        for process in 0..self.running.len() {
            let Some(running) = &mut self.running[process] else {
                continue;
            };
            if let (None, Ok(Some(status))) = (running.status, running.program.poll()) {
                running.status = Some(exit_code(status));
                self.log_end(Instant::now(), process, status);
            }
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
                self.running(process).program.stdin = None;
                Ok(())
            }
            Action::Stop => self.stop(process),
            Action::Exit(status) => self.exit(process, *status),
        }
    }

    fn start(&mut self, process: usize) -> Result<(), String> {
        let role = &self.script.processes[process];
        let mut command = command(role, self.programs, &self.settings.ports, self.root)?;
        if let Some(folder) = &self.settings.traces {
            let path = self.programs.path(&role.program)?;
            command = Command::new(strace::PROGRAM);
            command
                .args(strace::arguments(&strace::file(folder, process), path))
                .args(arguments(role, &self.settings.ports))
                .current_dir(self.root);
            processes::reduce_environment(&mut command);
        }

        self.log(Instant::now(), process, Kind::Start, None);
        let program = Program::start(command, process, &self.sender).map_err(|error| {
            format!("„{}“ lässt sich nicht starten ({error}).", role.program)
        })?;
        self.running[process] = Some(Running {
            program,
            open_streams: 2,
            closed_at: Instant::now(),
            stopped: false,
            status: None,
            unseen: Vec::new(),
        });
        Ok(())
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
        let stdin = self.running(process).program.stdin.as_mut();
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
        running
            .program
            .interrupt()
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
            let status = self.running(process).program.poll();
            match status
                .map_err(|error| format!("Sein Ende ist nicht zu erfahren ({error})."))?
            {
                Some(status) => break status,
                None if Instant::now() >= deadline => return Err(late(self.settings)),
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        let running = self.running(process);
        running.status = Some(exit_code(status));
        running.program.stdin = None;
        let at = running.closed_at;
        let moment = self.log_end(at, process, status);
        self.observe(moment);
        Ok(exit_code(status))
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
        self.take_in(report)
    }

    fn take_in(&mut self, report: Report) -> Result<(), String> {
        let process = report.program;
        let kind = match report.stream {
            Stream::Out => Kind::Out,
            Stream::Err => Kind::Err,
        };
        match report.line {
            Some(line) => {
                if self.moments.len() > MOST_LINES {
                    return Err(format!(
                        "Das sind über {MOST_LINES} Zeilen und kein Ende."
                    ));
                }
                self.tell(report.at, process, kind, Some(&line), None);
                let mut line = line;
                for (chosen, declared) in &self.declared_ports {
                    line = chosen.replace_all(&line, declared).into_owned();
                }
                let moment = self.keep(report.at, process, kind, Some(line));
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

    /// Tells the watcher, if there is one.
    fn tell(
        &self,
        at: Instant,
        process: usize,
        kind: Kind,
        text: Option<&str>,
        status: Option<i32>,
    ) {
        if let Some(Watcher(tell)) = &self.settings.watcher {
            tell(Seen {
                at,
                process: self.script.processes[process].name.clone(),
                kind,
                text: text.map(str::to_owned),
                status,
            });
        }
    }

    fn log(
        &mut self,
        at: Instant,
        process: usize,
        kind: Kind,
        text: Option<String>,
    ) -> usize {
        self.tell(at, process, kind, text.as_deref(), None);
        self.keep(at, process, kind, text)
    }

    fn log_end(&mut self, at: Instant, process: usize, status: ExitStatus) -> usize {
        self.tell(at, process, Kind::Exit, None, status.code());
        let moment = self.keep(at, process, Kind::Exit, None);
        self.moments[moment].event.status = Some(exit_code(status));
        moment
    }

    /// An event for the recording.
    fn keep(
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
