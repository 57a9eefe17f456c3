//! The program as a reader meets it: started as a process on a small book of its own, spoken to over real sockets.
//! Every test makes its book in a temporary folder and leaves neither a process nor a file behind.

use crate::lines::lines_of;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::{IntoClientRequest, client};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

/// Far more than anything here takes; a test that reaches it has failed.
const DEADLINE: Duration = Duration::from_secs(60);

const CHAPTER: &str = "book/text/eins.md";

/// A book of two chapters with an own page for „not found“.
fn small_book() -> TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, content: &str| {
        fs::write(root.path().join(name), content).expect("a file of the book")
    };
    fs::create_dir_all(root.path().join("book/text")).expect("a folder");
    fs::create_dir_all(root.path().join("listings")).expect("a folder");
    write(
        "book.toml",
        "[book]\ntitle = \"Probe\"\nlanguage = \"de\"\nsrc = \"book/text\"\n\n\
         [build]\nbuild-dir = \"target/book\"\ncreate-missing = false\n",
    );
    write(
        "book/text/SUMMARY.md",
        "# Inhalt\n\n- [Eins](eins.md)\n- [Zwei](zwei.md)\n",
    );
    write(CHAPTER, "# Eins\n\nDer erste Stand.\n");
    write("book/text/zwei.md", "# Zwei\n\nMehr steht hier nicht.\n");
    write(
        "book/text/404.md",
        "# Verlaufen\n\nDiese Seite gibt es nicht.\n",
    );
    root
}

fn program(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbuch"));
    command.current_dir(root).args(arguments).stdin(Stdio::null());
    command
}

/// A running server; it is killed when the test ends, however it ends.
struct Server {
    process: Box<dyn ChildWrapper>,
    port: u16,
    token: String,
    messages: Receiver<String>,
}

impl Server {
    fn start(root: &Path) -> Self {
        Self::start_with(root, &["--port", "0", "--no-open"])
    }

    fn start_with(root: &Path, arguments: &[&str]) -> Self {
        let mut command = program(root, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = CommandWrap::from(command).spawn().expect("the program starts");
        let output = lines_of(process.stdout().take().expect("stdout is piped"));
        let messages = lines_of(process.stderr().take().expect("stderr is piped"));
        let address = output.recv_timeout(DEADLINE).expect("the address is printed");
        let parts = address
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.split_once("/#token="));
        let (port, token) = parts
            .unwrap_or_else(|| panic!("the address stands alone on its line: {address:?}"));
        let port = port.parse().expect("a port number");
        let token = token.to_owned();
        Self {
            process,
            port,
            token,
            messages,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream
    }

    /// Sends a request as it stands, with the real port for `PORT`, and returns the whole answer.
    fn answer_to(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        let request = request.replace("PORT", &self.port.to_string());
        stream.write_all(request.as_bytes()).expect("the request is sent");
        Answer::read(stream)
    }

    fn get(&self, path: &str) -> Answer {
        self.answer_to(&format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n"
        ))
    }

    /// A WebSocket as a page of the book opens it.
    fn page(&self) -> Page {
        let address = format!("ws://127.0.0.1:{}/-/live", self.port);
        let mut request = address.into_client_request().expect("a request");
        let origin = format!("http://127.0.0.1:{}", self.port);
        request.headers_mut().insert("origin", origin.parse().expect("a header value"));
        let mut page = client(request, self.connect()).expect("the page is let in").0;
        let hello = format!(r#"{{"type":"hello","token":"{}"}}"#, self.token);
        page.send(Message::text(hello)).expect("the page greets");
        Page(page)
    }

    /// Waits until the program has told something that contains `text`.
    fn wait_for_message(&self, text: &str) {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self
                .messages
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("{text:?} is told"));
            if line.contains(text) {
                return;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing left to do.
        let _ = self.process.kill();
    }
}

/// An answer: status, head in lower case, content.
struct Answer {
    status: u16,
    head: String,
    content: String,
}

impl Answer {
    /// Reads an answer after which the server closes the connection.
    fn read(mut stream: TcpStream) -> Self {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the answer");
        let answer = String::from_utf8_lossy(&answer);
        let (head, content) = answer.split_once("\r\n\r\n").expect("a head and a content");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self {
            status: status.expect("a status"),
            head: head.to_lowercase(),
            content: content.to_owned(),
        }
    }

    fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line == header)
    }

    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or_default()
    }
}

/// An open page.
struct Page(WebSocket<TcpStream>);

/// What the server told a page about the book.
#[derive(serde::Deserialize, Debug)]
struct Told {
    r#type: String,
    version: String,
    problems: Vec<String>,
}

impl Page {
    fn next(&mut self) -> Told {
        loop {
            if let Message::Text(text) =
                self.0.read().expect("a message before the deadline")
            {
                if text.contains(r#""type":"ready""#) {
                    continue;
                }
                let told: Told =
                    serde_json::from_str(&text).expect("a message about the book");
                assert_eq!(told.r#type, "book");
                return told;
            }
        }
    }

    /// The next message that fulfils `wanted`.
    fn wait_for(&mut self, wanted: impl Fn(&Told) -> bool) -> Told {
        let end = Instant::now() + DEADLINE;
        loop {
            let told = self.next();
            if wanted(&told) {
                return told;
            }
            assert!(
                Instant::now() < end,
                "the wanted message comes before the deadline, last: {told:?}"
            );
        }
    }
}

#[test]
fn the_book_is_served_with_the_live_script_but_stays_static_on_disk() {
    let root = small_book();
    let server = Server::start(root.path());

    for path in [
        "/",
        "/eins.html",
        "/eins.html?x=1",
        "/%65ins.html",
        "/zwei.html",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.has("content-type: text/html; charset=utf-8"),
            "{path}: {}",
            answer.head
        );
        assert_eq!(
            answer.content.matches("src=\"/-/live.js\"").count(),
            1,
            "{path}"
        );
    }
    assert!(server.get("/eins.html").content.contains("Der erste Stand."));

    let contents = server.get("/toc.html");
    assert_eq!(contents.status, 200);
    assert!(
        !contents.content.contains("/-/live"),
        "the framed table of contents needs no connection"
    );

    let script = server.get("/-/live.js");
    assert!(
        script.has("content-type: text/javascript; charset=utf-8")
            && script.content.contains("/-/live")
    );

    let on_disk = fs::read_to_string(root.path().join("target/book/eins.html"))
        .expect("the built page");
    assert!(on_disk.contains("Der erste Stand.") && !on_disk.contains("/-/live"));
}

#[test]
fn every_answer_carries_the_security_headers() {
    let root = small_book();
    let server = Server::start(root.path());
    let close = "Connection: close\r\n\r\n";
    let answers = [
        (200, server.get("/")),
        (200, server.get("/-/live.js")),
        (404, server.get("/gibt-es-nicht.html")),
        (
            421,
            server.answer_to(&format!("GET / HTTP/1.1\r\nHost: boese.example\r\n{close}")),
        ),
        (
            405,
            server.answer_to(&format!(
                "POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 0\r\n{close}"
            )),
        ),
        (
            403,
            server.answer_to(&format!(
                "GET /-/live HTTP/1.1\r\nHost: localhost:PORT\r\n{close}"
            )),
        ),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{}", answer.head);
        assert!(
            answer.has("x-content-type-options: nosniff"),
            "{status}: {}",
            answer.head
        );
        assert!(
            answer.has("cache-control: no-cache"),
            "{status}: {}",
            answer.head
        );
        assert!(
            !answer.head.contains("access-control"),
            "{status}: {}",
            answer.head
        );
        let policy = answer.header("content-security-policy");
        let port = server.port;
        assert!(
            policy.ends_with("; frame-ancestors 'none'"),
            "{status}: {policy}"
        );
        let sources =
            format!("connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port};");
        assert!(policy.contains(&sources), "{status}: {policy}");
    }
    // Without JavaScript, mdBook shows this one page in a frame of the book.
    let framed = server.get("/toc.html");
    assert!(framed.header("content-security-policy").ends_with("; frame-ancestors 'self'"));
}

