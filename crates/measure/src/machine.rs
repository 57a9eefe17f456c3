//! The machine a measurement was taken on, as far as it explains the numbers.
//! In flow the operating system's and the compilers' answers, out flows what stands below every table.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use print::german;

/// What the system said about itself. Unknown text is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Name of the processor.
    pub cpu: String,
    /// Cores the system counts, hyper-threads included.
    pub cores: usize,
    /// Main memory in bytes.
    pub memory: u64,
    /// Operating system and version of its kernel: `Linux 6.12.3`.
    pub system: String,
    /// Version of rustc: `1.95.0`.
    pub rustc: String,
    /// Version of python3, if it is there: `3.11.7`.
    pub python: Option<String>,
}

impl Machine {
    /// This machine, and the rustc that `root` is built with.
    pub fn this(root: &Path) -> Machine {
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(kinds);
        let cpu = system.cpus().first();
        let kernel = System::kernel_version().unwrap_or_default();
        // What builders append to the number says nothing to a reader.
        let kernel = kernel.split('-').next().unwrap_or_default();
        Machine {
            cpu: cpu.map_or(String::new(), |cpu| cpu.brand().trim().to_owned()),
            cores: system.cpus().len(),
            memory: system.total_memory(),
            system: format!(
                "{} {kernel}",
                std::env::consts::OS.replace("linux", "Linux")
            )
            .trim()
            .to_owned(),
            rustc: version(Command::new("rustc").current_dir(root)).unwrap_or_default(),
            python: python(),
        }
    }

    /// Everything in one German sentence without its full stop.
    pub fn describe(&self) -> String {
        let memory = german::decimal(self.memory as f64 / (1u64 << 30) as f64, 0);
        let cores = match self.cores {
            1 => "1 Kern".to_owned(),
            cores => format!("{cores} Kerne"),
        };
        let python = match &self.python {
            Some(version) => format!(", Python {version}"),
            None => String::new(),
        };
        format!(
            "{}, {cores}, {memory}\u{202f}GiB Speicher; {}; rustc {}{python}",
            self.cpu, self.system, self.rustc
        )
    }
}

/// Files a measurement needs besides its connections.
const OTHER_FILES: u64 = 64;

/// How many files may be open, once the limit is raised as far as it goes: for us, and for whoever we start.
///
/// # Errors
///
/// The system does not say.
pub fn open_files() -> anyhow::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
        .context("Wie viele Dateien offen sein dürfen, ist nicht zu erfahren.")
}

/// How many connections that many files are enough for; each takes so many of them.
pub fn connections(files: u64, each: u64) -> u64 {
    files.saturating_sub(OTHER_FILES) / each
}

/// As many as are wanted, or fewer if not as many are possible; then a German sentence says so.
///
/// # Errors
///
/// A German sentence: none is possible.
pub fn allowed(
    (wanted, what): (u64, &str),
    possible: u64,
    files: u64,
    tell: &mut dyn FnMut(String),
) -> anyhow::Result<u64> {
    if possible == 0 {
        bail!(
            "Das System erlaubt nur {files} offene Dateien: Das ist zu wenig für diese Messung."
        );
    }
    if possible < wanted {
        tell(format!(
            "Das System erlaubt nur {} offene Dateien: Statt {} {what} sind es {}.",
            german::whole(files),
            german::whole(wanted),
            german::whole(possible)
        ));
    }
    Ok(wanted.min(possible))
}

/// The version of `python3`, if it is there: on some systems that name only leads to a shop.
pub fn python() -> Option<String> {
    version(&mut Command::new("python3"))
}

/// The number in the answer to `--version`: the second word.
fn version(program: &mut Command) -> Option<String> {
    let output = program.arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.split_whitespace().nth(1)?;
    let is_number = number.starts_with(|first: char| first.is_ascii_digit());
    (output.status.success() && is_number).then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_described_in_one_sentence() {
        let machine = Machine {
            cpu: "Beispiel 9000".into(),
            cores: 2,
            memory: 8 << 30,
            system: "Linux 6.12.3".into(),
            rustc: "1.95.0".into(),
            python: Some("3.11.7".into()),
        };
        let text = "Beispiel 9000, 2 Kerne, 8\u{202f}GiB Speicher; Linux 6.12.3; rustc 1.95.0, Python 3.11.7";
        assert_eq!(machine.describe(), text);
    }

    #[test]
    fn this_machine_has_cores_memory_and_a_rustc() {
        let machine = Machine::this(Path::new("."));
        assert!(machine.cores > 0 && machine.memory > 0, "{machine:?}");
        assert!(
            !machine.rustc.is_empty() && !machine.system.is_empty(),
            "{machine:?}"
        );
    }
}
