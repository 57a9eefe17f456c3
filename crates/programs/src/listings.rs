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

/// Builds the programs of all listings, once per process, and asks cargo where they are:
/// so the target directory may be anywhere.
pub fn built(root: &Path) -> anyhow::Result<&'static Programs> {
    static BUILT: Once = OnceLock::new();
    once(&BUILT, root, &[])
}

/// Like [`built`], but optimized, for measurements.
pub fn built_for_release(root: &Path) -> anyhow::Result<&'static Programs> {
    static BUILT: Once = OnceLock::new();
    once(&BUILT, root, &["--release"])
}

/// Builds the programs of one listing, optimized, as often as it is asked. Gives up once `cancelled` is set.
///
/// # Errors
///
/// One German sentence: cargo cannot be started, a program cannot be built, it was given up.
pub fn built_for_release_of(
    root: &Path,
    package: &str,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<Programs> {
    let mut command = cargo_of(root, &["--package", package]);
    command.arg("--release");
    let mut programs = BTreeMap::new();
    let all = follow(command, Launch::default(), cancelled, &mut |name, path| {
        programs.insert(name, path);
    })?;
    if cancelled.load(Ordering::Relaxed) {
        bail!("Der Bau der Programme ist abgebrochen.");
    }
    if !all {
        bail!(
            "Die Programme von {package} lassen sich nicht bauen; cargo sagt im Terminal, warum."
        );
    }
    Ok(Programs(programs))
}

/// What one process builds once; the error is kept as its text.
type Once = OnceLock<Result<Programs, String>>;

fn once(
    built: &'static Once,
    root: &Path,
    options: &[&str],
) -> anyhow::Result<&'static Programs> {
    built
        .get_or_init(|| build(root, options).map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|message| anyhow!("{message}"))
}

fn build(root: &Path, options: &[&str]) -> anyhow::Result<Programs> {
    let output = cargo(root, options)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo ist nicht zu starten.")?;
    if !output.status.success() {
        bail!(
            "Die Programme der Listings lassen sich nicht bauen; cargo sagt oben, warum."
        );
    }
    let mut programs = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        programs.extend(read(line)?);
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
    let command = cargo(root, &["--keep-going"]);
    let launch = Launch {
        gives_way: true,
        ..Launch::default()
    };
    if !follow(command, launch, cancelled, finished)? {
        bail!(
            "Nicht alle Programme der Listings lassen sich bauen; cargo sagt im Terminal, warum."
        );
    }
    Ok(())
}

/// Runs cargo and hands out each program as soon as it is there; was everything built?
fn follow(
    mut command: Command,
    launch: Launch,
    cancelled: &Arc<AtomicBool>,
    finished: &mut dyn FnMut(String, PathBuf),
) -> anyhow::Result<bool> {
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut cargo = launch.spawn(command).context("cargo ist nicht zu starten.")?;
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
