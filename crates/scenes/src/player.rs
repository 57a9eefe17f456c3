//! The player: starts a scene's programs, types into them and waits for what must be seen.
//! In flow a script and the programs' paths, out flow the events – or the step that went wrong
//! and all that was printed until then. Whatever happens, no program outlives the play.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime};

use regex::{Captures, Regex};

use crate::cast::Cast;
use crate::recording::{Event, EventKind, Masks};
use crate::script::{Action, Script, Step, duration};
use crate::settings::{Seen, Settings};
use programs::listings::Programs;

/// More lines than that are a program running wild.
const MOST_LINES: usize = 10_000;

/// How long one look at the clock and at the cancel flag may be put off.
const TICK: Duration = Duration::from_millis(50);

/// A program whose streams are closed is about to end; so often it is asked.
const SOON: Duration = Duration::from_millis(1);

/// What is said if it is not known why.
const REFUSES: &str = "Das Programm nimmt die Zeile nicht an.";

/// Two programs that print at about the same moment: our threads may notice the second one first.
/// Within this span the order of the script's steps says which came first.
const JITTER: Duration = Duration::from_millis(50);

/// What may be a port.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[0-9]+\b").expect("written by hand and tested"));

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
        play.cast.leave();
    }
    outcome.map_err(|(index, message)| play.failure(index, message))?;
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

