//! A scene without its lines: its programs start as the script says, everything typed comes from a reader.
//! In flow the script and a reader's [`Cue`]s, out flows what happens, to the watcher of the settings.

use std::io::Write;
use std::path::Path;
use std::process::ChildStdin;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::player::{Seen, Settings, Watcher, command};
use crate::recording::{Kind, Masks};
use crate::script::{Action, Process, Script};
use programs::listings::Programs;
use programs::processes::{Ending, Program, Report, Stream};

/// How soon a cue and an end are noticed.
const TICK: Duration = Duration::from_millis(5);
/// How long a program may take to get ready before the next one starts all the same.
const READINESS: Duration = Duration::from_secs(2);
/// A program that has ended but whose output is still open gets so much time for its last lines.
const LAST_LINES: Duration = Duration::from_millis(200);
/// So many lines may wait for a program that does not read.
const UNREAD_LINES: usize = 64;
/// Readiness shows within so many lines.
const FIRST_LINES: usize = 100;

/// What a reader does to a process, named like its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cue {
    /// Types a line into it.
    Type(String, String),
    /// Ends its input.
    Eof(String),
    /// Ctrl-C.
    Interrupt(String),
    /// Starts it, for the first time or again.
    Start(String),
    /// Starts one more client like it.
    AddClient(String),
}

/// Whether further clients like this process may join: it reads what is typed and is not the first of the scene.
pub fn is_client(script: &Script, process: usize) -> bool {
    let reads = |action: &Action| matches!(action, Action::Type(_) | Action::Eof);
    process > 0
        && script
            .steps
            .iter()
            .any(|step| step.process == Some(process) && reads(&step.action))
}

/// Plays until the settings' `cancelled` is set, then ends every program.
///
/// At most `most` programs run at a time. What a reader asks for in vain is answered to `note`, in German.
pub fn improvise(
    script: &Script,
    programs: &Programs,
    root: &Path,
    settings: &Settings,
    most: usize,
    cues: &Receiver<Cue>,
    note: &dyn Fn(String),
) {
    let (sender, reports) = sync_channel(256);
    let cast = script.processes.iter().enumerate().map(|(index, role)| Member {
        role: role.clone(),
        like: index,
        running: None,
        printed: Vec::new(),
    });
    let mut stage = Stage {
        script,
        programs,
        root,
        settings,
        most,
        note,
        masks: script.masks(),
        cast: cast.collect(),
        reports,
        sender,
    };
    stage.open(cues);
    while !stage.is_over() {
        stage.go_on(cues);
    }
    stage.close();
}

/// One who takes part, by the script or because the reader asked for one more.
struct Member {
    role: Process,
    /// The process of the script it is, or is like.
    like: usize,
    running: Option<Running>,
    /// Its first lines, masked.
    printed: Vec<String>,
}

struct Running {
    program: Program,
    /// Where lines for it go; `None` after the end of input.
    input: Option<SyncSender<String>>,
    open_streams: usize,
    ended_at: Option<Instant>,
}

struct Stage<'a> {
    script: &'a Script,
    programs: &'a Programs,
    root: &'a Path,
    settings: &'a Settings,
    most: usize,
    note: &'a dyn Fn(String),
    masks: Masks,
    cast: Vec<Member>,
    reports: Receiver<Report>,
    sender: SyncSender<Report>,
}

