//! Lauschen und verbinden, auf Deutsch sagen, woran es scheitert, und zeigen, was von drüben
//! kommt. Diese Datei ist in allen Listings gleich.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};

use crate::cli::{Address, say};

/// Bindet und lauscht; der Fehler ist ein deutscher Satz.
pub fn listen(address: &Address) -> Result<TcpListener, String> {
    TcpListener::bind(&*resolve(address)?).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let Address { host, port } = address;
            format!(
                "Port {port} auf {host} ist schon belegt: Läuft der Server bereits? Sonst hilft ein \
                 anderer Port; siehe --help."
            )
        }
        _ => {
            let reason = reason(&error);
            format!("Auf {address} kann der Server nicht lauschen: {reason}.")
        }
    })
}

/// Meldet, dass der Server bereit ist und unter welcher Adresse.
pub fn announce(listener: &TcpListener) {
    let address = listener.local_addr().expect("der Socket ist gebunden");
    say(format!("Server lauscht auf {address}"));
}

/// Verbindet sich mit dem Server; der Fehler ist ein deutscher Satz.
pub fn connect(address: &Address) -> Result<TcpStream, String> {
    TcpStream::connect(&*resolve(address)?).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("Keine Verbindung zu {address}: Läuft der Server?")
        }
        _ => format!("Keine Verbindung zu {address}: {}.", reason(&error)),
    })
}

/// Ein Name kann für mehrere Adressen stehen; probiert werden sie der Reihe nach.
fn resolve(Address { host, port }: &Address) -> Result<Vec<SocketAddr>, String> {
    let found = (host.as_str(), *port).to_socket_addrs();
    let found = found.map_err(|_| format!("Zu „{host}“ ist keine Adresse zu finden."))?;
    Ok(found.collect())
}

/// Sagt auf Deutsch, was das Betriebssystem gemeldet hat.
pub fn reason(error: &io::Error) -> String {
    use io::ErrorKind::*;
    let known = match error.kind() {
        ConnectionReset | ConnectionAborted => {
            "die Gegenseite hat die Verbindung abgebrochen"
        }
        BrokenPipe => "die Gegenseite nimmt nichts mehr an",
        TimedOut | WouldBlock => "die Wartezeit ist abgelaufen",
        PermissionDenied => "dafür fehlt die Berechtigung",
        AddrNotAvailable => "diese Adresse ist hier nicht zu haben",
        NetworkUnreachable | HostUnreachable => "dorthin führt kein Weg",
        NotConnected => "es besteht keine Verbindung",
        _ => match error.raw_os_error() {
            Some(23 | 24 | 10024) => "alle Dateideskriptoren sind vergeben",
            Some(number) => return format!("das Betriebssystem meldet Fehler {number}"),
            None => return error.to_string(), // unser eigener Satz
        },
    };
    known.into()
}

/// Was andere schicken, auf dem Bildschirm: Text bleibt Text. Steuerzeichen könnten das Terminal
/// verstellen, unsichtbare und solche, die die Schreibrichtung umkehren, etwas vortäuschen; sie
/// werden sichtbar gemacht.
pub fn printable(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e0fff}' => {
                shown.extend(character.escape_unicode());
            }
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}
