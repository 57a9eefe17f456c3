//! Startet den Server aus Kapitel 1.

use std::io;
use std::process::ExitCode;

use ch01_socket_basics::{cli, net, server, text};

fn main() -> ExitCode {
    cli::finish(run())
}

// ANCHOR: run
fn run() -> Result<(), String> {
    let address = cli::parse(
        "Server aus Kapitel 1: antwortet im Wechsel, ein Client nach dem anderen.",
    );
    cli::end_on_ctrl_c();
    let listener = net::listen(&address)?;
    net::announce(&listener);
    server::serve(&listener, text::typed_lines(io::stdin().lock()))
}
// ANCHOR_END: run
