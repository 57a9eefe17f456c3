//! Startet den Chat-Server aus Kapitel 6: ein Thread, ein Event Loop.

use std::process::ExitCode;

use ch06_event_loop_chat::{cli, server};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let (args, [queue]) = cli::args_with(
        "Chat-Server aus Kapitel 6: alle Verbindungen in einem Thread.",
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
    server::Server::new(listener, queue)
        .and_then(|mut server| server.run())
        .map_err(|error| format!("Der Event Loop ist zu Ende: {}.", cli::reason(&error)))
}