#[test]
fn only_requests_to_this_very_host_are_answered() {
    let root = small_book();
    let server = Server::start(root.path());
    let table = [
        ("127.0.0.1", "Host: 127.0.0.1:PORT\r\n", true),
        ("localhost", "Host: localhost:PORT\r\n", true),
        ("none", "", false),
        ("empty", "Host: \r\n", false),
        (
            "twice the right one",
            "Host: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT\r\n",
            false,
        ),
        (
            "right, then wrong",
            "Host: 127.0.0.1:PORT\r\nHost: boese.example\r\n",
            false,
        ),
        (
            "wrong, then right",
            "Host: boese.example\r\nHost: 127.0.0.1:PORT\r\n",
            false,
        ),
        ("without port", "Host: 127.0.0.1\r\n", false),
        ("another port", "Host: 127.0.0.1:1\r\n", false),
        ("longer port", "Host: 127.0.0.1:PORT0\r\n", false),
        ("rebound name", "Host: boese.example:PORT\r\n", false),
        (
            "prefix trick",
            "Host: 127.0.0.1:PORT.boese.example\r\n",
            false,
        ),
        ("suffix trick", "Host: boese-localhost:PORT\r\n", false),
        ("final dot", "Host: localhost.:PORT\r\n", false),
        ("user part", "Host: x@127.0.0.1:PORT\r\n", false),
        (
            "another loopback address",
            "Host: 127.0.0.2:PORT\r\n",
            false,
        ),
        ("IPv6", "Host: [::1]:PORT\r\n", false),
        ("any address", "Host: 0.0.0.0:PORT\r\n", false),
    ];
    for (what, host, ours) in table {
        for (path, normally) in [
            ("/", 200),
            ("/gibt-es-nicht", 404),
            ("/-/live.js", 200),
            ("/-/live", 403),
        ] {
            let answer = server.answer_to(&format!(
                "GET {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n"
            ));
            assert_eq!(
                answer.status,
                if ours { normally } else { 421 },
                "{what}, {path}"
            );
            assert!(
                ours || !answer.content.contains('<'),
                "{what}, {path}: nothing of the book"
            );
        }
    }
    let old = server.answer_to("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(old.status, 421, "HTTP/1.0 without Host");
    let rest = "HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n";
    let foreign_target = server.answer_to(&format!("GET http://boese.example/ {rest}"));
    assert_eq!(
        foreign_target.status, 421,
        "another host in the request's target"
    );
}

#[test]
fn only_pages_of_this_very_server_get_the_websocket() {
    let root = small_book();
    let server = Server::start(root.path());
    let own = "Host: 127.0.0.1:PORT\r\n";
    let own_origin = "Origin: http://127.0.0.1:PORT\r\n";
    let table = [
        ("own page", own, own_origin, 101),
        (
            "own page as localhost",
            "Host: localhost:PORT\r\n",
            "Origin: http://localhost:PORT\r\n",
            101,
        ),
        ("no origin", own, "", 403),
        ("empty origin", own, "Origin: \r\n", 403),
        ("null", own, "Origin: null\r\n", 403),
        ("foreign", own, "Origin: http://boese.example\r\n", 403),
        (
            "foreign with the right port",
            own,
            "Origin: http://boese.example:PORT\r\n",
            403,
        ),
        ("another port", own, "Origin: http://127.0.0.1:1\r\n", 403),
        ("without port", own, "Origin: http://127.0.0.1\r\n", 403),
        ("https", own, "Origin: https://127.0.0.1:PORT\r\n", 403),
        (
            "suffix trick",
            own,
            "Origin: http://127.0.0.1:PORT.boese.example\r\n",
            403,
        ),
        (
            "longer port",
            own,
            "Origin: http://127.0.0.1:PORT0\r\n",
            403,
        ),
        (
            "prefix trick",
            own,
            "Origin: http://boese.example/http://127.0.0.1:PORT\r\n",
            403,
        ),
        (
            "user part",
            own,
            "Origin: http://127.0.0.1:PORT@boese.example\r\n",
            403,
        ),
        ("with path", own, "Origin: http://127.0.0.1:PORT/\r\n", 403),
        ("upper case", own, "Origin: HTTP://127.0.0.1:PORT\r\n", 403),
        ("file", own, "Origin: file://\r\n", 403),
        (
            "list",
            own,
            "Origin: http://127.0.0.1:PORT, http://boese.example\r\n",
            403,
        ),
        (
            "twice",
            own,
            "Origin: http://127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n",
            403,
        ),
        (
            "own, then foreign",
            own,
            "Origin: http://127.0.0.1:PORT\r\nOrigin: http://boese.example\r\n",
            403,
        ),
        (
            "foreign, then own",
            own,
            "Origin: http://boese.example\r\nOrigin: http://127.0.0.1:PORT\r\n",
            403,
        ),
        (
            "foreign host",
            "Host: boese.example:PORT\r\n",
            own_origin,
            421,
        ),
        (
            "foreign both",
            "Host: boese.example:PORT\r\n",
            "Origin: http://boese.example:PORT\r\n",
            421,
        ),
        ("no host", "", own_origin, 421),
    ];
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (what, host, origin, status) in table {
        // The connection stays open after such a request, so only the answer's beginning may be awaited.
        let request = format!("GET /-/live HTTP/1.1\r\n{host}{origin}{handshake}");
        let request = request.replace("PORT", &server.port.to_string());
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut beginning = [0; 12];
        stream.read_exact(&mut beginning).expect("the answer's beginning");
        assert_eq!(
            String::from_utf8_lossy(&beginning),
            format!("HTTP/1.1 {status}"),
            "{what}"
        );
    }
    let no_handshake =
        format!("GET /-/live HTTP/1.1\r\n{own}{own_origin}Connection: close\r\n\r\n");
    assert_eq!(server.answer_to(&no_handshake).status, 426);
}

#[test]
fn an_unknown_page_gets_the_books_own_404_page() {
    let root = small_book();
    let server = Server::start(root.path());
    let answer = server.get("/anhang/gibt-es-nicht.html");
    assert_eq!(answer.status, 404);
    assert!(answer.content.contains("Verlaufen") && answer.content.contains("/-/live.js"));
}

#[test]
fn no_request_reaches_a_file_outside_the_book() {
    let root = small_book();
    fs::create_dir_all(root.path().join("target")).expect("a folder");
    fs::write(root.path().join("target/geheim.html"), "geheim").expect("a file");
    let server = Server::start(root.path());
    for path in [
        "/../geheim.html",
        "/../../book.toml",
        "/%2e%2e/geheim.html",
        "/..%2fgeheim.html",
        "/%2e%2e%2fgeheim.html",
        "/..%5cgeheim.html",
        "/..\\geheim.html",
        "/css/../../geheim.html",
        "/css/../eins.html",
        "/./eins.html",
        "//etc/passwd",
        "//eins.html",
        "/%2fetc%2fpasswd",
        "/C:/Windows/win.ini",
        "/con",
        "/.nojekyll",
        "/.chatbuch",
        "/eins.html%00",
        "/eins.html/",
        "/%zz",
        "/%",
        "/%ff",
    ] {
        let answer = server.get(path);
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.content.contains("geheim"), "{path}");
    }
}

