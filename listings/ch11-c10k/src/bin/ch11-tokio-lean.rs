//! Startet den Echo-Server aus Kapitel 11 mit einer Task je Verbindung, ohne eigenen Puffer.

use std::process::ExitCode;

use ch11_c10k::{cli, echo, net, tokio_lean, tokio_server};

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    address: cli::Address,
    /// so viele Threads teilen sich die Tasks
    #[arg(long, value_name = "ANZAHL", default_value_t = 1, value_parser = cli::count)]
    threads: usize,
}

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args = cli::parse(
        "Echo-Server aus Kapitel 11: eine Task je Verbindung ohne eigenen Puffer.",
    );
    cli::end_on_ctrl_c();
    let listener = echo::listen(&args.address)?;
    net::announce(&listener);
    tokio_server::run(listener, args.threads, tokio_lean::converse)
        .map_err(|error| format!("Die Laufzeit ist zu Ende: {}.", net::reason(&error)))
}
