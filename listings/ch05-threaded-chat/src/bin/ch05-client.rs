//! Startet den Chat-Client, der mit allen Chat-Servern des Buchs spricht.

use std::io::{self, BufReader};
use std::process::ExitCode;

use ch05_threaded_chat::{cli, client, net};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address =
        cli::parse("Chat-Client: schickt, was Sie tippen, und zeigt, was andere sagen.");
    let stream = net::connect(&address)?;
    cli::say("Verbunden. Erst den Namen tippen, dann Nachrichten; bye beendet.");
    client::chat(stream, BufReader::new(io::stdin()))
        .map_err(|error| format!("Die Verbindung ist abgerissen: {}.", net::reason(&error)))
}
