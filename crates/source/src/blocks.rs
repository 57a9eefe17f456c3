//! Finds the code blocks of an expanded chapter and decides what tests each of them.
//! In: an [`Expansion`]. Out: [`Block`]s with kind and source line, plus a [`Problem`] for every block nothing tests.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use regex::Regex;

use super::expand::{Expansion, Include, regex, slashed};
use super::folders::files_below;
use super::{Block, Kind, MARKDOWN, Problem};

static MAIN: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?m)^[ \t]*(pub[ \t]+)?(async[ \t]+)?fn[ \t]+main[ \t]*\("));
static INNER_ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^[ \t]*#!\["));
static FILE_LABEL: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"^[ \t]*<p class="datei">(.*?)</p>[ \t]*\r?$"#));
static STARTED_BIN: LazyLock<Regex> = LazyLock::new(|| regex(r"--bin[= ]+([^\s]+)"));

const KNOWN: &str = "rust (mit no_run, should_panic oder compile_fail), text (mit ausgabe), console, toml, json, python, html";

/// A code block as the Markdown parser sees it, before anything is decided about it.
struct Found {
    /// The opening fence to the closing fence.
    range: Range<usize>,
    /// The bytes between the fences; empty for an empty block.
    body: Range<usize>,
    code: String,
    /// `None` for an indented block.
    info: Option<String>,
    /// Nothing stands between this block and the code block before it.
    directly_after_previous: bool,
}

impl Found {
    /// The words behind the opening fence.
    fn words(&self) -> Vec<String> {
        let info = self.info.as_deref().unwrap_or_default();
        let words = info.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }
}

/// A `<p class="datei">…</p>` line.
struct Label {
    range: Range<usize>,
    /// The path it names.
    named: String,
    /// A code block follows it.
    used: bool,
}

impl Label {
    /// Between the label and the block's opening fence there is nothing but white space.
    fn stands_before(&self, found: &Found, text: &str) -> bool {
        self.range.end <= found.range.start
            && text[self.range.end..found.range.start].trim().is_empty()
    }

    /// The block below shows the file that the label names.
    fn fits(&self, include: Option<&Include>) -> Result<(), String> {
        let named = &self.named;
        match include {
            Some(include) if slashed(&include.file) == *named => Ok(()),
            Some(include) => Err(format!(
                "Über dem Codeblock steht „{named}“, sein Inhalt kommt aber aus „{}“.",
                slashed(&include.file)
            )),
            None => Err(format!(
                "Über dem Codeblock steht „{named}“, er besteht aber nicht aus genau einem Include dieser Datei."
            )),
        }
    }
}

/// What the rest of the source tells the block check.
pub(super) struct Surroundings<'a> {
    pub root: &'a Path,
    /// The folders under `listings/` that cargo builds.
    pub listings: &'a [String],
    /// Names a reader can give to `cargo run --bin`.
    pub bins: &'a [String],
}

