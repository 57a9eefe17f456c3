//! The program as a reader meets it: started as a process on a small book of its own, spoken to over real sockets.
//! Every test makes its book in a temporary folder and leaves neither a process nor a file behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use programs::listings;
use testing::DEADLINE;
use testing::book::Book;
use testing::program::{Finished, run};
use testing::reader::{Page, Reader};

use crate::program::{ROOT, Server, chatbuch};
use crate::wait_for_listings;

const CHAPTER: &str = "book/text/eins.md";

/// A book of two chapters with an own page for „not found“.
fn small_book() -> Book {
    let book = Book::of(&[
        ("eins.md", "# Eins\n\nDer erste Stand.\n"),
        ("zwei.md", "# Zwei\n\nMehr steht hier nicht.\n"),
    ]);
    book.write(
        "book/text/404.md",
        "# Verlaufen\n\nDiese Seite gibt es nicht.\n",
    );
    book
}

/// Waits until the program has told something that contains `text`.
fn wait_for_message(server: &mut Server, text: &str) {
    let told = server.program.err.find(text);
    assert!(
        told.is_some(),
        "{text:?} is told: {:#?}",
        server.program.err.seen
    );
}

/// What the server told a page about the book.
#[derive(serde::Deserialize, Debug)]
struct Told {
    version: String,
    problems: Vec<String>,
}

impl Told {
    fn next(page: &mut Page) -> Told {
        let message = page.wait_for("book");
        serde_json::from_value(message).expect("a message about the book")
    }

