//! Startet den Chat-Server aus Kapitel 5 mit einem begrenzten Thread-Pool.

use std::process::ExitCode;

use ch05_threaded_chat::{cli, server};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let (args, [workers]) = cli::args_with(
        "Chat-Server aus Kapitel 5: ein Pool von Threads, jeder bedient eine Verbindung.",
        &[cli::Number {
            name: "workers",
            unit: "ANZAHL",
            help: "so viele Verbindungen werden zugleich bedient",
            default: 2,
        }],
    );
    cli::end_on_ctrl_c();
    let listener = cli::listen(&args)?;
    cli::announce(&listener);
    server::serve_with_pool(&listener, workers)
}
