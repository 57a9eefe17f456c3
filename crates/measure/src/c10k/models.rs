//! What is compared: the ten ways of building the same line-echo server, and which of them run here.
//! In flow ids, out flow commands that can be started – or the German sentence why a model is left out.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::machine;
use programs::listings::Programs;

/// The listing whose programs are measured.
pub const LISTING: &str = "ch11-c10k";

/// One way of building the server.
struct Subject {
    id: &'static str,
    name: &'static str,
    program: Program,
}

enum Program {
    /// A program of the listing, with its switches.
    Listing(&'static str, &'static [&'static str]),
    /// The same for Linux alone.
    Linux(&'static str),
    /// A program of the listing with as many threads as there are cores.
    OnAllCores(&'static str),
    /// A C program for Linux, in the listing's folder; it is compiled here.
    C(&'static str),
    /// A Python program in the listing's folder.
    Python(&'static str),
}

/// In the order of tables; each understands `--port 0` and says where it listens.
const SUBJECTS: [Subject; 10] = [
    Subject {
        id: "epoll-c",
        name: "epoll in C",
        program: Program::C("c/epoll.c"),
    },
    Subject {
        id: "epoll",
        name: "epoll, so wenig wie möglich",
        program: Program::Linux("ch11-epoll"),
    },
    Subject {
        id: "event-loop",
        name: "Event Loop von Hand (mio)",
        program: Program::Listing("ch11-event-loop", &[]),
    },
    Subject {
        id: "tokio-lean",
        name: "tokio, ohne eigenen Puffer",
        program: Program::Listing("ch11-tokio-lean", &[]),
    },
    Subject {
        id: "tokio",
        name: "tokio, 8 KiB Puffer",
        program: Program::Listing("ch11-tokio", &[]),
    },
    Subject {
        id: "tokio-cores",
        name: "tokio, alle Kerne",
        program: Program::OnAllCores("ch11-tokio"),
    },
    Subject {
        id: "threads",
        name: "Thread je Verbindung",
        program: Program::Listing("ch11-threads", &[]),
    },
    Subject {
        id: "threads-small",
        name: "Thread, Stapel 64 KiB",
        program: Program::Listing("ch11-threads", &["--stack", "65536"]),
    },
    Subject {
        id: "asyncio",
        name: "Python asyncio",
        program: Program::Python("python/streams.py"),
    },
    Subject {
        id: "python-threads",
        name: "Python-Threads",
        program: Program::Python("python/threads.py"),
    },
];

/// The ids of all models, whether they run here or not, in the order of tables.
pub fn ids() -> [&'static str; SUBJECTS.len()] {
    SUBJECTS.map(|subject| subject.id)
}

/// The German sentence about an id that no model has.
pub fn unknown(id: &str) -> String {
    format!(
        "Ein Modell „{id}“ gibt es nicht; es gibt {}.",
        ids().join(", ")
    )
}

/// A model that can be started here.
pub struct Ready {
    pub id: &'static str,
    pub name: &'static str,
    /// Its command without `--port`, for a reader.
    pub shown: String,
    /// It may use every core.
    pub all_cores: bool,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Ready {
    /// Starts it on any free port.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(["--port", "0"]);
        command
    }
}

/// The models of these ids that run here, in the order of tables; all that run here if there are no ids. Which ones do not, and why
/// not, is told in German sentences.
///
/// # Errors
///
/// A German sentence: no model has that id.
pub fn ready(
    root: &Path,
    programs: &Programs,
    wanted: &[String],
    left_out: &mut dyn FnMut(String),
) -> Result<Vec<Ready>, String> {
    if let Some(id) = wanted.iter().find(|id| !ids().contains(&id.as_str())) {
        return Err(unknown(id));
    }
    let mut models = Vec::new();
    for subject in &SUBJECTS {
        if !wanted.is_empty() && !wanted.iter().any(|id| id == subject.id) {
            continue;
        }
        match subject.ready(root, programs) {
            Ok(model) => models.push(model),
            Err(reason) => {
                left_out(format!("{reason} „{}“ entfällt.", subject.name));
            }
        }
    }
    Ok(models)
}

impl Subject {
    /// The error is a German sentence: why it does not run here.
    fn ready(&self, root: &Path, programs: &Programs) -> Result<Ready, String> {
        let folder = root.join("listings").join(LISTING);
        let listing = |program: &str, arguments: &[String]| {
            Ok(Ready {
                id: self.id,
                name: self.name,
                shown: [&[program.to_owned()], arguments].concat().join(" "),
                all_cores: matches!(self.program, Program::OnAllCores(_)),
                program: programs.path(program)?.to_owned(),
                arguments: arguments.iter().map(OsString::from).collect(),
            })
        };
        match self.program {
            Program::Listing(program, arguments) => {
                let arguments: Vec<String> =
                    arguments.iter().map(|&argument| argument.to_owned()).collect();
                listing(program, &arguments)
            }
            Program::Linux(program) => {
                on_linux()?;
                listing(program, &[])
            }
            Program::OnAllCores(program) => {
                let cores = thread::available_parallelism().map_or(1, usize::from);
                listing(program, &["--threads".to_owned(), cores.to_string()])
            }
            Program::C(source) => {
                on_linux()?;
                Ok(Ready {
                    id: self.id,
                    name: self.name,
                    shown: source.to_owned(),
                    all_cores: false,
                    program: compile(root, &folder.join(source), self.id)?,
                    arguments: Vec::new(),
                })
            }
            Program::Python(source) => {
                if machine::python().is_none() {
                    return Err("python3 ist nicht installiert.".to_owned());
                }
                Ok(Ready {
                    id: self.id,
                    name: self.name,
                    shown: format!("python3 {source}"),
                    all_cores: false,
                    program: "python3".into(),
                    arguments: vec![folder.join(source).into()],
                })
            }
        }
    }
}

fn on_linux() -> Result<(), String> {
    match cfg!(target_os = "linux") {
        true => Ok(()),
        false => Err("epoll gibt es nur unter Linux.".to_owned()),
    }
}

/// Is there a C compiler?
pub fn has_c_compiler() -> bool {
    Command::new("cc")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The compiled program; the error is a German sentence.
fn compile(root: &Path, source: &Path, name: &str) -> Result<PathBuf, String> {
    if !has_c_compiler() {
        return Err("Einen C-Compiler namens cc gibt es hier nicht.".to_owned());
    }
    let folder = root.join(super::WORKING_FOLDER);
    let program = folder.join(name);
    let told = |error: &str| format!("cc übersetzt {} nicht ({error}).", source.display());
    fs::create_dir_all(&folder).map_err(|error| told(&error.to_string()))?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-o"]).arg(&program).arg(source);
    let output = cc.output().map_err(|error| told(&error.to_string()))?;
    if !output.status.success() {
        let complaints = String::from_utf8_lossy(&output.stderr);
        return Err(told(complaints.lines().next().unwrap_or("ohne ein Wort")));
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_model_has_an_id_and_a_name_of_its_own_and_one_is_the_reference() {
        let ids: BTreeSet<&str> = ids().into();
        let names: BTreeSet<&str> = SUBJECTS.map(|subject| subject.name).into();
        assert_eq!((ids.len(), names.len()), (SUBJECTS.len(), SUBJECTS.len()));
        assert!(ids.contains(super::super::summary::REFERENCE));
    }

    #[test]
    fn an_unknown_model_is_told_with_the_known_ones() {
        let wanted = ["tokio".to_owned(), "node".to_owned()];
        let refused = ready(Path::new("."), &Programs::default(), &wanted, &mut |_| {});
        assert_eq!(
            refused.map(|_| ()).unwrap_err(),
            "Ein Modell „node“ gibt es nicht; es gibt epoll-c, epoll, event-loop, tokio-lean, tokio, tokio-cores, threads, \
             threads-small, asyncio, python-threads."
        );
    }

    #[test]
    fn a_model_that_does_not_run_here_is_left_out_with_its_reason() {
        let mut told = Vec::new();
        let wanted = ["tokio".to_owned()];
        let models = ready(
            Path::new("."),
            &Programs::default(),
            &wanted,
            &mut |reason| {
                told.push(reason);
            },
        );
        assert_eq!(models.map(|models| models.len()), Ok(0));
        assert_eq!(
            told,
            [
                "Kein Listing hat ein Programm namens „ch11-tokio“. „tokio, 8 KiB Puffer“ entfällt."
            ]
        );
    }
}
