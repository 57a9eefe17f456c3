//! FALSCH, und mit Absicht: Wer im Event Loop blockiert, hält alle auf.

use std::thread;

use ch10_elephants::cli::{self, say};
use ch10_elephants::cloud::{DELAY, NAMES};
use ch10_elephants::timed::timed;
use futures::future::join_all;

// ANCHOR: trap
#[tokio::main(flavor = "current_thread")]
async fn main() {
    cli::parse::<()>("Drei Fragen zugleich, falsch gestellt: Jede blockiert den Thread.");
    timed("zugleich, mit thread::sleep", join_all(NAMES.map(fetch))).await;
}

async fn fetch(name: &str) {
    say(format!("{name}: gefragt"));
    thread::sleep(DELAY); // kein .await: So lange kommt kein anderer Future an die Reihe
    say(format!("{name}: da"));
}
// ANCHOR_END: trap