#[test]
fn head_gets_the_head_of_the_page_and_nothing_else() {
    let root = small_book();
    let server = Server::start(root.path());
    let head = server.answer_to(
        "HEAD /eins.html HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n",
    );
    let whole = server.get("/eins.html");
    assert_eq!((head.status, head.content.as_str()), (200, ""));
    assert_eq!(
        head.header("content-length"),
        whole.content.len().to_string()
    );
    assert_eq!(
        head.header("content-length"),
        whole.header("content-length")
    );
}

#[test]
fn the_book_can_only_be_read() {
    let root = small_book();
    let server = Server::start(root.path());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"] {
        for path in ["/", "/-/live", "/-/live.js", "/gibt-es-nicht"] {
            let rest = "HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let answer = server.answer_to(&format!("{method} {path} {rest}"));
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(
                answer.has("allow: get, head"),
                "{method} {path}: {}",
                answer.head
            );
        }
    }
}

#[test]
fn a_changed_chapter_reaches_the_open_page() {
    let root = small_book();
    let server = Server::start(root.path());
    let mut page = server.page();
    let first = page.next();
    assert!(first.problems.is_empty());
    let mark = |version: &str| format!("data-book=\"{version}\"");
    let shown = server.get("/eins.html").content;
    assert!(
        shown.contains(&mark(&first.version)),
        "the page knows which book it is from"
    );

    fs::write(root.path().join(CHAPTER), "# Eins\n\nDer zweite Stand.\n")
        .expect("the chapter is saved");
    let second = page.wait_for(|told| told.version != first.version);
    assert!(second.problems.is_empty());
    let shown = server.get("/eins.html").content;
    assert!(shown.contains("Der zweite Stand.") && shown.contains(&mark(&second.version)));
    let on_disk = fs::read_to_string(root.path().join("target/book/eins.html"))
        .expect("the built page");
    assert!(on_disk.contains("Der zweite Stand."));

    // As many editors save: write beside it, then put it in the old one's place.
    let beside = root.path().join("book/text/.eins.md.neu");
    fs::write(&beside, "# Eins\n\nDer dritte Stand.\n").expect("a file");
    fs::rename(&beside, root.path().join(CHAPTER)).expect("the chapter is replaced");
    page.wait_for(|told| told.version != second.version);
    assert!(server.get("/eins.html").content.contains("Der dritte Stand."));
}

