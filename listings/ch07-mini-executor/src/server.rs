//! Ein Echo-Server: eine Task je Verbindung, alle in einem Thread.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::cli::say;
use crate::executor::{Executor, spawn};
use crate::net::reason;
use crate::reactor::{Listener, Reactor, Stream};
use crate::timer::sleep;
use crate::yielding::yield_now;

/// So lange ruht `accept`, wenn das Betriebssystem keine Verbindung hergibt.
const PAUSE: Duration = Duration::from_millis(100);

// ANCHOR: run
/// Schickt jedem zurück, was er schickt, für immer.
pub fn run(listener: std::net::TcpListener) -> io::Result<()> {
    let reactor = Reactor::new()?;
    spawn(serve(Listener::new(listener, &reactor)?));
    Executor::new(reactor).run()
}
// ANCHOR_END: run

// ANCHOR: serve
/// Nimmt Verbindungen an; jede bekommt ihre Task.
async fn serve(mut listener: Listener) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => spawn(attend(stream, address)),
            Err(error) => {
                say(format!(
                    "Eine Verbindung war nicht zu haben: {}.",
                    reason(&error)
                ));
                sleep(PAUSE).await; // die anderen Tasks laufen weiter
            }
        }
        yield_now().await;
    }
}

/// Ein Gespräch von Anfang bis Ende.
async fn attend(stream: Stream, address: SocketAddr) {
    say(format!("{address} ist da"));
    match echo(stream).await {
        Ok(()) => say(format!("{address} ist weg")),
        Err(error) => say(format!("{address} ist weg: {}", reason(&error))),
    }
}
// ANCHOR_END: serve

// ANCHOR: echo
/// Schickt zurück, was kommt, bis nichts mehr kommt.
async fn echo(mut stream: Stream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
        yield_now().await; // auch wer ohne Pause sendet, lässt die anderen vor
    }
}
// ANCHOR_END: echo
