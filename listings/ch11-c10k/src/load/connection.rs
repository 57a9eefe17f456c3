//! Eine Verbindung der Last: Sie schickt eine Zeile und vergleicht die Antwort Byte für
//! Byte.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::load::line::{LENGTH, Line};
use crate::net::{printable, reason};

/// Unter Unix ist ein Socket leer, wenn beim Lesen weniger kam, als in den Puffer passte
/// (epoll(7)); was danach ankommt, meldet `poll` von Neuem. Nur das Ende kann sich dahinter
/// verbergen: Kam es zusammen mit den letzten Bytes, so gab es dafür nur eine Meldung.
/// Anderswo verlangt mio, dass gelesen wird, bis `WouldBlock` kommt.
const SHORT_READ_EMPTIES: bool = cfg!(unix);

pub struct Connection {
    stream: TcpStream,
    /// Steht sie schon? Vorher geht keine Zeile hinaus.
    pub established: bool,
    /// Die Zeile, auf deren Antwort gewartet wird oder zuletzt gewartet wurde.
    line: Line,
    /// So viele Bytes der Antwort sind da.
    answered: usize,
    /// Wann die Zeile hinausging, in Nanosekunden.
    pub asked_at: u64,
}

impl Connection {
    /// Eine neue Verbindung; ihre Nummer steht in jeder ihrer Zeilen.
    pub fn new(stream: TcpStream, number: usize) -> Connection {
        Connection {
            stream,
            established: false,
            line: Line::of_connection(number),
            answered: LENGTH,
            asked_at: 0,
        }
    }

    pub fn is_waiting(&self) -> bool {
        self.answered < LENGTH
    }

    /// Steht die Verbindung jetzt? Dann wird nur noch auf Antworten gewartet.
    pub fn establish(&mut self, registry: &Registry, token: Token) -> Result<bool, String> {
        let failure = match self.stream.take_error() {
            Ok(None) => self.stream.peer_addr().err(),
            Ok(error) => error,
            Err(error) => Some(error),
        };
        match failure {
            None => {}
            Some(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            Some(error) => return Err(self.not_established(&error)),
        }
        self.established = true;
        let registered = registry.reregister(&mut self.stream, token, Interest::READABLE);
        registered.map_err(|error| self.not_established(&error))?;
        Ok(true)
    }

    /// Schickt die nächste Zeile.
    pub fn ask(&mut self, now: u64) -> Result<(), String> {
        self.line.advance();
        self.answered = 0;
        self.asked_at = now;
        loop {
            match self.stream.write(self.line.bytes()) {
                Ok(LENGTH) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Mehr als diese Zeile ist nie unterwegs: Platz ist immer.
                Ok(_) => return Err(self.says("nimmt keine ganze Zeile mehr an")),
                Err(error) => return Err(self.broken(&error)),
            }
        }
    }

    /// Liest, was da ist; `true` heißt: Jetzt ist die Antwort vollständig. `closed` heißt:
    /// `poll` hat auch das Ende gemeldet.
    pub fn read_answer(&mut self, closed: bool) -> Result<bool, String> {
        let was_waiting = self.is_waiting();
        let mut buffer = [0; 2 * LENGTH]; // auch was zu viel ist, soll zu sehen sein
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(self.says("ist vom Server geschlossen worden")),
                Ok(count) => {
                    self.check(&buffer[..count])?;
                    self.answered += count;
                    if SHORT_READ_EMPTIES && count < buffer.len() && !closed {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(&error)),
            }
        }
        Ok(was_waiting && !self.is_waiting())
    }

    /// Es darf genau das kommen, was noch fehlt.
    fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let missing = &self.line.bytes()[self.answered..];
        if missing.starts_with(bytes) {
            return Ok(());
        }
        if let Some(surplus) = bytes.strip_prefix(missing) {
            let surplus = shown(surplus);
            return Err(self.says(&format!("bekommt zu viel: „{surplus}“")));
        }
        let (wanted, there) = (self.line.bytes(), &self.line.bytes()[..self.answered]);
        let (got, wanted) = (shown(&[there, bytes].concat()), shown(wanted));
        Err(self.says(&format!(
            "bekommt „{got}“ statt „{wanted}“: Eine Antwort ist verloren, verdoppelt \
             oder vertauscht"
        )))
    }

    fn not_established(&self, error: &io::Error) -> String {
        self.says(&format!("kommt nicht zustande: {}", refusal(error)))
    }

    /// Warum die Verbindung nicht mehr zu gebrauchen ist.
    fn broken(&self, error: &io::Error) -> String {
        self.says(&format!("ist abgerissen: {}", reason(error)))
    }

    /// Worauf sie vergeblich wartet.
    pub fn unanswered(&self) -> String {
        let line = shown(self.line.bytes());
        self.says(&format!("wartet vergeblich auf „{line}“"))
    }

    fn says(&self, what: &str) -> String {
        let number = self.line.connection();
        format!("Verbindung {number} {what}.")
    }
}

/// Warum eine Verbindung nicht zustande kam.
pub fn refusal(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "Dort lauscht niemand mehr".into(),
        ErrorKind::AddrNotAvailable => "Diese Maschine hat keinen freien Port mehr".into(),
        _ => reason(error),
    }
}

/// Der Anfang der ersten Zeile, ohne Zeichen, die den Bildschirm durcheinanderbringen.
fn shown(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let beginning: String = line.chars().take(200).collect();
    let more = if line.chars().nth(200).is_some() {
        "…"
    } else {
        ""
    };
    printable(&beginning) + more
}
