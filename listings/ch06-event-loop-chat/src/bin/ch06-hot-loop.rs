//! Startet den Echo-Server mit der heißen Schleife aus Kapitel 6, mit Absicht falsch.

use std::process::ExitCode;

use ch06_event_loop_chat::{cli, hot_loop, net};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address =
        cli::parse("Echo-Server aus Kapitel 6, mit Absicht falsch: fragt ohne Pause nach.");
    cli::end_on_ctrl_c();
    let listener = net::listen(&address)?;
    net::announce(&listener);
    hot_loop::serve(&listener)
        .map_err(|error| format!("Die Schleife ist zu Ende: {}.", net::reason(&error)))
}
