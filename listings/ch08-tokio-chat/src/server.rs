//! Der Server: eine Task liest, eine zweite schreibt – für jede Verbindung.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio::{join, select};

use crate::cli::say;
use crate::net::reason;
use crate::outbox::Outbox;
use crate::room::{CLOSING, Room};
use crate::session::Session;

/// So viele Bytes dürfen sich vor einem Empfänger ansammeln, wenn nichts anderes
/// verlangt ist.
pub const QUEUE: usize = 1 << 20;
/// So lange darf noch lesen, wer geht oder getrennt ist.
const GRACE: Duration = Duration::from_secs(3);
/// So lange ruht `accept`, wenn das Betriebssystem keine Verbindung hergibt.
const PAUSE: Duration = Duration::from_millis(100);

// ANCHOR: serve
/// Bedient alle, die sich verbinden, bis `shutdown` eintritt; dann verabschiedet es sie.
/// Vor jedem Empfänger dürfen sich `queue` Bytes ansammeln.
pub async fn serve(listener: TcpListener, queue: usize, shutdown: impl Future) {
    let room = Arc::new(Room::default());
    let mut connections = JoinSet::new();
    select! {
        () = accept_all(listener, queue, &room, &mut connections) => {}
        _ = shutdown => {} // `accept_all` ist damit verworfen und der Port geschlossen
    }

    say(format!("Der Server schließt, noch da: {}.", room.close()));
    let all_gone = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(GRACE, all_gone).await;
    connections.shutdown().await; // wer jetzt noch nicht fertig ist, wird getrennt
    say("Alle sind fort.");
}
// ANCHOR_END: serve

// ANCHOR: accept
/// Startet für jede Verbindung eine Task, für immer.
async fn accept_all(
    listener: TcpListener,
    queue: usize,
    room: &Arc<Room>,
    connections: &mut JoinSet<()>,
) {
    loop {
        let accepted = select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue, // wer gegangen ist, wird vergessen
        };
        match accepted {
            Ok((stream, address)) => {
                connections.spawn(attend(stream, address, Arc::clone(room), queue));
            }
            Err(error) => {
                say(format!(
                    "Eine Verbindung war nicht zu haben: {}.",
                    reason(&error)
                ));
                sleep(PAUSE).await; // sonst käme derselbe Fehler sofort wieder
            }
        }
    }
}
// ANCHOR_END: accept

/// Bedient eine Verbindung bis zu ihrem Ende; ein Fehler wird gemeldet.
async fn attend(stream: TcpStream, address: SocketAddr, room: Arc<Room>, queue: usize) {
    if let Err(error) = converse(stream, &room, queue).await {
        say(format!(
            "Verbindung mit {address} beendet: {}.",
            reason(&error)
        ));
    }
}

// ANCHOR: converse
/// Diese Task liest, was der Client sagt; eine zweite schreibt, was für ihn bestimmt ist.
async fn converse(stream: TcpStream, room: &Room, queue: usize) -> io::Result<()> {
    stream.set_nodelay(true)?; // jede Zeile gleich abschicken, auch wenn sie kurz ist
    let (mut reader, writer) = stream.into_split();
    let outbox = Arc::new(Outbox::new(queue));
    let mut writing = JoinSet::new(); // die zweite Task endet spätestens mit dieser
    let queued = Arc::clone(&outbox);
    writing.spawn(async move { queued.deliver(writer).await });

    let mut session = Session::new(room, &outbox);
    let listened = select! {
        listened = session.listen(&mut reader) => listened,
        () = outbox.closed() => Ok(()), // er war zu langsam, oder der Server schließt
        () = room.closed() => { // auch für ihn, wenn er noch keinen Namen hat
            outbox.push(CLOSING);
            Ok(())
        }
    };
    session.leave().await;
    outbox.close(); // die zweite Task schreibt noch, was dasteht, und legt auf

    // Was der Client noch schickt, wird verworfen: Bliebe es ungelesen, ginge mit dem Auflegen
    // verloren, was für ihn noch unterwegs ist.
    let mut nowhere = sink();
    let farewell = async { join!(writing.join_next(), copy(&mut reader, &mut nowhere)) };
    let _ = timeout(GRACE, farewell).await;
    listened
}
// ANCHOR_END: converse
