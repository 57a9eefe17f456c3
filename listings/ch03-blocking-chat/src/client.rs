//! Der Client: erst sprechen, dann hören, immer abwechselnd.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

use crate::cli::say;
use crate::lines::{MAX_LINE, MAX_TYPED, read_line};
use crate::net::printable;

// ANCHOR: talk
/// Spricht mit dem Server, bis einer von beiden geht.
pub fn talk(mut stream: &TcpStream, mut keyboard: impl BufRead) -> io::Result<()> {
    let mut server = BufReader::new(stream);
    while let Some(line) = read_line(&mut keyboard, MAX_TYPED)? {
        stream.write_all(format!("{line}\n").as_bytes())?;
        if line == "bye" {
            return Ok(());
        }

        let Some(answer) = read_line(&mut server, MAX_LINE)? else {
            say("Der Server hat aufgelegt.");
            return Ok(());
        };
        say(format!("Server: {}", printable(&answer)));
        if answer == "bye" {
            return Ok(());
        }
    }
    Ok(())
}
// ANCHOR_END: talk
