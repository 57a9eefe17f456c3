//! Every snippet of the book is compiled and run, and prints exactly what the book says it prints.
//! build.rs writes the tests, named after chapter and line: `sockets_line_34`. That such a test can fail is proved beside the
//! program around a snippet, in crates/source/tests/snippets.rs.

use std::panic::{catch_unwind, resume_unwind};

/// What Linux says when a program is started that somebody is still writing.
const BUSY: &str = "Text file busy";

/// Runs a snippet. skeptic keeps what it has compiled; while it writes that, another test may start a program of its own, which
/// then holds the file open for a moment. What is kept is whole all the same: it is started once more.
fn run_test(root: &str, out: &str, target: &str, program: &str) {
    for _ in 0..100 {
        let run = catch_unwind(|| skeptic::rt::run_test(root, out, target, program));
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

fn is_busy(cause: Option<&String>) -> bool {
    cause.is_some_and(|cause| cause.contains(BUSY))
}

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));
