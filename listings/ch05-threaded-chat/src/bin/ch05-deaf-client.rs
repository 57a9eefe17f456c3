//! Startet einen schwierigen Gast: Er verbindet sich, schickt, was getippt wird, und
//! liest nie.

use std::io;
use std::process::ExitCode;

use ch05_threaded_chat::{cli, guests, net};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse("Schwieriger Gast: schickt, was Sie tippen, und liest nie.");
    let stream = net::connect(&address)?;
    cli::say("Verbunden. Dieser Client liest nie.");
    guests::send_and_never_read(stream, io::stdin().lock())
        .map_err(|error| format!("Die Verbindung ist abgerissen: {}.", net::reason(&error)))
}
