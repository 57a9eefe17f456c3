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
    /// Ist fort, was noch dasteht, ist Schluss.
    ends: bool,
}

impl<Stream: Read + Write> Connection<Stream> {
    pub fn new(stream: Stream) -> Self {
        Connection {
            stream,
            kept: Vec::new(),
            ends: false,
        }
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
            self.kept = TOO_LONG.to_vec();
            self.ends = true;
            return self.flush(TOO_LONG.len());
        }
        let sent = match lines {
            0 => 0,
            lines => accepted(self.stream.write(&buffer[..lines]))?,
        };
        self.kept = buffer[sent..end].to_vec();
        Ok(sent == lines && end < BUFFER)
    }

    /// Schickt, was noch dasteht; was wieder keinen Platz hat, bleibt stehen.
    fn flush(&mut self, unsent: usize) -> io::Result<bool> {
        let sent = self.stream.write(&self.kept[..unsent])?;
        self.kept = self.kept[sent..].to_vec();
        match self.ends && self.kept.is_empty() {
            true => Err(ErrorKind::InvalidData.into()),
            false => Ok(false),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Was ein Client schickt, und was er bekommen hat. Er liest nur, wenn man ihn lässt.
    struct Client {
        sends: io::Cursor<Vec<u8>>,
        received: Vec<u8>,
        space: usize,
    }

    impl Read for Client {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.sends.read(buffer)? {
                0 => Err(ErrorKind::WouldBlock.into()),
                count => Ok(count),
            }
        }
    }

    impl Write for Client {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.space);
            if count == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.received.extend_from_slice(&bytes[..count]);
            self.space -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Bedient den Client, der immer nur so viel Platz schafft, bis er nichts mehr zu tun
    /// gibt; was er bekommen hat, und der letzte Fehler.
    fn served(sends: Vec<u8>, space: usize) -> (Vec<u8>, ErrorKind) {
        let mut connection = Connection::new(Client {
            sends: io::Cursor::new(sends),
            received: Vec::new(),
            space: 0,
        });
        let mut buffer = [0; BUFFER];
        loop {
            match connection.step(&mut buffer) {
                Ok(_) => {}
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock && connection.is_full() =>
                {
                    connection.stream.space = space; // jetzt liest er ein wenig
                }
                Err(error) => return (connection.stream.received, error.kind()),
            }
        }
    }

    #[test]
    fn whoever_reads_late_and_little_gets_every_byte_in_order() {
        let lines: String = (0..5000).map(|number| format!("Zeile {number}\n")).collect();
        for space in [1, 7, 4096] {
            let sends = lines.clone() + "ein Rest";
            let expected = (lines.clone().into(), ErrorKind::WouldBlock);
            assert!(served(sends.into(), space) == expected, "je {space} Bytes");
        }
    }

    #[test]
    fn even_the_last_word_after_a_line_too_long_arrives_whole() {
        for space in [1, 7, 4096] {
            let sends = "kurz\n".to_string() + &"x".repeat(BUFFER);
            let expected = [b"kurz\n", TOO_LONG].concat();
            let (received, end) = served(sends.into(), space);
            assert_eq!(
                String::from_utf8_lossy(&received),
                String::from_utf8_lossy(&expected)
            );
            assert_eq!(end, ErrorKind::InvalidData);
        }
    }
}
