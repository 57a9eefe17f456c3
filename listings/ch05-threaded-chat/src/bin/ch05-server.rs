//! Startet den Chat-Server aus Kapitel 5: Threads je Verbindung, eine Schlange je
//! Empfänger.

use std::process::ExitCode;

use ch05_threaded_chat::{cli, net, server};

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    address: cli::Address,
    /// so viel darf sich vor einem Empfänger ansammeln
    #[arg(long, value_name = "BYTES", default_value_t = server::QUEUE)]
    #[arg(value_parser = cli::count)]
    queue: usize,
}

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args = cli::parse(
        "Chat-Server aus Kapitel 5: zwei Threads je Verbindung, eine Schlange je Empfänger.",
    );
    cli::end_on_ctrl_c();
    let listener = net::listen(&args.address)?;
    net::announce(&listener);
    server::serve(&listener, args.queue)
}
