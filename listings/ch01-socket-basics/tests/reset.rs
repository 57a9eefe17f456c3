//! Wer auflegt, ohne gelesen zu haben, was für ihn da war. Linux und Windows setzen die Verbindung
//! dann zurück; von BSD abstammende Systeme, also auch macOS, beenden sie ordentlich.
#![cfg(any(target_os = "linux", windows))]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

// ANCHOR: reset
#[test]
fn who_hangs_up_without_having_read_resets_the_connection() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;

    client.write_all(b"Das liest niemand.")?;
    server.peek(&mut [0])?; // warten, bis es angekommen ist
    drop(server); // auflegen, ohne zu lesen

    let error = client.read(&mut [0; 1024]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    Ok(())
}
// ANCHOR_END: reset
