//! The listings' programs: builds them once with cargo and says where they lie.
//! In flows the workspace's root, out flows a path for each program's name.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;

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
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Without the root package: it is what is running right now, and Windows could not replace it.
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--bins"])
        .args(options)
        .args(["--exclude", env!("CARGO_PKG_NAME")])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stdin(Stdio::null())
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
        let message: Message =
            serde_json::from_str(line).context("cargo meldet etwas Unverständliches.")?;
        if let (Some(target), Some(executable)) = (message.target, message.executable) {
            programs.insert(target.name, executable);
        }
    }
    Ok(Programs(programs))
}
