//! Measurements: the same load against several of the book's programs, in one run.
//! In flow the programs, out flow a table on stdout and, on demand, `book/measurements/NAME.json`
//! and the `NAME.html` that a chapter includes. Nothing here judges: a measurement is shown, not asserted.

pub mod c10k;
pub mod chat;
pub mod figures;
pub mod herd;
pub mod machine;
mod section;
