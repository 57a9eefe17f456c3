//! Ein Thread je Verbindung: Er wartet in `read`, bis sein Client etwas sagt.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, Builder};

use crate::cli::say;
use crate::echo::{BUFFER, PAUSE, TOO_LONG, report_failed_accept};

/// Bedient jede Verbindung in einem eigenen Thread mit `stack` Bytes Stapel, für immer.
pub fn serve(listener: &TcpListener, stack: usize) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                let attend = move || drop(converse(&stream)); // ein Fehler ist auch ein Ende
                if Builder::new().stack_size(stack).spawn(attend).is_err() {
                    say(format!("Kein Thread für {address} zu haben."));
                }
            }
            Err(error) => {
                report_failed_accept(&error);
                thread::sleep(PAUSE); // sonst käme derselbe Fehler sofort wieder
            }
        }
    }
}

// ANCHOR: converse
/// Liest eine Zeile nach der anderen und schickt sie zurück.
fn converse(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream); // 8 KiB
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.by_ref().take(BUFFER as u64).read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") {
            stream.write_all(&line)?;
        } else if line.len() == BUFFER {
            return stream.write_all(TOO_LONG);
        } else {
            return Ok(()); // der Client hat aufgelegt; eine halbe Zeile zählt nicht
        }
    }
}
// ANCHOR_END: converse
