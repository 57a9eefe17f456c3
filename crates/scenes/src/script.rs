//! The script of a scene: who takes part and what happens, read from top to bottom like a play.
//! In flows a TOML text, out flows a checked [`Script`] or one German sentence with its line.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::{Spanned, Table, Value};

use crate::recording::Masks;
use crate::timeline::OF;

/// Longest typed line in bytes: a terminal takes no more, and every pipe holds it without blocking.
const LONGEST_LINE: usize = 4096;

/// A scene, and its timeline, ends within so many seconds.
pub(crate) const LONGEST_SCENE: u32 = 3600;

/// What a `quiet` step shows unless it says something better.
const WAITS: &str = "wartet";

/// A checked scene: every step names a process that takes part and is running at that moment.
#[derive(Debug, Clone, Serialize)]
pub struct Script {
    /// Caption of the transcript.
    pub title: String,
    /// One sentence under the transcript.
    pub note: Option<String>,
    /// The only system (as `std::env::consts::OS` names it) on which this scene can be played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Additional patterns whose matches differ from run to run.
    pub mask: Vec<String>,
    /// Patterns of lines that a program prints as often as it has to try: behind the first one of a kind, others of that kind
    /// are no difference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<String>,
    /// Placeholders for `args`, with the ports readers use.
    pub ports: BTreeMap<String, u16>,
    /// Those who take part, in the order of their columns.
    pub processes: Vec<Process>,
    /// What happens, in this order.
    pub steps: Vec<Step>,
    /// The timeline drawn of it, if any. It shows what happens and has no part in it:
    /// its words may change without a new recording.
    #[serde(skip)]
    pub timeline: Option<Drawing>,
}

/// The timeline of a scene: a picture of who worked and who waited when.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawing {
    /// What it is called; without, like the scene.
    pub title: Option<String>,
    /// What it shows, for those who do not see it.
    pub desc: String,
    /// Whether it is drawn from the programs' system calls; else from what the recording says.
    #[serde(default)]
    pub trace: bool,
    /// The lanes, from top to bottom: processes or single threads. Without, all there are.
    pub lanes: Option<Vec<String>>,
    /// The second of the scene it begins with.
    #[serde(default)]
    pub from: f64,
    /// The second of the scene it ends with; without, the last.
    pub to: Option<f64>,
    /// Tasks that get lanes of their own.
    #[serde(default, rename = "task")]
    pub tasks: Vec<Task>,
}

/// A task within a process, known by what it prints.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Name of its lane: `Mia`, or `Anna · liest` where several processes have such a task.
    pub name: String,
    /// The process that prints its lines.
    pub process: String,
    /// How the line begins with which the task begins.
    pub begins: String,
    /// How the line begins with which it ends.
    pub ends: String,
    /// Whether it holds its thread meanwhile instead of waiting.
    #[serde(default)]
    pub blocks: bool,
    /// What stands in its lane; without, what it does.
    pub text: Option<String>,
}

/// One who takes part in a scene.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Name of the column: `Server`, `Anna`.
    pub name: String,
    /// Name of the listing's program: `ch01-server`.
    pub program: String,
    /// Its arguments; `{server}` stands for the port of that name.
    #[serde(default)]
    pub args: Vec<String>,
    /// `false`: its lines may come in any order, only the set is compared.
    #[serde(default = "yes")]
    pub ordered: bool,
}

fn yes() -> bool {
    true
}

/// One step of a scene.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Index into [`Script::processes`]; `None` for `quiet` and `pause`, which concern several or all.
    pub process: Option<usize>,
    /// What happens.
    pub action: Action,
}

/// What happens in a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Action {
    /// The program is started.
    Start,
    /// All these lines appear, on stdout or stderr, in any order among themselves.
    See(Vec<String>),
    /// The line and its end are written to stdin.
    Type(String),
    /// For so many seconds these processes print nothing; the text says in the transcript why.
    /// It stands there until the process's next event, so it has to be true until then.
    Quiet(f64, Vec<(usize, String)>),
    /// So many seconds pass in a recording.
    Pause(f64),
    /// Stdin is closed.
    Eof,
    /// Ctrl-C.
    Stop,
    /// The program ends with this status.
    Exit(i32),
}

