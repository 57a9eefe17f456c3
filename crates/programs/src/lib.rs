//! The book's programs as processes: building them, finding ports for them, starting, hearing and ending them.
//! `listings` has cargo build them, `toolbox` compiles what a reader writes against the crates of the book, `processes` starts
//! and ends one, `keeper` ends them all when we are killed, `system` says where and how eagerly one runs, `ports` finds
//! what they listen on, `interrupt` tells when the reader gives up. Nothing here knows what a program is started for.

pub mod interrupt;
#[cfg(unix)]
mod keeper;
pub mod listings;
pub mod ports;
pub mod processes;
pub mod system;
pub mod toolbox;
