//! Reads the book's source – chapters and the listings they include – and refuses what mdBook would silently accept.
//! In: the folder with book.toml. Out: a [`Source`] with every chapter expanded and every code block classified,
//! or all the [`Problem`]s at once. `build.rs` and the `chatbuch` program both stand on this.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;
use mdbook_driver::builtin_renderers::MarkdownRenderer;
use mdbook_driver::config::Config;
use pulldown_cmark::Options;

mod blocks;
mod expand;
mod folders;
mod snippets;

pub use snippets::Snippet;

/// The Markdown that mdBook understands.
pub const MARKDOWN: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_HEADING_ATTRIBUTES)
    .union(Options::ENABLE_DEFINITION_LIST)
    .union(Options::ENABLE_GFM);

/// Something in the source that must be mended before the book is built.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the book's root.
    pub file: PathBuf,
    /// The line in that file, counted from 1.
    pub line: usize,
    /// One German sentence.
    pub message: String,
    /// A scene is on its way: written, but not yet recorded or shown; or a measured number is named that is not drawn yet.
    /// The book is refused all the same, but `chatbuch` itself must still compile, or neither `record` nor `figures` could run.
    pub in_progress: bool,
}

impl Problem {
    fn new(file: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Problem {
            file: file.into(),
            line,
            message: message.into(),
            in_progress: false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = expand::slashed(&self.file);
        write!(f, "{file}:{}: {}", self.line, self.message)
    }
}

/// The whole book, expanded and checked.
#[derive(Debug, Clone)]
pub struct Source {
    /// The chapters in the order of SUMMARY.md.
    pub chapters: Vec<Chapter>,
}

/// One chapter.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// The Markdown file, relative to the book's `src` folder.
    pub path: PathBuf,
    /// The name SUMMARY.md gives it.
    pub name: String,
    /// Its Markdown with every include carried out.
    pub expanded: String,
    /// Its code blocks, in order.
    pub blocks: Vec<Block>,
}

/// One fenced code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The file its opening fence stands in, relative to the root: the chapter, or Markdown it includes.
    pub file: PathBuf,
    /// The line of the opening fence in that file, counted from 1.
    pub line: usize,
    /// The words behind the opening fence.
    pub words: Vec<String>,
    /// Its content with every include carried out, hidden lines still marked with `# `.
    pub code: String,
    /// What it is, and thereby what tests it.
    pub kind: Kind,
}

/// What a code block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A program of its own, compiled and run by skeptic.
    Snippet {
        /// The code without the marks of hidden lines.
        program: String,
        /// What it must print; `None` stands for nothing.
        output: Option<String>,
        /// Compiled only.
        no_run: bool,
        /// Must end with a panic.
        should_panic: bool,
    },
    /// An excerpt of a listing, compiled and tested there.
    Listing {
        /// Relative to the root.
        file: PathBuf,
        /// `None` for the whole file.
        anchor: Option<String>,
    },
    /// Must not compile; a test of its listing makes sure, and one of the book's that the compiler says what the chapter quotes.
    CompileFail {
        /// Relative to the root.
        file: PathBuf,
    },
    /// What the snippet above it prints.
    Output,
    /// Everything that is no Rust: commands, files, plain text.
    Other,
}

/// Loads the book below `root`, the folder with book.toml, and checks it.
///
/// # Errors
///
/// Every problem found, sorted by file and line; never an empty list.
pub fn load(root: &Path) -> Result<Source, Vec<Problem>> {
    match check(root) {
        (source, problems) if problems.is_empty() => Ok(source),
        (_, problems) => Err(problems),
    }
}

/// Like [`load`], but also hands out what could be read of a book that has problems.
pub fn check(root: &Path) -> (Source, Vec<Problem>) {
    let mut problems = Vec::new();
    let config = match Config::from_disk(root.join("book.toml")) {
        Ok(config) => config,
        Err(error) => {
            let message = format!("book.toml lässt sich nicht lesen: {error:#}.");
            let chapters = Vec::new();
            return (
                Source { chapters },
                vec![Problem::new("book.toml", 1, message)],
            );
        }
    };
    let src = config.book.src;
    let paths = folders::chapters(root, &src, &mut problems);
    let around = blocks::Surroundings {
        root,
        listings: &catalog::listings(root),
        bins: &catalog::bins(root),
    };

    let mut expander = expand::Expander::new(root);
    let mut chapters = Vec::new();
    for path in paths {
        let file = src.join(&path);
        let text = match fs::read_to_string(root.join(&file)) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("Das Kapitel lässt sich nicht lesen: {error}.");
                problems.push(Problem::new(file, 1, message));
                continue;
            }
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let expansion = expander.expand(&file, text);
        let blocks = blocks::classify(&expansion, &around, &mut problems);
        chapters.push(Chapter {
            path,
            name: String::new(),
            expanded: expansion.text,
            blocks,
        });
    }
    problems.append(&mut expander.problems);
    folders::unused(root, &expander.named, &mut problems);
    if problems.is_empty() {
        compare_with_mdbook(root, &src, &mut chapters, &mut problems);
    }
    problems.sort();
    problems.dedup();
    (Source { chapters }, problems)
}

/// Takes the chapters' names from mdBook and makes sure that it will render the very text that was checked.
fn compare_with_mdbook(
    root: &Path,
    src: &Path,
    chapters: &mut [Chapter],
    problems: &mut Vec<Problem>,
) {
    let loaded =
        MDBook::load(root).and_then(|book| book.preprocess_book(&MarkdownRenderer::new()));
    let book = match loaded {
        Ok((book, _)) => book,
        Err(error) => {
            let message = format!("mdBook kann das Buch nicht laden: {error:#}.");
            problems.push(Problem::new(src.join("SUMMARY.md"), 1, message));
            return;
        }
    };
    let rendered: Vec<_> = book
        .iter()
        .filter_map(|item| match item {
            BookItem::Chapter(chapter) => Some((chapter.source_path.as_ref()?, chapter)),
            _ => None,
        })
        .collect();
    for chapter in chapters {
        match rendered.iter().find(|(path, _)| **path == chapter.path) {
            Some((_, theirs)) if theirs.content == chapter.expanded => {
                chapter.name = theirs.name.clone();
            }
            Some(_) => problems.push(Problem::new(
                src.join(&chapter.path),
                1,
                "mdBook setzt die Includes dieses Kapitels anders ein als die Prüfung; das ist ein Fehler von chatbuch.",
            )),
            None => problems.push(Problem::new(
                src.join("SUMMARY.md"),
                1,
                format!("mdBook findet das Kapitel „{}“ nicht.", expand::slashed(&chapter.path)),
            )),
        }
    }
}
