//! Der Zeitserver: zweimal dieselbe Bedienung, einmal der Reihe nach, einmal
//! mit einem Thread je Verbindung.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Local;

use crate::cli::say;
use crate::net::reason;
use crate::protocol::{Inbox, MAX_REQUEST, answer};

/// So lange wartet ein Server auf eine Anfrage und auf einen Client, der nicht liest.
pub const PATIENCE: Duration = Duration::from_secs(30);

// ANCHOR: one_by_one
/// Bedient eine Verbindung nach der anderen, für immer.
pub fn serve_one_by_one(listener: &TcpListener, patience: Duration) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, address)) => attend(stream, address, patience), // bis zu ihrem Ende
            Err(error) => skip_failed_accept(&error),
        }
    }
}
// ANCHOR_END: one_by_one

// ANCHOR: threads
/// Bedient jede Verbindung in einem eigenen Thread, für immer.
pub fn serve_with_threads(listener: &TcpListener, patience: Duration) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                let attend = move || attend(stream, address, patience);
                if thread::Builder::new().spawn(attend).is_err() {
                    // Mit der Closure ist auch der Strom verworfen und damit geschlossen.
                    say(format!("Kein Thread für {address} zu haben."));
                }
            }
            Err(error) => skip_failed_accept(&error),
        }
    }
}
// ANCHOR_END: threads

// ANCHOR: attend
/// Bedient eine Verbindung bis zu ihrem Ende; ein Fehler wird gemeldet.
fn attend(stream: TcpStream, address: SocketAddr, patience: Duration) {
    say(format!("Verbindung von {address}"));
    if let Err(error) = converse(stream, address, patience) {
        say(format!(
            "Verbindung mit {address} beendet: {}.",
            reason(&error)
        ));
    }
}

fn converse(
    mut stream: TcpStream,
    address: SocketAddr,
    patience: Duration,
) -> io::Result<()> {
    stream.set_write_timeout(Some(patience))?;
    let mut end = Instant::now() + patience;
    let mut inbox = Inbox::default();
    let mut buffer = [0; MAX_REQUEST];
    loop {
        let count = match read_until(end, &stream, &mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue, // Strg+Z und fg
            result => result?,
        };
        inbox.push(&buffer[..count]);
        if inbox.is_overfull() {
            say(format!("{address} schickt zu viel auf einmal"));
            return refuse(stream, end);
        }
        let ended = count == 0;
        while let Some(request) = inbox.next_request(ended) {
            say(format!("{address} fragt: „{}“", request.escape_debug()));
            let now = Local::now().naive_local();
            stream.write_all(answer(&request, now).as_bytes())?;
            end = Instant::now() + patience; // für die nächste
        }
        if ended {
            return Ok(());
        }
    }
}

/// Liest einmal und wartet höchstens bis `end`. Eine Frist für jedes einzelne `read` genügte
/// nicht: Wer alle paar Sekunden ein Byte schickt, hielte sie ein, solange er will.
fn read_until(
    end: Instant,
    mut stream: &TcpStream,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    stream.read(buffer)
}
// ANCHOR_END: attend

/// Antwortet ein letztes Mal und legt auf. Was der Client bis `end` noch schickt, wird gelesen
/// und verworfen: Sonst ginge mit dem Rest auch die Antwort verloren.
fn refuse(mut stream: TcpStream, end: Instant) -> io::Result<()> {
    stream.write_all(b"Unbekannte Anfrage\n")?;
    stream.shutdown(Shutdown::Write)?;
    let mut buffer = [0; 8 * 1024];
    while read_until(end, &stream, &mut buffer)? > 0 {}
    Ok(())
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
