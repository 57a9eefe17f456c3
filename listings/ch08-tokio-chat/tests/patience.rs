//! Der Zeitserver und ein Client, der schweigt: Die Uhr des Tests springt, sobald alle warten.

use std::net::SocketAddr;
use std::time::Duration;

use ch08_tokio_chat::time_server::{PATIENCE, serve};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, PATIENCE));
    address
}

// ANCHOR: silent
#[tokio::test(start_paused = true)]
async fn a_silent_client_is_ended_after_thirty_seconds() {
    let address = start().await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let begin = Instant::now();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0); // der Server legt auf
    let waited = begin.elapsed();
    assert!(waited >= PATIENCE && waited < PATIENCE + Duration::from_secs(1));
}
// ANCHOR_END: silent
