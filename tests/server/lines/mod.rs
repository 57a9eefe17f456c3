//! What a program prints, line by line, for tests that wait for a line with a deadline.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Lines of a process, read on a thread of their own until the stream ends.
pub fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens any more: read on, or the program would block.
            let _ = sender.send(line);
        }
    });
    lines
}
