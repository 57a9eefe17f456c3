//! Measurements: the same load against several of the book's programs, in one run, and the figures drawn from what is
//! kept. In flow the programs, out flows a table on stdout and, on demand, `book/measurements/NAME.json` with
//! everything drawn from it. Nothing here judges: a measurement is shown, not asserted.
//! `hearing` starts what a `subject` is and listens to it, `gauge` says what that costs, `kept` keeps the result.

pub mod c10k;
pub mod chat;
pub mod figures;
pub mod gauge;
mod hearing;
pub mod herd;
pub mod kept;
pub mod machine;
mod section;
mod spread;
mod subject;
