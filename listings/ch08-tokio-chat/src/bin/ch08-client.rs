//! Startet den Chat-Client aus Kapitel 8, der mit allen Chat-Servern des Buchs spricht.

use std::io::{self, BufReader};
use std::process::ExitCode;

use ch08_tokio_chat::{cli, client, net};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address =
        cli::parse("Chat-Client: schickt, was Sie tippen, und zeigt, was andere sagen.");
    let stream = net::connect(&address)?;
    let keyboard = client::typed_lines(BufReader::new(io::stdin()))?;
    cli::say("Verbunden. Erst den Namen tippen, dann Nachrichten; bye beendet.");
    chat(stream, keyboard)
        .map_err(|error| format!("Die Verbindung ist abgerissen: {}.", net::reason(&error)))
}

#[tokio::main(flavor = "current_thread")]
async fn chat(
    stream: std::net::TcpStream,
    keyboard: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    client::chat(TcpStream::from_std(stream)?, keyboard).await
}
