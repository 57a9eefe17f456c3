//! The book changes while a page is open.

use std::time::Instant;

use live::Limits;
use serde_json::json;
use testing::book::Book;
use testing::reader::{Page, texts};
use testing::{BUILD, DEADLINE};

use crate::{real_book, root, serve};

#[test]
fn a_changed_listing_and_a_changed_chapter_are_built_anew() {
    let program = |word: &str| format!("fn main() {{ println!(\"{word}\"); }}\n");
    let chapter = |word: &str| {
        format!(
            "# Eins\n\n```rust\n{}```\n\n```text,ausgabe\n{word}\n```\n",
            program(word)
        )
    };
    let book = Book::of(&[("eins.md", &chapter("eins"))]);
    book.workspace();
    book.listing("ch01-probe", &[("ch01-probe", &program("eins"))]);
    book.write(
        "listings/ch01-probe/scenes/lauf.toml",
        "title = \"Lauf\"\nsteps = [{ start = \"Probe\" }, { exit = \"Probe\" }]\n[[process]]\nname = \"Probe\"\nprogram = \"ch01-probe\"\n",
    );
    let server = serve(
        book.root(),
        Limits {
            silence: DEADLINE,
            ..Limits::default()
        },
    );
    let mut page = server.reader.page();
    let mut run = 0;
    let mut play = |page: &mut Page| {
        run += 1;
        page.send(json!({"type": "play", "scene": "ch01-probe/lauf", "mode": "perform", "run": run}));
        let told = page.all_until("over");
        texts(&told, "out")
    };
    assert_eq!(play(&mut page), ["eins"]);
    let cell = json!({"type": "run-cell", "run": 1000, "cell": "eins#1"});
    page.send(cell.clone());
    assert_eq!(
        texts(&page.all_until("cell-ended"), "cell-output"),
        ["eins"]
    );

    // Of the same length and within the same second, as an editor may save it.
    book.write("listings/ch01-probe/src/bin/ch01-probe.rs", program("zwei"));
    book.write("book/text/eins.md", chapter("zwei"));
    let end = Instant::now() + BUILD;
    while play(&mut page) != ["zwei"] {
        assert!(Instant::now() < end, "the changed program runs");
    }
    loop {
        page.send(cell.clone());
        if texts(&page.all_until("cell-ended"), "cell-output") == ["zwei"] {
            break;
        }
        assert!(Instant::now() < end, "the changed cell runs");
    }

    // „cargo clean“ in another terminal, when cargo rests.
    server.reader.page().wait_until_built();
    testing::wait_until("everything is gone", DEADLINE, || {
        std::fs::remove_dir_all(book.root().join("target/debug")).is_ok()
    });
    assert_eq!(play(&mut page), ["zwei"]);
}

#[test]
fn every_page_is_told_its_cells_and_finds_their_texts_in_this_order() {
    let server = real_book();
    let (source, _) = source::check(root());
    let blocks =
        scraper::Selector::parse("main pre > code.language-rust").expect("a selector");
    let mut cells = source.cells();
    assert!(cells.len() > 10, "the book has cells");
    for chapter in &source.chapters {
        let name = chapter.path.with_extension("").display().to_string().replace('\\', "/");
        let (own, others) = cells
            .into_iter()
            .partition(|(id, _)| id.rsplit_once('#').is_some_and(|(page, _)| page == name));
        cells = others;
        let own: Vec<(String, String)> = own;
        let path = format!("/{name}.html");
        let told = server.reader.page_at(&path).wait_for("cells");
        let expected: Vec<_> =
            own.iter().map(|(id, program)| json!({"id": id, "program": program})).collect();
        assert_eq!(told["cells"], json!(expected), "{name}");

        let answer = server.reader.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let page = answer.html();
        let mut shown = page.select(&blocks).map(|code| code.text().collect::<String>());
        for (id, program) in &own {
            assert!(
                shown.any(|text| text.trim_end() == program.trim_end()),
                "{id}"
            );
        }
    }
    assert_eq!(cells, [], "cells on no page");
    // The front page is a copy of the first chapter.
    let first = source.cells().into_iter().next().expect("a cell");
    let told = server.reader.page_at("/").wait_for("cells");
    assert_eq!(told["cells"][0]["id"], first.0);
    assert_eq!(
        server.reader.page_at("/print.html").wait_for("cells")["cells"],
        json!([])
    );
}
