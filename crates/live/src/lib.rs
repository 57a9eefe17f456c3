//! The book in the browser: pages over HTTP, and ▶ in them, for the reader of this machine and for nobody else.
//! `serve` shows the book and builds it anew after every change, `notebook` runs what a page asks for,
//! the folder `page` is the half of it that runs in the page.

mod notebook;
mod serve;

pub use notebook::{LONGEST_MESSAGE, Limits, ToPage, Token};
pub use serve::{Options, Serving, run, start};
