//! Der Server: ein Thread liest, ein zweiter schreibt – für jede Verbindung.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::cli::say;
use crate::net::reason;
use crate::outbox::Outbox;
use crate::room::Room;
use crate::session::Session;

/// So viele Bytes dürfen sich vor einem Empfänger ansammeln, wenn nichts anderes
/// verlangt ist.
pub const QUEUE: usize = 1 << 20;

/// So lange wird, nachdem jemand gegangen ist, noch gelesen und verworfen.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bedient jede Verbindung in einem eigenen Thread, für immer.
/// Vor jedem Empfänger dürfen sich `queue` Bytes ansammeln.
pub fn serve(listener: &TcpListener, queue: usize) -> ! {
    let room = Arc::new(Room::default());
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                let room = Arc::clone(&room);
                let attend = move || attend(stream, address, &room, queue);
                if Builder::new().name("liest".into()).spawn(attend).is_err() {
                    say(format!("Kein Thread für {address} zu haben."));
                }
            }
            Err(error) => skip_failed_accept(&error),
        }
    }
}

// ANCHOR: pool
/// Bedient höchstens `workers` Verbindungen zugleich, für immer.
pub fn serve_with_pool(listener: &TcpListener, workers: usize) -> Result<(), String> {
    let room = Arc::new(Room::default());
    let (sender, connections) = sync_channel(0); // fasst nichts
    let connections = Arc::new(Mutex::new(connections));
    for _ in 0..workers {
        let (room, connections) = (Arc::clone(&room), Arc::clone(&connections));
        let work = move || {
            loop {
                let next = connections.lock().expect("hier stürzt niemand ab").recv();
                let Ok((stream, address)) = next else { return };
                attend(stream, address, &room, QUEUE); // bis der Client geht
            }
        };
        let spawned = Builder::new().name("Arbeiter".into()).spawn(work);
        spawned.map_err(|_| "So viele Threads sind nicht zu haben.")?;
    }
    loop {
        match listener.accept() {
            Ok(connection) => sender.send(connection).expect("die Arbeiter hören nie auf"),
            Err(error) => skip_failed_accept(&error),
        }
    }
}
// ANCHOR_END: pool

/// Bedient eine Verbindung bis zu ihrem Ende; ein Fehler wird gemeldet.
fn attend(stream: TcpStream, address: SocketAddr, room: &Room, queue: usize) {
    if let Err(error) = converse(stream, room, queue) {
        say(format!(
            "Verbindung mit {address} beendet: {}.",
            reason(&error)
        ));
    }
}

// ANCHOR: converse
/// Dieser Thread liest, was der Client sagt; ein zweiter schreibt, was für ihn bestimmt ist.
fn converse(stream: TcpStream, room: &Room, queue: usize) -> io::Result<()> {
    stream.set_nodelay(true)?; // jede Zeile gleich abschicken, auch wenn sie kurz ist
    let stream = Arc::new(stream);
    let outbox = Arc::new(Outbox::new(&stream, queue)?);
    let deliver = {
        let outbox = Arc::clone(&outbox);
        move || outbox.deliver()
    };
    let writer = Builder::new().name("schreibt".into()).spawn(deliver)?;

    let mut session = Session::new(room, &outbox);
    let listened = session.listen(&stream);
    session.leave();
    outbox.close(); // der zweite Thread schreibt noch, was dasteht, und kommt zum Ende
    discard_leftovers(&stream);
    outbox.reader_is_done();
    let written = writer.join().expect("der Thread stürzt nicht ab");
    if outbox.is_cut_off() {
        return Ok(()); // wie es mit dieser Verbindung zu Ende ging, ist schon gesagt
    }
    listened.and(written)
}
// ANCHOR_END: converse

/// Wartet eine begrenzte Zeit, bis auch der Client auflegt. Was er noch schickt, wird verworfen:
/// Bliebe es ungelesen, ginge mit dem Auflegen verloren, was für ihn noch unterwegs ist.
fn discard_leftovers(mut stream: &TcpStream) {
    let end = Instant::now() + PATIENCE;
    let mut buffer = [0; 8 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        if !matches!(stream.read(&mut buffer), Ok(1..)) {
            return; // aufgelegt, abgebrochen oder die Zeit ist um
        }
    }
}

/// Ein gescheitertes `accept` betrifft nur diese eine Verbindung. Sind die
/// Dateideskriptoren aufgebraucht, käme der Fehler sofort wieder: daher die Pause.
fn skip_failed_accept(error: &io::Error) {
    say(format!(
        "Eine Verbindung war nicht zu haben: {}.",
        reason(error)
    ));
    thread::sleep(Duration::from_millis(100));
}
