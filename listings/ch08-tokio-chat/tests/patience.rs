//! Der Zeitserver und ein Client, der schweigt oder nicht liest: Die Uhr des Tests springt, sobald alle warten.

use std::net::SocketAddr;
use std::time::Duration;

use ch08_tokio_chat::time_server::{PATIENCE, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::common::DEADLINE;

async fn start(patience: Duration) -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap(); // bald voll, wenn niemand liest
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, patience));
    address
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_ended_after_thirty_seconds() {
    let address = start(PATIENCE).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let begin = Instant::now();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0); // der Server legt auf
    let waited = begin.elapsed();
    assert!(waited >= PATIENCE && waited < PATIENCE + Duration::from_secs(1));
}

/// Mit wirklicher Uhr: Eine, die springt, wenn alle warten, spränge weiter, ehe ein Byte angekommen ist.
#[tokio::test]
async fn a_client_who_drips_and_never_asks_is_ended_all_the_same() {
    let patience = Duration::from_millis(300);
    let address = start(patience).await;
    let mut dripping = TcpStream::connect(address).await.unwrap();
    let begin = Instant::now();
    while dripping.write_all(b" ").await.is_ok() {
        // Bis zum nächsten Byte; legt der Server vorher auf, zeigt es sich hier.
        if timeout(patience / 10, dripping.read(&mut [0])).await.is_ok() {
            break;
        }
        assert!(begin.elapsed() < DEADLINE, "der Server wartet für immer");
    }
    assert!(begin.elapsed() >= patience);
}

#[tokio::test(start_paused = true)]
async fn a_client_who_asks_and_does_not_read_is_ended_after_thirty_seconds() {
    let address = start(PATIENCE).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap(); // ebenso
    let mut deaf = socket.connect(address).await.unwrap();
    let begin = Instant::now();
    while deaf.write_all(&b"time\n".repeat(100)).await.is_ok() {}
    let waited = begin.elapsed();
    assert!(waited >= PATIENCE && waited < 2 * PATIENCE, "{waited:?}");
}
