//! What compiles cells: rustc, and the crates a snippet may use. In flows what cargo tells while it builds them,
//! out flow compiler commands: cargo works only once, a cell is then compiled by rustc alone, in half the time.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use anyhow::{Context, bail};
use toml::{Table, Value};

use crate::listings::{Artifact, build_in_background};

/// The package whose dependencies are what a snippet may use, and its program, which is empty: once that is
/// built, so are they.
pub const PROGRAM: &str = "chatbuch-snippets";
/// What book.toml says, too.
const EDITION: &str = "2024";
/// The file a cell is compiled from; rustc names it in its messages.
pub const SOURCE: &str = "zelle.rs";

/// Everything needed to compile a cell.
#[derive(Default)]
pub struct Toolbox {
    rustc: PathBuf,
    /// `-L` and `--extern`.
    arguments: Vec<OsString>,
}

impl Toolbox {
    /// Has cargo build what a snippet may use; after `cargo test` or `cargo run` that is done already.
    ///
    /// # Errors
    ///
    /// cargo or rustc cannot be had, or something cannot be built.
    pub fn built(root: &Path) -> anyhow::Result<Toolbox> {
        let mut artifacts = Vec::new();
        let all = build_in_background(root, [PROGRAM], &Arc::default(), &mut |artifact| {
            artifacts.push(artifact);
        })?;
        if !all {
            bail!(
                "Was die Schnipsel benutzen, lässt sich nicht bauen; cargo sagt im Terminal, warum."
            );
        }
        Toolbox::new(root, &artifacts)
    }

    /// Built from what cargo has told while it built [`PROGRAM`], perhaps among others.
    ///
    /// # Errors
    ///
    /// rustc cannot be had, or the lock file not be read.
    pub fn new(root: &Path, artifacts: &[Artifact]) -> anyhow::Result<Toolbox> {
        let sysroot = Command::new(rustc())
            .args(["--print", "sysroot"])
            .stdin(Stdio::null())
            .output()
            .context("rustc ist nicht zu starten")?;
        let sysroot = succeeded(sysroot)?;
        // The compiler itself instead of the one who looks for it: that saves its time with every cell.
        let direct = Path::new(sysroot.trim()).join("bin/rustc");
        let direct = direct.with_extension(env::consts::EXE_EXTENSION);
        let rustc = if direct.is_file() {
            direct
        } else {
            rustc().into()
        };
        let lock =
            fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock fehlt")?;
        Ok(Toolbox {
            rustc,
            arguments: arguments(&usable(&lock)?, artifacts),
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
            .args([
                "--error-format=json",
                "-C",
                "debuginfo=0",
                "-C",
                "strip=debuginfo",
            ])
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

fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// What a command printed; the error is what it complained about.
fn succeeded(output: Output) -> anyhow::Result<String> {
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!(
            "Die Schnipsel lassen sich nicht ausführen: {}",
            complaint.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The crates a cell may name, as the lock file knows them: with their version if there are several.
fn usable(lock: &str) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let lock: Table = lock.parse().context("Cargo.lock ist kein TOML")?;
    let packages = lock.get("package").and_then(Value::as_array);
    let own = packages
        .into_iter()
        .flatten()
        .find(|package| package.get("name").and_then(Value::as_str) == Some(PROGRAM))
        .and_then(|package| package.get("dependencies")?.as_array());
    // „name“, or „name version“.
    let entries = own.into_iter().flatten().filter_map(Value::as_str);
    Ok(entries
        .map(|entry| match entry.split_once(' ') {
            Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
            None => (entry.to_owned(), None),
        })
        .collect())
}

/// The compiler's arguments for these crates, from what cargo tells about all that it has built.
fn arguments(
    usable: &BTreeMap<String, Option<String>>,
    artifacts: &[Artifact],
) -> Vec<OsString> {
    let mut arguments = Vec::new();
    // What macros are compiled to lies elsewhere if cargo's configuration names a target to build for.
    let mut folders = BTreeSet::new();
    for artifact in artifacts {
        folders.extend(artifact.filenames.iter().filter_map(|file| file.parent()));
        let rlib = artifact
            .filenames
            .iter()
            .find(|file| file.extension().is_some_and(|kind| kind == "rlib"));
        let Some(rlib) = rlib else { continue };
        // `registry+https://…#tokio@1.54.1`
        let package = artifact.package_id.rsplit(['#', '/']).next().unwrap_or_default();
        let (name, version) = package.split_once('@').unwrap_or((package, ""));
        let is_meant = usable
            .get(name)
            .is_some_and(|wanted| wanted.as_ref().is_none_or(|wanted| wanted == version));
        if is_meant {
            let mut named = OsString::from(format!("{}=", artifact.target.name));
            named.push(rlib);
            arguments.extend(["--extern".into(), named]);
        }
    }
    for folder in folders {
        let mut search = OsString::from("dependency=");
        search.push(folder);
        arguments.extend(["-L".into(), search]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_snippets_may_use_is_named_and_in_the_version_they_use() {
        let lock = "[[package]]\nname = \"axum\"\nversion = \"1.0.0\"\ndependencies = [\"getrandom 0.3.4\"]\n\
                    [[package]]\nname = \"chatbuch-snippets\"\nversion = \"0.1.0\"\ndependencies = [\"getrandom 0.4.1\", \"tokio-util\"]\n";
        let artifact = |package: &str, name: &str, file: &str| Artifact {
            package_id: format!("registry+https://x#{package}"),
            target: serde_json::from_value(
                serde_json::json!({"name": name, "kind": ["lib"]}),
            )
            .unwrap(),
            filenames: vec![
                format!("/t/deps/{file}.rmeta").into(),
                format!("/t/deps/{file}.rlib").into(),
            ],
            executable: None,
        };
        let mut macros = artifact("tokio-macros@1.2.3", "tokio_macros", "");
        macros.filenames = vec!["/host/deps/libtokio_macros.so".into()];
        let artifacts = [
            macros,
            artifact("tokio-util@1.2.3", "tokio_util", "libtokio_util-1"),
            artifact("getrandom@0.3.4", "getrandom", "libgetrandom-3"),
            artifact("getrandom@0.4.1", "getrandom", "libgetrandom-4"),
            artifact("axum@1.0.0", "axum", "libaxum"),
        ];
        assert_eq!(
            arguments(&usable(lock).unwrap(), &artifacts),
            [
                "--extern",
                "tokio_util=/t/deps/libtokio_util-1.rlib",
                "--extern",
                "getrandom=/t/deps/libgetrandom-4.rlib",
                "-L",
                "dependency=/host/deps",
                "-L",
                "dependency=/t/deps",
            ]
        );
    }
}