#[test]
fn a_changed_configuration_reaches_the_open_page() {
    let root = small_book();
    let server = Server::start(root.path());
    let mut page = server.page();
    let first = page.next();
    let path = root.path().join("book.toml");
    let changed = fs::read_to_string(&path)
        .expect("the configuration")
        .replace("Probe", "Anderer Titel");
    fs::write(&path, changed).expect("the configuration is saved");
    page.wait_for(|told| told.version != first.version);
    assert!(server.get("/").content.contains("Anderer Titel"));
}

#[test]
fn a_broken_chapter_is_reported_and_leaves_the_last_good_book() {
    let root = small_book();
    let server = Server::start(root.path());
    let mut page = server.page();
    let good = page.next();

    let broken = "# Eins\n\nDer kaputte Stand.\n\n```quatsch\nx\n```\n";
    fs::write(root.path().join(CHAPTER), broken).expect("the chapter is saved");
    let told = page.wait_for(|told| !told.problems.is_empty());
    assert_eq!(told.version, good.version, "the page has nothing to reload");
    let place = format!("{CHAPTER}:5: ");
    assert!(
        told.problems.iter().any(|problem| problem.starts_with(&place)),
        "{told:?}"
    );
    server.wait_for_message(&place);
    assert!(server.get("/eins.html").content.contains("Der erste Stand."));
    let on_disk = fs::read_to_string(root.path().join("target/book/eins.html"))
        .expect("the built page");
    assert!(on_disk.contains("Der erste Stand."));
    assert_eq!(
        server.page().next().problems,
        told.problems,
        "who comes later learns it too"
    );

    fs::write(root.path().join(CHAPTER), "# Eins\n\nDer heile Stand.\n")
        .expect("the chapter is saved");
    let mended = page.wait_for(|told| told.problems.is_empty());
    assert_ne!(mended.version, good.version);
    // Saving empties the file first: there may have been a build in between.
    while !server.get("/eins.html").content.contains("Der heile Stand.") {
        page.next();
    }
}

#[test]
fn a_book_that_was_never_built_is_awaited() {
    let root = small_book();
    fs::write(root.path().join(CHAPTER), "# Eins\n\n```quatsch\nx\n```\n")
        .expect("the chapter is saved");
    let server = Server::start(root.path());
    let answer = server.get("/");
    assert_eq!(answer.status, 503);
    assert!(
        answer.content.contains("Noch kein Buch") && answer.content.contains("/-/live.js")
    );

    let mut page = server.page();
    let before = page.next();
    assert!(!before.problems.is_empty());
    fs::write(root.path().join(CHAPTER), "# Eins\n\nNun doch.\n")
        .expect("the chapter is saved");
    page.wait_for(|told| told.version != before.version && told.problems.is_empty());
    assert!(server.get("/eins.html").content.contains("Nun doch."));
}

