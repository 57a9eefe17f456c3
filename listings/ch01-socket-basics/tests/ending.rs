//! Was nach dem Ende einer Verbindung übrig bleibt: Wer zuletzt noch schreibt, und wessen Endpunkt
//! noch eine Weile vergeben ist. Nur Linux: Andere Systeme melden andere Fehler.
#![cfg(target_os = "linux")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

// ANCHOR: pipe
#[test]
fn after_the_end_the_first_write_succeeds_and_a_later_one_does_not() -> io::Result<()> {
    let (mut client, server, _) = connected()?;
    drop(server); // legt auf
    assert_eq!(client.read(&mut [0])?, 0); // das Ende ist da

    client.write_all(b"Bist du noch da?")?; // gelingt: Das Betriebssystem nimmt die Bytes an
    // Drüben ist niemand, der sie liest; zurück kommt ein RST. Ist es da, ist Schluss.
    let error = error_of(|| client.write_all(b"Hallo?"));
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    Ok(())
}
// ANCHOR_END: pipe

// ANCHOR: time_wait
#[test]
fn who_closes_first_keeps_the_endpoint_for_a_while() -> io::Result<()> {
    let (mut client, server, address) = connected()?;
    drop(server); // der Server legt zuerst auf
    assert_eq!(client.read(&mut [0])?, 0);
    drop(client);

    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let error = socket.bind(&address.into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);

    soon(|| TcpListener::bind(address)); // gelingt: `std` setzt vorher SO_REUSEADDR
    Ok(())
}
// ANCHOR_END: time_wait

#[test]
fn whoever_closes_last_keeps_nothing() -> io::Result<()> {
    let (client, mut server, address) = connected()?;
    drop(client);
    assert_eq!(server.read(&mut [0])?, 0);
    drop(server);

    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    soon(|| socket.bind(&address.into()));
    Ok(())
}

/// Zwei verbundene Sockets und der Endpunkt des zweiten; gelauscht wird dort nicht mehr.
fn connected() -> io::Result<(TcpStream, TcpStream, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let client = TcpStream::connect(address)?;
    let (server, _) = listener.accept()?;
    Ok((client, server, address))
}

/// Was bald gelingt. (Nicht immer gleich: Ein Programm, das ein anderer Test eben startet, hält bis dahin eine
/// Kopie des Sockets, der hier gelauscht hat.)
fn soon<T>(mut attempt: impl FnMut() -> io::Result<T>) -> T {
    let begin = Instant::now();
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(10), "{error}"),
        }
    }
}

/// Der Fehler, den es bald gibt.
fn error_of(mut attempt: impl FnMut() -> io::Result<()>) -> io::Error {
    let begin = Instant::now();
    loop {
        if let Err(error) = attempt() {
            return error;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "es gelingt immer noch"
        );
    }
}
