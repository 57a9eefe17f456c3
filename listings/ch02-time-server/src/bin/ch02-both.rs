//! Server und Client aus Kapitel 2 in zwei Threads eines Programms.

use std::process::ExitCode;
use std::thread;

use ch02_time_server::{cli, client::TimeClient, net, server};

fn main() -> ExitCode {
    cli::finish(run())
}

// ANCHOR: run
fn run() -> Result<(), String> {
    let address = cli::parse("Zeitserver und Client in zwei Threads eines Programms.");
    let listener = net::listen(&address)?;
    net::announce(&listener);
    let port = listener.local_addr().expect("der Socket ist gebunden").port();
    thread::spawn(move || server::serve_one_by_one(&listener, server::PATIENCE)); // endlos

    let stream = net::connect(&cli::Address { port, ..address })?;
    let mut client = TimeClient::new(stream);
    for request in ["send time", "time", "Wie spät ist es?"] {
        match client.ask(request.as_bytes()) {
            Ok(Some(answer)) => cli::say(format!("Antwort: {answer}")),
            Ok(None) => return Err("Der Server hat aufgelegt, ohne zu antworten.".into()),
            Err(error) => return Err(format!("Keine Antwort: {}.", net::reason(&error))),
        }
    }
    Ok(()) // main endet, und mit ihm der Thread des Servers
}
// ANCHOR_END: run