#[test]
fn a_taken_port_gives_way_to_the_next_free_one() {
    let root = small_book();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let wanted = taken.local_addr().expect("its address").port();
    let server = Server::start_with(
        root.path(),
        &["serve", "--no-open", "--port", &wanted.to_string()],
    );
    assert_ne!(server.port, wanted);
    server.wait_for_message(&format!(
        "Port {wanted} ist belegt, das Buch liegt auf Port {}.",
        server.port
    ));
    assert_eq!(server.get("/").status, 200);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_program_normally_and_frees_the_port() {
    const SIGINT: i32 = 2;
    let root = small_book();
    let mut server = Server::start(root.path());
    // Neither an open page nor a request that never ends may hold the program.
    let mut page = server.page();
    page.next();
    let mut half = server.connect();
    half.write_all(b"GET / HTTP/1.1\r\nHost:").expect("half a request");

    let started = Instant::now();
    server.process.signal(SIGINT).expect("Ctrl-C");
    let status = loop {
        if let Some(status) = server.process.try_wait().expect("the process can be asked") {
            break status;
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "the program ends within a moment"
        );
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(0));
    TcpStream::connect((Ipv4Addr::LOCALHOST, server.port))
        .expect_err("nobody listens any more");
    let left: Vec<_> = fs::read_dir(root.path().join("target"))
        .expect("the folder")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "only the book stays: {left:?}");
}

