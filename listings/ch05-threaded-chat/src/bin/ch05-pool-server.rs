//! Startet den Chat-Server aus Kapitel 5 mit einem begrenzten Thread-Pool.

use std::process::ExitCode;

use ch05_threaded_chat::{cli, net, server};

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    address: cli::Address,
    /// so viele Verbindungen werden zugleich bedient
    #[arg(long, value_name = "ANZAHL", default_value_t = 2, value_parser = cli::count)]
    workers: usize,
}

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args = cli::parse(
        "Chat-Server aus Kapitel 5: ein Pool von Threads, jeder bedient eine Verbindung.",
    );
    cli::end_on_ctrl_c();
    let listener = net::listen(&args.address)?;
    net::announce(&listener);
    server::serve_with_pool(&listener, args.workers)
}
