//! Drei Futures in einem Vec: Wer sie der Reihe nach erwartet, hat nichts gewonnen.

use ch10_elephants::cli;
use ch10_elephants::cloud::{NAMES, fetch_elephant_data};
use ch10_elephants::timed::timed;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    cli::parse::<()>("Drei Fragen, erst gesammelt und dann in einer Schleife erwartet.");
    timed("gesammelt, dann erwartet", collected()).await;
    timed("gestartet, dann erwartet", spawned()).await;
}

// ANCHOR: wrong
/// FALSCH: Ein Future tut nichts, bis jemand ihn erwartet – hier einer nach dem anderen.
async fn collected() -> Vec<String> {
    let futures: Vec<_> = NAMES.into_iter().map(fetch_elephant_data).collect();
    let mut memories = Vec::new();
    for future in futures {
        memories.push(future.await);
    }
    memories
}
// ANCHOR_END: wrong

// ANCHOR: right
/// Eine Task läuft los, auch wenn niemand auf sie wartet.
async fn spawned() -> Vec<String> {
    let futures = NAMES.into_iter().map(fetch_elephant_data);
    let tasks: Vec<_> = futures.map(tokio::spawn).collect();
    let mut memories = Vec::new();
    for task in tasks {
        memories.push(task.await.expect("keine Frage bricht ab"));
    }
    memories
}
// ANCHOR_END: right
