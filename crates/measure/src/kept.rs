//! Measurements as the book keeps them: JSON in `book/measurements`, and beside it everything that is drawn from it.
//! In flows a report, out flow files.

use std::path::{Path, PathBuf};

use print::tell;
use serde::Serialize;

use crate::figures;
use print::files::write_file;

/// Where measurements are kept, relative to the root.
pub const FOLDER: &str = "book/measurements";

/// A file of that folder, relative to the root.
pub fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// A report as it is kept.
pub fn json(report: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(report);
    json.expect("numbers and text have a JSON form") + "\n"
}

/// Keeps a report and draws anew what is drawn from measurements; stderr tells what has changed.
///
/// # Errors
///
/// A German sentence: a file cannot be written, the book wants a number that was not measured.
pub fn save(root: &Path, file: &Path, report: &impl Serialize) -> anyhow::Result<()> {
    write_file(&root.join(file), json(report))?;
    tell(format_args!("\nAufgehoben in {}.", file.display()));
    figures::redraw(root, &mut |sentence| tell(&sentence))
}
