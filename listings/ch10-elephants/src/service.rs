//! Der Elefantendienst: Wer eine Zeile mit einem Namen schickt, bekommt nach zwei Sekunden
//! eine Zeile mit einer Erinnerung. Alle Verbindungen teilen sich einen Thread.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::cli::say;
use crate::cloud::{DELAY, UNKNOWN, memory};
use crate::lines::{Inbox, Line, MAX_LINE, shown};
use crate::net::reason;

/// So viele Sekunden darf eine Zeile auf sich warten lassen, ohne dass der Dienst auflegt.
pub const PATIENCE: usize = 60;
/// So lange ruht `accept`, wenn das Betriebssystem keine Verbindung hergibt.
const PAUSE: Duration = Duration::from_millis(100);

/// Bedient alle Verbindungen, jede in einer eigenen Task, für immer.
pub async fn serve(listener: &TcpListener, patience: Duration) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                tokio::spawn(attend(stream, address, patience));
            }
            Err(error) => {
                say(format!("Kein Besucher zu empfangen: {}.", reason(&error)));
                sleep(PAUSE).await; // sonst käme derselbe Fehler sofort wieder
            }
        }
    }
}

// ANCHOR: attend
/// Bedient einen Besucher bis zu seinem Ende; ein Fehler trifft nur ihn.
async fn attend(mut stream: TcpStream, address: SocketAddr, patience: Duration) {
    if let Err(error) = converse(&mut stream, patience).await {
        say(format!("{address} ist fort: {}.", reason(&error)));
    }
}

/// Beantwortet Zeile um Zeile, der Reihe nach.
async fn converse(stream: &mut TcpStream, patience: Duration) -> io::Result<()> {
    let mut inbox = Inbox::default();
    loop {
        let line = match timeout(patience, next_line(stream, &mut inbox)).await {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => return Ok(()), // der Besucher ist gegangen
            Ok(Err(error)) => return Err(error),
            Err(_) => return send(stream, "! Zu lange geschwiegen.\n", patience).await,
        };
        send(stream, &answer(line).await, patience).await?;
    }
}

/// Die nächste Zeile; `None` am Ende des Stroms.
async fn next_line(stream: &mut TcpStream, inbox: &mut Inbox) -> io::Result<Option<Line>> {
    let mut buffer = [0; 1024];
    loop {
        if let Some(line) = inbox.next_line() {
            return Ok(Some(line));
        }
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            count => inbox.push(&buffer[..count]),
        }
    }
}

/// Wer nicht liest, auf den wartet der Dienst nicht ewig.
async fn send(stream: &mut TcpStream, text: &str, patience: Duration) -> io::Result<()> {
    timeout(patience, stream.write_all(text.as_bytes())).await?
}
// ANCHOR_END: attend

// ANCHOR: answer
/// Die Antwort auf eine Zeile, mit ihrem Ende.
async fn answer(line: Line) -> String {
    let name = match line {
        Line::Text(name) if name.is_empty() => return "! Der Name fehlt.\n".into(),
        Line::Text(name) => name,
        Line::TooLong => return format!("! Zeile zu lang: mehr als {MAX_LINE} Bytes.\n"),
        Line::NotUtf8 => return "! Die Zeile ist kein gültiges UTF-8.\n".into(),
    };
    say(format!("Gesucht: {}", shown(&name)));
    sleep(DELAY).await; // die langsame Datenbank
    match memory(&name) {
        Some(memory) => format!("{memory}\n"),
        None => format!("! {UNKNOWN}\n"),
    }
}
// ANCHOR_END: answer
