//! Wie viele Verbindungen der Kern annimmt, bevor das Programm `accept` aufruft.
//! Nur Linux: Andere Systeme zählen anders.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

// ANCHOR: established
/// Verbindet sich, bis es nicht mehr geht, und zählt, wie oft es ging.
fn established_without_accept(address: SocketAddr) -> usize {
    let mut waiting = Vec::new();
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            Ok(stream) => waiting.push(stream),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut); // nicht: abgelehnt
                return waiting.len();
            }
        }
    }
}
// ANCHOR_END: established

/// Mehr als diese Länge gewährt das System keiner Warteschlange.
fn somaxconn() -> usize {
    let text =
        fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux hat die Datei");
    text.trim().parse().expect("eine Zahl")
}

// ANCHOR: chosen
#[test]
fn a_full_queue_of_one_lets_two_wait_and_the_third_run_out_of_time() -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(1)?; // der Backlog
    let listener = TcpListener::from(socket);

    assert_eq!(established_without_accept(listener.local_addr()?), 2);
    Ok(())
}
// ANCHOR_END: chosen

#[test]
fn the_standard_library_listens_with_a_backlog_of_128() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let expected = somaxconn().min(128) + 1;
    assert_eq!(established_without_accept(listener.local_addr()?), expected);
    Ok(())
}