/// Classifies every code block of one chapter.
pub(super) fn classify(
    text: &Expansion,
    around: &Surroundings,
    problems: &mut Vec<Problem>,
) -> Vec<Block> {
    let mut labels = file_labels(&text.text);
    let mut blocks: Vec<Block> = Vec::new();
    let all = find(&text.text);
    refuse_lost_fences(text, &all, problems);

    for found in all {
        let (file, line) = text.origin(found.range.start);
        let mut report = |message: String| problems.push(Problem::new(file, line, message));
        let include =
            text.includes.iter().find(|include| is_whole_body(include, &found, &text.text));
        let label = labels.iter_mut().find(|label| label.stands_before(&found, &text.text));
        let label = label.map(|label| {
            label.used = true;
            &*label
        });
        // What is missing here is reported already; that the block looks odd without it is no news.
        if text.refused.iter().any(|offset| found.range.contains(offset)) {
            continue;
        }
        if let Some(Err(message)) = label.map(|label| label.fits(include)) {
            report(message);
        }
        let mut block = Block {
            file: file.to_path_buf(),
            line,
            words: found.words(),
            code: found.code.clone(),
            kind: Kind::Other,
        };
        let kind = match &found.info {
            None => Err(
                "Eingerückter Codeblock; setzen Sie ihn zwischen ``` und nennen Sie die Sprache."
                    .to_owned(),
            ),
            Some(_) => check_words(&block.words)
                .and_then(|()| kind_of(&block, include, around)),
        };
        match kind {
            Ok(kind) => block.kind = kind,
            Err(message) => report(message),
        }
        match (&block.kind, block.words.first().map(String::as_str)) {
            (Kind::Listing { file, .. }, _) if label.is_none() => report(format!(
                "Vor diesem Listing-Auszug fehlt die Zeile <p class=\"datei\">{}</p>.",
                slashed(file)
            )),
            (Kind::Output, _) => {
                let above = blocks.last_mut().filter(|_| found.directly_after_previous);
                if let Err(message) = give_output(above, &block.code) {
                    report(message);
                }
            }
            (_, Some("console")) => {
                refuse_unknown_programs(&block.code, &found, text, around, problems);
            }
            _ => {}
        }
        blocks.push(block);
    }

    for label in labels.iter().filter(|label| !label.used) {
        let (file, line) = text.origin(label.range.start);
        let message = format!(
            "Auf „{}“ folgt kein Codeblock (dazwischen gehört eine Leerzeile).",
            label.named
        );
        problems.push(Problem::new(file, line, message));
    }
    blocks
}

/// What a block with known words is, and thereby what tests it.
fn kind_of(
    block: &Block,
    include: Option<&Include>,
    around: &Surroundings,
) -> Result<Kind, String> {
    match (
        block.words[0].as_str(),
        block.words.get(1).map(String::as_str),
    ) {
        ("rust", Some("compile_fail")) => compile_fail_kind(include, around.root),
        ("rust", _) => rust_kind(block, include, around),
        ("text", Some("ausgabe")) => Ok(Kind::Output),
        _ => Ok(Kind::Other),
    }
}

/// Decides whether a block that must not compile is checked by somebody.
fn compile_fail_kind(include: Option<&Include>, root: &Path) -> Result<Kind, String> {
    let Some(file) =
        include.map(|include| &include.file).filter(|f| is_compile_fail_file(f))
    else {
        return Err(
            "Ein compile_fail-Block besteht aus genau einem Include aus listings/*/tests/compile-fail/*.rs."
                .to_owned(),
        );
    };
    if !has_compile_fail_test(root, file) {
        return Err(format!(
            "„{}“ prüft niemand: Kein Test neben „compile-fail“ nennt diesen Ordner.",
            slashed(file)
        ));
    }
    Ok(Kind::CompileFail { file: file.clone() })
}

/// Tells the snippet directly above an output block what it has to print.
fn give_output(above: Option<&mut Block>, code: &str) -> Result<(), String> {
    match above.map(|block| &mut block.kind) {
        Some(Kind::Snippet { no_run: true, .. }) => Err(
            "Der Schnipsel über dieser Ausgabe ist no_run; was nicht läuft, druckt nichts."
                .to_owned(),
        ),
        Some(Kind::Snippet { output, .. }) => {
            *output = Some(code.to_owned());
            Ok(())
        }
        _ => Err(
            "Ein ausgabe-Block folgt unmittelbar auf den Schnipsel, der das druckt."
                .to_owned(),
        ),
    }
}

/// Reports commands that start a program which no listing has.
fn refuse_unknown_programs(
    commands: &str,
    found: &Found,
    text: &Expansion,
    around: &Surroundings,
    problems: &mut Vec<Problem>,
) {
    let (file, first) = text.origin(found.body.start);
    for (index, command) in commands.lines().enumerate() {
        for started in STARTED_BIN.captures_iter(command) {
            if !around.bins.iter().any(|bin| *bin == started[1]) {
                let message =
                    format!("Ein Programm „{}“ gibt es in keinem Listing.", &started[1]);
                problems.push(Problem::new(file, first + index, message));
            }
        }
    }
}

