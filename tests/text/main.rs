//! What the book says: chapters, glossary, snippets, and the sentences that stand on a measurement.
//! In flow the sources of the book and the pages made of them, out flows every sentence that does not hold.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test that panics has failed"
)]

mod c10k_claims;
mod chapters;
mod compiler;
mod glossary;
mod scene_claims;
mod skeptic;
