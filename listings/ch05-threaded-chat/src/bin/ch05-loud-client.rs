//! Startet einen schwierigen Gast: Er redet ohne Pause und geht dann.

use std::process::ExitCode;

use ch05_threaded_chat::{cli, guests, net};

/// So lang ist jede Zeile.
const BYTES: usize = 4000;

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    address: cli::Address,
    /// so viele Zeilen zu 4000 Bytes
    #[arg(long, value_name = "ANZAHL", default_value_t = 4000, value_parser = cli::count)]
    lines: usize,
}

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args =
        cli::parse("Schwieriger Gast: sagt als Lotte Zeile um Zeile, ohne Pause.");
    let stream = net::connect(&args.address)?;
    let lines = args.lines;
    cli::say("Verbunden. Lotte redet los.");
    let mut told = false;
    let stuck = || {
        if !std::mem::replace(&mut told, true) {
            cli::say("Seit 1 s nimmt der Server nichts mehr an.");
        }
    };
    guests::talk_without_pause(stream, "Lotte", lines, BYTES, stuck)
        .map_err(|_| "Lotte ist nicht fertig geworden: Der Server ist weg.".to_string())?;
    cli::say(format!(
        "Lotte ist fertig: {lines} Zeilen zu {BYTES} Bytes."
    ));
    Ok(())
}
