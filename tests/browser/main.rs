//! The book in a real browser. A binary of its own: beside other tests nobody could say how long a reader waits.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod chromium;
#[path = "../server/program.rs"]
mod program;
mod reading;
