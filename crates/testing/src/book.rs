//! A made-up book: a folder as this program expects it, with just what a test needs.
//! In go chapters, listings and other files, out comes the folder; it vanishes with the test or stays for the next run.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The folder of a book.
#[derive(Debug)]
pub struct Book {
    root: PathBuf,
    _vanishes: Option<TempDir>,
}

/// A program of a listing: its name and its source.
pub type Bin<'a> = (&'a str, &'a str);

impl Book {
    /// A book of these chapters – file below `book/text` and text – in a folder that vanishes with it.
    ///
    /// # Panics
    ///
    /// The files cannot be written.
    pub fn of(chapters: &[(&str, &str)]) -> Book {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let book = Book {
            root: folder.path().to_owned(),
            _vanishes: Some(folder),
        };
        book.fill(chapters);
        book
    }

    /// The same in a folder that stays: what cargo has built there once is not built again in the next run.
    ///
    /// # Panics
    ///
    /// The files cannot be written.
    pub fn kept_in(root: PathBuf, chapters: &[(&str, &str)]) -> Book {
        let book = Book {
            root,
            _vanishes: None,
        };
        book.fill(chapters);
        book
    }

    fn fill(&self, chapters: &[(&str, &str)]) {
        let mut summary = "# Inhalt\n\n".to_owned();
        for (file, text) in chapters {
            self.write(&format!("book/text/{file}"), text);
            let title = text.lines().find_map(|line| line.strip_prefix("# "));
            let title = title.unwrap_or(file);
            writeln!(summary, "- [{title}]({file})").expect("a String takes everything");
        }
        self.write("book/text/SUMMARY.md", &summary);
        self.write(
            "book.toml",
            "[book]\ntitle = \"Probe\"\nlanguage = \"de\"\nsrc = \"book/text\"\n\n\
             [build]\nbuild-dir = \"target/book\"\ncreate-missing = false\n",
        );
        fs::create_dir_all(self.root.join("listings")).expect("a folder");
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file, unless it is there already: what has not changed is not built again.
    ///
    /// # Panics
    ///
    /// It cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let (path, content) = (self.root.join(name), content.as_ref());
        if fs::read(&path).is_ok_and(|old| old == content) {
            return;
        }
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file of the book");
    }

    /// What is in a file.
    ///
    /// # Panics
    ///
    /// It cannot be read.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).expect("a file of the book")
    }

    /// Makes it a workspace that cargo can build: of its listings, and of what a snippet may use, which is nothing.
    ///
    /// # Panics
    ///
    /// The files cannot be written.
    pub fn workspace(&self) {
        let members = "members = [\"crates/snippets\", \"listings/*\"]";
        self.write(
            "Cargo.toml",
            format!("[workspace]\nresolver = \"3\"\n{members}\n"),
        );
        self.write("crates/snippets/Cargo.toml", package("chatbuch-snippets"));
        self.write("crates/snippets/src/lib.rs", "");
        self.write("crates/snippets/src/main.rs", "fn main() {}\n");
    }

    /// Adds a listing with these programs.
    ///
    /// # Panics
    ///
    /// The files cannot be written.
    pub fn listing(&self, name: &str, bins: &[Bin]) {
        let mut manifest = package(name);
        for (bin, source) in bins {
            let path = format!("src/bin/{bin}.rs");
            self.write(&format!("listings/{name}/{path}"), source);
            write!(manifest, "\n[[bin]]\nname = \"{bin}\"\npath = \"{path}\"\n")
                .expect("a String takes everything");
        }
        self.write(&format!("listings/{name}/Cargo.toml"), manifest);
    }
}

/// The manifest of a package.
fn package(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}