/// Why a script is refused.
#[derive(Debug, PartialEq)]
pub struct ScriptError {
    /// Line in the file, counted from 1.
    pub line: usize,
    /// One German sentence.
    pub message: String,
}

/// The systems a scene may need; anything else in the file is a typing error.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum System {
    Linux,
    Macos,
    Windows,
}

impl System {
    fn name(&self) -> String {
        match self {
            System::Linux => "linux",
            System::Macos => "macos",
            System::Windows => "windows",
        }
        .into()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    title: String,
    note: Option<String>,
    system: Option<System>,
    #[serde(default)]
    mask: Vec<String>,
    #[serde(default)]
    again: Vec<String>,
    #[serde(default)]
    ports: BTreeMap<String, u16>,
    #[serde(default)]
    process: Vec<Spanned<Process>>,
    steps: Vec<Spanned<Table>>,
    timeline: Option<Spanned<Drawing>>,
}

impl Script {
    /// Reads and checks a script.
    pub fn parse(text: &str) -> Result<Script, ScriptError> {
        let error = |offset: usize, message: String| ScriptError {
            line: text[..offset].matches('\n').count() + 1,
            message,
        };
        let raw: RawScript = toml::from_str(text).map_err(|cause| {
            let offset = cause.span().map_or(0, |span| span.start);
            error(
                offset,
                format!("Die Szene ist nicht zu verstehen: {}.", cause.message()),
            )
        })?;

        Masks::new(&raw.mask, &raw.again).map_err(|cause| {
            error(
                0,
                format!(
                    "Unter mask und again stehen nur reguläre Ausdrücke, die Rust und JavaScript gleich verstehen, anders als {cause}."
                ),
            )
        })?;
        let mut processes: Vec<Process> = Vec::new();
        for entry in &raw.process {
            let process = entry.get_ref();
            let refuse = |message| Err(error(entry.span().start, message));
            if processes.iter().any(|other| other.name == process.name) {
                return refuse(format!("Den Prozess „{}“ gibt es zweimal.", process.name));
            }
            for arg in &process.args {
                if let Err(name) = fill_in(arg, &raw.ports) {
                    return refuse(format!("Unter ports gibt es kein „{name}“."));
                }
            }
            processes.push(process.clone());
        }

        let mut presences = Presences::new(&processes);
        let mut steps = Vec::new();
        for (index, entry) in raw.steps.iter().enumerate() {
            let step = read_step(entry.get_ref(), &processes)
                .and_then(|step| presences.allow(&step).map(|()| step))
                .map_err(|message| {
                    error(
                        entry.span().start,
                        format!("Schritt {}: {message}", index + 1),
                    )
                })?;
            steps.push(step);
        }
        let end = text.len();
        presences.close().map_err(|message| error(end, message))?;

        let timeline = raw.timeline;
        if let Some(drawing) = &timeline {
            let offset = drawing.span().start;
            check_drawing(drawing.get_ref(), &processes)
                .map_err(|message| error(offset, message))?;
        }

        Ok(Script {
            title: raw.title,
            note: raw.note,
            system: raw.system.map(|system| system.name()),
            mask: raw.mask,
            again: raw.again,
            ports: raw.ports,
            processes,
            steps,
            timeline: timeline.map(Spanned::into_inner),
        })
    }

    /// Whether the scene can be played on this machine's system.
    pub fn is_playable_here(&self) -> bool {
        let system = self.system.as_deref();
        system.is_none_or(|system| system == std::env::consts::OS)
    }

    /// Whether its timeline is drawn from the programs' system calls.
    pub fn is_traced(&self) -> bool {
        self.timeline.as_ref().is_some_and(|drawing| drawing.trace)
    }

    /// Whether its timeline has lanes of tasks.
    pub fn has_tasks(&self) -> bool {
        self.timeline.as_ref().is_some_and(|drawing| !drawing.tasks.is_empty())
    }

