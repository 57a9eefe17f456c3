//! Der Zustand einer Verbindung. Was ein eigener Thread auf seinem Stapel hätte – wie
//! weit er ist, was er noch vorhat –, steht hier in Feldern.

use std::io::{self, ErrorKind, Write};

use mio::net::TcpStream;

use crate::lines::{Inbox, Line};

// ANCHOR: connection
/// Alles, was über eine Verbindung zu merken ist.
pub struct Connection {
    pub stream: TcpStream,
    /// `None`: noch ohne Namen oder schon gegangen.
    pub name: Option<String>,
    /// Angekommen, aber noch keine ganze Zeile.
    pub inbox: Inbox,
    /// Noch zu schreiben; von der vordersten Zeile kann ein Teil schon fort sein.
    pub outbox: Vec<u8>,
    /// Der Sendepuffer war voll: `poll` soll melden, wann wieder Platz ist.
    pub awaits_space: bool,
    /// Auf diesen Empfänger hat schon einmal jemand vergeblich gewartet.
    pub stalled: bool,
    /// Nur der Rest der `outbox` geht noch hinaus; was ankommt, wird verworfen.
    pub leaving: bool,
}
// ANCHOR_END: connection

impl Connection {
    pub fn new(stream: TcpStream) -> Connection {
        Connection {
            stream,
            name: None,
            inbox: Inbox::default(),
            outbox: Vec::new(),
            awaits_space: false,
            stalled: false,
            leaving: false,
        }
    }

    /// Die nächste Zeile, die zu behandeln ist.
    pub fn next_line(&mut self) -> Option<Line> {
        if self.leaving {
            self.inbox = Inbox::default();
        }
        self.inbox.next_line()
    }

    /// Reiht eine Zeile ein; `false`, wenn dann mehr als `queue` Bytes warten.
    pub fn enqueue(&mut self, line: &str, queue: usize) -> bool {
        self.outbox.extend_from_slice(line.as_bytes());
        if self.outbox.len() > queue {
            let _ = self.flush(); // ein Fehler zeigt sich auch beim nächsten Lesen
        }
        self.outbox.len() <= queue
    }

    // ANCHOR: flush
    /// Schreibt, was der Sendepuffer annimmt. Der Rest bleibt in der `outbox`.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(count) => drop(self.outbox.drain(..count)), // vielleicht nur ein Teil
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.outbox.shrink_to(4096); // nach einem Stau den Speicher zurückgeben
        Ok(())
    }
    // ANCHOR_END: flush

    /// Gibt einen Empfänger auf, der zu langsam liest. Eine Zeile, von der er schon ein
    /// Stück hat, bekommt er noch ganz.
    pub fn give_up(&mut self) {
        let line_end = self.outbox.iter().position(|byte| *byte == b'\n');
        self.outbox.truncate(line_end.map_or(0, |end| end + 1));
        self.outbox.extend_from_slice(b"! Verbindung zu langsam\n");
    }
}
