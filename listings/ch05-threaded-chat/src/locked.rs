//! FALSCH, und mit Absicht: ein Chat, der in die Sockets schreibt, während er den Lock
//! auf den Raum hält. Es genügt ein Empfänger, der nicht liest, und niemand kommt mehr
//! weiter.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::cli::say;
use crate::net::reason;

// ANCHOR: locked
/// Wer da ist: unter seinem Namen der Socket, in den man für ihn schreibt.
type Room = Mutex<HashMap<String, TcpStream>>;

/// Bedient jede Verbindung in einem eigenen Thread, für immer.
pub fn serve(listener: &TcpListener) -> ! {
    let room = Arc::new(Room::default());
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let room = Arc::clone(&room);
                let converse = move || converse(stream, &room);
                if thread::Builder::new().spawn(converse).is_err() {
                    say("Kein Thread mehr zu haben.");
                }
            }
            Err(error) => {
                say(format!("Keine Verbindung: {}.", reason(&error)));
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Die erste Zeile ist der Name, jede weitere eine Nachricht.
fn converse(stream: TcpStream, room: &Room) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let Some(name) = lines.next().transpose()? else {
        return Ok(());
    };
    tell_others(room, &name, &format!("* {name} ist da"));
    room.lock().unwrap().insert(name.clone(), stream);
    say(format!("{name} ist da"));

    for line in lines.map_while(Result::ok).take_while(|line| line != "bye") {
        tell_others(room, &name, &format!("{name}: {line}"));
    }

    room.lock().unwrap().remove(&name);
    tell_others(room, &name, &format!("* {name} ist weg"));
    say(format!("{name} ist weg"));
    Ok(())
}

/// Schreibt allen außer `name`.
fn tell_others(room: &Room, name: &str, line: &str) {
    let clients = room.lock().unwrap(); // der Lock …
    for (_, mut stream) in clients.iter().filter(|(other, _)| *other != name) {
        let _ = writeln!(stream, "{line}"); // … und ein write, das warten kann
    }
}
// ANCHOR_END: locked