    /// The masks that hold in this scene: the common ones and its own.
    pub fn masks(&self) -> Masks {
        Masks::new(&self.mask, &self.again)
            .expect("the patterns were compiled once when the script was read")
    }

    /// Fingerprint of everything the script says (comments and layout do not count).
    /// A recording keeps it, so that a changed script cannot go with an old recording.
    pub fn digest(&self) -> String {
        let text = serde_json::to_string(self).expect("a script has only string keys");
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325; // FNV-1a: the same on every machine
        for byte in text.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }

    /// What a reader types to start this process. `--port 5000` is every program's default and left out.
    pub fn command(&self, process: &Process) -> String {
        let mut args: Vec<String> = process
            .args
            .iter()
            .map(|arg| fill_in(arg, &self.ports).expect("checked when the script was read"))
            .collect();
        if let Some(at) = args.windows(2).position(|pair| pair == ["--port", "5000"]) {
            args.drain(at..at + 2);
        }
        let mut command = format!("cargo run --bin {}", process.program);
        if !args.is_empty() {
            command.push_str(" -- ");
            command.push_str(&args.join(" "));
        }
        command
    }
}

impl Step {
    /// The step as the script has it, for messages: `see Server „Client: Hallo“`.
    pub fn describe(&self, processes: &[Process]) -> String {
        let who = self.process.map_or("", |process| &processes[process].name);
        match &self.action {
            Action::Start => format!("start {who}"),
            Action::See(lines) => format!("see {who} „{}“", lines.join("“, „")),
            Action::Type(line) => format!("type {who} „{line}“"),
            Action::Quiet(seconds, quiet) => {
                let names =
                    quiet.iter().map(|(process, _)| processes[*process].name.as_str());
                let names: Vec<_> = names.collect();
                format!("quiet {}, {seconds} s", names.join(" und "))
            }
            Action::Pause(seconds) => format!("pause {seconds} s"),
            Action::Eof => format!("eof {who}"),
            Action::Stop => format!("stop {who}"),
            Action::Exit(status) => format!("exit {who}, Status {status}"),
        }
    }
}

fn check_drawing(drawing: &Drawing, processes: &[Process]) -> Result<(), String> {
    if drawing.desc.trim().is_empty() {
        return Err(
            "Zu „timeline“ gehört „desc“: ein Satz für alle, die das Bild nicht sehen."
                .into(),
        );
    }
    for (index, task) in drawing.tasks.iter().enumerate() {
        if !processes.iter().any(|process| process.name == task.process) {
            return Err(format!(
                "Die Task „{}“ gehört zu einem Prozess „{}“; den gibt es in dieser Szene nicht.",
                task.name, task.process
            ));
        }
        if task.begins.is_empty() || task.ends.is_empty() {
            return Err(format!(
                "Zur Task „{}“ gehören „begins“ und „ends“: wie die Zeilen anfangen, mit denen sie beginnt und endet.",
                task.name
            ));
        }
        let before = drawing.tasks.iter().take(index).map(|task| &task.name);
        if before
            .chain(processes.iter().map(|process| &process.name))
            .any(|name| *name == task.name)
        {
            return Err(format!("Die Bahn „{}“ gibt es zweimal.", task.name));
        }
    }
    let lanes = drawing.lanes.as_deref();
    if lanes.is_some_and(<[String]>::is_empty) {
        return Err("Eine Zeitachse braucht mindestens eine Bahn.".into());
    }
    for (index, lane) in lanes.unwrap_or_default().iter().enumerate() {
        let process = lane.split(OF).next().unwrap_or(lane);
        let is_task = drawing.tasks.iter().any(|task| task.name == *lane);
        if !is_task && !processes.iter().any(|known| known.name == process) {
            return Err(format!(
                "Eine Bahn heißt wie ein Prozess, eine Task oder „PROZESS{OF}THREAD“; einen Prozess „{process}“ gibt es in dieser Szene nicht."
            ));
        }
        if drawing.lanes.iter().flatten().take(index).any(|other| other == lane) {
            return Err(format!("Die Bahn „{lane}“ gibt es zweimal."));
        }
    }
    let end = f64::from(LONGEST_SCENE);
    let to = drawing.to.unwrap_or(end);
    let in_order = 0.0 <= drawing.from && drawing.from < to && to <= end;
    if !in_order {
        return Err(
            "„from“ und „to“ sind Sekunden seit Beginn der Szene, „from“ vor „to“.".into(),
        );
    }
    Ok(())
}

/// Puts the ports into an argument; the error is the name of an unknown placeholder.
pub fn fill_in(arg: &str, ports: &BTreeMap<String, u16>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = arg;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let port = ports.get(name).ok_or(name)?;
        filled.push_str(before);
        filled.push_str(&port.to_string());
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The seconds of a script as a duration; they were checked when the script was read.
pub fn duration(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn read_step(table: &Table, processes: &[Process]) -> Result<Step, String> {
    const ACTIONS: [&str; 8] = [
        "start", "see", "type", "quiet", "pause", "eof", "stop", "exit",
    ];
    let named: Vec<&str> =
        ACTIONS.into_iter().filter(|key| table.contains_key(*key)).collect();
    let [verb] = named[..] else {
        return Err(format!(
            "Ein Schritt braucht genau eines von {}.",
            ACTIONS.join(", ")
        ));
    };
    let mut fields = Fields {
        verb,
        rest: table.clone(),
    };
    let find = |name: &str| {
        let found = processes.iter().position(|process| process.name == name);
        found
            .ok_or_else(|| format!("Einen Prozess „{name}“ gibt es in dieser Szene nicht."))
    };
    let process = match verb {
        "pause" | "quiet" => None,
        _ => Some(find(&fields.text(verb)?)?),
    };
    let action = match verb {
        "start" => Action::Start,
        "see" => Action::See(fields.lines()?),
        "type" => Action::Type(fields.line()?),
        "quiet" => {
            let mut quiet = Vec::new();
            for (name, text) in fields.quiet()? {
                quiet.push((find(&name)?, text));
            }
            Action::Quiet(fields.seconds("seconds")?, quiet)
        }
        "pause" => Action::Pause(fields.seconds("pause")?),
        "eof" => Action::Eof,
        "stop" => Action::Stop,
        _ => Action::Exit(fields.status()?),
    };
    fields.nothing_left()?;
    Ok(Step { process, action })
}

/// The fields of a step that have not been read yet.
struct Fields<'a> {
    verb: &'a str,
    rest: Table,
}

impl Fields<'_> {
    fn optional_text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.rest.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("„{key}“ braucht einen Text in Anführungszeichen.")),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, String> {
        let text = self.optional_text(key)?;
        text.ok_or_else(|| format!("Zu „{}“ gehört „{key}“.", self.verb))
    }

