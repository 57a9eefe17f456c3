//! Der Client: ein einziger Thread wartet auf den Server und auf die Tastatur zugleich.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::thread;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc;

use crate::cli::say;
use crate::net::printable;

/// So viele Bytes hat keine Zeile, die ein Chat-Server schickt.
const LONGEST: u64 = 64 * 1024;

// ANCHOR: keyboard
/// Liest die Tastatur in einem gewöhnlichen Thread. Wer auf sie wartet, ist nicht abzubrechen;
/// auf diesen Thread aber wartet am Ende niemand.
pub fn typed_lines(
    keyboard: impl BufRead + Send + 'static,
) -> Result<mpsc::Receiver<Vec<u8>>, String> {
    let (sender, lines) = mpsc::channel(16);
    let read_all = move || {
        for line in keyboard.split(b'\n') {
            let Ok(mut line) = line else { return };
            line.push(b'\n');
            if sender.blocking_send(line).is_err() {
                return; // der Chat ist vorbei
            }
        }
    };
    let thread = thread::Builder::new().spawn(read_all);
    thread.map_err(|_| "Für die Tastatur ist kein Thread zu haben.")?;
    Ok(lines)
}
// ANCHOR_END: keyboard

// ANCHOR: chat
/// Chattet, bis der Server auflegt – auch weil man selbst `bye` gesagt oder die Eingabe
/// beendet hat.
pub async fn chat(
    stream: TcpStream,
    mut keyboard: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new(); // hier steht auch die halbe Zeile
    let mut unsent = VecDeque::new();
    let mut leaving = false;
    loop {
        // Ein Server, der eine Zeile nie beendet, soll nicht den Speicher füllen.
        let mut rest = (&mut reader).take(LONGEST - line.len() as u64);
        select! {
            read = rest.read_until(b'\n', &mut line) => {
                if read? == 0 && line.is_empty() {
                    break;
                }
                if line.len() as u64 == LONGEST && !line.ends_with(b"\n") {
                    return Err(io::Error::other("der Server beendet eine Zeile nicht"));
                }
                let text = String::from_utf8_lossy(&line);
                say(printable(text.trim_end_matches(['\r', '\n'])));
                line.clear();
            }
            written = writer.write_buf(&mut unsent), if !unsent.is_empty() => {
                if written.is_err() {
                    unsent.clear(); // der Server ist weg; `read_until` merkt es auch
                }
            }
            typed = keyboard.recv(), if unsent.is_empty() && !leaving => match typed {
                Some(line) => {
                    // Was für den Server ein Abschied ist, ist auch für uns einer.
                    leaving = matches!(&*line, b"bye\n" | b"bye\r\n");
                    unsent.extend(line);
                }
                None => {
                    leaving = true;
                    // Nur diese Richtung ist zu Ende: Was schon für uns dasteht, kommt noch.
                    let _ = writer.shutdown().await;
                }
            },
        }
    }
    if !leaving {
        say("Der Server hat aufgelegt.");
    }
    Ok(())
}
// ANCHOR_END: chat
