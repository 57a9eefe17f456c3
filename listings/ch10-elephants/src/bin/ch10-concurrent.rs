//! Fragt die Cloud nach drei Elefanten, nach allen zugleich.

use ch10_elephants::cli;
use ch10_elephants::cloud::{NAMES, fetch_elephant_data};
use ch10_elephants::timed::timed;
use futures::future::join_all;

// ANCHOR: concurrent
#[tokio::main(flavor = "current_thread")]
async fn main() {
    cli::parse::<()>("Drei Fragen an die Elephant Memory Cloud, zugleich in einem Thread.");
    let questions = NAMES.map(fetch_elephant_data); // drei Futures; noch fragt niemand
    for memory in timed("zugleich", join_all(questions)).await {
        cli::say(memory);
    }
}
// ANCHOR_END: concurrent
