//! Drei Wecker zugleich, in einem Thread.

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ch07_mini_executor::cli::{self, decimal, say};
use ch07_mini_executor::executor::{Executor, spawn};
use ch07_mini_executor::join::join_all;
use ch07_mini_executor::net;
use ch07_mini_executor::timer::sleep;
use ch07_mini_executor::wait::Parking;
use ch07_mini_executor::watched::Watched;

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    spawn(three_alarms());
    Executor::new(Parking)
        .run()
        .map_err(|error| format!("Der Executor ist zu Ende: {}.", net::reason(&error)))
}

// ANCHOR: alarms
async fn three_alarms() {
    let start = Instant::now();
    let polls = Rc::new(Cell::new(0));
    let alarm = |(name, seconds)| Watched {
        name,
        future: Box::pin(sleep(Duration::from_secs(seconds))),
        start,
        polls: polls.clone(),
    };
    join_all([("Anna", 3), ("Ben", 1), ("Carla", 2)].map(alarm)).await;

    let seconds = decimal(format!("{:.2}", start.elapsed().as_secs_f64()));
    let polls = polls.get();
    say(format!("Alle fertig nach {seconds} s, {polls}-mal gefragt"));
}
// ANCHOR_END: alarms
