//! Der Zeitserver aus Kapitel 2, noch einmal: eine Task je Verbindung.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use chrono::Local;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::cli::say;
use crate::net::reason;
use crate::protocol::{Inbox, MAX_REQUEST, answer};

/// So lange wartet der Server auf eine Anfrage und auf einen Client, der nicht liest.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// So lange ruht `accept`, wenn das Betriebssystem keine Verbindung hergibt.
const PAUSE: Duration = Duration::from_millis(100);

// ANCHOR: serve
/// Bedient jede Verbindung in einer eigenen Task, für immer.
pub async fn serve(listener: TcpListener, patience: Duration) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                tokio::spawn(attend(stream, address, patience));
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
// ANCHOR_END: serve

// ANCHOR: attend
/// Bedient eine Verbindung bis zu ihrem Ende; ein Fehler wird gemeldet.
async fn attend(stream: TcpStream, address: SocketAddr, patience: Duration) {
    say(format!("Verbindung von {address}"));
    if let Err(error) = converse(stream, address, patience).await {
        say(format!(
            "Verbindung mit {address} beendet: {}.",
            reason(&error)
        ));
    }
}

async fn converse(
    mut stream: TcpStream,
    address: SocketAddr,
    patience: Duration,
) -> io::Result<()> {
    let mut end = Instant::now() + patience;
    let mut inbox = Inbox::default();
    let mut buffer = [0; MAX_REQUEST];
    loop {
        let count = timeout_at(end, stream.read(&mut buffer)).await??;
        inbox.push(&buffer[..count]);
        if inbox.is_overfull() {
            say(format!("{address} schickt zu viel auf einmal"));
            return timeout_at(end, refuse(stream)).await?;
        }
        let ended = count == 0;
        while let Some(request) = inbox.next_request(ended) {
            say(format!("{address} fragt: „{}“", request.escape_debug()));
            let answer = answer(&request, Local::now().naive_local());
            timeout(patience, stream.write_all(answer.as_bytes())).await??;
            end = Instant::now() + patience; // für die nächste
        }
        if ended {
            return Ok(());
        }
    }
}
// ANCHOR_END: attend

/// Antwortet ein letztes Mal und legt auf. Was der Client noch schickt, wird gelesen und
/// verworfen: Sonst ginge mit dem Rest auch die Antwort verloren.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"Unbekannte Anfrage\n").await?;
    stream.shutdown().await?;
    copy(&mut stream, &mut sink()).await?;
    Ok(())
}
