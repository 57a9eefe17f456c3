//! Startet den Echo-Server aus Kapitel 7: ein Thread, eine Task je Verbindung.

use std::process::ExitCode;

use ch07_mini_executor::{cli, net, server};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse("Echo-Server aus Kapitel 7: eine Task je Verbindung.");
    cli::end_on_ctrl_c();
    let listener = net::listen(&address)?;
    net::announce(&listener);
    server::run(listener)
        .map_err(|error| format!("Der Executor ist zu Ende: {}.", net::reason(&error)))
}