    fn line(&mut self) -> Result<String, String> {
        one_line(self.text("line")?)
    }

    fn lines(&mut self) -> Result<Vec<String>, String> {
        let lines = match (self.rest.remove("line"), self.rest.remove("lines")) {
            (Some(line), None) => vec![line],
            (None, Some(Value::Array(lines))) if !lines.is_empty() => lines,
            _ => {
                return Err(
                    "Zu „see“ gehört „line = \"…\"“ oder „lines = [\"…\", …]“.".into()
                );
            }
        };
        let line = |value| match value {
            Value::String(text) => one_line(text),
            _ => Err("Eine Zeile braucht Anführungszeichen.".into()),
        };
        lines.into_iter().map(line).collect()
    }

    /// Who is quiet and what it is doing meanwhile: `"Anna"` or `{ Anna = "wartet auf Ben", … }`.
    fn quiet(&mut self) -> Result<Vec<(String, String)>, String> {
        const FORMS: &str =
            "Zu „quiet“ gehört ein Name oder „{ Anna = \"wartet auf Ben\", … }“.";
        match self.rest.remove("quiet") {
            Some(Value::String(name)) => Ok(vec![(name, WAITS.into())]),
            Some(Value::Table(quiet)) if !quiet.is_empty() => quiet
                .into_iter()
                .map(|(name, text)| match text {
                    Value::String(text) => Ok((name, text)),
                    _ => Err(FORMS.into()),
                })
                .collect(),
            _ => Err(FORMS.into()),
        }
    }