    /// The next message about the book that fulfils `wanted`.
    fn find(page: &mut Page, wanted: impl Fn(&Told) -> bool) -> Told {
        let end = Instant::now() + DEADLINE;
        loop {
            let told = Told::next(page);
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
    let book = small_book();
    let server = Server::start(book.root());

    for path in [
        "/",
        "/eins.html",
        "/eins.html?x=1",
        "/%65ins.html",
        "/zwei.html",
    ] {
        let answer = server.reader.get(path);
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
    assert!(server.reader.get("/eins.html").content.contains("Der erste Stand."));

    let contents = server.reader.get("/toc.html");
    assert_eq!(contents.status, 200);
    assert!(
        !contents.content.contains("/-/live"),
        "the framed table of contents needs no connection"
    );

    let script = server.reader.get("/-/live.js");
    assert!(
        script.has("content-type: text/javascript; charset=utf-8")
            && script.content.contains("/-/live")
    );

    let on_disk = book.read("target/book/eins.html");
    assert!(on_disk.contains("Der erste Stand.") && !on_disk.contains("/-/live"));
}

#[test]
fn every_answer_carries_the_security_headers() {
    let book = small_book();
    let server = Server::start(book.root());
    let close = "Connection: close\r\n\r\n";
    let answers = [
        (200, server.reader.get("/")),
        (200, server.reader.get("/-/live.js")),
        (404, server.reader.get("/gibt-es-nicht.html")),
        (
            421,
            server
                .reader
                .answer_to(&format!("GET / HTTP/1.1\r\nHost: boese.example\r\n{close}")),
        ),
        (
            405,
            server.reader.answer_to(&format!(
                "POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 0\r\n{close}"
            )),
        ),
        (
            403,
            server.reader.answer_to(&format!(
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
        let port = server.reader.port;
        assert!(
            policy.ends_with("; frame-ancestors 'none'"),
            "{status}: {policy}"
        );
        let sources =
            format!("connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port};");
        assert!(policy.contains(&sources), "{status}: {policy}");
    }
    // Without JavaScript, mdBook shows this one page in a frame of the book.
    let framed = server.reader.get("/toc.html");
    assert!(framed.header("content-security-policy").ends_with("; frame-ancestors 'self'"));
}

#[test]
fn an_unknown_page_gets_the_books_own_404_page() {
    let book = small_book();
    let server = Server::start(book.root());
    let answer = server.reader.get("/anhang/gibt-es-nicht.html");
    assert_eq!(answer.status, 404);
    assert!(answer.content.contains("Verlaufen") && answer.content.contains("/-/live.js"));
}

#[test]
fn no_request_reaches_a_file_outside_the_book() {
    let book = small_book();
    fs::create_dir_all(book.root().join("target")).expect("a folder");
    fs::write(book.root().join("target/geheim.html"), "geheim").expect("a file");
    let server = Server::start(book.root());
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
        let answer = server.reader.get(path);
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
    let book = small_book();
    let server = Server::start(book.root());
    let head = server.reader.answer_to(
        "HEAD /eins.html HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n",
    );
    let whole = server.reader.get("/eins.html");
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
    let book = small_book();
    let server = Server::start(book.root());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"] {
        for path in ["/", "/-/live", "/-/live.js", "/gibt-es-nicht"] {
            let rest = "HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let answer = server.reader.answer_to(&format!("{method} {path} {rest}"));
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
    let book = small_book();
    let server = Server::start(book.root());
    let mut page = server.reader.page();
    let first = Told::next(&mut page);
    assert!(first.problems.is_empty());
    let mark = |version: &str| format!("data-book=\"{version}\"");
    let shown = server.reader.get("/eins.html").content;
    assert!(
        shown.contains(&mark(&first.version)),
        "the page knows which book it is from"
    );

    book.write(CHAPTER, "# Eins\n\nDer zweite Stand.\n");
    let second = Told::find(&mut page, |told| told.version != first.version);
    assert!(second.problems.is_empty());
    let shown = server.reader.get("/eins.html").content;
    assert!(shown.contains("Der zweite Stand.") && shown.contains(&mark(&second.version)));
    let on_disk = book.read("target/book/eins.html");
    assert!(on_disk.contains("Der zweite Stand."));

    // As many editors save: write beside it, then put it in the old one's place.
    let beside = book.root().join("book/text/.eins.md.neu");
    fs::write(&beside, "# Eins\n\nDer dritte Stand.\n").expect("a file");
    fs::rename(&beside, book.root().join(CHAPTER)).expect("the chapter is replaced");
    Told::find(&mut page, |told| told.version != second.version);
    assert!(server.reader.get("/eins.html").content.contains("Der dritte Stand."));
}

#[test]
fn a_changed_configuration_reaches_the_open_page() {
    let book = small_book();
    let server = Server::start(book.root());
    let mut page = server.reader.page();
    let first = Told::next(&mut page);
    book.write(
        "book.toml",
        book.read("book.toml").replace("Probe", "Anderer Titel"),
    );
    Told::find(&mut page, |told| told.version != first.version);
    assert!(server.reader.get("/").content.contains("Anderer Titel"));
}

#[test]
fn a_broken_chapter_is_reported_and_leaves_the_last_good_book() {
    let book = small_book();
    let mut server = Server::start(book.root());
    let mut page = server.reader.page();
    let good = Told::next(&mut page);

    let broken = "# Eins\n\nDer kaputte Stand.\n\n```quatsch\nx\n```\n";
    book.write(CHAPTER, broken);
    let told = Told::find(&mut page, |told| !told.problems.is_empty());
    assert_eq!(told.version, good.version, "the page has nothing to reload");
    let place = format!("{CHAPTER}:5: ");
    assert!(
        told.problems.iter().any(|problem| problem.starts_with(&place)),
        "{told:?}"
    );
    wait_for_message(&mut server, &place);
    assert!(server.reader.get("/eins.html").content.contains("Der erste Stand."));
    let on_disk = book.read("target/book/eins.html");
    assert!(on_disk.contains("Der erste Stand."));
    assert_eq!(
        Told::next(&mut server.reader.page()).problems,
        told.problems,
        "who comes later learns it too"
    );

    book.write(CHAPTER, "# Eins\n\nDer heile Stand.\n");
    let mended = Told::find(&mut page, |told| told.problems.is_empty());
    assert_ne!(mended.version, good.version);
    assert!(server.reader.get("/eins.html").content.contains("Der heile Stand."));
}

#[test]
fn a_book_that_was_never_built_is_awaited() {
    let book = small_book();
    book.write(CHAPTER, "# Eins\n\n```quatsch\nx\n```\n");
    let server = Server::start(book.root());
    let answer = server.reader.get("/");
    assert_eq!(answer.status, 503);
    assert!(answer.header("content-security-policy").ends_with("; frame-ancestors 'none'"));
    assert!(
        answer.content.contains("Noch kein Buch") && answer.content.contains("/-/live.js")
    );

    let mut page = server.reader.page();
    let before = Told::next(&mut page);
    assert!(!before.problems.is_empty());
    book.write(CHAPTER, "# Eins\n\nNun doch.\n");
    Told::find(&mut page, |told| {
        told.version != before.version && told.problems.is_empty()
    });
    assert!(server.reader.get("/eins.html").content.contains("Nun doch."));
}

#[test]
fn a_taken_port_gives_way_to_the_next_free_one() {
    let book = small_book();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let wanted = taken.local_addr().expect("its address").port();
    let arguments = ["serve", "--no-open", "--port", &wanted.to_string()];
    let mut server = Server::of(chatbuch(book.root(), &arguments));
    let port = server.reader.port;
    assert_ne!(port, wanted);
    let told = format!("Port {wanted} ist belegt, das Buch liegt auf Port {port}.");
    wait_for_message(&mut server, &told);
    assert_eq!(server.reader.get("/").status, 200);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_program_normally_and_frees_the_port() {
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::Duration;

    let book = small_book();
    let mut server = Server::start(book.root());
    // Neither an open page nor a request that never ends may hold the program.
    let mut page = server.reader.page();
    Told::next(&mut page);
    let mut half = server.reader.connect();
    half.write_all(b"GET / HTTP/1.1\r\nHost:").expect("half a request");

    server.program.interrupt();
    let status = server.program.status_within(Duration::from_secs(5));
    assert_eq!(status.code(), Some(0));
    TcpStream::connect((Ipv4Addr::LOCALHOST, server.reader.port))
        .expect_err("nobody listens any more");
    let left: Vec<_> = fs::read_dir(book.root().join("target"))
        .expect("the folder")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "only the book stays: {left:?}");
}

#[test]
fn help_is_german_and_ends_normally() {
    let book = small_book();
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
        let Finished {
            status,
            out: output,
            err: messages,
        } = run(chatbuch(book.root(), arguments));
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
    let book = small_book();
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
        let Finished {
            status,
            out: output,
            err: messages,
        } = run(chatbuch(book.root(), arguments));
        assert_eq!((status, output.as_str()), (Some(2), ""), "{arguments:?}");
        let expected =
            format!("{sentence}\nWas möglich ist, zeigt „cargo run -- --help“.\n");
        assert_eq!(messages, expected, "{arguments:?}");
    }
}

#[test]
fn build_writes_the_book_where_it_is_told_and_spares_foreign_folders() {
    let book = small_book();
    let Finished {
        status,
        out: output,
        err: messages,
    } = run(chatbuch(book.root(), &["build"]));
    assert_eq!((status, output.as_str()), (Some(0), ""), "{messages}");
    assert!(
        messages.starts_with("Das Buch wird gebaut …\nFertig in "),
        "{messages}"
    );
    assert!(messages.ends_with(": 2 Seiten.\n"), "{messages}");
    assert!(book.root().join("target/book/eins.html").is_file());

    let Finished { status, .. } = run(chatbuch(book.root(), &["build", "anderswo/buch"]));
    assert_eq!(status, Some(0));
    assert!(book.root().join("anderswo/buch/eins.html").is_file());

    let Finished {
        status,
        err: messages,
        ..
    } = run(chatbuch(book.root(), &["build", "book"]));
    assert_eq!(status, Some(1));
    assert!(
        messages.contains("ist nicht leer und stammt nicht von diesem Programm"),
        "{messages}"
    );
    assert!(book.root().join(CHAPTER).is_file());
}

#[test]
fn build_tells_where_the_book_is_broken() {
    let book = small_book();
    book.write(CHAPTER, "# Eins\n\n```quatsch\nx\n```\n");
    let Finished {
        status,
        err: messages,
        ..
    } = run(chatbuch(book.root(), &["build"]));
    assert_eq!(status, Some(1));
    let place = format!("{CHAPTER}:3: ");
    assert!(
        messages.lines().any(|line| line.starts_with(&place)),
        "{messages}"
    );
    assert!(!book.root().join("target/book").exists());
}

/// A scene takes the port of the book if it is free, and so do the scenes of the other tests: where one shows that nobody
/// listens there, it has to be another port than theirs. Whoever has it already, has the same effect.
fn port_of_the_book() -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 5000)).ok()
}

#[test]
fn play_shows_a_scene_in_a_terminal() {
    wait_for_listings();
    let _taken = port_of_the_book();
    let play = |scene: &str| run(chatbuch(Path::new(ROOT), &["play", scene]));
    let shown = play("ch01-socket-basics/kein-server");
    assert_eq!(shown.status, Some(0), "{}", shown.err);
    for part in [
        "Client  $ cargo run --bin ch01-client",
        "Läuft der Server?",
        "■ endet mit Status 1",
    ] {
        assert!(shown.out.contains(part), "{}", shown.out);
    }

    let unknown = play("ch01-socket-basics/nichts");
    assert_eq!(unknown.status, Some(1));
    assert!(unknown.err.contains("gibt es nicht. Bekannt sind:"));
}

/// A classroom without a compiler: what has been built elsewhere lies in a folder.
#[test]
fn programs_that_lie_in_a_folder_are_played_without_cargo() {
    let client = wait_for_listings().path("ch01-client").expect("a program");
    let _taken = port_of_the_book();
    let play = |folder: &Path| {
        let mut command =
            chatbuch(Path::new(ROOT), &["play", "ch01-socket-basics/kein-server"]);
        command.env("CARGO", "niemand").env(listings::FOLDER, folder);
        run(command)
    };
    let shown = play(client.parent().expect("a folder"));
    assert_eq!(shown.status, Some(0), "{}", shown.err);
    assert!(shown.out.contains("■ endet mit Status 1"), "{}", shown.out);

    let empty = tempfile::tempdir().expect("a folder");
    let refused = play(empty.path());
    assert_eq!(refused.status, Some(1), "{}", refused.out);
    assert!(
        refused.err.contains("cargo ist nicht zu starten"),
        "{}",
        refused.err
    );
}

/// `… | head -1`: who has seen enough goes, and nothing is wrong.
#[test]
fn whoever_stops_reading_a_scene_ends_it_and_is_told_nothing() {
    wait_for_listings();
    let _taken = port_of_the_book();
    let mut command =
        chatbuch(Path::new(ROOT), &["play", "ch01-socket-basics/kein-server"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut play = command.spawn().expect("it starts");
    let mut shown = BufReader::new(play.stdout.take().expect("a pipe"));
    shown.read_line(&mut String::new()).expect("a line");
    drop(shown);
    let ended = play.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{told}");
    assert!(
        !told.contains("Strg+C") && !told.contains("os error"),
        "{told}"
    );
}

/// `cargo run 2>&1 | head`: the book goes on without anybody who hears what it tells, and follows its source.
#[test]
fn without_anyone_to_read_stderr_the_book_goes_on() {
    let book = small_book();
    let mut command = chatbuch(book.root(), &["--port", "0", "--no-open"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut served = command.spawn().expect("it starts");
    drop(served.stderr.take());
    let mut address = String::new();
    BufReader::new(served.stdout.take().expect("a pipe"))
        .read_line(&mut address)
        .expect("an address");
    let reader = Reader::of(address.trim_end());
    book.write(CHAPTER, "# Eins\n\nDer zweite Stand.\n");
    testing::wait_until("the change is shown", DEADLINE, || {
        reader.get("/eins.html").content.contains("Der zweite Stand.")
    });
    served.kill().expect("it is still there");
    served.wait().expect("it ends");
}
