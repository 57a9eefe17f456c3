//! Every snippet of the book is compiled and run, and prints exactly what the book says it prints.
//! build.rs writes the tests, named after chapter and line: `sockets_line_34`. That such a test can fail is proved beside the
//! program around a snippet, in crates/source/tests/snippets.rs.

use std::env::consts::DLL_EXTENSION;
use std::fs;
use std::panic::{catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::OnceLock;

/// What Linux says when a program is started that somebody is still writing.
const BUSY: &str = "Text file busy";

/// Runs a snippet. skeptic keeps what it has compiled; while it writes that, another test may start a program of its own, which
/// then holds the file open for a moment. What is kept is whole all the same: it is started once more.
fn run_test(root: &str, out: &str, target: &str, program: &str) {
    static ARGUMENTS: OnceLock<String> = OnceLock::new();
    let arguments = ARGUMENTS.get_or_init(|| {
        bring_macros(Path::new(out), target);
        lean(target)
    });
    for _ in 0..100 {
        let run = catch_unwind(|| skeptic::rt::run_test(root, out, arguments, program));
        match run {
            Ok(()) => return,
            Err(cause) if is_busy(cause.downcast_ref::<String>()) => {
                std::thread::yield_now()
            }
            Err(cause) => resume_unwind(cause),
        }
    }
    panic!("{BUSY}, a hundred times");
}

/// What skeptic gives rustc as the target: a file of arguments, which rustc reads in its place. Without the standard library's
/// debug information a snippet is a third as large, and they are kept by the hundred.
fn lean(target: &str) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skeptic.args");
    fs::write(&file, format!("{target}\n-Cstrip=debuginfo\n")).expect("cargo's own folder");
    format!("@{}", file.display())
}

/// If cargo's configuration names a target to build for, what macros are compiled to lies where that of the machine itself is;
/// skeptic looks for everything in one place.
fn bring_macros(out: &Path, target: &str) {
    let profile =
        out.ancestors().find(|folder| folder.ends_with("build")).and_then(Path::parent);
    let profile = profile.expect("cargo's folder of this profile");
    let above = profile.parent().expect("it is below another one");
    if !above.ends_with(target) {
        return;
    }
    let own = above.with_file_name(profile.file_name().expect("the profile's name"));
    for file in fs::read_dir(own.join("deps")).expect("the machine's own").flatten() {
        let name = file.file_name();
        let there = profile.join("deps").join(&name);
        if Path::new(&name).extension().is_some_and(|kind| kind == DLL_EXTENSION)
            && !there.exists()
        {
            fs::hard_link(file.path(), there).expect("both are in cargo's folder");
        }
    }
}

fn is_busy(cause: Option<&String>) -> bool {
    cause.is_some_and(|cause| cause.contains(BUSY))
}

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));
