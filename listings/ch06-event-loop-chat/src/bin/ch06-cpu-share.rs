//! Misst, wie viel Rechenzeit eine heiße Schleife und einen Event Loop verbrauchen,
//! während niemand etwas sagt (nur Linux).

use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread::{self, Builder};
use std::time::Duration;

use ch06_event_loop_chat::{cli, hot_loop, net, server::QUEUE, server::Server, states};

/// So viele Clients schweigen bei jedem der beiden Server.
const CLIENTS: usize = 50;

fn main() -> ExitCode {
    cli::finish(run().map_err(|error| {
        format!(
            "Diese Angaben sind hier nicht zu haben: {}.",
            net::reason(&error)
        )
    }))
}

// ANCHOR: run
fn run() -> io::Result<()> {
    let hot = TcpListener::bind("127.0.0.1:0")?;
    let ready = TcpListener::bind("127.0.0.1:0")?;
    let mut silent = Vec::new();
    for address in [hot.local_addr()?, ready.local_addr()?].repeat(CLIENTS) {
        silent.push(TcpStream::connect(address)?); // sagt nie etwas
    }
    Builder::new()
        .name("Heiße Schleife".into())
        .spawn(move || hot_loop::serve(&hot))?;
    let mut server = Server::new(ready, QUEUE)?;
    Builder::new().name("Event Loop".into()).spawn(move || server.run())?;

    thread::sleep(Duration::from_secs(1));
    for thread in states::of_this_process()? {
        if thread.name.ends_with("Schleife") || thread.name.ends_with("Loop") {
            let seconds = cli::decimal(format!("{:.2}", thread.cpu_time.as_secs_f64()));
            let name = thread.name;
            cli::say(format!("{name:15} in 1 s gerechnet: {seconds} s"));
        }
    }
    Ok(())
}
// ANCHOR_END: run
