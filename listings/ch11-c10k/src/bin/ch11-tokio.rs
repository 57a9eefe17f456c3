//! Startet den Echo-Server aus Kapitel 11 mit einer Task je Verbindung, mit einem Puffer von 8 KiB.

use std::process::ExitCode;

use ch11_c10k::{cli, echo, tokio_buffered, tokio_server};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let (args, [threads]) = cli::args_with(
        "Echo-Server aus Kapitel 11: eine Task je Verbindung mit einem Puffer von 8 KiB.",
        &[cli::Number {
            name: "threads",
            unit: "ANZAHL",
            help: "so viele Threads teilen sich die Tasks",
            default: 1,
        }],
    );
    cli::end_on_ctrl_c();
    let listener = echo::listen(&args)?;
    cli::announce(&listener);
    tokio_server::run(listener, threads, tokio_buffered::converse)
        .map_err(|error| format!("Die Laufzeit ist zu Ende: {}.", cli::reason(&error)))
}
