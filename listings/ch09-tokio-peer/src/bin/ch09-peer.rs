//! Startet einen Peer aus Kapitel 9.

use std::process::ExitCode;

use ch09_tokio_peer::{cli, keyboard, peer::Link};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::finish(run().await)
}

async fn run() -> Result<(), String> {
    let args = cli::parse("Peer aus Kapitel 9: redet mit einem anderen, beide zugleich.");
    cli::end_on_ctrl_c();
    let link = Link::establish(&args).await?;
    link.converse(keyboard::typed_lines()?).await;
    Ok(())
}