impl Stage<'_> {
    fn is_over(&self) -> bool {
        self.settings.cancelled.load(Ordering::Relaxed)
    }

    /// Starts who is there from the beginning, that is before the script has anybody leave, one after the other.
    fn open(&mut self, cues: &Receiver<Cue>) {
        let script = self.script;
        let mut waiting_for_start = false;
        for step in &script.steps {
            match (&step.action, step.process) {
                (Action::Start, Some(process)) => {
                    self.start(process);
                    waiting_for_start = true;
                }
                (Action::See(lines), Some(process)) if waiting_for_start => {
                    let expected: Vec<String> =
                        lines.iter().map(|line| self.masks.apply(line)).collect();
                    let deadline = Instant::now() + READINESS;
                    while !self.is_over()
                        && self.cast[process].running.is_some()
                        && Instant::now() < deadline
                        && !expected
                            .iter()
                            .all(|line| self.cast[process].printed.contains(line))
                    {
                        self.go_on(cues);
                    }
                }
                (Action::Stop | Action::Exit(_), _) => return,
                _ => waiting_for_start = false,
            }
            if self.is_over() {
                return;
            }
        }
    }

    fn go_on(&mut self, cues: &Receiver<Cue>) {
        if let Ok(report) = self.reports.recv_timeout(TICK) {
            self.take_in(report);
        }
        while let Ok(cue) = cues.try_recv() {
            self.follow(cue);
        }
        self.notice_ends();
    }

    fn follow(&mut self, cue: Cue) {
        let (Cue::Type(name, _)
        | Cue::Eof(name)
        | Cue::Interrupt(name)
        | Cue::Start(name)
        | Cue::AddClient(name)) = &cue;
        let Some(index) = self.cast.iter().position(|member| member.role.name == *name)
        else {
            return (self.note)(format!("„{name}“ gibt es in dieser Szene nicht."));
        };
        let name = name.clone();
        match cue {
            Cue::Start(_) if self.cast[index].running.is_some() => {
                (self.note)(format!("„{name}“ läuft schon."));
            }
            Cue::Start(_) => self.start(index),
            Cue::AddClient(_) => self.add_client(index),
            _ if self.cast[index].running.is_none() => {
                (self.note)(format!("„{name}“ läuft gerade nicht."));
            }
            Cue::Type(_, line) => self.type_line(index, line),
            Cue::Eof(_) => {
                let input = self.running(index).input.take();
                if input.is_some() {
                    self.tell(Instant::now(), index, Kind::Eof, None, None);
                }
            }
            Cue::Interrupt(_) => {
                self.tell(Instant::now(), index, Kind::Stop, None, None);
                // Fails only if it has ended just now, and that is noticed anyway.
                let _ = self.running(index).program.interrupt();
            }
        }
    }

    fn start(&mut self, index: usize) {
        let running = self.cast.iter().filter(|member| member.running.is_some()).count();
        if running >= self.most {
            return (self.note)(format!(
                "Mehr als {} Programme zugleich laufen hier nicht.",
                self.most
            ));
        }
        let member = &self.cast[index];
        let started = command(&member.role, self.programs, &self.settings.ports, self.root)
            .and_then(|command| {
                self.tell(Instant::now(), index, Kind::Start, None, None);
                let mut program =
                    Program::start(command, index, &self.sender).map_err(|cause| {
                        format!(
                            "„{}“ lässt sich nicht starten ({cause}).",
                            member.role.program
                        )
                    })?;
                let stdin = program.stdin.take();
                Ok((program, stdin))
            });
        match started {
            Ok((program, stdin)) => {
                self.cast[index].printed.clear();
                self.cast[index].running = Some(Running {
                    program,
                    input: stdin.and_then(write_on),
                    open_streams: 2,
                    ended_at: None,
                });
            }
            Err(message) => (self.note)(message),
        }
    }

    fn add_client(&mut self, index: usize) {
        let like = self.cast[index].like;
        if !is_client(self.script, like) {
            return (self.note)(format!(
                "Von „{}“ gibt es nur einen.",
                self.cast[index].role.name
            ));
        }
        let names: Vec<&str> =
            self.cast.iter().map(|member| member.role.name.as_str()).collect();
        let name = (2..).map(|number| format!("Client {number}"));
        let name = name.into_iter().find(|name| !names.contains(&name.as_str()));
        let role = Process {
            name: name.expect("there are more numbers than clients"),
            ..self.cast[index].role.clone()
        };
        if self.cast.len() >= 2 * self.most {
            return (self.note)("Mehr Clients passen nicht auf die Seite; starten Sie einen der beendeten neu.".to_owned());
        }
        self.cast.push(Member {
            role,
            like,
            running: None,
            printed: Vec::new(),
        });
        self.start(self.cast.len() - 1);
        if self.cast.last().is_some_and(|last| last.running.is_none()) {
            self.cast.pop();
        }
    }

    fn type_line(&mut self, index: usize, line: String) {
        let name = self.cast[index].role.name.clone();
        let Some(input) = &self.running(index).input else {
            return (self.note)(format!("Die Eingabe von „{name}“ ist schon zu Ende."));
        };
        let at = Instant::now();
        match input.try_send(line.clone()) {
            Ok(()) => self.tell(at, index, Kind::In, Some(line), None),
            Err(TrySendError::Full(_)) => (self.note)(format!(
                "„{name}“ liest gerade nichts; die Zeile ist nicht angekommen."
            )),
            Err(TrySendError::Disconnected(_)) => {
                (self.note)(format!("„{name}“ nimmt keine Eingabe mehr an."));
            }
        }
    }

    fn take_in(&mut self, report: Report) {
        let index = report.program;
        let Some(line) = report.line else {
            if let Some(running) = &mut self.cast[index].running {
                running.open_streams -= 1;
            }
            return;
        };
        let printed = self.masks.apply(&line);
        let member = &mut self.cast[index];
        if member.printed.len() < FIRST_LINES {
            member.printed.push(printed);
        }
        let kind = match report.stream {
            Stream::Out => Kind::Out,
            Stream::Err => Kind::Err,
        };
        self.tell(report.at, index, kind, Some(line), None);
    }

    /// Tells whose program has ended, once all it printed has been told.
    fn notice_ends(&mut self) {
        for index in 0..self.cast.len() {
            let Some(running) = &mut self.cast[index].running else {
                continue;
            };
            let Ok(Some(status)) = running.program.poll() else {
                continue;
            };
            let ended_at = *running.ended_at.get_or_insert_with(Instant::now);
            if running.open_streams == 0 || ended_at.elapsed() > LAST_LINES {
                self.cast[index].running = None;
                self.tell(ended_at, index, Kind::Exit, None, status.code());
            }
        }
    }

    /// Ends everybody, and goes on listening until all are gone.
    fn close(mut self) {
        for running in self.cast.iter_mut().filter_map(|member| member.running.as_mut()) {
            running.input = None;
        }
        fn programs(cast: &mut [Member]) -> impl Iterator<Item = &mut Program> {
            cast.iter_mut()
                .filter_map(|member| member.running.as_mut())
                .map(|one| &mut one.program)
        }
        let mut ending = Ending::begin(programs(&mut self.cast));
        loop {
            let gone = ending.go_on(programs(&mut self.cast));
            if let Ok(report) = self.reports.recv_timeout(TICK) {
                self.take_in(report);
            }
            self.notice_ends();
            if gone && self.cast.iter().all(|member| member.running.is_none()) {
                return;
            }
        }
    }

    fn running(&mut self, index: usize) -> &mut Running {
        self.cast[index].running.as_mut().expect("asked for only while it runs")
    }

    fn tell(
        &self,
        at: Instant,
        index: usize,
        kind: Kind,
        text: Option<String>,
        status: Option<i32>,
    ) {
        if let Some(Watcher(tell)) = &self.settings.watcher {
            let process = self.cast[index].role.name.clone();
            tell(Seen {
                at,
                process,
                kind,
                text,
                status,
            });
        }
    }
}

/// A thread that writes lines into a program: one that does not read makes it wait, and nobody else.
/// When nobody sends any more, the input ends.
fn write_on(stdin: ChildStdin) -> Option<SyncSender<String>> {
    let (lines, pending) = sync_channel::<String>(UNREAD_LINES);
    let mut stdin = stdin;
    let write = move || {
        for line in pending {
            if stdin.write_all(format!("{line}\n").as_bytes()).is_err() {
                return; // it reads no more
            }
        }
    };
    thread::Builder::new().spawn(write).ok().map(|_| lines)
}
