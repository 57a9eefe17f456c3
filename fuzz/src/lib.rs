//! What holds of any bytes whatsoever: one function for each reader of foreign bytes; it panics where the reader is at fault.
//! The fuzzer calls them with what it thinks up, `cargo test` with everything under `seeds/`: what was found once stays a test.

mod lines;
mod markup;
mod messages;
mod plays;

pub use lines::lines;
pub use messages::messages;
pub use plays::{recordings, scripts};
