//! Startet den Client aus Kapitel 1.

use std::io;
use std::process::ExitCode;

use ch01_socket_basics::{cli, client, text};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse(
        "Client aus Kapitel 1: sendet, was Sie tippen, und wartet auf die Antwort.",
    );
    let stream = cli::connect(&address)?;
    cli::say("Verbunden. Zeile tippen und Enter; bye beendet das Gespräch.");
    client::talk(stream, text::typed_lines(io::stdin().lock()))
        .map_err(|error| format!("Das Gespräch ist abgerissen: {}.", cli::reason(&error)))
}
