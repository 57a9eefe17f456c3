//! The book as its reader meets it: `cargo run`, its pages, ▶ in them, and all of it in a real browser.

mod browser;
mod chromium;
#[path = "../../crates/measure/tests/suite/fixture.rs"]
mod fixture;
mod lines;
mod notebook;
mod serve;