    fn seconds(&mut self, key: &str) -> Result<f64, String> {
        let seconds = match self.rest.remove(key) {
            Some(Value::Float(seconds)) => seconds,
            Some(Value::Integer(seconds)) => seconds as f64,
            _ => {
                return Err(format!(
                    "Zu „{}“ gehören Sekunden: „{key} = 1.0“.",
                    self.verb
                ));
            }
        };
        if seconds > 0.0 && seconds <= 60.0 {
            Ok(seconds)
        } else {
            Err("Eine Wartezeit liegt zwischen 0 und 60 Sekunden.".into())
        }
    }

    fn status(&mut self) -> Result<i32, String> {
        match self.rest.remove("status") {
            None => Ok(0),
            Some(Value::Integer(status)) if (0..=255).contains(&status) => {
                Ok(status as i32)
            }
            Some(_) => Err("Ein Status ist eine Zahl von 0 bis 255.".into()),
        }
    }

    fn nothing_left(&self) -> Result<(), String> {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(key) => Err(format!("„{}“ kennt kein Feld „{key}“.", self.verb)),
        }
    }
}

fn one_line(line: String) -> Result<String, String> {
    if line.contains(['\n', '\r']) {
        return Err("Eine Zeile enthält kein Zeilenende; es kommt von selbst dazu.".into());
    }
    if line.len() > LONGEST_LINE {
        return Err(
            "Eine Zeile hat höchstens 4096 Bytes: Mehr nimmt kein Terminal an.".into(),
        );
    }
    Ok(line)
}

/// Follows which programs are running, so that no step speaks to one that is not.
struct Presences<'a> {
    processes: &'a [Process],
    presence: Vec<Presence>,
}

#[derive(Clone, Copy, PartialEq)]
enum Presence {
    NotYet,
    Running { input_open: bool },
    Stopped,
    Ended,
}

impl<'a> Presences<'a> {
    fn new(processes: &'a [Process]) -> Self {
        Presences {
            processes,
            presence: vec![Presence::NotYet; processes.len()],
        }
    }

    fn allow(&mut self, step: &Step) -> Result<(), String> {
        if let Action::Quiet(_, quiet) = &step.action {
            for (process, _) in quiet {
                self.allow_one(*process, &step.action)?;
            }
        }
        match step.process {
            Some(process) => self.allow_one(process, &step.action),
            None => Ok(()),
        }
    }

    fn allow_one(&mut self, process: usize, action: &Action) -> Result<(), String> {
        let name = &self.processes[process].name;
        let presence = &mut self.presence[process];
        *presence = match (action, *presence) {
            (Action::Start, Presence::NotYet) => Presence::Running { input_open: true },
            (Action::Start, _) => return Err(format!("„{name}“ wurde schon gestartet.")),
            (_, Presence::NotYet) => {
                return Err(format!("„{name}“ ist noch nicht gestartet."));
            }
            (_, Presence::Ended) => return Err(format!("„{name}“ ist schon zu Ende.")),
            (Action::Exit(_), _) => Presence::Ended,
            (Action::See(_), presence) => presence,
            (_, Presence::Stopped) => {
                return Err(format!(
                    "Nach „stop“ ist von „{name}“ nur noch das Ende zu erwarten."
                ));
            }
            (Action::Type(_) | Action::Eof, Presence::Running { input_open: false }) => {
                return Err(format!("Die Eingabe von „{name}“ ist schon zu Ende."));
            }
            (Action::Eof, _) => Presence::Running { input_open: false },
            (Action::Stop, _) => Presence::Stopped,
            (_, presence) => presence,
        };
        Ok(())
    }

