//! Starts one of the book's chat servers on a free port and reads along what it prints. It ends
//! with the test at the latest; a panic in one of its threads is a failure of the test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;

use programs::listings;
pub use testing::DEADLINE;
use testing::program::{self, Program};

/// A running server.
pub struct Server {
    program: Program,
    pub address: SocketAddr,
}

impl Server {
    /// Starts the program with these switches and waits until it listens.
    pub fn start(program: &str, switches: &[&str]) -> Server {
        let mut command = command(program);
        command.args(["--port", "0"]).args(switches);
        Server::watch(command)
    }

    /// Starts `command`, which becomes a server.
    pub fn watch(command: Command) -> Server {
        let mut program = Program::start(command);
        program.end_input();
        let ready = program.line();
        let address = ready.strip_prefix("Server lauscht auf ");
        let address = address.and_then(|address| address.parse().ok());
        Server {
            address: address.unwrap_or_else(|| panic!("no address in {ready:?}")),
            program,
        }
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Ctrl-C.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        self.program.interrupt();
    }

    /// Waits for the end; returns the exit status.
    pub fn status(&mut self) -> i32 {
        self.program.status().code().expect("no signal ended it")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.program.kill();
        if thread::panicking() {
            let printed = self.program.out.so_far();
            let last = &printed[printed.len().saturating_sub(20)..];
            let complaints = self.program.err.so_far();
            eprintln!("The server's last words: {last:#?}\n{complaints:#?}");
        } else {
            let complaints = self.program.err.rest();
            assert!(!complaints.contains("panicked"), "{complaints}");
        }
    }
}

/// The program, with the switches that stand behind its name.
fn command(program: &str) -> Command {
    let mut command = Command::new(executable(program));
    command.args(switches(program));
    command
}

/// The switches that stand behind the name of a program.
pub fn switches(program: &str) -> impl Iterator<Item = &str> {
    program.split(' ').skip(1)
}

/// Where the program lies; builds the listings first.
pub fn executable(program: &str) -> &'static Path {
    let (program, _) = program.split_once(' ').unwrap_or((program, ""));
    let programs = listings::built(Path::new(env!("CARGO_MANIFEST_DIR")));
    let programs = programs.expect("the listings build");
    programs.path(program).expect("a program of the book")
}

/// Runs a program that ends by itself; returns exit status, stdout and stderr.
pub fn run(program: &str, args: &[&str]) -> (i32, String, String) {
    let mut command = command(program);
    command.args(args);
    let finished = program::run(command);
    (
        finished.status.expect("no signal ended it"),
        finished.out,
        finished.err,
    )
}
