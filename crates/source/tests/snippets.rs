//! The program around a snippet passes and fails where it should: it is compiled, run and looked at for made-up snippets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::Path;
use std::process::{Command, Output};

use source::Snippet;

/// Compiles and runs the test program of a made-up snippet.
fn run(program: &str, output: Option<&str>, should_panic: bool) -> Output {
    let snippet = Snippet {
        chapter: "erfunden".into(),
        line: 1,
        program: program.into(),
        output: output.map(str::to_owned),
        no_run: false,
        should_panic,
    };
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join("schnipsel.rs");
    let binary = folder.path().join("schnipsel.exe");
    std::fs::write(&code, snippet.test_program()).unwrap();
    compile(&code, &binary);
    Command::new(binary).output().unwrap()
}

fn compile(code: &Path, binary: &Path) {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiled = Command::new(rustc)
        .args(["--edition", "2021", "-C", "debuginfo=0", "-o"])
        .arg(binary)
        .arg(code)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{errors}");
}

#[test]
fn a_snippet_that_prints_what_the_book_says_passes() {
    let program = "fn main() { println!(\"# „eins“\"); println!(\"{{}}\"); }\n";
    let run = run(program, Some("# „eins“\n{}\n"), false);
    assert!(run.status.success());
    assert_eq!(String::from_utf8_lossy(&run.stdout), "# „eins“\n{}\n");
}

#[test]
fn a_snippet_that_prints_something_else_fails_and_shows_both() {
    let program = "fn main() { println!(\"eins\"); println!(\"zwei\"); }\n";
    let run = run(program, Some("eins\ndrei\n"), false);
    let report = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        report.contains("gedruckt:\n    eins\n    zwei\nim Buch:\n    eins\n    drei\n(erster Unterschied in Zeile 2)"),
        "{report}"
    );
}

#[test]
fn a_snippet_that_prints_without_an_output_block_fails() {
    let run = run("fn main() { print!(\"da\"); }\n", None, false);
    assert_eq!(run.status.code(), Some(1));
}

#[test]
fn a_snippet_that_fails_after_the_right_output_fails() {
    let program =
        "fn main() -> Result<(), String> { println!(\"da\"); Err(\"weg\".into()) }\n";
    let run = run(program, Some("da\n"), false);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("\"weg\""));
}

#[test]
fn a_panic_counts_as_expected_only_with_the_right_output() {
    let program = "fn main() { println!(\"da\"); panic!(\"so gewollt\") }\n";
    assert!(run(program, Some("da\n"), true).status.success());
    assert!(!run(program, Some("dort\n"), true).status.success());
    assert!(!run(program, Some("da\n"), false).status.success());
}

#[test]
fn a_snippet_that_should_panic_and_does_not_fails() {
    let run = run("fn main() {}\n", None, true);
    assert_eq!(run.status.code(), Some(1));
}
