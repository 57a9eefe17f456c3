//! Startet den ersten, FALSCHEN Chat-Server aus Kapitel 5: Er schreibt unter dem Lock.

use std::process::ExitCode;

use ch05_threaded_chat::{cli, locked, net};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address = cli::parse(
        "Chat-Server aus Kapitel 5, mit Absicht falsch: schreibt unter dem Lock.",
    );
    cli::end_on_ctrl_c();
    let listener = net::listen(&address)?;
    net::announce(&listener);
    locked::serve(&listener)
}
