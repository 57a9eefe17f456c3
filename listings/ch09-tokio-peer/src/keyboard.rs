//! Die Tastatur: Dort blockiert das Lesen, und kein `await` ändert das. Also bekommt sie
//! einen eigenen Thread.

use std::io;
use std::thread;

use tokio::sync::mpsc::{self, Receiver};

use crate::lines::{MAX_TYPED, read_line};

// ANCHOR: keyboard
/// Die getippten Zeilen, jede für sich; nach der letzten endet der Kanal.
pub fn typed_lines() -> Result<Receiver<String>, String> {
    let (sender, lines) = mpsc::channel(1); // mehr als eine Zeile wartet nicht
    let read_all = move || {
        let mut keyboard = io::stdin().lock();
        while let Ok(Some(line)) = read_line(&mut keyboard, MAX_TYPED) {
            if sender.blocking_send(line).is_err() {
                return; // niemand will sie mehr haben
            }
        }
    };
    let thread = thread::Builder::new().name("Leser".into()).spawn(read_all);
    thread.map_err(|_| "Für die Tastatur ist kein Thread zu haben.")?;
    Ok(lines)
}
// ANCHOR_END: keyboard
