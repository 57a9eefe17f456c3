//! Startet den Elefantendienst aus Kapitel 10.

use std::process::ExitCode;
use std::time::Duration;

use ch10_elephants::{cli, net, service};
use tokio::net::TcpListener;

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    address: cli::Address,
    /// so lange darf ein Besucher schweigen
    #[arg(long, value_name = "SEKUNDEN", default_value_t = service::PATIENCE)]
    #[arg(value_parser = cli::count)]
    patience: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::finish(run().await)
}

async fn run() -> Result<(), String> {
    let args: Args = cli::parse(
        "Elefantendienst aus Kapitel 10: ein Name je Zeile, nach 2 s eine Erinnerung.",
    );
    cli::end_on_ctrl_c();
    let listener = net::listen(&args.address)?;
    net::announce(&listener);
    let listener = listener
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(listener))
        .map_err(|error| format!("Der Dienst beginnt nicht: {}.", net::reason(&error)))?;
    service::serve(&listener, Duration::from_secs(args.patience as u64)).await
}
