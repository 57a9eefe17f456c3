//! Der Server: spricht mit einem Client nach dem anderen, immer abwechselnd.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::cli::say;
use crate::lines::{MAX_LINE, MAX_TYPED, read_line};
use crate::net::{printable, reason};

// ANCHOR: serve
/// Spricht für immer mit einem Client nach dem anderen.
pub fn serve(listener: &TcpListener, mut keyboard: impl BufRead) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                say(format!("Verbindung von {address}"));
                if let Err(error) = converse(&stream, &mut keyboard) {
                    say(format!("Verbindung beendet: {}.", reason(&error)));
                }
            }
            Err(error) => {
                say(format!("Keine Verbindung zu haben: {}.", reason(&error)));
                thread::sleep(Duration::from_millis(100)); // siehe Kapitel 1
            }
        }
    }
}

/// Ein Gespräch: erst hören, dann antworten.
fn converse(mut stream: &TcpStream, keyboard: &mut impl BufRead) -> io::Result<()> {
    let mut client = BufReader::new(stream);
    loop {
        let Some(line) = read_line(&mut client, MAX_LINE)? else {
            say("Der Client hat aufgelegt.");
            return Ok(());
        };
        say(format!("Client: {}", printable(&line)));
        if line == "bye" {
            return Ok(());
        }

        let Some(answer) = read_line(keyboard, MAX_TYPED)? else {
            say("Die Eingabe ist zu Ende: Der Server legt auf.");
            return Ok(());
        };
        stream.write_all(format!("{answer}\n").as_bytes())?;
        if answer == "bye" {
            return Ok(());
        }
    }
}
// ANCHOR_END: serve
