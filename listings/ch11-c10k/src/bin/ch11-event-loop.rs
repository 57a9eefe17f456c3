//! Startet den Echo-Server aus Kapitel 11, der alle in einem Thread bedient.

use std::process::ExitCode;

use ch11_c10k::{cli, echo, event_loop::Server, net};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse("Echo-Server aus Kapitel 11: ein Event Loop von Hand.");
    cli::end_on_ctrl_c();
    let listener = echo::listen(&address)?;
    net::announce(&listener);
    Server::new(listener)
        .and_then(|mut server| server.run())
        .map_err(|error| format!("Der Event Loop ist zu Ende: {}.", net::reason(&error)))
}
