//! The book as its reader meets it: `cargo run`, its pages, ▶ in them, and all of it in a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

#[cfg(target_os = "linux")]
mod browser;
#[cfg(target_os = "linux")]
mod chromium;
#[cfg(target_os = "linux")]
mod notebook;
mod serve;

use std::path::Path;
use std::process::Command;

use testing::program::Program;
use testing::reader::Reader;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The program, on the book in `root`.
fn chatbuch(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbuch"));
    command.current_dir(root).args(arguments);
    // What is measured here is measured only to see that it is.
    command.env("CHATBUCH_OHNE_RELEASE", "ja");
    command
}

/// Waits until the listings' programs are built, as long as cargo takes: what is timed comes after that.
fn wait_for_listings() {
    programs::listings::built(Path::new(ROOT)).expect("the listings build");
}

/// The program while it serves a book, and who reads it.
struct Server {
    program: Program,
    reader: Reader,
}

impl Server {
    /// On any free port, without opening a browser.
    fn start(root: &Path) -> Server {
        Server::of(chatbuch(root, &["--port", "0", "--no-open"]))
    }

    /// Waits until the book can be read.
    fn of(command: Command) -> Server {
        let mut program = Program::start(command);
        let reader = Reader::of(&program.line());
        Server { program, reader }
    }
}
