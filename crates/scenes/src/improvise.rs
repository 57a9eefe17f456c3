//! A scene without its lines: its programs start as the script says, everything typed comes from a reader.
//! In flow the script and a reader's [`Cue`]s, out flows what happens, to the watcher of the settings.

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::cast::{Cast, Untyped};
use crate::recording::Masks;
use crate::script::{Action, Process, Script};
use crate::settings::Settings;
use programs::listings::Programs;

/// How soon a cue and an end are noticed.
const TICK: Duration = Duration::from_millis(5);
/// How long a program may take to get ready before the next one starts all the same.
const READINESS: Duration = Duration::from_secs(2);
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
    let mut improvisation = Improvisation {
        script,
        settings,
        most,
        note,
        masks: script.masks(),
        cast: Cast::new(&script.processes, programs, root, settings),
        like: (0..script.processes.len()).collect(),
        printed: vec![Vec::new(); script.processes.len()],
    };
    improvisation.open(cues);
    while !settings.is_cancelled() {
        improvisation.go_on(cues);
    }
    improvisation.cast.leave();
}

struct Improvisation<'a> {
    script: &'a Script,
    settings: &'a Settings,
    most: usize,
    note: &'a dyn Fn(String),
    masks: Masks,
    cast: Cast<'a>,
    /// Which process of the script each column is, or is like if the reader asked for one more.
    like: Vec<usize>,
    /// The first lines of each process of the script, masked.
    printed: Vec<Vec<String>>,
}

impl Improvisation<'_> {
    /// Starts, one after the other, the programs that the script starts before it ends the first of them.
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
                    while !self.settings.is_cancelled()
                        && self.cast.is_running(process)
                        && Instant::now() < deadline
                        && !expected.iter().all(|line| self.printed[process].contains(line))
                    {
                        self.go_on(cues);
                    }
                }
                (Action::Stop | Action::Exit(_), _) => return,
                _ => waiting_for_start = false,
            }
            if self.settings.is_cancelled() {
                return;
            }
        }
    }

    fn go_on(&mut self, cues: &Receiver<Cue>) {
        if let Some(seen) = self.cast.listen(TICK)
            && let Some(printed) = self.printed.get_mut(seen.column)
            && printed.len() < FIRST_LINES
        {
            printed.push(self.masks.apply(&seen.text.unwrap_or_default()));
        }
        while let Ok(cue) = cues.try_recv() {
            self.follow(cue);
        }
        self.cast.ends();
    }

    fn follow(&mut self, cue: Cue) {
        let (Cue::Type(name, _)
        | Cue::Eof(name)
        | Cue::Interrupt(name)
        | Cue::Start(name)
        | Cue::AddClient(name)) = &cue;
        let Some(column) = self.cast.roles().position(|role| role.name == *name) else {
            return (self.note)(format!("„{name}“ gibt es in dieser Szene nicht."));
        };
        let name = name.clone();
        let running = self.cast.is_running(column);
        match cue {
            Cue::Start(_) if running => (self.note)(format!("„{name}“ läuft schon.")),
            Cue::Start(_) => self.start(column),
            Cue::AddClient(_) => self.add_client(column),
            _ if !running => (self.note)(format!("„{name}“ läuft gerade nicht.")),
            Cue::Type(_, line) => self.type_line(column, &line),
            // Its end may come twice, and then the second time says nothing new.
            Cue::Eof(_) => drop(self.cast.end_input(column)),
            // Ctrl-C fails only if it has ended just now, and that is noticed anyway.
            Cue::Interrupt(_) => drop(self.cast.interrupt(column)),
        }
    }

    fn start(&mut self, column: usize) {
        if self.cast.running() >= self.most {
            return (self.note)(format!(
                "Mehr als {} Programme zugleich laufen hier nicht.",
                self.most
            ));
        }
        if let Err(message) = self.cast.start(column) {
            (self.note)(message);
        }
    }

    fn add_client(&mut self, column: usize) {
        let like = self.like[column];
        if !is_client(self.script, like) {
            let name = self.cast.name(column);
            return (self.note)(format!("Von „{name}“ gibt es nur einen."));
        }
        let taken = |name: &String| self.cast.roles().any(|role| role.name == *name);
        let name = (2..).map(|number| format!("Client {number}")).find(|name| !taken(name));
        let role = Process {
            name: name.expect("there are more numbers than clients"),
            ..self.script.processes[like].clone()
        };
        if self.like.len() >= 2 * self.most {
            return (self.note)("Mehr Clients passen nicht auf die Seite; starten Sie einen der beendeten neu.".to_owned());
        }
        self.cast.add(role);
        self.like.push(like);
        let newcomer = self.like.len() - 1;
        self.start(newcomer);
        if !self.cast.is_running(newcomer) {
            self.cast.remove_last();
            self.like.pop();
        }
    }

    fn type_line(&mut self, column: usize, line: &str) {
        let Err(why) = self.cast.type_line(column, line) else {
            return;
        };
        let name = self.cast.name(column);
        (self.note)(match why {
            Untyped::Closed => format!("Die Eingabe von „{name}“ ist schon zu Ende."),
            Untyped::Full => {
                format!("„{name}“ liest gerade nichts; die Zeile ist nicht angekommen.")
            }
            Untyped::Refused => format!("„{name}“ nimmt keine Eingabe mehr an."),
        });
    }
}
