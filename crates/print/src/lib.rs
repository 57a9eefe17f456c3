//! What everything that is printed, drawn or written has in common: German numbers, text in SVG, files written whole, what is told
//! beside the results.
//! In flow numbers, texts and contents, out flow text and files. It knows nothing of the book.

pub mod files;
pub mod german;
pub mod svg;
mod tell;

pub use tell::{show, tell};
