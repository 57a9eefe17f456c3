//! Misst, was eine Sekunde Warten kostet: ohne Pause gefragt und mit Waker (nur Linux).

use std::io;
use std::process::ExitCode;
use std::thread::Builder;
use std::time::Duration;

use ch07_mini_executor::executor::{Executor, spawn};
use ch07_mini_executor::timer::sleep;
use ch07_mini_executor::wait::Parking;
use ch07_mini_executor::{busy, cli, net, states};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    cli::finish(run().map_err(|error| {
        format!(
            "Diese Angaben sind hier nicht zu haben: {}.",
            net::reason(&error)
        )
    }))
}

fn run() -> io::Result<()> {
    measure("Ohne Pause", || {
        busy::run(sleep(SECOND));
        Ok(())
    })?;
    measure("Mit Waker", || {
        spawn(sleep(SECOND));
        Executor::new(Parking).run()
    })
}

/// Führt etwas in einem eigenen Thread aus und druckt, wie viel der gerechnet hat.
fn measure(name: &str, work: fn() -> io::Result<()>) -> io::Result<()> {
    let thread = Builder::new().name(name.into()).spawn(move || {
        work()?;
        states::of_this_process()
    })?;
    let threads = thread.join().expect("der Thread bricht nicht ab")?;
    for thread in threads.iter().filter(|thread| thread.name == name) {
        let seconds = cli::decimal(format!("{:.2}", thread.cpu_time.as_secs_f64()));
        cli::say(format!("{name:10} in 1 s gerechnet: {seconds} s"));
    }
    Ok(())
}
