//! Startet den Chat-Server aus Kapitel 5: Threads je Verbindung, eine Schlange je
//! Empfänger.

use std::process::ExitCode;

use ch05_threaded_chat::{cli, server};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let (args, [queue]) = cli::args_with(
        "Chat-Server aus Kapitel 5: zwei Threads je Verbindung, eine Schlange je Empfänger.",
        &[cli::Number {
            name: "queue",
            unit: "BYTES",
            help: "so viel darf sich vor einem Empfänger ansammeln",
            default: server::QUEUE,
        }],
    );
    cli::end_on_ctrl_c();
    let listener = cli::listen(&args)?;
    cli::announce(&listener);
    server::serve(&listener, queue)
}
