//! The book as its reader meets it: `cargo run`, its pages, ▶ in them, and all of it in a real browser.

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

/// The program while it serves a book, and who reads it.
struct Server {
    program: Program,
    reader: Reader,
    /// With its token.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "for the browser")
    )]
    address: String,
}

impl Server {
    /// On any free port, without opening a browser.
    fn start(root: &Path) -> Server {
        Server::of(chatbuch(root, &["--port", "0", "--no-open"]))
    }

    /// Waits until the book can be read.
    fn of(command: Command) -> Server {
        let mut program = Program::start(command);
        let address = program.line();
        Server {
            reader: Reader::of(&address),
            program,
            address,
        }
    }
}
