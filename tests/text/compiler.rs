//! What the compiler says of the book: every snippet holds under edition 2024 with nothing but what a snippet may use, as ▶ compiles
//! it (skeptic compiles with edition 2021); what must not compile is refused, and in the words that the chapter quotes.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use programs::toolbox::{SOURCE, Toolbox};
use regex::Regex;
use source::{Block, Kind, Source};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn toolbox() -> &'static Toolbox {
    static TOOLBOX: LazyLock<Toolbox> =
        LazyLock::new(|| Toolbox::built(Path::new(ROOT)).unwrap());
    &TOOLBOX
}

fn the_source() -> Source {
    source::load(Path::new(ROOT)).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

/// What the compiler says to a program.
fn compile(program: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(SOURCE), program).unwrap();
    let mut command = toolbox().compiler(folder.path(), Path::new("nichts"), false);
    command.arg("--emit=metadata").output().unwrap()
}

/// The messages among the compiler's JSON, as a person would read them.
fn messages(output: &Output) -> Vec<String> {
    let lines = std::str::from_utf8(&output.stderr).unwrap().lines();
    let messages =
        lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    messages
        .filter(|message| message["level"] == "error" && message["spans"][0].is_object())
        .map(|message| message["rendered"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_snippet_compiles_under_edition_2024_with_what_a_snippet_may_use() {
    let mut all = "#![allow(warnings)]\nfn main() {}\n".to_owned();
    let snippets = the_source().snippets();
    assert!(!snippets.is_empty(), "the book has no snippets");
    for (number, snippet) in snippets.iter().enumerate() {
        let place = format!("{}, line {}", snippet.chapter, snippet.line);
        writeln!(
            all,
            "// {place}\nmod snippet_{number} {{\n{}}}",
            snippet.program
        )
        .unwrap();
    }
    let compiled = compile(&all);
    assert!(
        compiled.status.success(),
        "{}",
        messages(&compiled).concat()
    );
}

#[test]
fn a_snippet_that_uses_anything_else_does_not_compile() {
    for (program, fits) in [
        ("use tokio::net::TcpStream; fn main() {}", true),
        ("use socket2::Socket; fn main() {}", false),
        ("fn main() { let gen = 1; }", false), // a name only until edition 2021
    ] {
        assert_eq!(compile(program).status.success(), fits, "{program}");
    }
}

/// What the paragraph below a block says of the compiler: the codes of errors, and its words after „Der Compiler sagt:“.
fn quoted(paragraph: &str) -> Vec<&str> {
    static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("E[0-9]{4}").unwrap());
    static WORDS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("Der Compiler sagt: „([^“]+)“").unwrap());
    let words = WORDS.captures_iter(paragraph).filter_map(|found| found.get(1));
    CODE.find_iter(paragraph).chain(words).map(|found| found.as_str()).collect()
}

/// The paragraph below a code block of a chapter.
fn paragraph_below(block: &Block) -> String {
    let text = fs::read_to_string(Path::new(ROOT).join(&block.file)).unwrap();
    let mut below = text.lines().skip(block.line);
    assert!(below.any(|line| line == "```"), "the block ends");
    let below = below.skip_while(|line| line.is_empty());
    below.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_must_not_compile_is_refused_for_one_reason_and_as_the_chapter_says() {
    let source = the_source();
    let blocks = source.chapters.iter().flat_map(|chapter| &chapter.blocks);
    let blocks: Vec<&Block> =
        blocks.filter(|block| matches!(block.kind, Kind::CompileFail { .. })).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let Kind::CompileFail { file } = &block.kind else { unreachable!() };
        let program = fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
        let compiled = compile(&program);
        let messages = messages(&compiled);
        let file = file.display();
        assert!(!compiled.status.success(), "{file} compiles");
        assert_eq!(messages.len(), 1, "{file}: {}", messages.concat());
        for quote in quoted(&paragraph_below(block)) {
            assert!(
                messages[0].contains(quote),
                "{file}: „{quote}“ in {}",
                messages[0]
            );
        }
    }
    assert_eq!(
        quoted("Nein (E0499). Der Compiler sagt: „so nicht“."),
        ["E0499", "so nicht"]
    );
}
