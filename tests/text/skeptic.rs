//! Every snippet of the book is compiled and run, and prints exactly what the book says it prints.
//! build.rs writes the tests, named after chapter and line: `sockets_line_34`. That such a test can fail is proved beside the
//! program around a snippet, in crates/source/tests/snippets.rs.

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));
