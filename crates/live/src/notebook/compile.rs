//! Compiles a cell. In flows its text, out flow a program and what the compiler says about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use serde::Deserialize;
use tempfile::TempDir;

use super::cells::{Halt, drive};
use super::contents::Cell;
use super::limits::Limits;
use super::messages::Marked;
use super::place::Place;
use super::run::Stop;
use programs::processes::Launch;
use programs::toolbox::{SOURCE, Toolbox};

/// What the compiler made of a cell.
pub struct Compiled {
    /// Whether there is a program now.
    pub success: bool,
    /// What it says, as in a terminal.
    pub text: String,
    /// The lines it speaks of.
    pub lines: Vec<Marked>,
}

/// The folder of one run, with all that belongs to it; it vanishes with the run.
pub struct Workplace<'a> {
    /// Where it is.
    pub place: &'a Place,
    /// The folder itself.
    pub folder: TempDir,
    /// What the compiler makes.
    pub binary: PathBuf,
}

impl Workplace<'_> {
    /// An empty one.
    pub fn new(place: &Place) -> std::io::Result<Workplace<'_>> {
        let folder = place.folder()?;
        let binary = folder.path().join(format!("zelle{}", std::env::consts::EXE_SUFFIX));
        Ok(Workplace {
            place,
            folder,
            binary,
        })
    }

    /// Compiles `program`.
    pub fn compile(
        &self,
        toolbox: &Toolbox,
        program: &str,
        in_background: bool,
        stop: &Stop,
        limits: &Limits,
    ) -> std::io::Result<Result<Compiled, Halt>> {
        let folder = self.folder.path();
        fs::write(folder.join(SOURCE), program)?;
        // What is compiled in the background is kept.
        let command = toolbox.compiler(folder, &self.binary, in_background);
        let launch = Launch {
            longest_line: 1024 * 1024, // a diagnostic is one line
            gives_way: in_background,
            ..Launch::default()
        };
        let (sender, reports) = sync_channel(256);
        let mut compiler = launch.start(command, 0, &sender)?;
        drop(sender);
        compiler.stdin = None;
        let mut text = String::new();
        let mut lines = Vec::new();
        let driven = drive(
            &mut compiler,
            &reports,
            stop,
            limits.compiler,
            &mut |_, line, _| {
                match serde_json::from_str::<Diagnostic>(&line) {
                    Ok(diagnostic) => {
                        text.push_str(&self.place.hide(&diagnostic.rendered));
                        lines.extend(diagnostic.marked());
                    }
                    // Not a diagnostic: something the compiler says in an accident.
                    Err(_) => {
                        text.push_str(&self.place.hide(&line));
                        text.push('\n');
                    }
                }
                text.len() <= limits.bytes
            },
        )?;
        Ok(driven.map(|status| Compiled {
            success: status.success() && self.binary.is_file(),
            text,
            lines,
        }))
    }
}

/// Compiles an unedited cell in the background, to where its finished program is kept.
///
/// # Errors
///
/// It does not compile, or `stop` was wished.
pub fn prepare(
    place: &Place,
    toolbox: &Toolbox,
    cell: &Cell,
    stop: &Stop,
    limits: &Limits,
) -> anyhow::Result<()> {
    let workplace = Workplace::new(place)?;
    let compiled = workplace.compile(toolbox, &cell.program, true, stop, limits)?;
    match compiled {
        Ok(compiled) if compiled.success => {
            // Whole or not at all, whoever else is compiling the same.
            fs::rename(&workplace.binary, place.binary(&cell.key))?;
            Ok(())
        }
        Ok(compiled) => anyhow::bail!("{}", compiled.text),
        Err(halt) => anyhow::bail!("{}", halt.word()),
    }
}

/// What rustc says with `--error-format=json`.
#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    spans: Vec<Region>,
    rendered: String,
}

#[derive(Deserialize)]
struct Region {
    file_name: PathBuf,
    line_start: usize,
    is_primary: bool,
}

impl Diagnostic {
    /// The lines of the cell it is about.
    fn marked(&self) -> Vec<Marked> {
        let own = self
            .spans
            .iter()
            .filter(|span| span.is_primary && span.file_name == Path::new(SOURCE));
        own.map(|span| Marked {
            line: span.line_start,
            level: self.level.clone(),
            message: self.message.clone(),
        })
        .collect()
    }
}
