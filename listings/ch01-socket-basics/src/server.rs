//! Der Server: nimmt eine Verbindung nach der anderen an und antwortet im Wechsel.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::cli::say;
use crate::net::reason;
use crate::text::{is_bye, show};

// ANCHOR: serve
/// Bedient für immer einen Client nach dem anderen. Was an einer Verbindung
/// schiefgeht, wird gemeldet und beendet nur diese Verbindung.
pub fn serve(
    listener: &TcpListener,
    mut keyboard: impl Iterator<Item = io::Result<Vec<u8>>>,
) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                say(format!("Verbindung von {address}"));
                if let Err(error) = converse(stream, &mut keyboard) {
                    say(format!("Verbindung beendet: {}.", reason(&error)));
                }
            }
            Err(error) => {
                say(format!("Keine Verbindung zu haben: {}.", reason(&error)));
                // Derselbe Fehler käme sofort wieder. Ohne Pause täte der Server nichts
                // anderes mehr als scheitern.
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: converse
/// Ein Gespräch: lesen, anzeigen, antworten – bis `bye` oder zum Ende des Stroms.
fn converse(
    mut stream: TcpStream,
    keyboard: &mut impl Iterator<Item = io::Result<Vec<u8>>>,
) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer)?; // blockiert, bis etwas da ist
        if count == 0 {
            say("Der Client hat aufgelegt.");
            return Ok(());
        }
        let message = &buffer[..count];
        say(format!("Client: {}", show(message)));
        if is_bye(message) {
            return Ok(());
        }

        let answer = answer(count, keyboard)?;
        stream.write_all(&answer)?;
        if is_bye(&answer) {
            return Ok(());
        }
    }
}
// ANCHOR_END: converse

/// Was am Server getippt wird. Ist dort niemand (Ende der Eingabe), antwortet
/// das Programm selbst und bestätigt, wie viele Bytes angekommen sind.
fn answer(
    count: usize,
    keyboard: &mut impl Iterator<Item = io::Result<Vec<u8>>>,
) -> io::Result<Vec<u8>> {
    loop {
        match keyboard.next().transpose()? {
            None => {
                let answer = format!("Bytes erhalten: {count}");
                say(format!("Von selbst geantwortet: {answer}"));
                return Ok(answer.into_bytes());
            }
            Some(line) if line.is_empty() => {
                say("Eine leere Zeile hat null Bytes: Es gibt nichts zu senden.");
            }
            Some(line) => return Ok(line),
        }
    }
}
