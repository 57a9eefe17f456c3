//! Startet den Client aus Kapitel 3.

use std::io;
use std::process::ExitCode;

use ch03_blocking_chat::{cli, client, net};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address =
        cli::parse("Chat aus Kapitel 3: schickt eine Zeile und wartet auf die Antwort.");
    let stream = net::connect(&address)?;
    cli::say("Verbunden. Zeile tippen und Enter; bye beendet das Gespräch.");
    client::talk(&stream, io::stdin().lock())
        .map_err(|error| format!("Das Gespräch ist abgerissen: {}.", net::reason(&error)))
}
