//! Startet den Echo-Server aus Kapitel 11 mit einem Thread je Verbindung.

use std::process::ExitCode;

use ch11_c10k::{cli, echo, net, threads};

/// So viel wählt auch `std`.
const STACK: usize = 2 * 1024 * 1024;

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    address: cli::Address,
    /// Stapel eines Threads
    #[arg(long, value_name = "BYTES", default_value_t = STACK, value_parser = cli::count)]
    stack: usize,
}

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args = cli::parse("Echo-Server aus Kapitel 11: ein Thread je Verbindung.");
    cli::end_on_ctrl_c();
    let listener = echo::listen(&args.address)?;
    net::announce(&listener);
    threads::serve(&listener, args.stack)
}
