//! What the book's source must not contain is refused, with one German sentence, the file and the line.
//! Each test writes a small good book into a temporary folder, spoils one thing, and compares every problem reported.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

use std::fs;
use std::path::Path;

use source::{self, Kind};
use tempfile::TempDir;

const CHAPTER: &str = "book/text/kapitel.md";
const LIB: &str = "listings/ch01-probe/src/lib.rs";

/// A chapter with one of everything that is allowed.
const GOOD: &str = r#"# Kapitel

Ein Schnipsel mit Ausgabe:

```rust
# fn hidden() {}
fn main() {
    println!("da");
}
```

```text,ausgabe
da
```

```rust,no_run
fn main() {}
```

```rust,should_panic
fn main() {
    panic!();
}
```

<p class="datei">listings/ch01-probe/src/lib.rs</p>

```rust
{{#include ../../listings/ch01-probe/src/lib.rs:answer}}
```

<p class="datei">listings/ch01-probe/src/bin/ch01-probe.rs</p>

```rust
{{#include ../../listings/ch01-probe/src/bin/ch01-probe.rs}}
```

```rust,compile_fail
{{#include ../../listings/ch01-probe/tests/compile-fail/wrong.rs}}
```

```console
$ cargo run --bin ch01-probe
$ cargo run --bin ch01-other
```

