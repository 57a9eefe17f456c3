//! Was nicht übersetzbar sein soll, weist der Compiler zurück – mit der Meldung, die im Buch
//! steht. Dass er es unter jeder Version zurückweist, prüfen die Beispiele in `guard.rs`.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};

/// Unter dieser Version sind die Meldungen (`.stderr`) aufgezeichnet; andere formulieren
/// anders.
const RECORDED_WITH: &str = "rustc 1.95.";

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
fn the_compiler_says_what_the_book_quotes() {
    if let Some(reason) = why_texts_differ() {
        // Nicht mit `eprintln!`: Das verschwände, weil der Test ja gelingt.
        let said = "Die Meldungen des Compilers sind nicht verglichen";
        writeln!(io::stderr(), "{said}: {reason}.").unwrap();
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
