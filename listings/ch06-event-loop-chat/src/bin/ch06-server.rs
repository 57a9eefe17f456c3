//! Startet den Chat-Server aus Kapitel 6: ein Thread, ein Event Loop.

use std::process::ExitCode;

use ch06_event_loop_chat::{cli, net, server};

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
    let args: Args =
        cli::parse("Chat-Server aus Kapitel 6: alle Verbindungen in einem Thread.");
    cli::end_on_ctrl_c();
    let listener = net::listen(&args.address)?;
    net::announce(&listener);
    server::Server::new(listener, args.queue)
        .and_then(|mut server| server.run())
        .map_err(|error| format!("Der Event Loop ist zu Ende: {}.", net::reason(&error)))
}
