//! Turns the book's snippets into programs that check themselves.
//! In: a checked [`Source`]. Out: for each snippet its name, its plain code, and a program that runs the snippet
//! and fails when it prints something else than the book says.

use std::collections::HashSet;

use super::{Block, Kind, Source};

/// A code block with its own `fn main`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The chapter's file name without `.md`, folders joined by `-`.
    pub chapter: String,
    /// The source line of the opening fence.
    pub line: usize,
    /// The code without the marks of hidden lines.
    pub program: String,
    /// What it must print; `None` stands for nothing.
    pub output: Option<String>,
    /// Compiled only.
    pub no_run: bool,
    /// Must end with a panic.
    pub should_panic: bool,
}

impl Source {
    /// Every snippet once, in the order of the book.
    pub fn snippets(&self) -> Vec<Snippet> {
        let mut seen = HashSet::new();
        let blocks = self.chapters.iter().flat_map(|chapter| {
            let folder = chapter.path.components().count();
            chapter.blocks.iter().map(move |block| (folder, block))
        });
        blocks
            // A Markdown file that two chapters include brings the same snippet twice.
            .filter(|(_, block)| seen.insert((block.file.clone(), block.line)))
            .filter_map(|(depth, block)| snippet(depth, block))
            .collect()
    }

    /// Every snippet a reader can run, page by page, with its name in the notebook: `sockets#3` is the third on the
    /// page `sockets`. A page's script counts the same blocks and finds the same names.
    pub fn cells(&self) -> Vec<(String, String)> {
        let mut cells = Vec::new();
        for chapter in &self.chapters {
            let page = super::expand::slashed(&chapter.path.with_extension(""));
            let programs = chapter.blocks.iter().filter_map(|block| match &block.kind {
                Kind::Snippet {
                    program,
                    no_run: false,
                    should_panic: false,
                    ..
                } => Some(program),
                _ => None,
            });
            for (index, program) in programs.enumerate() {
                cells.push((format!("{page}#{}", index + 1), program.clone()));
            }
        }
        cells
    }
}

fn snippet(depth: usize, block: &Block) -> Option<Snippet> {
    let Kind::Snippet {
        program,
        output,
        no_run,
        should_panic,
    } = &block.kind
    else {
        return None;
    };
    let path = block.file.with_extension("");
    let parts: Vec<_> =
        path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Some(Snippet {
        chapter: parts[parts.len().saturating_sub(depth)..].join("-"),
        line: block.line,
        program: program.clone(),
        output: output.clone(),
        no_run: *no_run,
        should_panic: *should_panic,
    })
}

impl Snippet {
    /// A program that runs the snippet in a process of its own and compares what it prints, to the character
    /// except for line ends at the very end. It exits with the snippet's status, or 1 with a German report on stderr.
    pub fn test_program(&self) -> String {
        let expected = self.output.as_deref().unwrap_or_default();
        HARNESS
            .replace("/*SHOULD_PANIC*/", &self.should_panic.to_string())
            // On one line, so that no line of it can be taken for a hidden one.
            .replace(
                "/*EXPECTED*/",
                &format!("{:?}", expected.trim_end_matches(['\r', '\n'])),
            )
            .replace("/*PROGRAM*/", &self.program)
    }
}

/// The program around a snippet. The snippet comes first, so that the compiler's line numbers stay close to the book's.
const HARNESS: &str = r##"mod snippet {
/*PROGRAM*/
pub(super) fn chatbuch_run_snippet() -> impl std::process::Termination { main() }
}

fn main() -> std::process::ExitCode {
    const EXPECTED: &str = /*EXPECTED*/;
    const SHOULD_PANIC: bool = /*SHOULD_PANIC*/;
    const PANICKED: i32 = 101;
    const RUN: &str = "CHATBUCH_RUN_SNIPPET";
    if std::env::var_os(RUN).is_some() {
        std::thread::spawn(|| {
            std::thread::sleep(std::time::Duration::from_secs(60));
            eprintln!("Der Schnipsel läuft nach 60 Sekunden noch.");
            std::process::exit(1);
        });
        return std::process::Termination::report(snippet::chatbuch_run_snippet());
    }
    let run = std::process::Command::new(std::env::current_exe().expect("own path"))
        .env(RUN, "1")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("start the snippet");
    let printed = String::from_utf8_lossy(&run.stdout);
    print!("{printed}");
    eprint!("{}", String::from_utf8_lossy(&run.stderr));
    if printed.trim_end_matches(['\r', '\n']) != EXPECTED {
        eprintln!("\ngedruckt:");
        for line in printed.lines() { eprintln!("    {line}"); }
        eprintln!("im Buch:");
        for line in EXPECTED.lines() { eprintln!("    {line}"); }
        let same = printed.lines().zip(EXPECTED.lines()).take_while(|(a, b)| a == b).count();
        eprintln!("(erster Unterschied in Zeile {})", same + 1);
        return std::process::ExitCode::FAILURE;
    }
    match run.status.code() {
        Some(PANICKED) if SHOULD_PANIC => std::process::ExitCode::SUCCESS,
        _ if SHOULD_PANIC => {
            eprintln!("Der Schnipsel sollte mit einer Panik enden ({}).", run.status);
            std::process::ExitCode::FAILURE
        }
        Some(0) => std::process::ExitCode::SUCCESS,
        _ => {
            eprintln!("Der Schnipsel endet nicht normal ({}).", run.status);
            std::process::ExitCode::FAILURE
        }
    }
}
"##;
