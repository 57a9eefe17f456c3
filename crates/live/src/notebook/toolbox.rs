//! What compiles cells: rustc, and the crates of the book, built by cargo in a scratch package.
//! In flow the root's manifest and lock file, out flow compiler commands. cargo works offline and only once; a cell is
//! then compiled by rustc alone, against what cargo has built, in half the time.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;
use toml::{Table, Value};

use print::files::write_file;

/// The scratch package.
const PACKAGE: &str = "chatbuch-zellen";
/// Skeptic, which tests the snippets, compiles them with this edition.
const EDITION: &str = "2021";
/// The file a cell is compiled from; rustc names it in its messages.
pub const SOURCE: &str = "zelle.rs";

/// Everything needed to compile a cell.
pub struct Toolbox {
    rustc: PathBuf,
    /// `-L` and `--extern`.
    arguments: Vec<OsString>,
}

/// Where cells are kept and run.
pub struct Place {
    folder: PathBuf,
    /// What of this machine could stand in a message, and what stands there instead.
    secrets: Vec<(String, &'static str)>,
}

/// One line of `cargo build --message-format=json`, as far as it matters here.
#[derive(Deserialize)]
struct CargoMessage {
    package_id: Option<String>,
    target: Option<CargoTarget>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    linked_paths: Vec<String>,
}

#[derive(Deserialize)]
struct CargoTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

impl Toolbox {
    /// Has cargo build the crates of the book. They are the very ones that the book's own program and
    /// its snippet tests use, so mostly there is nothing left to do.
    ///
    /// # Errors
    ///
    /// cargo or rustc cannot be had, or cargo cannot build the crates.
    pub fn fetch(root: &Path, place: &Place) -> anyhow::Result<Toolbox> {
        let metadata = cargo(root)
            .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
            .output()
            .context("cargo ist nicht zu starten")?;
        let metadata = succeeded(metadata)?;
        let metadata: Metadata = serde_json::from_slice(&metadata)
            .context("cargo meldet etwas Unverständliches")?;
        let target = metadata.target_directory;
        let package = place.folder.join("werkzeug");
        let crates = write_package(root, &package)?;

        let built = cargo(&package)
            .args(["build", "--offline", "--quiet", "--lib"])
            .arg("--message-format=json-render-diagnostics")
            .arg("--target-dir")
            .arg(&target)
            .output()
            .context("cargo ist nicht zu starten")?;
        let built = succeeded(built)?;
        let sysroot = Command::new(rustc())
            .args(["--print", "sysroot"])
            .stdin(Stdio::null())
            .output()
            .context("rustc ist nicht zu starten")?;
        let sysroot = String::from_utf8_lossy(&succeeded(sysroot)?).trim().to_owned();
        // The compiler itself instead of the one who looks for it: that saves its time with every cell.
        let direct = Path::new(&sysroot).join("bin/rustc");
        let direct = direct.with_extension(env::consts::EXE_EXTENSION);
        let rustc = if direct.is_file() {
            direct
        } else {
            rustc().into()
        };

        Ok(Toolbox {
            rustc,
            arguments: arguments(&String::from_utf8_lossy(&built), &crates)?,
        })
    }

    /// A command that compiles [`SOURCE`] in `folder` to `binary`, and speaks JSON. A program that lasts may be moved
    /// and outlives the compiler; one that does not is made sooner.
    pub fn compiler(&self, folder: &Path, binary: &Path, lasts: bool) -> Command {
        let mut command = Command::new(&self.rustc);
        command
            .args([
                "--edition",
                EDITION,
                "--crate-name",
                "zelle",
                "--crate-type",
                "bin",
            ])
            .args(["--error-format=json", "-C", "debuginfo=0"])
            .args(&self.arguments)
            .arg("-o")
            .arg(binary)
            .arg(SOURCE)
            .current_dir(folder)
            .env_remove("RUST_BACKTRACE");
        if !lasts && cfg!(target_os = "linux") {
            // Linking is a third of the work, and half of it is putting the standard library into the program.
            command.args(["-C", "prefer-dynamic", "-C", "rpath"]);
        }
        command
    }
}

impl Place {
    /// In the book's own `target`, which git ignores.
    pub fn below(root: &Path) -> Place {
        let folder = root.join("target").join("notizbuch");
        Place {
            secrets: secrets(root, &folder),
            folder,
        }
    }

