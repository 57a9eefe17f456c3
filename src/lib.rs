//! The book's own program: it checks, builds, serves and records the book, and measures its programs.
//! In go the chapters (`book/`) and the listings (`listings/`), out comes the HTML book.

pub mod cli;
pub mod figures;
mod interrupt;
pub mod measure;
pub mod notebook;
pub mod processes;
pub mod scene;
pub mod serve;
pub mod site;
pub mod source;
pub mod timeline;
