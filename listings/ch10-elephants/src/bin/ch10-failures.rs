//! Was geschieht, wenn ein Elefant nicht zu finden ist oder zu lange braucht.

use std::time::Duration;

use ch10_elephants::cli::{self, say};
use ch10_elephants::many;
use ch10_elephants::timed::timed;

// ANCHOR: failures
#[tokio::main(flavor = "current_thread")]
async fn main() {
    cli::parse::<()>("Fragen, von denen eine scheitert oder zu spät beantwortet wird.");
    let names = ["Mia", "Jumbo", "Tonga"];
    match timed("alle oder keiner", many::all_or_none(&names)).await {
        Ok(memories) => memories.into_iter().for_each(say),
        Err(error) => say(format!("Fehler: {error}")),
    }

    let second = Duration::from_secs(1);
    let elephants = [("Mia", second / 2), ("Benno", 60 * second)];
    for answer in timed("höchstens 1 s", many::in_time(second, &elephants)).await {
        say(answer.unwrap_or("zu spät"));
    }
}
// ANCHOR_END: failures
