//! Lauschen und verbinden, und auf Deutsch sagen, woran es scheitert. Diese Datei ist in
//! allen Listings gleich.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};

use crate::cli::{Address, say};

/// Bindet und lauscht; der Fehler ist ein deutscher Satz.
pub fn listen(address: &Address) -> Result<TcpListener, String> {
    TcpListener::bind(&*resolve(address)?).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let Address { host, port } = address;
            format!("Port {port} auf {host} ist schon belegt: Läuft der Server bereits?")
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
        _ => return format!("das Betriebssystem meldet „{error}“"),
    };
    known.into()
}