    /// At the end everybody has been on the stage and left it.
    fn close(self) -> Result<(), String> {
        for (process, presence) in self.processes.iter().zip(&self.presence) {
            let name = &process.name;
            match presence {
                Presence::NotYet => return Err(format!("„{name}“ wird nie gestartet.")),
                Presence::Running { .. } => {
                    return Err(format!(
                        "„{name}“ läuft am Ende noch: Es fehlt „exit“ oder „stop“."
                    ));
                }
                Presence::Stopped | Presence::Ended => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: &str = "[[process]]\nname = \"A\"\nprogram = \"p\"\n";

    fn parse(steps: &str) -> Result<Script, ScriptError> {
        Script::parse(&format!("title = \"T\"\nsteps = [\n{steps}\n]\n{PROCESS}"))
    }

    fn refusal(steps: &str) -> (usize, String) {
        let error = parse(steps).unwrap_err();
        (error.line, error.message)
    }

    #[test]
    fn every_kind_of_step_is_read() {
        let script = parse(
            r#"{ start = "A" },
               { see = "A", line = "x" },
               { see = "A", lines = ["y", "z"] },
               { type = "A", line = "" },
               { quiet = "A", seconds = 1 },
               { quiet = { A = "wartet auf B" }, seconds = 0.5 },
               { pause = 0.5 },
               { eof = "A" },
               { stop = "A" },
               { exit = "A", status = 1 },"#,
        )
        .unwrap();
        let actions: Vec<_> = script.steps.into_iter().map(|step| step.action).collect();
        assert_eq!(
            actions,
            [
                Action::Start,
                Action::See(vec!["x".into()]),
                Action::See(vec!["y".into(), "z".into()]),
                Action::Type("".into()),
                Action::Quiet(1.0, vec![(0, "wartet".into())]),
                Action::Quiet(0.5, vec![(0, "wartet auf B".into())]),
                Action::Pause(0.5),
                Action::Eof,
                Action::Stop,
                Action::Exit(1),
            ]
        );
    }

    #[test]
    fn a_faulty_step_is_refused_with_its_line_and_number() {
        let started = "{ start = \"A\" },\n";
        for (step, sentence) in [
            (
                "{ see = \"A\" },",
                "Zu „see“ gehört „line = \"…\"“ oder „lines = [\"…\", …]“.",
            ),
            (
                "{ see = \"A\", line = 1 },",
                "Eine Zeile braucht Anführungszeichen.",
            ),
            ("{ type = \"A\" },", "Zu „type“ gehört „line“."),
            (
                "{ type = \"A\", line = \"a\\nb\" },",
                "Eine Zeile enthält kein Zeilenende; es kommt von selbst dazu.",
            ),
            ("{ type = \"A\", lines = [] },", "Zu „type“ gehört „line“."),
            (
                "{ eof = \"A\", line = \"x\" },",
                "„eof“ kennt kein Feld „line“.",
            ),
            (
                "{ quiet = \"A\" },",
                "Zu „quiet“ gehören Sekunden: „seconds = 1.0“.",
            ),
            (
                "{ quiet = 1, seconds = 1 },",
                "Zu „quiet“ gehört ein Name oder „{ Anna = \"wartet auf Ben\", … }“.",
            ),
            (
                "{ quiet = { B = \"wartet\" }, seconds = 1 },",
                "Einen Prozess „B“ gibt es in dieser Szene nicht.",
            ),
            (
                "{ pause = -1 },",
                "Eine Wartezeit liegt zwischen 0 und 60 Sekunden.",
            ),
            (
                "{ exit = \"A\", status = 300 },",
                "Ein Status ist eine Zahl von 0 bis 255.",
            ),
            (
                "{ stop = \"B\" },",
                "Einen Prozess „B“ gibt es in dieser Szene nicht.",
            ),
            (
                "{ stop = \"A\", eof = \"A\" },",
                "Ein Schritt braucht genau eines von start, see, type, quiet, pause, eof, stop, exit.",
            ),
            (
                "{ strat = \"A\" },",
                "Ein Schritt braucht genau eines von start, see, type, quiet, pause, eof, stop, exit.",
            ),
            ("{ start = \"A\" },", "„A“ wurde schon gestartet."),
        ] {
            let (line, message) = refusal(&format!("{started}{step}"));
            assert_eq!(
                (line, message),
                (4, format!("Schritt 2: {sentence}")),
                "{step}"
            );
        }
    }

    #[test]
    fn nobody_acts_before_the_start_or_after_the_end() {
        for (steps, sentence) in [
            (
                "{ eof = \"A\" },",
                "Schritt 1: „A“ ist noch nicht gestartet.",
            ),
            (
                "{ start = \"A\" },\n{ exit = \"A\" },\n{ stop = \"A\" },",
                "Schritt 3: „A“ ist schon zu Ende.",
            ),
            (
                "{ start = \"A\" },\n{ eof = \"A\" },\n{ type = \"A\", line = \"x\" },",
                "Schritt 3: Die Eingabe von „A“ ist schon zu Ende.",
            ),
            (
                "{ start = \"A\" },\n{ stop = \"A\" },\n{ type = \"A\", line = \"x\" },",
                "Schritt 3: Nach „stop“ ist von „A“ nur noch das Ende zu erwarten.",
            ),
            (
                "{ start = \"A\" },",
                "„A“ läuft am Ende noch: Es fehlt „exit“ oder „stop“.",
            ),
            ("", "„A“ wird nie gestartet."),
        ] {
            assert_eq!(refusal(steps).1, sentence);
        }
    }

    #[test]
    fn unknown_keys_ports_and_doubled_names_are_refused() {
        let rest = "steps = []\n";
        for (text, line, part) in [
            ("titel = \"T\"\n", 1, "unknown field `titel`"),
            (
                "title = \"T\"\nsteps = []\n[[process]]\nname = \"A\"\nprogramm = \"p\"\n",
                5,
                "unknown field `programm`",
            ),
            (
                "title = \"T\"\nsteps = []\n[[process]]\nname = \"A\"\nprogram = \"p\"\nargs = [\"{server}\"]\n",
                3,
                "Unter ports gibt es kein „server“.",
            ),
            (
                "title = \"T\"\nsteps = []\n[[process]]\nname = \"A\"\nprogram = \"p\"\n[[process]]\nname = \"A\"\nprogram = \"q\"\n",
                6,
                "Den Prozess „A“ gibt es zweimal.",
            ),
            (
                "title = \"T\"\nsystem = \"Linux\"\nsteps = []\n",
                2,
                "unknown variant `Linux`",
            ),
            (
                "title = \"T\"\nmask = [\"(\"]\nsteps = []\n",
                1,
                "Unter mask und again stehen nur reguläre Ausdrücke",
            ),
            (
                "title = \"T\"\nagain = [\"(?i)a\"]\nsteps = []\n",
                1,
                "Unter mask und again stehen nur reguläre Ausdrücke",
            ),
        ] {
            let text = if text.contains("steps") {
                text.into()
            } else {
                format!("{text}{rest}")
            };
            let error = Script::parse(&text).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
            assert_eq!(error.line, line, "{part}");
        }
    }

    #[test]
    fn a_timeline_is_read_and_a_faulty_one_refused_with_its_line() {
        let parse = |table: &str| {
            Script::parse(&format!(
                "title = \"T\"\nsteps = [{{ start = \"A\" }}, {{ stop = \"A\" }}]\n{PROCESS}[timeline]\n{table}"
            ))
        };
        let script = parse(
            "title = \"X\"\ndesc = \"D\"\ntrace = true\nlanes = [\"A · main\"]\nfrom = 1\nto = 2.5",
        )
        .unwrap();
        let drawing = Drawing {
            title: Some("X".into()),
            desc: "D".into(),
            trace: true,
            lanes: Some(vec!["A · main".into()]),
            from: 1.0,
            to: Some(2.5),
            tasks: Vec::new(),
        };
        assert!(script.is_traced());
        assert_eq!(script.timeline, Some(drawing));
        let plain = parse("desc = \"D\"").unwrap();
        assert!(!plain.is_traced());
        assert_eq!(
            plain.digest(),
            script.digest(),
            "the picture is no part of the play"
        );

        let task = |process: &str, begins: &str| {
            format!(
                "desc = \"D\"\n[[timeline.task]]\nname = \"M\"\nprocess = \"{process}\"\nbegins = \"{begins}\"\nends = \"y\"\n"
            )
        };
        let with_task = task("A", "x").replacen('\n', "\nlanes = [\"M\", \"A\"]\n", 1);
        let tasks = parse(&with_task).unwrap().timeline.unwrap().tasks;
        assert_eq!(
            tasks,
            [Task {
                name: "M".into(),
                process: "A".into(),
                begins: "x".into(),
                ends: "y".into(),
                blocks: false,
                text: None,
            }]
        );

        for (table, part) in [
            ("desc = \" \"", "Zu „timeline“ gehört „desc“"),
            ("trace = true", "missing field `desc`"),
            ("desc = \"D\"\nspur = 1", "unknown field `spur`"),
            (
                "desc = \"D\"\nlanes = []",
                "Eine Zeitachse braucht mindestens eine Bahn.",
            ),
            (
                "desc = \"D\"\nlanes = [\"B · main\"]",
                "einen Prozess „B“ gibt es in dieser Szene nicht.",
            ),
            (
                "desc = \"D\"\nlanes = [\"A\", \"A\"]",
                "Die Bahn „A“ gibt es zweimal.",
            ),
            ("desc = \"D\"\nfrom = -1", "„from“ und „to“ sind Sekunden"),
            (
                "desc = \"D\"\nfrom = 2\nto = 2",
                "„from“ und „to“ sind Sekunden",
            ),
            ("desc = \"D\"\nto = nan", "„from“ und „to“ sind Sekunden"),
            (
                &task("B", "x"),
                "Die Task „M“ gehört zu einem Prozess „B“; den gibt es in dieser Szene nicht.",
            ),
            (&task("A", ""), "Zur Task „M“ gehören „begins“ und „ends“"),
            (
                &task("A", "x").replace("\"M\"", "\"A\""),
                "Die Bahn „A“ gibt es zweimal.",
            ),
            (
                &format!("{}blocks = 1\n", task("A", "x")),
                "invalid type: integer `1`, expected a boolean",
            ),
        ] {
            let error = parse(table).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
            assert!(error.line >= 6, "{table}: {}", error.line);
        }
    }

    #[test]
    fn the_shown_command_leaves_the_default_port_out() {
        let script = Script::parse(
            r#"title = "T"
               steps = [{ start = "A" }, { stop = "A" }]
               ports = { one = 5000, two = 5001 }
               [[process]]
               name = "A"
               program = "ch01-server"
               args = ["--port", "{one}"]"#,
        )
        .unwrap();
        let mut process = script.processes[0].clone();
        assert_eq!(script.command(&process), "cargo run --bin ch01-server");
        process.args = ["--port", "{two}", "--host", "{one}"].map(String::from).into();
        assert_eq!(
            script.command(&process),
            "cargo run --bin ch01-server -- --port 5001 --host 5000"
        );
    }

    #[test]
    fn a_scene_may_need_a_certain_system() {
        let play = |head: &str| {
            let text = format!(
                "title = \"T\"\n{head}\nsteps = [{{ start = \"A\" }}, {{ stop = \"A\" }}]\n{PROCESS}"
            );
            Script::parse(&text).unwrap().is_playable_here()
        };
        assert!(play(""));
        let systems = ["linux", "macos", "windows"];
        let here = systems.map(|system| play(&format!("system = \"{system}\"")));
        assert_eq!(here, systems.map(|system| system == std::env::consts::OS));
    }

    #[test]
    fn the_digest_changes_with_the_play_but_not_with_its_layout() {
        let one = parse("{ start = \"A\" }, { stop = \"A\" }").unwrap();
        let same = parse("  { start = \"A\" },\n # Kommentar\n { stop = \"A\" },").unwrap();
        let other = parse("{ start = \"A\" }, { pause = 1 }, { stop = \"A\" }").unwrap();
        assert_eq!(one.digest(), same.digest());
        assert_ne!(one.digest(), other.digest());
    }
}