/// Runs the program to its end: status, stdout, stderr.
fn run(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program(root, arguments).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn help_is_german_and_ends_normally() {
    let root = small_book();
    let table: [(&[&str], &[&str]); 10] = [
        (
            &["--help"],
            &[
                "Aufruf: cargo run",
                "Befehle:",
                "serve",
                "build",
                "record",
                "play",
                "measure",
                "--port <PORT>",
                "--no-open",
            ],
        ),
        (&["-h"], &["Aufruf: cargo run", "Befehle:"]),
        (
            &["serve", "--help"],
            &[
                "Aufruf: cargo run -- serve",
                "--port <PORT>",
                "3000",
                "--no-open",
            ],
        ),
        (
            &["build", "--help"],
            &["Aufruf: cargo run -- build", "ORDNER", "target/book"],
        ),
        (
            &["record", "--help"],
            &["Aufruf: cargo run -- record", "SZENE"],
        ),
        (
            &["play", "--help"],
            &["Aufruf: cargo run -- play SZENE", "SZENE"],
        ),
        (
            &["measure", "--help"],
            &[
                "Aufruf: cargo run --release -- measure",
                "Messungen:",
                "c10k",
                "chat",
                "herd",
                "--connections <ZAHL,…>",
                "Ohne MESSUNG gilt „c10k“",
            ],
        ),
        (
            &["measure", "c10k", "--help"],
            &[
                "Aufruf: cargo run --release -- measure c10k",
                "--connections <ZAHL,…>",
                "--models <MODELL,…>",
                "--runs <ZAHL>",
                "--save",
            ],
        ),
        (
            &["measure", "herd", "--help"],
            &[
                "Aufruf: cargo run --release -- measure herd",
                "--runs <ZAHL>",
                "--save",
            ],
        ),
        (
            &["measure", "chat", "--help"],
            &[
                "Aufruf: cargo run --release -- measure chat",
                "--receivers <ZAHL>",
                "--rounds <ZAHL>",
                "--save",
            ],
        ),
    ];
    for (arguments, expected) in table {
        let (status, output, messages) = run(root.path(), arguments);
        assert_eq!((status, messages.as_str()), (Some(0), ""), "{arguments:?}");
        for text in expected {
            assert!(
                output.contains(text),
                "{arguments:?}: „{text}“ in\n{output}"
            );
        }
        for english in [
            "Usage",
            "Options",
            "Commands",
            "Arguments",
            "Print help",
            "default",
            "[OPTIONS",
            "[ARG",
        ] {
            assert!(
                !output.contains(english),
                "{arguments:?}: „{english}“ in\n{output}"
            );
        }
    }
}

#[test]
fn bad_arguments_are_refused_in_german_with_status_2() {
    let root = small_book();
    let table: [(&[&str], &str); 15] = [
        (&["tanzen"], "Den Befehl „tanzen“ gibt es nicht."),
        (&["--tanzen"], "Das Argument „--tanzen“ gibt es hier nicht."),
        (
            &["build", "--port", "1"],
            "Das Argument „--port“ gibt es hier nicht.",
        ),
        (&["build", "a", "b"], "Das Argument „b“ gibt es hier nicht."),
        (&["--port"], "Nach „--port“ fehlt der Wert."),
        (
            &["play"],
            "Welche Szene gespielt werden soll, fehlt: cargo run -- play ch01-socket-basics/gespraech",
        ),
        (&["measure", "tanzen"], "Den Befehl „tanzen“ gibt es nicht."),
        (
            &["measure", "--models", "tokio,node"],
            "Ein Modell „node“ gibt es nicht; es gibt epoll-c, epoll, event-loop, tokio-lean, tokio, tokio-cores, threads, \
             threads-small, asyncio, python-threads.",
        ),
        (
            &["measure", "c10k", "--connections", "100,0"],
            "„0“ passt nicht zu „--connections“.",
        ),
        (&["measure", "--runs", "0"], "„0“ passt nicht zu „--runs“."),
        (
            &["measure", "chat", "--receivers", "0"],
            "„0“ passt nicht zu „--receivers“.",
        ),
        (
            &["--port", "viele"],
            "Als Port taugt „viele“ nicht: Er ist eine Zahl von 0 bis 65535.",
        ),
        (
            &["serve", "--port", "65536"],
            "Als Port taugt „65536“ nicht: Er ist eine Zahl von 0 bis 65535.",
        ),
        (&["--no-open=ja"], "Zu „--no-open“ gehört kein Wert."),
        (
            &["--no-open", "--no-open"],
            "Das Argument „--no-open“ steht doppelt da oder verträgt sich nicht mit dem Befehl.",
        ),
    ];
    for (arguments, sentence) in table {
        let (status, output, messages) = run(root.path(), arguments);
        assert_eq!((status, output.as_str()), (Some(2), ""), "{arguments:?}");
        let expected =
            format!("{sentence}\nWas möglich ist, zeigt „cargo run -- --help“.\n");
        assert_eq!(messages, expected, "{arguments:?}");
    }
}

#[test]
fn build_writes_the_book_where_it_is_told_and_spares_foreign_folders() {
    let root = small_book();
    let (status, output, messages) = run(root.path(), &["build"]);
    assert_eq!((status, output.as_str()), (Some(0), ""), "{messages}");
    assert!(
        messages.starts_with("Das Buch wird gebaut …\nFertig in "),
        "{messages}"
    );
    assert!(messages.ends_with(": 2 Seiten.\n"), "{messages}");
    assert!(root.path().join("target/book/eins.html").is_file());

    let (status, ..) = run(root.path(), &["build", "anderswo/buch"]);
    assert_eq!(status, Some(0));
    assert!(root.path().join("anderswo/buch/eins.html").is_file());

    let (status, _, messages) = run(root.path(), &["build", "book"]);
    assert_eq!(status, Some(1));
    assert!(
        messages.contains("ist nicht leer und stammt nicht von diesem Programm"),
        "{messages}"
    );
    assert!(root.path().join(CHAPTER).is_file());
}

#[test]
fn build_tells_where_the_book_is_broken() {
    let root = small_book();
    fs::write(root.path().join(CHAPTER), "# Eins\n\n```quatsch\nx\n```\n")
        .expect("the chapter is saved");
    let (status, _, messages) = run(root.path(), &["build"]);
    assert_eq!(status, Some(1));
    let place = format!("{CHAPTER}:3: ");
    assert!(
        messages.lines().any(|line| line.starts_with(&place)),
        "{messages}"
    );
    assert!(!root.path().join("target/book").exists());
}
