//! Der Client des Zeitservers: eine Anfrage je Zeile, eine Antwort je Zeile.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

// ANCHOR: ask
/// Eine Verbindung zum Zeitserver, auf der sich beliebig oft fragen lässt.
pub struct TimeClient {
    stream: BufReader<TcpStream>,
}

impl TimeClient {
    pub fn new(stream: TcpStream) -> TimeClient {
        TimeClient {
            stream: BufReader::new(stream),
        }
    }

    /// Schickt eine Anfrage und wartet auf die Antwort; `None`, wenn der Server auflegt.
    pub fn ask(&mut self, request: &str) -> io::Result<Option<String>> {
        self.stream
            .get_mut()
            .write_all(format!("{request}\n").as_bytes())?;
        let mut answer = Vec::new();
        self.stream.read_until(b'\n', &mut answer)?;
        if answer.is_empty() {
            return Ok(None);
        }
        Ok(Some(
            String::from_utf8_lossy(&answer).trim_end().to_string(),
        ))
    }
}
// ANCHOR_END: ask
