//! Every snippet of the book also holds under edition 2024.
//! skeptic compiles with edition 2021, the listings and this file with 2024. build.rs writes each snippet into a module
//! of its own; that this file compiles is the proof.

// A snippet's `main` is called by nobody here.
#![allow(dead_code)]

use std::path::Path;

include!(concat!(env!("OUT_DIR"), "/snippets_2024.rs"));

#[test]
fn every_snippet_of_the_book_compiles_under_edition_2024() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (source, _) = source::check(root);
    let found = source.snippets().len();
    assert!(found > 0, "the book has no snippets");
    assert_eq!(SNIPPETS, found);
}
