//! Startet den Zeitserver aus Kapitel 2: ein Thread je Verbindung.

use std::process::ExitCode;

use ch02_time_server::{cli, net, server};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse("Zeitserver aus Kapitel 2: ein Thread je Verbindung.");
    cli::end_on_ctrl_c();
    let listener = net::listen(&address)?;
    net::announce(&listener);
    server::serve_with_threads(&listener, server::PATIENCE)
}
