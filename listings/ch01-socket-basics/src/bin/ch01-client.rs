//! Startet den Client aus Kapitel 1.

use std::io;
use std::process::ExitCode;

use ch01_socket_basics::{cli, client, net, text};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse(
        "Client aus Kapitel 1: sendet, was Sie tippen, und wartet auf die Antwort.",
    );
    let stream = net::connect(&address)?;
    cli::say("Verbunden. Zeile tippen und Enter; bye beendet das Gespräch.");
    client::talk(stream, text::typed_lines(io::stdin().lock()))
        .map_err(|error| format!("Das Gespräch ist abgerissen: {}.", net::reason(&error)))
}