struct Play<'a> {
    script: &'a Script,
    settings: &'a Settings,
    cast: Cast<'a>,
    masks: Masks,
    /// A replay has other ports than the recording; in what is printed they get their declared numbers.
    declared_ports: BTreeMap<String, String>,
    moments: Vec<Moment>,
    /// Of each process, the printed lines no step has seen yet, as indexes into the moments.
    unseen: Vec<Vec<usize>>,
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
        let declared_ports = script.ports.iter().map(|(name, declared)| {
            (settings.ports[name].to_string(), declared.to_string())
        });
        Play {
            script,
            settings,
            cast: Cast::new(&script.processes, programs, root, settings),
            masks: script.masks(),
            declared_ports: declared_ports.collect(),
            moments: Vec::new(),
            unseen: vec![Vec::new(); script.processes.len()],
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
        // A program that was stopped without an `exit` step still has to be gone in the end.
        let last = script.steps.len().saturating_sub(1);
        for process in 0..script.processes.len() {
            if self.cast.is_running(process) {
                self.await_end(process).map_err(|message| (last, message))?;
            }
        }
        Ok(())
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
            Action::Start => {
                let seen = self.cast.start(process)?;
                self.keep(seen);
                Ok(())
            }
            Action::See(lines) => self.see(process, lines, index + 1),
            Action::Type(line) => self.type_line(process, line),
            Action::Quiet(..) | Action::Pause(_) => Ok(()), // concern no single process, see above
            Action::Eof => {
                let seen = self.cast.end_input(process);
                self.keep(seen.expect("the script ends an input only once"));
                Ok(())
            }
            Action::Stop => self.stop(process),
            Action::Exit(status) => self.exit(process, *status),
        }
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
            while index < self.unseen[process].len() {
                let moment = self.unseen[process][index];
                let printed = self.masks.apply(self.text(moment));
                match expected.iter().position(|line| *line == printed) {
                    Some(found) => {
                        expected.remove(found);
                        self.unseen[process].remove(index);
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
            if self.cast.is_silent(process) {
                // Where Ctrl-C cannot be sent, whoever was stopped was killed: nobody gets to hear its farewell.
                let is_cut_short = !cfg!(unix)
                    && self
                        .moments
                        .iter()
                        .any(|moment| moment.event.kind == EventKind::Stop);
                if is_cut_short {
                    return Ok(());
                }
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
            self.listen(deadline)?;
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
        let moments = &self.moments;
        self.unseen[process]
            .retain(|moment| *moment > last || moments[*moment].event.kind != stream);
    }

    fn type_line(&mut self, process: usize, line: &str) -> Result<(), String> {
        let deadline = Instant::now() + self.settings.deadline;
        let typed = self.cast.type_line(process, line);
        let (seen, fate) = typed.map_err(|_| REFUSES)?;
        self.keep(seen);
        while Instant::now() < deadline {
            match fate.recv_timeout(SOON) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => {
                    return Err(format!(
                        "Das Programm nimmt die Zeile nicht an ({error})."
                    ));
                }
                // Perhaps it has to get rid of what it prints before it reads.
                Err(RecvTimeoutError::Timeout) => self.listen(Instant::now())?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(REFUSES.into())
    }

    fn quiet(&mut self, quiet: &[(usize, String)], span: Duration) -> Result<(), String> {
        let begin = Instant::now();
        for (process, text) in quiet {
            let seen = self.cast.wait(begin, *process, text);
            self.keep(seen);
        }
        let end = begin + span;
        loop {
            for (process, _) in quiet {
                let name = &self.script.processes[*process].name;
                if let Some(moment) = self.unseen[*process].first().copied() {
                    return Err(format!(
                        "{name} sollte nichts drucken, druckte aber „{}“. \
                         (War die Zeile zu erwarten, gehört ein „see“ davor.)",
                        self.text(moment)
                    ));
                }
                if self.cast.is_silent(*process) {
                    return Err(format!("{name} sollte warten und ist zu Ende."));
                }
            }
            if Instant::now() >= end {
                return Ok(());
            }
            self.listen(end)?;
        }
    }

    fn pause(&mut self, span: Duration) -> Result<(), String> {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.listen(end)?;
        }
        Ok(())
    }

    fn stop(&mut self, process: usize) -> Result<(), String> {
        let (seen, sent) = self.cast.interrupt(process);
        self.keep(seen);
        sent.map_err(|error| format!("Das Programm lässt sich nicht anhalten ({error})."))
    }

    fn exit(&mut self, process: usize, expected: i32) -> Result<(), String> {
        let status = self.await_end(process)?;
        // Where Ctrl-C cannot be sent, a stopped program was killed and chose no status.
        let chosen = cfg!(unix) || !self.has_seen(process, EventKind::Stop);
        if chosen && status != expected {
            return Err(format!(
                "Das Programm endete mit Status {status} statt {expected}."
            ));
        }
        Ok(())
    }

    /// Waits until the process has closed its streams and is gone; returns its status.
    fn await_end(&mut self, process: usize) -> Result<i32, String> {
        let deadline = Instant::now() + self.settings.deadline;
        loop {
            let end = self.cast.end_of(process);
            let end =
                end.map_err(|error| format!("Sein Ende ist nicht zu erfahren ({error})."))?;
            if let Some(seen) = end {
                let status = seen.status.expect("every end has one");
                let moment = self.keep(seen);
                self.observe(moment);
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "Das Programm ist nach {} s noch nicht zu Ende.",
                    self.settings.deadline.as_secs_f64()
                ));
            }
            let wait = if self.cast.is_silent(process) {
                SOON
            } else {
                TICK
            };
            self.listen(deadline.min(Instant::now() + wait))?;
        }
    }

    /// Takes in the next line or waits until `until`, whichever comes first.
    fn listen(&mut self, until: Instant) -> Result<(), String> {
        if self.settings.is_cancelled() {
            return Err("Mit Strg+C abgebrochen.".into());
        }
        let wait = until.saturating_duration_since(Instant::now()).min(TICK);
        let Some(seen) = self.cast.listen(wait) else {
            return Ok(());
        };
        if self.moments.len() > MOST_LINES {
            return Err(format!("Das sind über {MOST_LINES} Zeilen und kein Ende."));
        }
        let process = seen.column;
        let moment = self.keep(seen);
        self.unseen[process].push(moment);
        Ok(())
    }

    fn text(&self, moment: usize) -> &str {
        self.moments[moment].event.text.as_deref().unwrap_or_default()
    }

    fn has_seen(&self, process: usize, kind: EventKind) -> bool {
        let mut moments = self.moments.iter();
        moments.any(|moment| moment.process == process && moment.event.kind == kind)
    }

    /// An event for the recording.
    fn keep(&mut self, seen: Seen) -> usize {
        if self.moments.is_empty() {
            self.began = SystemTime::now();
        }
        let mut text = seen.text;
        if let (Some(text), EventKind::Out | EventKind::Err) = (&mut text, seen.kind) {
            let declared = |number: &Captures| match self.declared_ports.get(&number[0]) {
                Some(declared) => declared.clone(),
                None => number[0].to_owned(),
            };
            *text = NUMBER.replace_all(text, declared).into_owned();
        }
        self.moments.push(Moment {
            at: seen.at,
            rank: 0,
            process: seen.column,
            event: Event {
                t: 0,
                process: seen.process,
                kind: seen.kind,
                text,
                status: seen.status,
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
            let lines = lines.filter(|moment| {
                matches!(moment.event.kind, EventKind::Out | EventKind::Err)
            });
            let lines = lines.filter_map(|moment| moment.event.text.clone());
            (self.script.processes[process].name.clone(), lines.collect())
        };
        let started = (0..self.script.processes.len())
            .filter(|process| self.has_seen(*process, EventKind::Start));
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
        let by_program =
            |kind| matches!(kind, EventKind::Out | EventKind::Err | EventKind::Exit);
        for process in 0..self.script.processes.len() {
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
