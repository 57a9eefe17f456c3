//! Startet den Echo-Server aus Kapitel 11 mit einem Thread je Verbindung.

use std::process::ExitCode;

use ch11_c10k::{cli, echo, threads};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let (args, [stack]) = cli::args_with(
        "Echo-Server aus Kapitel 11: ein Thread je Verbindung.",
        &[cli::Number {
            name: "stack",
            unit: "BYTES",
            help: "Stapel eines Threads",
            default: 2 * 1024 * 1024, // so viel wählt auch `std`
        }],
    );
    cli::end_on_ctrl_c();
    let listener = echo::listen(&args)?;
    cli::announce(&listener);
    threads::serve(&listener, stack)
}
