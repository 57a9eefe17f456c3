//! Startet einen Peer aus Kapitel 4, der FALSCH ist, und mit Absicht: Er lässt immer dem
//! anderen den Vortritt.

use std::io;
use std::process::ExitCode;

use ch04_blocking_peer::{cli, peer::Link};

fn main() -> ExitCode {
    cli::finish(run())
}

// ANCHOR: run
fn run() -> Result<(), String> {
    let args = cli::parse("Peer aus Kapitel 4, mit Absicht falsch: hört immer zuerst zu.");
    cli::end_on_ctrl_c();
    let link = Link::establish(&args)?;
    link.converse(false, io::stdin().lock()); // das sagt sich der andere auch
    Ok(())
}
// ANCHOR_END: run
