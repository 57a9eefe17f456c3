//! The measurements and their figures, against made-up reports and made-up programs.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod c10k;
mod chat;
mod figures;
mod fixture;
#[cfg(unix)]
mod killed;