/// Removes the marks of hidden lines as mdBook and rustdoc understand them: `# code`, a lone `#`, and `##` for `#`.
pub(super) fn without_hidden_marks(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    for line in code.lines() {
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        let rest = match trimmed.strip_prefix('#') {
            Some(rest) if rest.starts_with('#') => rest,
            Some("") => "",
            Some(rest) if rest.starts_with(' ') => &rest[1..],
            _ => trimmed,
        };
        out.push_str(indent);
        out.push_str(rest);
        out.push('\n');
    }
    out
}

/// All code blocks, in order.
fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut inside = false;
    let mut directly_after = false;
    for (event, range) in Parser::new_ext(text, MARKDOWN).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                inside = true;
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.into_string()),
                    CodeBlockKind::Indented => None,
                };
                found.push(Found {
                    body: range.end..range.end,
                    range,
                    code: String::new(),
                    info,
                    directly_after_previous: directly_after,
                });
            }
            Event::End(TagEnd::CodeBlock) => {
                inside = false;
                directly_after = true;
            }
            Event::Text(code) if inside => {
                if let Some(block) = found.last_mut() {
                    if block.code.is_empty() {
                        block.body = range.clone();
                    }
                    block.body.end = range.end;
                    block.code.push_str(&code);
                }
            }
            _ => directly_after = false,
        }
    }
    found
}

/// Reports fences the Markdown parser does not take for one (an HTML block swallows them), and blocks never closed.
fn refuse_lost_fences(text: &Expansion, blocks: &[Found], problems: &mut Vec<Problem>) {
    let mut start = 0;
    for line in text.text.split_inclusive('\n') {
        let inside = |block: &Found| {
            block.range.start <= start + line.len() && start < block.range.end
        };
        if is_fence(line) && !blocks.iter().any(inside) {
            let (file, line) = text.origin(start);
            problems.push(Problem::new(
                file,
                line,
                "Hier soll wohl ein Codeblock stehen, mdBook erkennt aber keinen (davor gehört eine Leerzeile).",
            ));
        }
        start += line.len();
    }
    for block in blocks.iter().filter(|block| block.info.is_some()) {
        let mut lines = text.text[block.range.clone()].trim_end().lines();
        lines.next();
        if !lines.last().is_some_and(is_fence) {
            let (file, line) = text.origin(block.range.start);
            problems.push(Problem::new(
                file,
                line,
                "Dieser Codeblock wird nicht geschlossen.",
            ));
        }
    }
}

/// A line that opens or closes a code block, perhaps in a quotation.
fn is_fence(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '>']);
    line.starts_with("```") || line.starts_with("~~~")
}

/// Every label of a text, in order.
fn file_labels(text: &str) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if let Some(label) = FILE_LABEL.captures(line.trim_end_matches('\n')) {
            labels.push(Label {
                range: start..end,
                named: label[1].to_owned(),
                used: false,
            });
        }
        start = end;
    }
    labels
}

/// The include produced everything between the fences.
fn is_whole_body(include: &Include, found: &Found, text: &str) -> bool {
    include.range.start == found.body.start
        && include.range.end <= found.body.end
        && text[include.range.end..found.body.end].trim().is_empty()
}

/// Refuses an info string with a word this book does not know, or words that contradict each other.
fn check_words(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let allowed: &[&str] = match words.first() {
        None => {
            return Err(format!(
                "Der Codeblock nennt keine Sprache (bekannt: {KNOWN})."
            ));
        }
        Some(&"rust") => &["no_run", "should_panic", "compile_fail"],
        Some(&"text") => &["ausgabe"],
        Some(&("console" | "toml" | "json" | "python" | "html")) => &[],
        Some(first) => return Err(unknown(first)),
    };
    if let Some(word) = words[1..].iter().find(|word| !allowed.contains(word)) {
        return Err(unknown(word));
    }
    if words.len() > 2 {
        return Err(format!(
            "„{}“ vertragen sich nicht in einem Codeblock.",
            words[1..].join("“ und „")
        ));
    }
    Ok(())
}

fn unknown(word: &str) -> String {
    if word == "ignore" {
        return "„ignore“ gibt es in diesem Buch nicht: Jeder Rust-Block wird geprüft."
            .into();
    }
    format!(
        "Das Wort „{word}“ passt nicht in die erste Zeile dieses Codeblocks (bekannt: {KNOWN})."
    )
}

