//! The book as `cargo run` serves it: its pages, and ▶ in them.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

#[cfg(target_os = "linux")]
mod notebook;
mod program;
mod serve;

use std::path::Path;

use program::ROOT;
use programs::listings::{self, Programs};

/// Waits until the listings' programs are built, as long as cargo takes: what is timed comes after that.
fn wait_for_listings() -> &'static Programs {
    listings::built(Path::new(ROOT)).expect("the listings build")
}
