//! The listings' programs: has cargo build them and says where they lie.
//! In flow the workspace's root and names, out flows a path for each program's name.
//!
//! Every call of cargo selects all packages of the workspace and names the programs it wants. What the crates are
//! built with depends on the packages selected: so everything that `cargo run` or `cargo test` has built is
//! found again, and nothing is built twice.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;

use crate::processes::Launch;

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
/// One German sentence: cargo cannot be started, a program cannot be built, it was given up.
pub fn built_of(
    root: &Path,
    listings: &[&str],
    profile: Profile,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<Programs> {
    let names = listings.iter().flat_map(|listing| catalog::bins_of(root, listing));
    let names: Vec<String> = names.collect();
    let mut programs = BTreeMap::new();
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
/// One German sentence: cargo cannot be started.
pub fn build_in_background(
    root: &Path,
    programs: impl IntoIterator<Item = impl AsRef<OsStr>>,
    cancelled: &Arc<AtomicBool>,
    finished: &mut dyn FnMut(Artifact),
) -> anyhow::Result<bool> {
    let mut command = build(root, programs);
    command.arg("--keep-going");
    let launch = Launch {
        gives_way: true,
        ..Launch::default()
    };
    follow(command, launch, cancelled, finished)
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

const NO_CARGO: &str = "cargo ist nicht zu starten.";
const UNCLEAR: &str = "cargo meldet etwas Unverständliches.";

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
