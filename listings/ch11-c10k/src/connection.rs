//! Eine Verbindung, wie ein Event Loop sie sich merkt: der Socket und das Wenige, was
//! zwischen zwei Ereignissen bleiben muss. Gelesen wird in einen Puffer, den alle teilen.

use std::io::{self, ErrorKind, Read, Write};

use crate::echo::{BUFFER, TOO_LONG, whole_lines};

// ANCHOR: connection
/// Der Socket ist nicht blockierend; wo nichts zu lesen oder kein Platz zum Schreiben ist,
/// heißt der Fehler `WouldBlock`.
pub struct Connection<Stream> {
    pub stream: Stream,
    /// Gelesen, aber noch nicht beantwortet: der Anfang einer Zeile, oder ganze Zeilen, die
    /// der Client noch nicht abnimmt. Meist leer, und dann belegt es keinen Speicher.
    kept: Vec<u8>,
}

impl<Stream: Read + Write> Connection<Stream> {
    pub fn new(stream: Stream) -> Self {
        let kept = Vec::new();
        Connection { stream, kept }
    }

    /// Stehen ganze Zeilen da, die der Client noch nicht abnimmt?
    pub fn is_full(&self) -> bool {
        whole_lines(&self.kept) > 0
    }

    /// Ein Schritt. `Ok(true)`: Alles gelesen, alles beantwortet. `Ok(false)`: Es ist
    /// womöglich noch etwas zu tun. `WouldBlock`: erst wieder, wenn das Betriebssystem ruft.
    /// Jeder andere Fehler ist das Ende.
    pub fn step(&mut self, buffer: &mut [u8; BUFFER]) -> io::Result<bool> {
        match whole_lines(&self.kept) {
            0 => self.echo(buffer),
            unsent => self.flush(unsent), // wer nicht liest, dem wird nicht zugehört
        }
    }

    /// Liest, schickt ganze Zeilen zurück und behält den Rest.
    fn echo(&mut self, buffer: &mut [u8; BUFFER]) -> io::Result<bool> {
        let start = self.kept.len();
        buffer[..start].copy_from_slice(&self.kept);
        let count = self.stream.read(&mut buffer[start..])?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into()); // der Client hat aufgelegt
        }
        let end = start + count;
        let lines = whole_lines(&buffer[..end]);
        if lines == 0 && end == BUFFER {
            self.stream.write_all(TOO_LONG)?;
            return Err(ErrorKind::InvalidData.into());
        }
        let sent = match lines {
            0 => 0,
            lines => accepted(self.stream.write(&buffer[..lines]))?,
        };
        self.kept = buffer[sent..end].to_vec();
        Ok(sent == lines && end < BUFFER)
    }

    /// Schickt noch einmal, was beim letzten Mal keinen Platz hatte.
    fn flush(&mut self, unsent: usize) -> io::Result<bool> {
        let sent = self.stream.write(&self.kept[..unsent])?;
        self.kept = self.kept[sent..].to_vec();
        Ok(false)
    }
}

/// So viele Bytes hat der Sendepuffer angenommen; war er voll, keines.
pub fn accepted(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}
// ANCHOR_END: connection
