//! Checks the book's source and turns its snippets into tests.
//! In: book.toml, book/, listings/. Out, in OUT_DIR: `skeptic-tests.rs`, each snippet run and its output compared, for
//! tests/text/skeptic.rs. Stops the build on a problem.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

use print::files::write_if_changed;
use source::Snippet;

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["book.toml", "book/text", "book/measurements", "listings"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let (source, problems) = source::check(&root);
    for problem in &problems {
        let level = if problem.in_progress {
            "warning"
        } else {
            "error"
        };
        println!("cargo::{level}={problem}");
    }
    if problems.iter().any(|problem| !problem.in_progress) {
        process::exit(1);
    }

    let snippets = source.snippets();
    let files = write_markdown(&snippets, &out.join("snippets"))?;
    if files.is_empty() {
        // skeptic writes nothing in this case, and an old file would go on testing what is gone.
        write_if_changed(&out.join("skeptic-tests.rs"), "")?;
    }
    skeptic::generate_doc_tests(&files);
    // Run by tests/text/skeptic.rs, which knows what to do when a program cannot be started yet.
    let tests = out.join("skeptic-tests.rs");
    let run = fs::read_to_string(&tests)?.replace("skeptic::rt::run_test(", "run_test(");
    fs::write(&tests, run)?;
    Ok(())
}

/// Writes one Markdown file a snippet. skeptic names a test after file and line: `sockets_line_34` shall be
/// line 34 of the chapter, so the fence is pushed down to its place in the source.
fn write_markdown(
    snippets: &[Snippet],
    folder: &Path,
) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let mut files = Vec::new();
    for (number, snippet) in snippets.iter().enumerate() {
        let place = folder.join(number.to_string());
        fs::create_dir_all(&place)?;
        let path = place.join(format!("{}.md", snippet.chapter));
        let (info, code) = if snippet.no_run {
            ("rust,no_run", snippet.program.clone())
        } else {
            // The program itself knows about `should_panic`: for skeptic any failure would do, even a typing error.
            ("rust", snippet.test_program())
        };
        let fence = "~".repeat(12);
        let blank = "\n".repeat(snippet.line - 1);
        let mut file = File::create(&path)?;
        write!(file, "{blank}{fence}{info}\n{code}{fence}\n")?;
        // skeptic has cargo watch these files. Were they newer than this run, cargo would run it again each time.
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400))?;
        files.push(path);
    }
    Ok(files)
}
