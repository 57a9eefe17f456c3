//! Der Client: tippen, senden, auf die Antwort warten – im Wechsel mit dem Server.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;

use crate::text::{is_bye, show, typed_line};

// ANCHOR: talk
/// Führt das Gespräch bis `bye`, bis zum Ende der Eingabe oder bis der Server auflegt.
pub fn talk(
    mut stream: TcpStream,
    keyboard: &mut impl BufRead,
    screen: &mut impl Write,
) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while let Some(line) = typed_line(keyboard)? {
        if line.is_empty() {
            writeln!(
                screen,
                "Eine leere Zeile hat null Bytes: Es gibt nichts zu senden."
            )?;
            continue;
        }
        stream.write_all(&line)?;
        if is_bye(&line) {
            return Ok(());
        }

        let count = stream.read(&mut buffer)?; // blockiert, bis etwas da ist
        if count == 0 {
            return writeln!(screen, "Der Server hat aufgelegt.");
        }
        let answer = &buffer[..count];
        writeln!(screen, "Server: {}", show(answer))?;
        if is_bye(answer) {
            return Ok(());
        }
    }
    Ok(())
}
// ANCHOR_END: talk
