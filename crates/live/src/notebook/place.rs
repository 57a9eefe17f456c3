//! Where cells are compiled, kept and run, and what must not be read there: the paths of this machine.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Where cells are kept and run.
pub struct Place {
    folder: PathBuf,
    /// What of this machine could stand in a message, and what stands there instead.
    secrets: Vec<(String, &'static str)>,
}

impl Place {
    /// In the book's own `target`, which git ignores.
    pub fn below(root: &Path) -> Place {
        let folder = print::files::target(root).join("notizbuch");
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
