//! Der Client: tippen, senden, auf die Antwort warten – im Wechsel mit dem Server.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::cli::say;
use crate::text::{is_bye, show};

// ANCHOR: talk
/// Führt das Gespräch bis `bye`, bis zum Ende der Eingabe oder bis der Server auflegt.
pub fn talk(
    mut stream: TcpStream,
    keyboard: impl Iterator<Item = io::Result<Vec<u8>>>,
) -> io::Result<()> {
    let mut buffer = [0; 1024];
    for line in keyboard {
        let line = line?;
        if line.is_empty() {
            say("Eine leere Zeile hat null Bytes: Es gibt nichts zu senden.");
            continue;
        }
        stream.write_all(&line)?;
        if is_bye(&line) {
            return Ok(());
        }

        let count = stream.read(&mut buffer)?; // blockiert, bis etwas da ist
        if count == 0 {
            say("Der Server hat aufgelegt.");
            return Ok(());
        }
        let answer = &buffer[..count];
        say(format!("Server: {}", show(answer)));
        if is_bye(answer) {
            return Ok(());
        }
    }
    Ok(())
}
// ANCHOR_END: talk
