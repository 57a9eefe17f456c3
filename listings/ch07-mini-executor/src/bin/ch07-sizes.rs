//! Wie groß Futures sind: so groß wie das, was sie sich über ein `await` hinweg merken.

use std::mem::size_of_val;
use std::time::Duration;

use ch07_mini_executor::by_hand::{Bill, Dish, bill};
use ch07_mini_executor::cli::say;
use ch07_mini_executor::timer::sleep;

// ANCHOR: buffers
/// Der Puffer wird nach dem `await` noch gebraucht.
async fn keeps_buffer() -> u8 {
    let buffer = [7; 1024];
    sleep(Duration::ZERO).await;
    buffer[0]
}

/// Nach dem `await` wird nur noch ein Byte daraus gebraucht.
async fn drops_buffer() -> u8 {
    let first = {
        let buffer = [7; 1024];
        buffer[0]
    };
    sleep(Duration::ZERO).await;
    first
}

/// Wartet auf zwei, nacheinander.
async fn two_in_turn() -> u8 {
    keeps_buffer().await + keeps_buffer().await
}

/// Wartet auf eine, die auf dem Heap liegt.
async fn boxed() -> u8 {
    Box::pin(keeps_buffer()).await
}
// ANCHOR_END: buffers

fn main() {
    let dish = Dish::default;
    let by_hand = Bill::AwaitsSoup {
        soup: dish(),
        roast: dish(),
    };
    for (name, size) in [
        ("Dish", size_of_val(&dish())),
        ("Bill, von Hand", size_of_val(&by_hand)),
        ("bill, async fn", size_of_val(&bill(dish(), dish()))),
        ("sleep", size_of_val(&sleep(Duration::ZERO))),
        ("keeps_buffer", size_of_val(&keeps_buffer())),
        ("drops_buffer", size_of_val(&drops_buffer())),
        ("two_in_turn", size_of_val(&two_in_turn())),
        ("boxed", size_of_val(&boxed())),
    ] {
        say(format!("{name:14} {size:5} Bytes"));
    }
}
