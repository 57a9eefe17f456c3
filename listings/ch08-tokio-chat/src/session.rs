//! Der Besuch eines Clients: aus seinen Zeilen wird, was im Raum geschieht.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::yield_now;

use crate::cli::say;
use crate::lines::{Inbox, Line, MAX_LINE, shown};
use crate::outbox::Outbox;
use crate::room::Room;

/// So viele Bytes sammeln sich höchstens an, bevor sie weitergegeben werden.
const MANY: usize = 64 * 1024;

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
    // ANCHOR: listen
    /// Liest und behandelt Zeile für Zeile, bis der Client geht.
    pub async fn listen(&mut self, stream: &mut OwnedReadHalf) -> io::Result<()> {
        let mut inbox = Inbox::default();
        let mut buffer = [0; 8 * 1024];
        loop {
            let count = stream.read(&mut buffer).await?; // wartet, und nur diese Task
            if count == 0 {
                return Ok(());
            }
            inbox.push(&buffer[..count]);
            while let Some(line) = inbox.next_line() {
                let stays = self.handle(line).await;
                if !stays || self.said.len() >= MANY.min(self.outbox.portion()) {
                    self.pass_on().await;
                }
                if !stays {
                    return Ok(());
                }
            }
            self.pass_on().await;
            yield_now().await; // auch wer ohne Pause sendet, lässt andere an die Reihe
        }
    }
    // ANCHOR_END: listen

    /// Die erste Zeile, die etwas taugt, ist der Name, jede weitere eine Nachricht.
    /// `false`, wenn es die letzte war.
    async fn handle(&mut self, line: Line) -> bool {
        let trouble = match (line, &self.name) {
            (Line::Text(text), _) if text == "bye" => return false,
            (Line::Text(text), Some(name)) => {
                let _ = writeln!(self.said, "{name}: {text}"); // in einen String gelingt es immer
                return true;
            }
            (Line::Text(text), None) => {
                let name = text.trim();
                match self.room.join(name, self.outbox).await {
                    Ok(()) => {
                        say(format!("{} ist da", shown(name)));
                        self.name = Some(name.into());
                        return true;
                    }
                    Err(trouble) => trouble,
                }
            }
            (Line::TooLong, _) => format!("Die Zeile hat mehr als {MAX_LINE} Bytes."),
            (Line::NotUtf8, _) => "Die Zeile ist kein gültiges UTF-8.".into(),
        };
        self.outbox.push(&format!("! {trouble}\n"))
    }

    /// Gibt weiter, was gesagt ist. Wer viel redet, wird dabei gebremst.
    async fn pass_on(&mut self) {
        if !self.said.is_empty() {
            self.room.say(self.outbox, &self.said).await;
            self.said.clear();
        }
    }
}

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
    pub async fn leave(&mut self) {
        if let Some(name) = self.name.take()
            && self.room.leave(&name, self.outbox).await
        {
            let why = match self.outbox.is_cut_off() {
                true => " (liest zu langsam)",
                false => "",
            };
            say(format!("{} ist weg{why}", shown(&name)));
        }
    }
}
