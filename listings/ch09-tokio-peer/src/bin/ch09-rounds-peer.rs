//! Startet einen Peer aus Kapitel 9, der FALSCH ist, und mit Absicht: Er verliert halbe
//! Zeilen und hört nicht zu, während er schreibt.

use std::process::ExitCode;

use ch09_tokio_peer::{cli, keyboard, peer::Link};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::finish(run().await)
}

async fn run() -> Result<(), String> {
    let args = cli::parse("Peer aus Kapitel 9, mit Absicht falsch: redet in Runden.");
    cli::end_on_ctrl_c();
    let link = Link::establish(&args).await?;
    link.converse_in_rounds(keyboard::typed_lines()?).await;
    Ok(())
}
