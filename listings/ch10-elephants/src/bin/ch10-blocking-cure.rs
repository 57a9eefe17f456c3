//! Was blockiert, bekommt einen eigenen Thread; der Event Loop bleibt frei.

use std::thread;

use ch10_elephants::cli::{self, say};
use ch10_elephants::cloud::{DELAY, NAMES};
use ch10_elephants::timed::timed;
use futures::future::join_all;
use tokio::task::spawn_blocking;

// ANCHOR: cure
#[tokio::main(flavor = "current_thread")]
async fn main() {
    cli::parse::<()>("Drei Fragen zugleich; was blockiert, tut ein anderer Thread.");
    timed("zugleich, mit spawn_blocking", join_all(NAMES.map(fetch))).await;
}

async fn fetch(name: &'static str) {
    let elsewhere = spawn_blocking(move || {
        say(format!("{name}: gefragt"));
        thread::sleep(DELAY); // blockiert auch, aber nur diesen Thread
        say(format!("{name}: da"));
    });
    elsewhere.await.expect("darin bricht nichts ab"); // gibt den Event Loop frei
}
// ANCHOR_END: cure
