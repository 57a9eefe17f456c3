//! Startet den Echo-Server mit der heißen Schleife aus Kapitel 6, mit Absicht falsch.

use std::process::ExitCode;

use ch06_event_loop_chat::{cli, hot_loop};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args =
        cli::args("Echo-Server aus Kapitel 6, mit Absicht falsch: fragt ohne Pause nach.");
    cli::end_on_ctrl_c();
    let listener = cli::listen(&args)?;
    cli::announce(&listener);
    hot_loop::serve(&listener)
        .map_err(|error| format!("Die Schleife ist zu Ende: {}.", cli::reason(&error)))
}
