//! Was allen Servern gemeinsam ist: wie sie lauschen und was eine Zeile ist.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use socket2::SockRef;

use crate::cli::{Address, say};
use crate::net;
use crate::net::reason;

/// So viele Bytes darf eine Zeile haben, ihr Ende nicht mitgezählt.
pub const MAX_LINE: usize = 8192;
/// Hierin hat die längste Zeile samt Ende Platz. Ist ein Puffer dieser Größe voll und kein
/// Zeilenende darin, dann ist die Zeile zu lang.
pub const BUFFER: usize = MAX_LINE + 1;
/// Das bekommt, wer eine zu lange Zeile schickt, und dann ist Schluss.
pub const TOO_LONG: &[u8] = b"! Die Zeile hat mehr als 8192 Bytes.\n";

/// So viele Bytes am Anfang sind ganze Zeilen; was danach kommt, ist ein Rest.
pub fn whole_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
}

/// So viele Ereignisse holt ein Event Loop auf einmal ab.
pub const EVENTS: usize = 1024;
/// So lange ruht `accept`, wenn das Betriebssystem keine Verbindung hergibt.
pub const PAUSE: Duration = Duration::from_millis(100);
/// So viele Verbindungen dürfen fertig sein, bevor `accept` sie abholt.
const BACKLOG: i32 = 1024;

/// Lauscht mit einer langen Warteschlange und nimmt sich so viele Dateideskriptoren, wie
/// das Betriebssystem erlaubt.
pub fn listen(address: &Address) -> Result<TcpListener, String> {
    #[cfg(unix)]
    let _ = rlimit::increase_nofile_limit(u64::MAX); // sonst genügt, was schon erlaubt ist
    let listener = net::listen(address)?; // `std` wählt eine Warteschlange von 128
    SockRef::from(&listener).listen(BACKLOG).map_err(|error| {
        format!(
            "Die Warteschlange lässt sich nicht verlängern: {}.",
            reason(&error)
        )
    })?;
    Ok(listener)
}

/// Meldet ein gescheitertes `accept`; es betrifft nur diese eine Verbindung.
pub fn report_failed_accept(error: &io::Error) {
    say(format!(
        "Eine Verbindung war nicht zu haben: {}.",
        reason(error)
    ));
}
