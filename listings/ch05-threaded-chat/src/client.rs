//! Der Client: ein Thread für die Tastatur, einer für den Server. So kann man tippen,
//! während andere reden.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::cli::say;
use crate::net::printable;

/// So viele Bytes hat keine Zeile, die ein Chat-Server schickt.
const LONGEST: u64 = 64 * 1024;

// ANCHOR: chat
/// Chattet, bis der Server auflegt – auch weil man selbst `bye` gesagt oder die Eingabe
/// beendet hat.
pub fn chat(stream: TcpStream, keyboard: impl BufRead + Send + 'static) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = Arc::new(stream);
    let leaving = Arc::new(AtomicBool::new(false));

    let (to_server, leaves) = (Arc::clone(&stream), Arc::clone(&leaving));
    thread::spawn(move || send_typed(&to_server, keyboard, &leaves));

    let mut lines = BufReader::new(&*stream);
    while let Some(line) = next_line(&mut lines)? {
        say(printable(&line));
    }
    if !leaving.load(Ordering::Relaxed) {
        say("Der Server hat aufgelegt.");
    }
    Ok(()) // main endet, auch wenn der andere Thread noch auf die Tastatur wartet
}

/// Schickt jede getippte Zeile. Danach ist nur diese Richtung zu Ende: Was schon für uns
/// dasteht, kommt noch an.
fn send_typed(mut stream: &TcpStream, keyboard: impl BufRead, leaving: &AtomicBool) {
    for line in keyboard.split(b'\n') {
        let Ok(mut line) = line else { break };
        // Was für den Server ein Abschied ist, ist auch für uns einer, und nichts sonst.
        leaving.fetch_or(matches!(&*line, b"bye" | b"bye\r"), Ordering::Relaxed);
        line.push(b'\n');
        if stream.write_all(&line).is_err() {
            return; // der Server ist weg; der andere Thread merkt es auch
        }
    }
    leaving.store(true, Ordering::Relaxed);
    let _ = stream.shutdown(Shutdown::Write); // scheitert nur, wenn ohnehin alles zu ist
}
// ANCHOR_END: chat

/// Die nächste Zeile, ohne ihr Ende; `None` am Ende des Stroms. Ein Server, der eine Zeile nie
/// beendet, soll nicht den Speicher füllen.
fn next_line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    stream.take(LONGEST).read_until(b'\n', &mut line)?; // wartet, und nur dieser Thread
    if line.len() as u64 == LONGEST && !line.ends_with(b"\n") {
        return Err(io::Error::other("der Server beendet eine Zeile nicht"));
    }
    let text = String::from_utf8_lossy(&line);
    Ok((!line.is_empty()).then(|| text.trim_end_matches(['\r', '\n']).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_without_its_end_and_one_that_never_ends_is_an_error() {
        let mut stream = "Ben: „Grüße“\r\n\nRest".as_bytes();
        let mut next = || next_line(&mut stream).unwrap();
        assert_eq!(next().as_deref(), Some("Ben: „Grüße“"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("Rest"));
        assert_eq!(next(), None);
        assert!(next_line(&mut BufReader::new(io::repeat(b'x'))).is_err());
    }
}
