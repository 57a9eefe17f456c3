//! A made-up book: a folder as this program expects it, with just what a test needs.
//! In go chapters, listings and other files, out comes the folder; it vanishes with the test or stays for the next run.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

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
        // In one step, and beside the book: who watches it never sees an empty or a foreign file.
        let beside = self.root.parent().expect("the root has a parent");
        let mut whole = NamedTempFile::new_in(beside).expect("a file beside the book");
        whole.write_all(content).expect("a file beside the book");
        whole.persist(path).expect("a file of the book");
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

/// The scene of a [`chat`], named like one of the real book.
pub const CHAT: &str = "ch05-threaded-chat/drei-clients";
/// Its only cell, which the real book has as well.
pub const CELL: &str = "sockets#1";

/// A server that welcomes everybody, says nothing and does not end by itself.
const SMALL_SERVER: &str = r#"
fn main() {
    let port = std::env::args().nth(2).unwrap();
    let listener = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    println!("Server lauscht auf 127.0.0.1:{port}");
    let _welcome: Vec<_> = listener.incoming().collect();
}
"#;

/// A client that reads until its input ends.
const SMALL_CLIENT: &str = r#"
fn main() {
    let port = std::env::args().nth(2).unwrap();
    let _server = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    println!("Verbunden.");
    std::io::stdin().lines().count();
}
"#;

/// A book with one scene and one cell, in a folder that stays.
///
/// # Panics
///
/// The files cannot be written.
pub fn chat(root: PathBuf) -> Book {
    let cell = "# Eins\n\n```rust\nfn main() { println!(\"eins\"); }\n```\n\n```text,ausgabe\neins\n```\n";
    let book = Book::kept_in(root, &[("sockets.md", cell)]);
    book.workspace();
    book.listing(
        "ch05-threaded-chat",
        &[
            ("ch05-small-server", SMALL_SERVER),
            ("ch05-small-client", SMALL_CLIENT),
        ],
    );
    let [mut steps, mut ends, mut cast] = [const { String::new() }; 3];
    for name in ["Server", "Anna", "Ben", "Carla"] {
        let (program, ready) = match name {
            "Server" => ("server", "Server lauscht auf 127.0.0.1:5000"),
            _ => ("client", "Verbunden."),
        };
        steps += &format!(
            "{{ start = \"{name}\" }},\n{{ see = \"{name}\", line = \"{ready}\" }},\n"
        );
        if program == "client" {
            ends +=
                &format!("{{ eof = \"{name}\" }},\n{{ exit = \"{name}\", status = 0 }},\n");
        }
        cast += &format!(
            "[[process]]\nname = \"{name}\"\nprogram = \"ch05-small-{program}\"\nargs = [\"--port\", \"{{server}}\"]\n"
        );
    }
    steps += &(ends + "{ stop = \"Server\" },\n");
    book.write(
        "listings/ch05-threaded-chat/scenes/drei-clients.toml",
        format!("title = \"Probe\"\nsteps = [\n{steps}]\n[ports]\nserver = 5000\n{cast}"),
    );
    book
}

/// A server that only says where it would listen, and lives.
const SERVER_DOUBLE: &str = r#"
fn main() {
    println!("Server lauscht auf 127.0.0.1:9");
    loop { std::thread::park(); }
}
"#;

/// A load that needs no server, but takes the time it is given.
const LOAD_DOUBLE: &str = r#"
fn main() {
    println!("{{\"phase\":\"connected\",\"connections\":1000,\"micros\":41234}}");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (phase, seconds) = line.split_once(' ').unwrap();
        let time = std::time::Duration::from_secs_f64(seconds.parse().unwrap());
        std::thread::sleep(time);
        let micros = time.as_micros();
        println!("{{\"phase\":\"{phase}\",\"exchanges\":15000,\"micros\":{micros},\"p50_nanos\":5000000,\"p99_nanos\":9000000,\"cpu_micros\":1000}}");
    }
}
"#;

/// A book with a laboratory of doubles, without the Python server, in a folder that stays.
/// Its programs can be told from all others by its path.
///
/// # Panics
///
/// The files cannot be written.
pub fn laboratory(root: PathBuf) -> Book {
    let book = Book::kept_in(root, &[("eins.md", "# Eins\n")]);
    book.workspace();
    let mut bins = vec![("ch11-load", LOAD_DOUBLE)];
    for name in [
        "ch11-epoll",
        "ch11-event-loop",
        "ch11-tokio-lean",
        "ch11-tokio",
        "ch11-threads",
    ] {
        bins.push((name, SERVER_DOUBLE));
    }
    book.listing("ch11-c10k", &bins);
    book
}