/// Decides what tests a `rust` block that is expected to compile.
fn rust_kind(
    block: &Block,
    include: Option<&Include>,
    around: &Surroundings,
) -> Result<Kind, String> {
    if let Some(include) = include
        && is_built_by_cargo(around, &include.file)
    {
        if let Some(word) = block.words.get(1) {
            return Err(format!(
                "„{word}“ gehört nicht an einen Listing-Auszug: Ihn prüft das Listing selbst."
            ));
        }
        return Ok(Kind::Listing {
            file: include.file.clone(),
            anchor: include.anchor.clone(),
        });
    }
    let program = without_hidden_marks(&block.code);
    if !MAIN.is_match(&program) {
        return Err(match include {
            Some(include) => format!(
                "Diesen Rust-Block prüft nichts: „{}“ wird von keinem Listing gebaut (src/**, tests/*.rs, examples/**), und ein „fn main“ hat er nicht.",
                slashed(&include.file)
            ),
            None => "Diesen Rust-Block prüft nichts: Er hat kein „fn main“ und besteht nicht aus genau einem Include aus einem Listing.".into(),
        });
    }
    if INNER_ATTRIBUTE.is_match(&program) {
        return Err(
            "„#![…]“ wirkt im Schnipsel nicht; schreiben Sie „#[…]“ an das, was es betrifft."
                .into(),
        );
    }
    Ok(Kind::Snippet {
        program,
        output: None,
        no_run: block.words.iter().any(|word| word == "no_run"),
        should_panic: block.words.iter().any(|word| word == "should_panic"),
    })
}

/// The folder of the listing a file belongs to and the file's path inside it.
pub(super) fn listing_of(file: &Path) -> Option<(String, String)> {
    let path = slashed(file);
    let (listing, inside) = path.strip_prefix("listings/")?.split_once('/')?;
    Some((listing.to_owned(), inside.to_owned()))
}

/// `cargo test` compiles this file as part of its listing.
fn is_built_by_cargo(around: &Surroundings, file: &Path) -> bool {
    let Some((listing, inside)) = listing_of(file) else {
        return false;
    };
    if !inside.ends_with(".rs") || !around.listings.contains(&listing) {
        return false;
    }
    let parts: Vec<&str> = inside.split('/').collect();
    match parts[..] {
        ["src", "lib.rs" | "main.rs"]
        | ["src", "bin", _]
        | ["src", "bin", _, "main.rs"] => true,
        ["tests" | "examples", _] | ["tests" | "examples", _, "main.rs"] => true,
        ["src" | "tests" | "examples", ..] => {
            // Any other file is only compiled if somebody declares it as a module.
            let stem = inside.trim_end_matches("/mod.rs").trim_end_matches(".rs");
            let name = stem.rsplit('/').next().unwrap_or(stem);
            let declaration = regex(&format!(r"\bmod\s+{}\s*;", regex::escape(name)));
            let top = around.root.join("listings").join(listing).join(parts[0]);
            any_rust_file(&top, |text| declaration.is_match(text))
        }
        _ => false,
    }
}

fn is_compile_fail_file(file: &Path) -> bool {
    listing_of(file).is_some_and(|(_, inside)| {
        inside
            .strip_prefix("tests/compile-fail/")
            .is_some_and(|name| name.ends_with(".rs") && !name.contains('/'))
    })
}

/// Some test of the file's listing mentions the folder `compile-fail`, that is, has the compiler refuse what is in it.
fn has_compile_fail_test(root: &Path, file: &Path) -> bool {
    listing_of(file).is_some_and(|(listing, _)| {
        let tests = root.join("listings").join(listing).join("tests");
        any_rust_file(&tests, |text| text.contains("tests/compile-fail/"))
    })
}

/// Whether `wanted` holds for the text of any `.rs` file below `folder`.
fn any_rust_file(folder: &Path, wanted: impl Fn(&str) -> bool) -> bool {
    let files = files_below(folder).into_iter();
    files
        .filter(|file| file.extension().is_some_and(|e| e == "rs"))
        .any(|file| fs::read_to_string(folder.join(file)).is_ok_and(|text| wanted(&text)))
}
