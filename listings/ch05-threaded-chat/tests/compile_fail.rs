//! Was nicht übersetzbar sein soll, weist der Compiler zurück – und mit der Meldung, die
//! im Buch steht.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};

/// Unter dieser Version sind die Meldungen (`.stderr`) aufgezeichnet; andere formulieren
/// anders.
const RECORDED_WITH: &str = "rustc 1.95.";

/// Die Programme und der Fehler, an dem jedes scheitern soll.
const REFUSED: [(&str, &str); 2] = [("data_race.rs", "E0499"), ("rc.rs", "E0277")];

fn rustc(args: &[&str]) -> Output {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(args).output();
    output.expect("wer cargo hat, hat auch rustc")
}

fn printed(args: &[&str]) -> String {
    String::from_utf8(rustc(args).stdout).unwrap()
}

/// Warum die aufgezeichneten Meldungen hier nicht zu erwarten sind; `None`, wenn sie es
/// sind.
fn why_texts_differ() -> Option<String> {
    let version = printed(&["--version"]);
    if !version.starts_with(RECORDED_WITH) {
        return Some(format!(
            "aufgezeichnet unter {RECORDED_WITH}x, hier ist {}",
            version.trim_end()
        ));
    }
    let sysroot = printed(&["--print", "sysroot"]);
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    sources
        .exists()
        .then(|| "rust-src ist installiert, und der Compiler zitiert daraus".into())
}

#[test]
fn each_program_is_refused_for_one_reason_only() {
    for (file, code) in REFUSED {
        let path = format!("tests/compile-fail/{file}");
        let out = ["--out-dir", env!("CARGO_TARGET_TMPDIR")];
        let options = ["--edition=2024", "--emit=metadata", &path];
        let output = rustc(&[&options[..], &out].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{file} ist übersetzbar");
        let errors: Vec<&str> =
            message.lines().filter(|line| line.starts_with("error[")).collect();
        assert_eq!(errors.len(), 1, "{message}");
        assert!(
            errors[0].starts_with(&format!("error[{code}]")),
            "{message}"
        );
    }
}

#[test]
fn no_program_is_forgotten() {
    let files = fs::read_dir("tests/compile-fail").unwrap();
    let mut programs: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".rs"))
        .collect();
    programs.sort();
    assert_eq!(programs, REFUSED.map(|(file, _)| file));
}

#[test]
fn the_compiler_says_what_the_book_quotes() {
    if let Some(reason) = why_texts_differ() {
        // Nicht mit `eprintln!`: Das verschwände, weil der Test ja gelingt.
        let said = "Die Meldungen des Compilers sind nicht verglichen";
        writeln!(io::stderr(), "{said}: {reason}.").unwrap();
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
