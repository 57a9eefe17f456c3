//! Starts one of the book's chat servers on a free port and reads along what it prints. It ends
//! with the test at the latest; a panic in one of its threads is a failure of the test.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use programs::listings;

/// What a test waits for has to happen within this time, on the slowest machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    printed: Receiver<String>,
    complaints: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts the program with these switches and waits until it listens.
    pub fn start(program: &str, switches: &[&str]) -> Server {
        let mut command = command(program);
        Server::watch(command.args(["--port", "0"]).args(switches))
    }

    /// Starts `command`, which becomes a server.
    pub fn watch(command: &mut Command) -> Server {
        let mut child = spawn(command);
        let (sender, printed) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line); // the test may be over
            }
        });
        let complaints = child.stderr.take().map(read_all);
        let ready = printed.recv_timeout(DEADLINE);
        let ready = ready.expect("the server says that it listens");
        let address = ready.strip_prefix("Server lauscht auf ");
        let address = address.and_then(|address| address.parse().ok());
        Server {
            address: address.unwrap_or_else(|| panic!("no address in {ready:?}")),
            child,
            printed,
            complaints,
        }
    }

    /// The number of the process.
    #[cfg(unix)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end; returns the exit status.
    pub fn status(&mut self) -> i32 {
        status(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // fails if it is gone, which is what we want
        let _ = self.child.wait();
        let complaints = self.complaints.take().map(JoinHandle::join);
        let complaints = complaints.and_then(Result::ok).unwrap_or_default();
        if thread::panicking() {
            let printed: Vec<String> = self.printed.try_iter().collect();
            let last = &printed[printed.len().saturating_sub(20)..];
            eprintln!("The server's last words: {last:#?}\n{complaints}");
        } else {
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

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn read_all(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes); // an unreadable pipe is a pipe at its end
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn status(child: &mut Child) -> i32 {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(status) = child.try_wait().expect("the process is ours") {
            return status.code().expect("no signal ended it");
        }
        thread::sleep(Duration::from_millis(5)); // std cannot wait with a deadline
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("the program does not end");
}

/// Runs a program that ends by itself; returns exit status, stdout and stderr.
pub fn run(program: &str, args: &[&str]) -> (i32, String, String) {
    let mut child = spawn(command(program).args(args));
    let stdout = child.stdout.take().map(read_all).expect("stdout is piped");
    let stderr = child.stderr.take().map(read_all).expect("stderr is piped");
    let status = status(&mut child);
    let text = |reader: JoinHandle<String>| reader.join().expect("reading does not panic");
    (status, text(stdout), text(stderr))
}
