//! Startet den Server aus Kapitel 3.

use std::io;
use std::process::ExitCode;

use ch03_blocking_chat::{cli, net, server};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address =
        cli::parse("Chat aus Kapitel 3: Sie am Server und ein Client, immer abwechselnd.");
    cli::end_on_ctrl_c();
    let listener = net::listen(&address)?;
    net::announce(&listener);
    server::serve(&listener, io::stdin().lock())
}