    /// An empty folder for one run; it vanishes when it is dropped.
    pub fn folder(&self) -> std::io::Result<tempfile::TempDir> {
        fs::create_dir_all(self.cells())?;
        tempfile::Builder::new().prefix("lauf-").tempdir_in(&self.folder)
    }

    /// Where the finished program of an unedited cell is or will be.
    pub fn binary(&self, key: &str) -> PathBuf {
        self.cells().join(format!("{key}{}", env::consts::EXE_SUFFIX))
    }

    /// Whether the cell is compiled.
    pub fn has(&self, key: &str) -> bool {
        self.binary(key).is_file()
    }

    /// Removes the programs of cells the book no longer has.
    pub fn tidy(&self, keys: &BTreeSet<&str>) {
        for entry in fs::read_dir(self.cells()).into_iter().flatten().flatten() {
            let path = entry.path();
            let key = path.file_stem().and_then(|name| name.to_str());
            if !key.is_some_and(|key| keys.contains(key)) {
                // One that stays takes up room and does nothing else.
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The text without this machine's paths.
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (secret, instead) in &self.secrets {
            if text.contains(secret) {
                text = text.replace(secret, instead);
            }
        }
        text
    }

    fn cells(&self) -> PathBuf {
        self.folder.join("zellen")
    }
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// What a command printed; the error is what it complained about.
fn succeeded(output: Output) -> anyhow::Result<Vec<u8>> {
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!(
            "Die Schnipsel lassen sich nicht ausführen: {}",
            complaint.trim()
        );
    }
    Ok(output.stdout)
}

/// Writes the scratch package: the root's dependencies, features and profiles, and nothing of its own.
/// Returns what a cell may name: the crates by the name they have in a program, with their version if the lock file has several.
fn write_package(
    root: &Path,
    package: &Path,
) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let read = |name: &str| {
        fs::read_to_string(root.join(name)).with_context(|| format!("{name} fehlt"))
    };
    let manifest: Table =
        read("Cargo.toml")?.parse().context("Cargo.toml ist kein TOML")?;
    // A book without dependencies may not have one yet; cargo makes it.
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();

    // The same graph in every respect, or cargo would build the same crates with other features once more. What only
    // tests need is left out: whoever merely reads the book has never downloaded it.
    let mut scratch: Table = format!(
        "[package]\nname = \"{PACKAGE}\"\nversion = \"0.0.0\"\nedition = \"{EDITION}\"\nbuild = \"build.rs\"\n\
         [lib]\npath = \"lib.rs\"\n[workspace]\nresolver = \"3\"\n"
    )
    .parse()
    .expect("this is TOML");
    for part in ["dependencies", "build-dependencies", "target", "profile"] {
        if let Some(table) = manifest.get(part) {
            scratch.insert(part.to_owned(), table.clone());
        }
    }
    fs::create_dir_all(package)
        .with_context(|| format!("{} lässt sich nicht anlegen", package.display()))?;
    write_file(&package.join("Cargo.toml"), &scratch.to_string())?;
    write_file(&package.join("lib.rs"), "")?;
    write_file(&package.join("build.rs"), "fn main() {}\n")?;
    // cargo takes out of its copy what is not needed here: it is laid down anew when the root's has changed.
    let basis = package.join("Cargo.lock.basis");
    let is_new = fs::read_to_string(&basis).ok().as_ref() != Some(&lock)
        || !package.join("Cargo.lock").is_file();
    if is_new && !lock.is_empty() {
        write_file(&package.join("Cargo.lock"), &lock)?;
        write_file(&basis, &lock)?;
    }

    let lock: Table = lock.parse().context("Cargo.lock ist kein TOML")?;
    let name = manifest.get("package").and_then(|package| package.get("name"));
    let packages = lock.get("package").and_then(Value::as_array);
    let own = packages
        .into_iter()
        .flatten()
        .find(|package| package.get("name") == name && package.get("source").is_none())
        .and_then(|package| package.get("dependencies")?.as_array());
    let direct = manifest.get("dependencies").and_then(Value::as_table);
    let mut crates = BTreeMap::new();
    for entry in own.into_iter().flatten().filter_map(Value::as_str) {
        // „name“, or „name version“ where there are several versions.
        let mut words = entry.split(' ');
        let name = words.next().unwrap_or_default();
        if direct.is_some_and(|direct| direct.contains_key(name)) {
            crates.insert(name.replace('-', "_"), words.next().map(str::to_owned));
        }
    }
    Ok(crates)
}

/// The compiler's arguments, from what cargo tells about the crates it has built.
fn arguments(
    told: &str,
    crates: &BTreeMap<String, Option<String>>,
) -> anyhow::Result<Vec<OsString>> {
    let mut arguments = Vec::new();
    let mut folders = BTreeSet::new();
    for line in told.lines() {
        let message: CargoMessage =
            serde_json::from_str(line).context("cargo meldet etwas Unverständliches")?;
        for path in &message.linked_paths {
            arguments.extend(["-L".into(), OsString::from(path)]);
        }
        let (Some(target), Some(id)) = (&message.target, &message.package_id) else {
            continue;
        };
        let is_lib = target.kind.iter().any(|kind| matches!(kind.as_str(), "lib" | "rlib"));
        let Some(rlib) = message
            .filenames
            .iter()
            .find(|file| is_lib && file.extension().is_some_and(|kind| kind == "rlib"))
        else {
            continue;
        };
        let name = target.name.replace('-', "_");
        let is_meant = crates.get(&name).is_some_and(|version| {
            // `registry+https://…#tokio@1.54.1`
            version.as_ref().is_none_or(|version| id.ends_with(version.as_str()))
        });
        if is_meant {
            let mut named = OsString::from(format!("{name}="));
            named.push(rlib);
            arguments.extend(["--extern".into(), named]);
            folders.extend(rlib.parent().map(Path::to_owned));
        }
    }
    for folder in folders {
        let mut search = OsString::from("dependency=");
        search.push(folder);
        arguments.extend(["-L".into(), search]);
    }
    Ok(arguments)
}

/// The paths that could stand in a message, longest first.
fn secrets(root: &Path, folder: &Path) -> Vec<(String, &'static str)> {
    let home = env::home_dir().unwrap_or_default();
    let cargo =
        env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let rustup =
        env::var_os("RUSTUP_HOME").map_or_else(|| home.join(".rustup"), PathBuf::from);
    let mut secrets = Vec::new();
    let children = |folder: PathBuf| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path())
    };
    for registry in children(cargo.join("registry/src")) {
        secrets.push((registry, ""));
    }
    for toolchain in children(rustup.join("toolchains")) {
        secrets.push((toolchain.join("lib/rustlib/src/rust"), ""));
        secrets.push((toolchain, ""));
    }
    secrets.extend([
        (folder.to_owned(), ""),
        (root.to_owned(), ""),
        (cargo, ""),
        (env::temp_dir(), ""),
        (home, "~"),
    ]);
    let mut shown: Vec<(String, &'static str)> = Vec::new();
    for (path, instead) in secrets {
        let path = path.to_string_lossy().into_owned();
        // A path of one letter or none would be found everywhere.
        if path.len() > 2 {
            if instead.is_empty() {
                shown.push((format!("{path}{}", std::path::MAIN_SEPARATOR), ""));
            }
            shown.push((path, if instead.is_empty() { "." } else { instead }));
        }
    }
    shown.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_direct_dependencies_are_named_each_in_its_version() {
        let told = r#"{"reason":"compiler-artifact","package_id":"registry+https://x#tokio@1.2.3","target":{"name":"tokio","kind":["lib"]},"filenames":["/t/deps/libtokio-1.rlib","/t/deps/libtokio-1.rmeta"]}
{"reason":"compiler-artifact","package_id":"registry+https://x#getrandom@0.3.4","target":{"name":"getrandom","kind":["lib"]},"filenames":["/t/deps/libgetrandom-3.rlib"]}
{"reason":"compiler-artifact","package_id":"registry+https://x#getrandom@0.4.1","target":{"name":"getrandom","kind":["lib"]},"filenames":["/t/deps/libgetrandom-4.rlib"]}
{"reason":"compiler-artifact","package_id":"registry+https://x#syn@2.0.0","target":{"name":"syn","kind":["lib"]},"filenames":["/t/deps/libsyn.rlib"]}
{"reason":"build-script-executed","package_id":"registry+https://x#psm@1","linked_paths":["native=/t/out"]}
{"reason":"build-finished","success":true}"#;
        let crates = BTreeMap::from([
            ("tokio".to_owned(), None),
            ("getrandom".to_owned(), Some("0.4.1".to_owned())),
        ]);
        let arguments = arguments(told, &crates).unwrap();
        assert_eq!(
            arguments,
            [
                "--extern",
                "tokio=/t/deps/libtokio-1.rlib",
                "--extern",
                "getrandom=/t/deps/libgetrandom-4.rlib",
                "-L",
                "native=/t/out",
                "-L",
                "dependency=/t/deps",
            ]
        );
    }
}
