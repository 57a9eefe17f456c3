//! The listings' programs: has cargo build them and says where they lie.
//! In flow the workspace's root and names, out flows a path for each program's name.
//! What lies in the folder that [`FOLDER`] names is not built: so a machine without a compiler will do.
//!
//! Every call of cargo selects all packages of the workspace and names the programs it wants. What the crates are
//! built with depends on the packages selected: so everything that `cargo run` or `cargo test` has built is
//! found again, and nothing is built twice.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;

use crate::processes::Launch;
use crate::toolbox;

/// The variable of our environment that may name a folder with programs that are built already.
pub const FOLDER: &str = "CHATBUCH_PROGRAMME";

/// Where each program lies, by its name (`ch01-server`).
#[derive(Debug, Clone, Default)]
pub struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// The executable of that name; the error is one German sentence.
    pub fn path(&self, program: &str) -> Result<&Path, String> {
        match self.0.get(program) {
            Some(path) => Ok(path),
            None => Err(format!("Kein Listing hat ein Programm namens „{program}“.")),
        }
    }
}

impl From<BTreeMap<String, PathBuf>> for Programs {
    fn from(paths: BTreeMap<String, PathBuf>) -> Self {
        Programs(paths)
    }
}

/// What cargo tells of a crate it has built or found built: one line of `--message-format=json`.
#[derive(Debug, Deserialize)]
pub struct Artifact {
    /// The package and its version: `registry+https://…#tokio@1.54.1`.
    pub package_id: String,
    /// Which part of the package.
    pub target: Target,
    /// The files built.
    pub filenames: Vec<PathBuf>,
    /// The program, if it is one.
    pub executable: Option<PathBuf>,
}

impl Artifact {
    /// A program that nobody has built just now.
    fn of(name: String, path: PathBuf) -> Artifact {
        Artifact {
            package_id: String::new(),
            target: Target {
                name,
                kind: vec!["bin".to_owned()],
            },
            filenames: vec![path.clone()],
            executable: Some(path),
        }
    }
}

/// A part of a package: its library or one of its programs.
#[derive(Debug, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// `lib`, `bin` …
    pub kind: Vec<String>,
}

/// How cargo compiles them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For whoever only wants them to run.
    Dev,
    /// Optimized, for measurements.
    Release,
}

/// Builds the programs of all listings, once per process, and asks cargo where they are:
/// so the target directory may be anywhere.
pub fn built(root: &Path) -> anyhow::Result<&'static Programs> {
    /// The error is kept as its text.
    static BUILT: OnceLock<Result<Programs, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let listings = catalog::listings(root);
        let listings: Vec<&str> = listings.iter().map(String::as_str).collect();
        built_of(root, &listings, Profile::Dev, &Arc::default())
            .map_err(|error| format!("{error:#}"))
    });
    built.as_ref().map_err(|message| anyhow!("{message}"))
}

