//! Server und Client aus Kapitel 2 in zwei Threads eines Programms.

use std::process::ExitCode;
use std::thread;

use ch02_time_server::{cli, client::TimeClient, server};

fn main() -> ExitCode {
    cli::finish(run())
}

// ANCHOR: run
fn run() -> Result<(), String> {
    let args = cli::args("Zeitserver und Client in zwei Threads eines Programms.");
    let listener = cli::listen(&args)?;
    cli::announce(&listener)?;
    let address = listener.local_addr().expect("der Socket ist gebunden");
    thread::spawn(move || server::serve_one_by_one(&listener)); // endlos, im Hintergrund

    let args = cli::Args {
        port: address.port(),
        ..args
    };
    let mut client = TimeClient::new(cli::connect(&args)?);
    for request in ["send time", "time", "Wie spät ist es?"] {
        let answer = client
            .ask(request)
            .map_err(|error| format!("Keine Antwort: {}.", cli::reason(&error)))?;
        println!("Antwort: {}", answer.unwrap_or_else(|| "keine".into()));
    }
    Ok(()) // main endet, und mit ihm der Thread des Servers
}
// ANCHOR_END: run
