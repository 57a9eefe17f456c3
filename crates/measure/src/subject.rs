//! What is measured: programs of a listing, in Rust, C or Python, and which of them run here.
//! In flow subjects, out flow commands that can be started – or the German sentence why one is left out.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::machine;
use programs::listings::Programs;

/// What is compiled for a measurement, and results that the book does not keep; relative to the root.
pub const WORKING_FOLDER: &str = "target/messung";

/// A server that is measured.
pub struct Subject {
    pub id: &'static str,
    /// How it is built, in German.
    pub name: &'static str,
    pub recipe: Recipe,
}

/// How it comes to a program; each understands `--port 0` and says where it listens.
pub enum Recipe {
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

/// A subject that can be started here.
pub struct Runnable {
    pub id: &'static str,
    pub name: &'static str,
    /// Its command without `--port`, for a reader.
    pub shown: String,
    /// It may use every core.
    pub all_cores: bool,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Runnable {
    /// Starts it on any free port.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(["--port", "0"]);
        command
    }
}

/// Those subjects of a listing that run here. Which ones do not, and why not, is told in German sentences.
pub fn runnable<'s>(
    root: &Path,
    listing: &str,
    subjects: impl Iterator<Item = &'s Subject>,
    programs: &Programs,
    left_out: &mut dyn FnMut(String),
) -> Vec<Runnable> {
    let folder = root.join("listings").join(listing);
    let mut runnable = Vec::new();
    for subject in subjects {
        match subject.runnable(root, &folder, programs) {
            Ok(here) => runnable.push(here),
            Err(reason) => left_out(format!("{reason} „{}“ entfällt.", subject.name)),
        }
    }
    runnable
}

impl Subject {
    /// The error is a German sentence: why it does not run here.
    fn runnable(
        &self,
        root: &Path,
        folder: &Path,
        programs: &Programs,
    ) -> Result<Runnable, String> {
        let made = |shown: String, program: PathBuf, arguments: Vec<OsString>| Runnable {
            id: self.id,
            name: self.name,
            shown,
            all_cores: matches!(self.recipe, Recipe::OnAllCores(_)),
            program,
            arguments,
        };
        let listing = |program: &str, arguments: &[&str]| {
            let shown = [&[program], arguments].concat().join(" ");
            let arguments = arguments.iter().map(OsString::from).collect();
            Ok(made(shown, programs.path(program)?.to_owned(), arguments))
        };
        match self.recipe {
            Recipe::Listing(program, arguments) => listing(program, arguments),
            Recipe::Linux(program) => {
                on_linux()?;
                listing(program, &[])
            }
            Recipe::OnAllCores(program) => {
                let cores = thread::available_parallelism().map_or(1, usize::from);
                listing(program, &["--threads", &cores.to_string()])
            }
            Recipe::C(source) => {
                on_linux()?;
                let program = compile(root, &folder.join(source), self.id)?;
                Ok(made(source.to_owned(), program, Vec::new()))
            }
            Recipe::Python(source) => {
                if machine::python().is_none() {
                    return Err("python3 ist nicht installiert.".to_owned());
                }
                let arguments = vec![folder.join(source).into()];
                Ok(made(
                    format!("python3 {source}"),
                    "python3".into(),
                    arguments,
                ))
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
    let folder = root.join(WORKING_FOLDER);
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
