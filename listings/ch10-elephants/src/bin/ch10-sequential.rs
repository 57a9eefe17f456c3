//! Fragt die Cloud nach drei Elefanten, nach einem um den anderen.

use ch10_elephants::cli;
use ch10_elephants::cloud::{NAMES, fetch_elephant_data};
use ch10_elephants::timed::timed;

// ANCHOR: sequential
#[tokio::main(flavor = "current_thread")]
async fn main() {
    cli::parse::<()>("Drei Fragen an die Elephant Memory Cloud, nacheinander.");
    for memory in timed("nacheinander", one_after_another()).await {
        cli::say(memory);
    }
}

async fn one_after_another() -> Vec<String> {
    let mut memories = Vec::new();
    for name in NAMES {
        memories.push(fetch_elephant_data(name).await); // erst die Antwort, dann die Nächste
    }
    memories
}
// ANCHOR_END: sequential
