//! FALSCH, und mit Absicht: ein Echo-Server, der nie wartet. Er fragt alle Verbindungen
//! nacheinander „Ist etwas da?“, wieder und wieder, und lastet damit einen Kern aus.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

// ANCHOR: hot
/// Schickt jedem zurück, was er schickt, für immer.
pub fn serve(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut connections = Vec::new();
    loop {
        // Meist ist niemand da, oder das System gibt gerade keine Verbindung her.
        if let Ok((stream, _)) = listener.accept()
            && stream.set_nonblocking(true).is_ok()
        {
            connections.push(stream);
        }
        connections.retain_mut(|stream| match echo(stream) {
            Ok(still_there) => still_there,
            Err(error) => error.kind() == ErrorKind::WouldBlock, // nichts da
        });
    }
}

/// Schickt zurück, was da ist; `false` am Ende des Stroms.
fn echo(stream: &mut TcpStream) -> io::Result<bool> {
    let mut buffer = [0; 1024];
    let count = stream.read(&mut buffer)?; // wartet nicht: Daten, 0 oder `WouldBlock`
    stream.write_all(&buffer[..count])?; // auch das ist falsch: Der Rest geht verloren
    Ok(count > 0)
}
// ANCHOR_END: hot