/// Builds the programs of these listings as often as it is asked. Gives up once `cancelled` is set.
///
/// # Errors
///
/// One German sentence: cargo cannot be started, a program cannot be built, it was given up, [`FOLDER`] names none.
pub fn built_of(
    root: &Path,
    listings: &[&str],
    profile: Profile,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<Programs> {
    let names = listings.iter().flat_map(|listing| catalog::bins_of(root, listing));
    let (mut programs, names) = found(env::var_os(FOLDER), names)?;
    if names.is_empty() {
        return Ok(Programs(programs)); // cargo would build everything
    }
    let mut command = build(root, names);
    if profile == Profile::Release {
        command.arg("--release");
    }
    let all = follow(command, Launch::default(), cancelled, &mut |artifact| {
        if let Some(path) = artifact.executable {
            programs.insert(artifact.target.name, path);
        }
    })?;
    if cancelled.load(Ordering::Relaxed) {
        bail!("Der Bau der Programme ist abgebrochen.");
    }
    if !all {
        bail!(
            "Die Programme der Listings lassen sich nicht bauen; cargo sagt im Terminal, warum."
        );
    }
    Ok(Programs(programs))
}

/// Builds these programs as often as it is asked, when nobody else needs the processor, and hands out each crate as soon as it
/// is there – also if another one cannot be built. Gives up once `cancelled` is set. Returns whether all is built.
///
/// # Errors
///
/// One German sentence: cargo cannot be started, [`FOLDER`] names none.
pub fn build_in_background(
    root: &Path,
    programs: impl IntoIterator<Item = impl Into<String>>,
    cancelled: &Arc<AtomicBool>,
    finished: &mut dyn FnMut(Artifact),
) -> anyhow::Result<bool> {
    let names = programs.into_iter().map(Into::into);
    let (there, names) = found(env::var_os(FOLDER), names)?;
    for (name, path) in there {
        finished(Artifact::of(name, path));
    }
    if names.is_empty() {
        return Ok(true); // cargo would build everything
    }
    let mut command = build(root, names);
    command.arg("--keep-going");
    let launch = Launch {
        gives_way: true,
        ..Launch::default()
    };
    follow(command, launch, cancelled, finished)
}

/// Which of these programs lie in the folder, if there is one, and which are to be built.
fn found(
    folder: Option<OsString>,
    names: impl Iterator<Item = String>,
) -> anyhow::Result<(BTreeMap<String, PathBuf>, Vec<String>)> {
    let Some(folder) = folder else {
        return Ok((BTreeMap::new(), names.collect()));
    };
    // Programs do not run where we do.
    let folder = path::absolute(folder).unwrap_or_default();
    if !folder.is_dir() {
        bail!("{FOLDER} nennt keinen Ordner: {}", folder.display());
    }
    let at = |name: &str| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    // Of the toolbox it is not the program that is needed.
    let is_there = |name: &String| name != toolbox::PROGRAM && at(name).is_file();
    let (there, missing): (Vec<_>, Vec<_>) = names.partition(is_there);
    let there = there.into_iter().map(|name| (name.clone(), at(&name)));
    Ok((there.collect(), missing))
}

/// Runs cargo and hands out each crate as soon as it is there; was everything built?
fn follow(
    mut command: Command,
    launch: Launch,
    cancelled: &Arc<AtomicBool>,
    finished: &mut dyn FnMut(Artifact),
) -> anyhow::Result<bool> {
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut cargo = launch.spawn(command).context(NO_CARGO)?;
    let told = cargo.stdout().take().expect("stdout is piped above");
    let cancelled = Arc::clone(cancelled);
    // Somebody has to notice the end of the book while we listen to cargo.
    let watch = thread::Builder::new().spawn(move || {
        loop {
            match cargo.try_wait() {
                Ok(None) if cancelled.load(Ordering::Relaxed) => {
                    // Fails only if it has ended just now.
                    let _ = cargo.start_kill();
                    return cargo.wait();
                }
                Ok(None) => thread::sleep(Duration::from_millis(20)),
                Ok(Some(status)) => return Ok(status),
                Err(cause) => return Err(cause),
            }
        }
    })?;
    for line in BufReader::new(told).lines() {
        if let Some(artifact) = read(&line?)? {
            finished(artifact);
        }
    }
    Ok(matches!(watch.join(), Ok(Ok(status)) if status.success()))
}

/// What to tell somebody who is going to wait for [`built`] at a terminal. cargo itself stays quiet, also about its lock.
pub const BUILDING: &str = "Die Programme werden gebaut … (Baut cargo hier schon für jemand anderen, dann danach.)";

const NO_CARGO: &str = "cargo ist nicht zu starten";
const UNCLEAR: &str = "cargo meldet etwas Unverständliches";

/// Builds these programs and nothing else: not the one that is running right now, which Windows could not replace.
/// cargo may not use the network: what is needed is there, or the reader had better know.
fn build(root: &Path, programs: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--offline", "--quiet", "--workspace"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stdin(Stdio::null());
    for program in programs {
        command.arg("--bin").arg(program);
    }
    command
}

/// The crate a line of cargo's tells about, if it does.
fn read(line: &str) -> anyhow::Result<Option<Artifact>> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
    }
    let message: Message = serde_json::from_str(line).context(UNCLEAR)?;
    let is_artifact = message.reason == "compiler-artifact";
    is_artifact.then(|| serde_json::from_str(line).context(UNCLEAR)).transpose()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_lies_in_the_folder_is_taken_from_there_and_the_rest_is_to_be_built() {
        let names = || {
            ["ch01-server", "ch01-client", toolbox::PROGRAM].map(str::to_owned).into_iter()
        };
        let all = names().collect::<Vec<_>>();
        assert_eq!(found(None, names()).unwrap(), (BTreeMap::new(), all));

        let folder = tempfile::tempdir().unwrap();
        let in_folder =
            |name| folder.path().join(format!("{name}{}", env::consts::EXE_SUFFIX));
        let there = in_folder("ch01-server");
        fs::write(&there, "").unwrap();
        fs::write(in_folder(toolbox::PROGRAM), "").unwrap();
        assert_eq!(
            found(Some(folder.path().into()), names()).unwrap(),
            (
                BTreeMap::from([("ch01-server".to_owned(), there.clone())]),
                vec!["ch01-client".to_owned(), toolbox::PROGRAM.to_owned()]
            )
        );

        let refused = found(Some(there.clone().into()), names()).unwrap_err();
        let sentence = format!(
            "CHATBUCH_PROGRAMME nennt keinen Ordner: {}",
            there.display()
        );
        assert_eq!(refused.to_string(), sentence);
    }
}
