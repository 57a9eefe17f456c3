//! Der Zeitserver: zweimal dieselbe Bedienung, einmal der Reihe nach, einmal
//! mit einem Thread je Verbindung.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use chrono::Local;

use crate::cli::say;
use crate::net::reason;
use crate::protocol::{Inbox, MAX_REQUEST, answer};

/// So lange wartet ein Server auf einen Client, der schweigt oder nicht liest.
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
                if let Err(error) = thread::Builder::new().spawn(attend) {
                    // Mit der Closure ist auch der Strom verworfen und damit geschlossen.
                    say(format!("Kein Thread für {address}: {}.", reason(&error)));
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
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut inbox = Inbox::default();
    let mut buffer = [0; MAX_REQUEST];
    loop {
        let count = match stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue, // Strg+Z und fg
            result => result?,
        };
        inbox.push(&buffer[..count]);
        if inbox.is_overfull() {
            say(format!("{address} schickt zu viel auf einmal"));
            return refuse(stream);
        }
        let ended = count == 0;
        while let Some(request) = inbox.next_request(ended) {
            say(format!("{address} fragt: „{}“", request.escape_debug()));
            let now = Local::now().naive_local();
            stream.write_all(answer(&request, now).as_bytes())?;
        }
        if ended {
            return Ok(());
        }
    }
}
// ANCHOR_END: attend

/// Antwortet ein letztes Mal und legt auf. Was der Client noch schickt, wird bis zu
/// einer Grenze gelesen und verworfen: Sonst ginge mit dem Rest auch die Antwort verloren.
fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"Unbekannte Anfrage\n")?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.take(1 << 24), &mut io::sink())?;
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
