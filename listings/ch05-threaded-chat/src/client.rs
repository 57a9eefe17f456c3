//! Der Client: ein Thread für die Tastatur, einer für den Server. So kann man tippen,
//! während andere reden.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::cli::say;

// ANCHOR: chat
/// Chattet, bis der Server auflegt – auch weil man selbst `bye` gesagt oder die Eingabe
/// beendet hat.
pub fn chat(stream: TcpStream, keyboard: impl BufRead + Send + 'static) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = Arc::new(stream);
    let leaving = Arc::new(AtomicBool::new(false));

    let (to_server, leaves) = (Arc::clone(&stream), Arc::clone(&leaving));
    thread::spawn(move || send_typed(&to_server, keyboard, &leaves));

    for line in BufReader::new(&*stream).split(b'\n') {
        say(printable(&line?));
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
        leaving.fetch_or(line.trim_ascii_end() == b"bye", Ordering::Relaxed);
        line.push(b'\n');
        if stream.write_all(&line).is_err() {
            return; // der Server ist weg; der andere Thread merkt es auch
        }
    }
    leaving.store(true, Ordering::Relaxed);
    let _ = stream.shutdown(Shutdown::Write); // scheitert nur, wenn ohnehin alles zu ist
}
// ANCHOR_END: chat

/// Text bleibt Text; Steuerzeichen könnten das Terminal verstellen und werden sichtbar
/// gemacht.
fn printable(line: &[u8]) -> String {
    let mut shown = String::new();
    for character in String::from_utf8_lossy(line).trim_end_matches('\r').chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible_and_text_stays() {
        assert_eq!(printable("Ben: „Grüße“\r".as_bytes()), "Ben: „Grüße“");
        assert_eq!(printable(b"\x1b[2J"), "\\u{1b}[2J");
    }
}
