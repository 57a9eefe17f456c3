//! Abbruch: Was ein verworfener Future schon gelesen hat, ist verloren – wenn nur er es
//! hatte.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::select;
use tokio::time::interval;

use crate::lines::{Inbox, Line};

// ANCHOR: wrong
/// FALSCH, und mit Absicht: Die halbe Zeile steht im Future von `read_line`, und `select!`
/// verwirft ihn, sooft die Uhr schneller ist.
pub async fn listen_wrong(mut stream: impl AsyncRead + Unpin) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut clock = interval(Duration::from_secs(1));
    loop {
        select! {
            line = read_line(&mut stream) => match line? {
                Some(line) => lines.push(line),
                None => return Ok(lines),
            },
            _ = clock.tick() => {} // was jede Sekunde zu tun ist
        }
    }
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Line>> {
    let mut inbox = Inbox::default();
    let mut byte = [0];
    loop {
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        inbox.push(&byte);
        if let Some(line) = inbox.next_line() {
            return Ok(Some(line));
        }
    }
}
// ANCHOR_END: wrong

// ANCHOR: right
/// Richtig: Die `inbox` gehört der Schleife, nicht dem Future. `read` hat entweder nichts
/// genommen oder ist fertig; es abzubrechen kostet nichts.
pub async fn listen_right(mut stream: impl AsyncRead + Unpin) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut clock = interval(Duration::from_secs(1));
    let mut inbox = Inbox::default();
    let mut buffer = [0; 1024];
    loop {
        select! {
            count = stream.read(&mut buffer) => match count? {
                0 => return Ok(lines),
                count => inbox.push(&buffer[..count]),
            },
            _ = clock.tick() => {}
        }
        while let Some(line) = inbox.next_line() {
            lines.push(line);
        }
    }
}
// ANCHOR_END: right