{{#include ../../listings/ch01-probe/scenes/szene.html}}

So schreibt man es: `\{{#include datei.rs:anker}}`.

```toml
[package]
```
"#;

/// A good book.
fn book() -> TempDir {
    let book = tempfile::tempdir().unwrap();
    for (path, content) in [
        (
            "book.toml",
            "[book]\ntitle = \"Probe\"\nsrc = \"book/text\"\n[build]\ncreate-missing = false\n",
        ),
        ("Cargo.toml", "[workspace]\nmembers = [\"listings/*\"]\n"),
        (
            "book/text/SUMMARY.md",
            "# Inhalt\n\n- [Kapitel](kapitel.md)\n",
        ),
        ("book/text/404.md", "# Nicht gefunden\n"),
        (CHAPTER, GOOD),
        (
            "listings/ch01-probe/Cargo.toml",
            "[package]\nname = \"ch01-probe\"\n\n[[bin]]\nname = \"ch01-other\"\npath = \"src/other.rs\"\n",
        ),
        (
            LIB,
            "// ANCHOR: answer\npub fn answer() -> u32 {\n    42\n}\n// ANCHOR_END: answer\n",
        ),
        (
            "listings/ch01-probe/src/bin/ch01-probe.rs",
            "fn main() {}\n",
        ),
        (
            "listings/ch01-probe/tests/compile-fail/wrong.rs",
            "fn main() { x }\n",
        ),
        (
            "listings/ch01-probe/tests/compile_fail.rs",
            "// rustc: tests/compile-fail/*.rs\n",
        ),
        (
            "listings/ch01-probe/scenes/szene.toml",
            "title = \"Szene\"\n",
        ),
        (
            "listings/ch01-probe/scenes/szene.html",
            "<figure></figure>\n",
        ),
    ] {
        write(&book, path, content);
    }
    book
}

fn write(book: &TempDir, path: &str, content: &str) {
    let path = book.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The problems of a book, as they are printed.
fn problems(root: &Path) -> Vec<String> {
    match source::load(root) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// The problems of the good book with `addition` at the end of its chapter; `addition` begins on line 1 of the result.
fn problems_of(addition: &str) -> Vec<String> {
    let book = book();
    write(&book, CHAPTER, &format!("{GOOD}\n{addition}"));
    let lines = GOOD.lines().count() + 1;
    problems(book.path())
        .into_iter()
        .map(
            |problem| match problem.strip_prefix(&format!("{CHAPTER}:")) {
                Some(rest) => {
                    let (line, message) = rest.split_once(": ").unwrap();
                    let line: usize = line.parse().unwrap();
                    format!("{}: {message}", line - lines)
                }
                None => problem,
            },
        )
        .collect()
}

#[track_caller]
fn refused(addition: &str, expected: &[&str]) {
    assert_eq!(problems_of(addition), expected);
}

#[test]
fn a_good_book_is_accepted_and_its_blocks_are_told_apart() {
    let book = book();
    let source = source::load(book.path()).unwrap();
    assert_eq!(source.chapters.len(), 1);
    let chapter = &source.chapters[0];
    assert_eq!(chapter.name, "Kapitel");
    assert!(chapter.expanded.contains("\npub fn answer() -> u32 {\n    42\n}\n```\n"));
    assert!(chapter.expanded.contains("`{{#include datei.rs:anker}}`"));

    let kinds: Vec<(usize, &str)> = chapter
        .blocks
        .iter()
        .map(|block| {
            let kind = match &block.kind {
                Kind::Snippet { no_run: true, .. } => "no_run",
                Kind::Snippet {
                    should_panic: true, ..
                } => "should_panic",
                Kind::Snippet { .. } => "snippet",
                Kind::Listing {
                    anchor: Some(_), ..
                } => "excerpt",
                Kind::Listing { .. } => "whole file",
                Kind::CompileFail { .. } => "compile_fail",
                Kind::Output => "output",
                Kind::Other => "other",
            };
            (block.line, kind)
        })
        .collect();
    assert_eq!(
        kinds,
        [
            (5, "snippet"),
            (12, "output"),
            (16, "no_run"),
            (20, "should_panic"),
            (28, "excerpt"),
            (34, "whole file"),
            (38, "compile_fail"),
            (42, "other"),
            (51, "other"),
        ]
    );
    let first = &source.snippets()[0];
    assert_eq!((first.chapter.as_str(), first.line), ("kapitel", 5));
    assert_eq!(first.output.as_deref(), Some("da\n"));
    assert!(first.program.starts_with("fn hidden() {}\nfn main() {\n"));
}

#[test]
fn a_good_book_with_windows_line_ends_is_the_same_book() {
    let unix = source::load(book().path()).unwrap();
    let book = book();
    for path in [
        CHAPTER,
        LIB,
        "book/text/SUMMARY.md",
        "listings/ch01-probe/scenes/szene.html",
    ] {
        let text = fs::read_to_string(book.path().join(path)).unwrap();
        write(&book, path, &text.replace('\n', "\r\n"));
    }
    let windows = source::load(book.path()).unwrap();
    assert_eq!(windows.chapters[0].blocks, unix.chapters[0].blocks);
}

#[test]
fn all_problems_are_reported_at_once() {
    refused(
        "```foo\n```\n\n{{#include fehlt.txt}}\n\n```\n```\n",
        &[
            "1: Das Wort „foo“ passt nicht in die erste Zeile dieses Codeblocks (bekannt: rust (mit no_run, should_panic oder compile_fail), text (mit ausgabe), console, toml, json, python, html).",
            "4: Die eingebundene Datei „book/text/fehlt.txt“ fehlt.",
            "6: Der Codeblock nennt keine Sprache (bekannt: rust (mit no_run, should_panic oder compile_fail), text (mit ausgabe), console, toml, json, python, html).",
        ],
    );
}

// ---- includes ----

#[test]
fn an_unknown_anchor_is_refused() {
    refused(
        "Text\n\n{{#include ../../listings/ch01-probe/src/lib.rs:answr}}\n",
        &["3: Den Anker „answr“ gibt es in „listings/ch01-probe/src/lib.rs“ nicht."],
    );
}

#[test]
fn an_anchor_that_is_not_closed_is_refused_where_it_stands() {
    let book = book();
    write(&book, LIB, "// ANCHOR: answer\npub fn answer() {}\n");
    assert_eq!(
        problems(book.path()),
        [format!(
            "{LIB}:1: „ANCHOR: answer“ wird nicht mit „ANCHOR_END: answer“ geschlossen."
        )]
    );
}

#[test]
fn an_anchor_that_is_closed_but_not_opened_is_refused() {
    let book = book();
    let good = fs::read_to_string(book.path().join(LIB)).unwrap();
    write(&book, LIB, &format!("{good}// ANCHOR_END: other\n"));
    assert_eq!(
        problems(book.path()),
        [format!(
            "{LIB}:6: „ANCHOR_END: other“ steht ohne „ANCHOR: other“ davor."
        )]
    );
}

#[test]
fn an_anchor_that_occurs_twice_is_refused() {
    let book = book();
    let good = fs::read_to_string(book.path().join(LIB)).unwrap();
    write(&book, LIB, &format!("{good}{good}"));
    // mdBook would show the first one; the second end then has no beginning either.
    assert_eq!(
        problems(book.path()),
        [
            format!("{LIB}:6: Den Anker „answer“ gibt es in dieser Datei schon."),
            format!("{LIB}:10: „ANCHOR_END: answer“ steht ohne „ANCHOR: answer“ davor."),
        ]
    );
}

#[test]
fn an_anchor_that_no_chapter_includes_is_refused_unless_it_is_a_copy_of_one_that_is() {
    let book = book();
    let answer = fs::read_to_string(book.path().join(LIB)).unwrap();
    write(&book, "listings/ch01-probe/src/copy.rs", &answer);
    assert_eq!(problems(book.path()), [""; 0]);
    let other =
        format!("{answer}// ANCHOR: other\nconst N: u8 = 1;\n// ANCHOR_END: other\n");
    write(&book, "listings/ch01-probe/src/copy.rs", &other);
    assert_eq!(
        problems(book.path()),
        [
            "listings/ch01-probe/src/copy.rs:1: Den Anker „answer“ bindet kein Kapitel ein.",
            "listings/ch01-probe/src/copy.rs:6: Den Anker „other“ bindet kein Kapitel ein.",
        ]
    );
}

#[test]
fn an_anchor_around_nothing_is_refused() {
    let book = book();
    write(&book, LIB, "// ANCHOR: answer\n\n// ANCHOR_END: answer\n");
    assert_eq!(
        problems(book.path()),
        [format!(
            "{CHAPTER}:29: „../../listings/ch01-probe/src/lib.rs:answer“ bindet nichts ein: Dort steht kein Text."
        )]
    );
}

#[test]
fn a_missing_include_is_refused() {
    refused(
        "{{#include bild.svg}}\n",
        &["1: Die eingebundene Datei „book/text/bild.svg“ fehlt."],
    );
}

#[test]
fn a_missing_include_in_an_included_file_is_refused_there() {
    let book = book();
    write(&book, "book/teil.md", "Absatz\n\n{{#include fehlt.txt}}\n");
    write(
        &book,
        CHAPTER,
        &format!("{GOOD}\n{{{{#include ../teil.md}}}}\n"),
    );
    assert_eq!(
        problems(book.path()),
        ["book/teil.md:3: Die eingebundene Datei „book/fehlt.txt“ fehlt."]
    );
}

#[test]
fn an_include_of_itself_is_refused() {
    let book = book();
    write(&book, "book/kreis.md", "Rund\n{{#include kreis.md}}\n");
    write(
        &book,
        CHAPTER,
        &format!("{GOOD}\n{{{{#include ../kreis.md}}}}\n"),
    );
    assert_eq!(
        problems(book.path()),
        [
            "book/kreis.md:2: „kreis.md“ bindet sich selbst ein, oder Includes sind zu tief geschachtelt."
        ]
    );
}

#[test]
fn an_include_from_outside_the_book_is_refused() {
    refused(
        "{{#include ../../../fremd.txt}}\n\n{{#include /etc/hostname}}\n",
        &[
            "1: „../../../fremd.txt“ liegt außerhalb des Buchs.",
            "3: „/etc/hostname“ liegt außerhalb des Buchs.",
        ],
    );
}

#[test]
fn line_numbers_in_an_include_are_refused() {
    for lines in ["2", "2:3", "2:", ":3", "answer:3"] {
        let path = "../../listings/ch01-probe/src/lib.rs";
        refused(
            &format!("{{{{#include {path}:{lines}}}}}\n"),
            &[&format!(
                "1: „{path}:{lines}“ nennt Zeilennummern; ein Include nennt einen Anker („{path}:ANKER“) oder die ganze Datei."
            )],
        );
    }
}

#[test]
fn a_whole_file_with_anchors_in_it_is_refused() {
    refused(
        "{{#include ../../listings/ch01-probe/src/lib.rs}}\n",
        &[
            "1: „listings/ch01-probe/src/lib.rs“ enthält Anker, die beim Einbinden der ganzen Datei mit abgedruckt würden; binden Sie einen Anker ein.",
        ],
    );
}

#[test]
fn mdbooks_other_directives_are_refused() {
    for word in ["playground", "rustdoc_include"] {
        refused(
            &format!("{{{{#{word} ../../listings/ch01-probe/src/lib.rs}}}}\n"),
            &[&format!(
                "1: „{{{{#{word}}}}}“ wird in diesem Buch nicht verwendet, nur „{{{{#include DATEI:ANKER}}}}“."
            )],
        );
    }
    refused(
        "{{#inlcude a.rs}}\n",
        &["1: Die Anweisung „{{#inlcude …}}“ kennt mdBook nicht."],
    );
    refused(
        "{{#include}}\n",
        &[
            "1: Diese „{{#“-Anweisung ist unvollständig; mdBook würde sie so abdrucken, wie sie hier steht.",
        ],
    );
    refused(
        "{{#include kapitel.md wort}}\n",
        &["1: Hinter dem Pfad eines Includes ist „wort“ zu viel."],
    );
}

// ---- chapters ----

#[test]
fn a_chapter_that_summary_names_but_nobody_wrote_is_refused() {
    let book = book();
    write(
        &book,
        "book/text/SUMMARY.md",
        "# Inhalt\n\n- [Kapitel](kapitel.md)\n- [Weiter](weiter.md)\n",
    );
    assert_eq!(
        problems(book.path()),
        ["book/text/SUMMARY.md:4: Das Kapitel „weiter.md“ fehlt."]
    );
}

#[test]
fn a_draft_chapter_is_refused() {
    let book = book();
    write(
        &book,
        "book/text/SUMMARY.md",
        "# Inhalt\n\n- [Kapitel](kapitel.md)\n- [Weiter]()\n",
    );
    assert_eq!(
        problems(book.path()),
        ["book/text/SUMMARY.md:4: Dieses Kapitel ist nur ein Entwurf ohne Datei."]
    );
}

#[test]
fn a_chapter_named_twice_is_refused() {
    let book = book();
    write(
        &book,
        "book/text/SUMMARY.md",
        "# Inhalt\n\n- [Kapitel](kapitel.md)\n- [Kapitel](./kapitel.md)\n",
    );
    assert_eq!(
        problems(book.path()),
        ["book/text/SUMMARY.md:4: Das Kapitel „./kapitel.md“ ist schon einmal genannt."]
    );
}

#[test]
fn a_chapter_that_summary_does_not_name_is_refused() {
    let book = book();
    write(&book, "book/text/teil/vergessen.md", "# Vergessen\n");
    assert_eq!(
        problems(book.path()),
        [
            "book/text/teil/vergessen.md:1: Dieses Kapitel steht nicht in SUMMARY.md, also nicht im Buch."
        ]
    );
}

#[test]
fn a_book_without_summary_or_with_a_broken_book_toml_is_refused() {
    let book = book();
    fs::remove_file(book.path().join("book/text/SUMMARY.md")).unwrap();
    let found = problems(book.path());
    assert!(
        found[0].starts_with(
            "book/text/SUMMARY.md:1: Das Inhaltsverzeichnis lässt sich nicht lesen: "
        ),
        "{found:?}"
    );
    write(&book, "book.toml", "[book\n");
    let found = problems(book.path());
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("book.toml:1: book.toml lässt sich nicht lesen: "),
        "{found:?}"
    );
}

// ---- words and shape of code blocks ----

#[test]
fn an_unknown_word_in_an_info_string_is_refused() {
    for (info, word) in [
        ("rust,norun", "norun"),
        ("rust no-run", "no-run"),
        ("rust,ausgabe", "ausgabe"),
        ("text,no_run", "no_run"),
        ("ausgabe", "ausgabe"),
        ("bash", "bash"),
        ("console,editable", "editable"),
    ] {
        let found = problems_of(&format!("```{info}\nfn main() {{}}\n```\n"));
        assert_eq!(found.len(), 1, "{info}: {found:?}");
        assert!(
            found[0].starts_with(&format!(
                "1: Das Wort „{word}“ passt nicht in die erste Zeile"
            )),
            "{info}: {found:?}"
        );
    }
}

#[test]
fn words_that_contradict_each_other_are_refused() {
    refused(
        "```rust,no_run,should_panic\nfn main() {}\n```\n",
        &["1: „no_run“ und „should_panic“ vertragen sich nicht in einem Codeblock."],
    );
}

#[test]
fn ignore_is_refused_with_a_message_of_its_own() {
    refused(
        "```rust,ignore\nfn main() {}\n```\n",
        &["1: „ignore“ gibt es in diesem Buch nicht: Jeder Rust-Block wird geprüft."],
    );
}

#[test]
fn an_indented_code_block_is_refused() {
    refused(
        "Text\n\n    fn main() {}\n",
        &[
            "3: Eingerückter Codeblock; setzen Sie ihn zwischen ``` und nennen Sie die Sprache.",
        ],
    );
}

#[test]
fn a_code_block_that_mdbook_does_not_recognize_is_refused() {
    let message = "Hier soll wohl ein Codeblock stehen, mdBook erkennt aber keinen (davor gehört eine Leerzeile).";
    refused(
        "<div>\n```rust\nfn main() { x }\n```\n</div>\n",
        &[&format!("2: {message}"), &format!("4: {message}")],
    );
}

#[test]
fn a_code_block_that_is_never_closed_is_refused() {
    refused(
        "Text\n\n```text\nAb hier wäre alles Code.\n",
        &["3: Dieser Codeblock wird nicht geschlossen."],
    );
}

// ---- rust blocks nothing tests ----

#[test]
fn a_rust_block_that_nothing_tests_is_refused() {
    let message = "1: Diesen Rust-Block prüft nichts: Er hat kein „fn main“ und besteht nicht aus genau einem Include aus einem Listing.";
    refused("```rust\nlet x = 1;\n```\n", &[message]);
    refused("```rust\n```\n", &[message]);
    refused(
        "```rust\n// davor\n{{#include ../../listings/ch01-probe/src/lib.rs:answer}}\n```\n",
        &[message],
    );
}

#[test]
fn an_excerpt_of_a_file_that_cargo_does_not_build_is_refused() {
    for file in [
        "listings/ch01-probe/src/nirgends.rs",
        "listings/ch01-probe/tests/common/mod.rs",
        "listings/ch01-probe/teil.rs",
        "book/teil.rs",
    ] {
        let book = book();
        write(&book, file, "pub fn part() {}\n");
        write(
            &book,
            CHAPTER,
            &format!(
                "{GOOD}\n<p class=\"datei\">{file}</p>\n\n```rust\n{{{{#include ../../{file}}}}}\n```\n"
            ),
        );
        let line = GOOD.lines().count() + 4;
        assert_eq!(
            problems(book.path()),
            [format!(
                "{CHAPTER}:{line}: Diesen Rust-Block prüft nichts: „{file}“ wird von keinem Listing gebaut (src/**, tests/*.rs, examples/**), und ein „fn main“ hat er nicht."
            )]
        );
    }
}

#[test]
fn an_excerpt_of_a_declared_module_is_accepted() {
    let book = book();
    let lib = fs::read_to_string(book.path().join(LIB)).unwrap();
    write(&book, LIB, &format!("{lib}mod part;\n"));
    write(
        &book,
        "listings/ch01-probe/src/part.rs",
        "pub fn part() {}\n",
    );
    let file = "listings/ch01-probe/src/part.rs";
    write(
        &book,
        CHAPTER,
        &format!(
            "{GOOD}\n<p class=\"datei\">{file}</p>\n\n```rust\n{{{{#include ../../{file}}}}}\n```\n"
        ),
    );
    assert_eq!(problems(book.path()), [""; 0]);
}

#[test]
fn an_excerpt_without_its_file_name_is_refused() {
    let include =
        "```rust\n{{#include ../../listings/ch01-probe/src/lib.rs:answer}}\n```\n";
    let missing = "Vor diesem Listing-Auszug fehlt die Zeile <p class=\"datei\">listings/ch01-probe/src/lib.rs</p>.";
    refused(include, &[&format!("1: {missing}")]);
    let label = "<p class=\"datei\">listings/ch01-probe/src/lib.rs</p>\n\nText\n\n";
    refused(
        &format!("{label}{include}"),
        &[
            "1: Auf „listings/ch01-probe/src/lib.rs“ folgt kein Codeblock (dazwischen gehört eine Leerzeile).",
            &format!("5: {missing}"),
        ],
    );
}

#[test]
fn an_excerpt_under_the_name_of_another_file_is_refused() {
    refused(
        "<p class=\"datei\">src/lib.rs</p>\n\n```rust\n{{#include ../../listings/ch01-probe/src/lib.rs:answer}}\n```\n",
        &[
            "3: Über dem Codeblock steht „src/lib.rs“, sein Inhalt kommt aber aus „listings/ch01-probe/src/lib.rs“.",
        ],
    );
    refused(
        "<p class=\"datei\">src/lib.rs</p>\n\n```rust\nfn main() {}\n```\n",
        &[
            "3: Über dem Codeblock steht „src/lib.rs“, er besteht aber nicht aus genau einem Include dieser Datei.",
        ],
    );
}

#[test]
fn an_excerpt_with_a_word_for_snippets_is_refused() {
    refused(
        "<p class=\"datei\">listings/ch01-probe/src/lib.rs</p>\n\n```rust,no_run\n{{#include ../../listings/ch01-probe/src/lib.rs:answer}}\n```\n",
        &[
            "3: „no_run“ gehört nicht an einen Listing-Auszug: Ihn prüft das Listing selbst.",
        ],
    );
}

#[test]
fn a_compile_fail_block_with_anything_but_a_compile_fail_case_is_refused() {
    let message = "1: Ein compile_fail-Block besteht aus genau einem Include aus listings/*/tests/compile-fail/*.rs.";
    refused("```rust,compile_fail\nfn main() { x }\n```\n", &[message]);
    refused(
        "```rust,compile_fail\n{{#include ../../listings/ch01-probe/src/lib.rs:answer}}\n```\n",
        &[message],
    );
}

#[test]
fn a_compile_fail_case_that_no_test_runs_is_refused() {
    let book = book();
    fs::remove_file(book.path().join("listings/ch01-probe/tests/compile_fail.rs")).unwrap();
    assert_eq!(
        problems(book.path()),
        [format!(
            "{CHAPTER}:38: „listings/ch01-probe/tests/compile-fail/wrong.rs“ prüft niemand: Kein Test neben „compile-fail“ nennt diesen Ordner."
        )]
    );
}

#[test]
fn an_inner_attribute_in_a_snippet_is_refused() {
    refused(
        "```rust\n# #![allow(dead_code)]\nfn main() {}\n```\n",
        &[
            "1: „#![…]“ wirkt im Schnipsel nicht; schreiben Sie „#[…]“ an das, was es betrifft.",
        ],
    );
}

// ---- output blocks ----

#[test]
fn an_output_block_that_does_not_follow_its_snippet_directly_is_refused() {
    let message = "Ein ausgabe-Block folgt unmittelbar auf den Schnipsel, der das druckt.";
    let snippet = "```rust\nfn main() {}\n```\n";
    let output = "```text,ausgabe\nda\n```\n";
    refused(output, &[&format!("1: {message}")]);
    refused(
        &format!("{snippet}\nDas druckt:\n\n{output}"),
        &[&format!("7: {message}")],
    );
    refused(
        &format!("{snippet}\n{output}\n{output}"),
        &[&format!("9: {message}")],
    );
}

#[test]
fn an_output_block_under_a_snippet_that_is_not_run_is_refused() {
    refused(
        "```rust,no_run\nfn main() {}\n```\n\n```text,ausgabe\nda\n```\n",
        &[
            "5: Der Schnipsel über dieser Ausgabe ist no_run; was nicht läuft, druckt nichts.",
        ],
    );
}

// ---- listings, scenes, programs ----

#[test]
fn a_listing_that_no_chapter_uses_is_refused() {
    let book = book();
    write(&book, "listings/ch02-leer/Cargo.toml", "[package]\n");
    assert_eq!(
        problems(book.path()),
        ["listings/ch02-leer/Cargo.toml:1: Kein Kapitel zeigt etwas aus diesem Listing."]
    );
}

#[test]
fn a_scene_that_no_chapter_shows_is_refused_but_does_not_keep_record_from_running() {
    let book = book();
    write(&book, "listings/ch01-probe/scenes/neu.toml", "");
    let found = source::load(book.path()).unwrap_err();
    assert_eq!(
        problems(book.path()),
        [
            "listings/ch01-probe/scenes/neu.toml:1: Kein Kapitel zeigt diese Szene: „listings/ch01-probe/scenes/neu.html“ wird nirgends eingebunden."
        ]
    );
    assert!(found.iter().all(|problem| problem.in_progress));
}

#[test]
fn a_timeline_that_no_chapter_shows_is_refused_but_does_not_keep_record_from_running() {
    let book = book();
    write(&book, "listings/ch01-probe/scenes/szene.svg", "<svg/>\n");
    let found = source::load(book.path()).unwrap_err();
    assert_eq!(
        problems(book.path()),
        [
            "listings/ch01-probe/scenes/szene.svg:1: Kein Kapitel zeigt diese Zeitachse: „listings/ch01-probe/scenes/szene.svg“ wird nirgends eingebunden."
        ]
    );
    assert!(found.iter().all(|problem| problem.in_progress));
}

#[test]
fn a_scene_that_is_not_recorded_yet_is_refused_but_does_not_keep_record_from_running() {
    let book = book();
    fs::remove_file(book.path().join("listings/ch01-probe/scenes/szene.html")).unwrap();
    let found = source::load(book.path()).unwrap_err();
    assert_eq!(
        problems(book.path()),
        [format!(
            "{CHAPTER}:47: Die Szene „ch01-probe/szene“ ist noch nicht aufgezeichnet: cargo run -- record ch01-probe/szene"
        )]
    );
    assert!(found.iter().all(|problem| problem.in_progress));
}

#[test]
fn a_timeline_that_is_not_drawn_yet_is_refused_as_its_scene_is_unless_nobody_asked_for_it()
{
    let book = book();
    let chapter =
        format!("{GOOD}\n{{{{#include ../../listings/ch01-probe/scenes/szene.svg}}}}\n");
    let line = chapter.lines().count();
    write(&book, CHAPTER, &chapter);
    assert_eq!(
        problems(book.path()),
        [format!(
            "{CHAPTER}:{line}: Die eingebundene Datei „listings/ch01-probe/scenes/szene.svg“ fehlt."
        )]
    );
    write(
        &book,
        "listings/ch01-probe/scenes/szene.toml",
        "[timeline]\ndesc = \"\"\n",
    );
    let found = source::load(book.path()).unwrap_err();
    assert_eq!(
        problems(book.path()),
        [format!(
            "{CHAPTER}:{line}: Die Szene „ch01-probe/szene“ ist noch nicht aufgezeichnet: cargo run -- record ch01-probe/szene"
        )]
    );
    assert!(found.iter().all(|problem| problem.in_progress));
}

#[test]
fn a_number_that_is_not_drawn_yet_is_refused_but_does_not_keep_figures_from_running() {
    let book = book();
    write(
        &book,
        "book/measurements/zahlen.txt",
        "ANCHOR: a\n1\nANCHOR_END: a\n",
    );
    let chapter = format!("{GOOD}\n{{{{#include ../measurements/zahlen.txt:b}}}}\n");
    let line = chapter.lines().count();
    write(&book, CHAPTER, &chapter);
    let found = source::load(book.path()).unwrap_err();
    assert_eq!(
        problems(book.path()),
        [format!(
            "{CHAPTER}:{line}: Den Anker „b“ gibt es in „book/measurements/zahlen.txt“ nicht; was gemessen ist, schreibt: cargo run -- figures"
        )]
    );
    assert!(found.iter().all(|problem| problem.in_progress));
}

#[test]
fn a_command_with_an_unknown_program_is_refused() {
    refused(
        "```console\n$ cargo run --bin ch01-probe\n$ cargo run --bin ch01-prob -- --port 1\n```\n",
        &["3: Ein Programm „ch01-prob“ gibt es in keinem Listing."],
    );
}
