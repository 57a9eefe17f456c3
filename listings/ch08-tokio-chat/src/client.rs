//! Der Client: ein einziger Thread wartet auf den Server und auf die Tastatur zugleich.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::thread;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc;

use crate::cli::say;
use crate::net::reason;

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
    thread.map_err(|error| format!("Kein Thread für die Tastatur: {}.", reason(&error)))?;
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
    let mut lines = BufReader::new(reader).split(b'\n'); // hier steht auch die halbe Zeile
    let mut unsent = VecDeque::new();
    let mut leaving = false;
    loop {
        select! {
            line = lines.next_segment() => match line? {
                Some(line) => say(printable(&line)),
                None => break,
            },
            written = writer.write_buf(&mut unsent), if !unsent.is_empty() => {
                if written.is_err() {
                    unsent.clear(); // der Server ist weg; `next_segment` merkt es auch
                }
            }
            typed = keyboard.recv(), if unsent.is_empty() && !leaving => match typed {
                Some(line) => {
                    leaving = line.trim_ascii_end() == b"bye";
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
