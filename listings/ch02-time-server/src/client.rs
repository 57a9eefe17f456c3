//! Der Client des Zeitservers: eine Anfrage je Zeile, eine Antwort je Zeile.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Länger ist keine Antwort des Zeitservers.
const MAX_ANSWER: u64 = 1024;

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

    /// Schickt eine Anfrage und wartet auf die Antwort; `None`, wenn keine ganze mehr kommt.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Option<String>> {
        let line = [request, b"\n"].concat();
        self.stream.get_mut().write_all(&line)?;
        let mut answer = Vec::new();
        self.stream.by_ref().take(MAX_ANSWER).read_until(b'\n', &mut answer)?;
        let answer = answer.strip_suffix(b"\n");
        Ok(answer.map(|text| String::from_utf8_lossy(text).escape_debug().to_string()))
    }
}
