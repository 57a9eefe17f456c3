//! The listings' programs: builds them once with cargo and says where they lie.
//! In flows the workspace's root, out flows a path for each program's name.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;

use crate::processes;

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

/// One line of `cargo build --message-format=json`, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
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
        let never = Arc::new(AtomicBool::new(false));
        build(cargo(root, &[]), &never).map_err(|error| format!("{error:#}"))
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
    let packages: Vec<&str> =
        listings.iter().flat_map(|listing| ["--package", listing]).collect();
    let mut command = cargo_of(root, &packages);
    if profile == Profile::Release {
        command.arg("--release");
    }
    build(command, cancelled)
}

fn build(cargo: Command, cancelled: &Arc<AtomicBool>) -> anyhow::Result<Programs> {
    let mut programs = BTreeMap::new();
    let all = follow(cargo, cancelled, &mut |name, path| {
        programs.insert(name, path);
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

/// Builds them all as often as it is asked, when nobody else needs the processor, and hands out each program
/// as soon as it is there – also if another one cannot be built. Gives up once `cancelled` is set.
///
/// # Errors
///
/// One German sentence: cargo cannot be started, or some program cannot be built.
pub fn build_in_background(
    root: &Path,
    cancelled: &Arc<AtomicBool>,
    finished: &mut dyn FnMut(String, PathBuf),
) -> anyhow::Result<()> {
    let mut command = cargo(root, &["--keep-going"]);
    processes::give_way(&mut command);
    if !follow(command, cancelled, finished)? {
        bail!(
            "Nicht alle Programme der Listings lassen sich bauen; cargo sagt im Terminal, warum."
        );
    }
    Ok(())
}

/// Runs cargo and hands out each program as soon as it is there; was everything built?
fn follow(
    mut command: Command,
    cancelled: &Arc<AtomicBool>,
    finished: &mut dyn FnMut(String, PathBuf),
) -> anyhow::Result<bool> {
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut cargo = processes::spawn(command).context("cargo ist nicht zu starten.")?;
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
        if let Some((name, path)) = read(&line?)? {
            finished(name, path);
        }
    }
    Ok(matches!(watch.join(), Ok(Ok(status)) if status.success()))
}

fn cargo(root: &Path, options: &[&str]) -> Command {
    // Without the root package: it is what is running right now, and Windows could not replace it.
    let mut command = cargo_of(root, &["--workspace", "--exclude", "chatbuch"]);
    command.args(options);
    command
}

fn cargo_of(root: &Path, packages: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--bins"])
        .args(packages)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stdin(Stdio::null());
    command
}

/// The program a line of cargo's tells about, if it does.
fn read(line: &str) -> anyhow::Result<Option<(String, PathBuf)>> {
    let message: Message =
        serde_json::from_str(line).context("cargo meldet etwas Unverständliches.")?;
    Ok(message.target.map(|target| target.name).zip(message.executable))
}
