//! Startet einen Peer aus Kapitel 4.

use std::io;
use std::process::ExitCode;

use ch04_blocking_peer::{cli, peer::Link};

fn main() -> ExitCode {
    cli::finish(run())
}

// ANCHOR: run
fn run() -> Result<(), String> {
    let args = cli::parse("Peer aus Kapitel 4: redet abwechselnd mit einem anderen Peer.");
    cli::end_on_ctrl_c();
    let link = Link::establish(&args)?;
    let speaks_first = link.is_smaller; // einer von beiden, und beide wissen, wer
    link.converse(speaks_first, io::stdin().lock());
    Ok(())
}
// ANCHOR_END: run
