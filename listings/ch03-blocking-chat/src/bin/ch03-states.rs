//! Zeigt, was das Betriebssystem über einen wartenden und einen rechnenden Thread weiß
//! (nur Linux).

use std::hint::black_box;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread::{self, Builder};
use std::time::Duration;

use ch03_blocking_chat::{cli, net, states};

fn main() -> ExitCode {
    cli::finish(run().map_err(|error| {
        format!(
            "Diese Angaben sind hier nicht zu haben: {}.",
            net::reason(&error)
        )
    }))
}

// ANCHOR: run
fn run() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let silent = TcpStream::connect(listener.local_addr()?)?; // sagt nie etwas
    let (mut connection, _) = listener.accept()?;

    Builder::new().name("wartet".into()).spawn(move || connection.read(&mut [0]))?;
    Builder::new().name("rechnet".into()).spawn(|| {
        for number in 0u64.. {
            black_box(number); // zählt, so schnell es geht
        }
    })?;

    thread::sleep(Duration::from_secs(1));
    for thread in states::of_this_process()? {
        if ["wartet", "rechnet"].contains(&thread.name.as_str()) {
            cli::say(thread);
        }
    }
    drop(silent);
    Ok(())
}
// ANCHOR_END: run
