//! The program `chatbuch`, started on a book, and whoever reads it.

use std::path::Path;
use std::process::Command;

use testing::program::Program;
use testing::reader::Reader;

/// The folder of the book.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The program, on the book in `root`.
pub fn chatbuch(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbuch"));
    command.current_dir(root).args(arguments);
    // What is measured here is measured only to see that it is.
    command.env("CHATBUCH_OHNE_RELEASE", "ja");
    command
}

/// The program while it serves a book, and who reads it.
pub struct Server {
    /// Itself.
    pub program: Program,
    /// The reader.
    pub reader: Reader,
}

impl Server {
    /// On any free port, without opening a browser.
    pub fn start(root: &Path) -> Server {
        Server::of(chatbuch(root, &["--port", "0", "--no-open"]))
    }

    /// Waits until the book can be read.
    pub fn of(command: Command) -> Server {
        let mut program = Program::start(command);
        let reader = Reader::of(&program.line());
        Server { program, reader }
    }
}
