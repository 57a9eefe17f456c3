//! Der Besuch eines Clients: aus seinen Zeilen wird, was im Raum geschieht.

use std::io::{self, Read};
use std::mem;
use std::net::TcpStream;
use std::sync::Arc;

use crate::cli::say;
use crate::lines::{Inbox, Line, MAX_LINE, shown};
use crate::outbox::Outbox;
use crate::room::Room;

/// So viele Bytes sammeln sich höchstens an, bevor sie weitergegeben werden.
const MANY: usize = 64 * 1024;

// ANCHOR: session
/// Ein Client, der verbunden ist.
pub struct Session<'a> {
    room: &'a Room,
    outbox: &'a Arc<Outbox>,
    /// `None`: Der Name fehlt noch.
    name: Option<String>,
    /// Gesagt, aber noch nicht weitergegeben. Was zusammen ankommt, geht zusammen weiter.
    said: String,
}

impl Session<'_> {
    /// Liest und behandelt Zeile für Zeile, bis der Client geht oder getrennt ist.
    pub fn listen(&mut self, mut stream: &TcpStream) -> io::Result<()> {
        let mut inbox = Inbox::default();
        let mut buffer = [0; 8 * 1024];
        loop {
            while let Some(line) = inbox.next_line() {
                if !self.handle(line) {
                    return Ok(());
                }
            }
            if !self.pass_on() {
                return Ok(());
            }
            let count = stream.read(&mut buffer)?; // wartet, und nur dieser Thread
            if count == 0 {
                return Ok(());
            }
            inbox.push(&buffer[..count]);
        }
    }

    /// Die erste Zeile, die etwas taugt, ist der Name, jede weitere eine Nachricht.
    /// `false`, wenn es die letzte war.
    fn handle(&mut self, line: Line) -> bool {
        let trouble = match (line, &self.name) {
            (Line::Text(text), _) if text == "bye" => {
                self.pass_on();
                return false;
            }
            (Line::Text(text), Some(name)) => {
                self.said += &format!("{name}: {text}\n");
                return self.said.len() < self.outbox.portion().min(MANY) || self.pass_on();
            }
            (Line::Text(text), None) => match self.room.join(text.trim(), self.outbox) {
                Ok(()) => {
                    say(format!("{} ist da", shown(text.trim())));
                    self.name = Some(text.trim().into());
                    return true;
                }
                Err(trouble) => trouble,
            },
            (Line::TooLong, _) => format!("Die Zeile hat mehr als {MAX_LINE} Bytes."),
            (Line::NotUtf8, _) => "Die Zeile ist kein gültiges UTF-8.".into(),
        };
        self.outbox.push(&format!("! {trouble}\n"))
    }

    /// Gibt weiter, was gesagt ist; wer viel redet, wird dabei gebremst. `false`, wenn der
    /// Client inzwischen getrennt ist: Dann gilt es nicht mehr.
    fn pass_on(&mut self) -> bool {
        let said = mem::take(&mut self.said);
        match &self.name {
            Some(name) if !said.is_empty() => self.room.say(name, self.outbox, &said),
            _ => true,
        }
    }
}
// ANCHOR_END: session

impl<'a> Session<'a> {
    pub fn new(room: &'a Room, outbox: &'a Arc<Outbox>) -> Session<'a> {
        Session {
            room,
            outbox,
            name: None,
            said: String::new(),
        }
    }

    /// Verlässt den Raum.
    pub fn leave(&mut self) {
        if let Some(name) = self.name.take()
            && self.room.leave(&name, self.outbox)
        {
            say(format!("{} ist weg", shown(&name)));
        }
    }
}
