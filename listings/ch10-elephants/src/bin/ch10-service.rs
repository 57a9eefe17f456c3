//! Startet den Elefantendienst aus Kapitel 10.

use std::process::ExitCode;
use std::time::Duration;

use ch10_elephants::{cli, service};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::finish(run().await)
}

async fn run() -> Result<(), String> {
    let (args, [patience]) = cli::args_with(
        "Elefantendienst aus Kapitel 10: ein Name je Zeile, nach 2 s eine Erinnerung.",
        &[cli::Number {
            name: "patience",
            unit: "SEKUNDEN",
            help: "so lange darf ein Besucher schweigen",
            default: service::PATIENCE,
        }],
    );
    cli::end_on_ctrl_c();
    let listener = cli::listen(&args)?;
    cli::announce(&listener);
    let listener = listener
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(listener))
        .map_err(|error| format!("Der Dienst beginnt nicht: {}.", cli::reason(&error)))?;
    service::serve(&listener, Duration::from_secs(patience as u64)).await
}
