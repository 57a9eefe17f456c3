//! Startet den Client aus Kapitel 1.

use std::io;
use std::process::ExitCode;

use ch01_socket_basics::{cli, client};

fn main() -> ExitCode {
    cli::finish(run())
}

// ANCHOR: run
fn run() -> Result<(), String> {
    let args = cli::args(
        "Client aus Kapitel 1: sendet, was Sie tippen, und wartet auf die Antwort.",
    );
    let stream = cli::connect(&args)?;
    println!("Verbunden. Zeile tippen und Enter; bye beendet das Gespräch.");
    client::talk(stream, &mut io::stdin().lock(), &mut io::stdout())
        .map_err(|error| format!("Das Gespräch ist abgerissen: {}.", cli::reason(&error)))
}
// ANCHOR_END: run
