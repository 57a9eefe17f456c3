//! Der Zeitserver: zweimal dieselbe Bedienung, einmal der Reihe nach, einmal
//! mit einem Thread je Verbindung.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use chrono::Local;

use crate::cli::reason;
use crate::protocol::Inbox;

/// So lange darf ein Client schweigen oder nicht lesen, bevor der Server auflegt.
const PATIENCE: Duration = Duration::from_secs(30);

// ANCHOR: one_by_one
/// Bedient eine Verbindung nach der anderen, für immer.
pub fn serve_one_by_one(listener: &TcpListener) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, address)) => attend(stream, address), // bis dieser Client fertig ist
            Err(error) => skip_failed_accept(&error),
        }
    }
}
// ANCHOR_END: one_by_one

// ANCHOR: threads
/// Bedient jede Verbindung in einem eigenen Thread, für immer.
pub fn serve_with_threads(listener: &TcpListener) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                let spawned = thread::Builder::new().spawn(move || attend(stream, address));
                if let Err(error) = spawned {
                    // Der Strom ist mit der Closure verworfen: Der Client sieht das Ende.
                    println!("Kein Thread für {address}: {}.", reason(&error));
                }
            }
            Err(error) => skip_failed_accept(&error),
        }
    }
}
// ANCHOR_END: threads

// ANCHOR: attend
/// Bedient eine Verbindung bis zu ihrem Ende; ein Fehler wird gemeldet.
fn attend(stream: TcpStream, address: SocketAddr) {
    println!("Verbindung von {address}");
    if let Err(error) = converse(stream, address) {
        println!("Verbindung mit {address} abgebrochen: {}.", reason(&error));
    }
}

fn converse(mut stream: TcpStream, address: SocketAddr) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut inbox = Inbox::default();
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        inbox.push(&buffer[..count]);
        let ended = count == 0;
        while let Some(request) = inbox.next_request(ended) {
            println!("{address} fragt: „{}“", request.text.escape_debug());
            let answer = request.answer(Local::now().naive_local());
            stream.write_all(answer.as_bytes())?;
        }
        if ended {
            return Ok(());
        }
    }
}
// ANCHOR_END: attend

/// Ein gescheitertes `accept` betrifft nur diese eine Verbindung. Sind die
/// Dateideskriptoren aufgebraucht, käme der Fehler sofort wieder: daher die Pause.
fn skip_failed_accept(error: &io::Error) {
    println!(
        "Eine Verbindung ließ sich nicht annehmen: {}.",
        reason(error)
    );
    thread::sleep(Duration::from_millis(10));
}
