//! ▶ in the page, rule by rule of the design: who is not the reader gets nothing, and whatever was started ends.
//! The server runs in this process where limits are to be small, else as the program itself. It runs on the real book,
//! or on a small one where any book would do: That is built in a moment. Pages are played by real WebSockets.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::lines::lines_of;
use live::Limits;
use live::{Options, Serving};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::{IntoClientRequest, client};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

/// Far more than anything here takes; a test that reaches it has failed.
const DEADLINE: Duration = Duration::from_secs(60);
/// After so long nothing that was started may be left.
const GONE_WITHIN: Duration = Duration::from_secs(3);

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// A server and clients that read what is typed; the small book has them as well.
const CHAT: &str = "ch05-threaded-chat/drei-clients";
const TALK: &str = "ch01-socket-basics/gespraech";
/// Some cell of the book, and the only one of the small one.
const CELL: &str = "sockets#1";

// ---- books ----

/// Writes what is not there yet: what has not changed has not to be built again.
fn write_book(root: &Path, files: &[(&str, String)]) {
    for (name, content) in files {
        let path = root.join(name);
        if fs::read(&path).is_ok_and(|old| old == content.as_bytes()) {
            continue;
        }
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file of the book");
    }
}

/// The settings of a made-up book.
const BOOK_TOML: &str = "[book]\ntitle = \"Probe\"\nlanguage = \"de\"\nsrc = \"book/text\"\n\n[build]\nbuild-dir = \"target/book\"\ncreate-missing = false\n";

/// The manifest of a package of a made-up book.
fn package(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}

/// The manifest of a made-up book, which is a package itself.
fn workspace() -> String {
    let members = "[workspace]\nresolver = \"3\"\nmembers = [\"listings/*\"]\n";
    format!("{members}{}[lib]\npath = \"lib.rs\"\n", package("probe"))
}

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

/// A book with one scene and one cell, named like those of the real one. It stays built from run to run.
fn small_book() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("notebook-small-book");
        let [mut steps, mut ends, mut cast] = [const { String::new() }; 3];
        for name in ["Server", "Anna", "Ben", "Carla"] {
            let (program, ready) = match name {
                "Server" => ("server", "Server lauscht auf 127.0.0.1:5000"),
                _ => ("client", "Verbunden."),
            };
            steps += &format!("{{ start = \"{name}\" }},\n{{ see = \"{name}\", line = \"{ready}\" }},\n");
            if program == "client" {
                ends += &format!(
                    "{{ eof = \"{name}\" }},\n{{ exit = \"{name}\", status = 0 }},\n"
                );
            }
            cast += &format!("[[process]]\nname = \"{name}\"\nprogram = \"ch05-small-{program}\"\nargs = [\"--port\", \"{{server}}\"]\n");
        }
        steps += &(ends + "{ stop = \"Server\" },\n");
        let scene = format!("title = \"Probe\"\nsteps = [\n{steps}]\n[ports]\nserver = 5000\n{cast}");
        let bins = ["server", "client"].map(|name| {
            format!("[[bin]]\nname = \"ch05-small-{name}\"\npath = \"src/{name}.rs\"\n")
        });
        let cell = "# Eins\n\n```rust\nfn main() { println!(\"eins\"); }\n```\n\n```text,ausgabe\neins\n```\n";
        let listing = |path: &str| format!("listings/ch05-threaded-chat/{path}");
        write_book(
            &root,
            &[
                ("Cargo.toml", workspace()),
                ("lib.rs", String::new()),
                (&listing("Cargo.toml"), package("ch05-threaded-chat") + &bins.concat()),
                (&listing("src/server.rs"), SMALL_SERVER.to_owned()),
                (&listing("src/client.rs"), SMALL_CLIENT.to_owned()),
                (&listing("scenes/drei-clients.toml"), scene),
                ("book.toml", BOOK_TOML.to_owned()),
                ("book/text/SUMMARY.md", "# Inhalt\n\n- [Eins](sockets.md)\n".to_owned()),
                ("book/text/sockets.md", cell.to_owned()),
            ],
        );
        root
    })
}

// ---- servers ----

/// Where a server is and what its reader knows.
#[derive(Clone)]
struct Door {
    port: u16,
    token: String,
}

impl Door {
    fn read(address: &str) -> Door {
        let parts = address
            .trim()
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.split_once("/#token="));
        let (port, token) = parts.unwrap_or_else(|| panic!("an address: {address:?}"));
        Door {
            port: port.parse().expect("a port"),
            token: token.to_owned(),
        }
    }

    /// A page of the book that has not said anything yet.
    fn silent_page(&self) -> Page {
        let stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let address = format!("ws://127.0.0.1:{}/-/live", self.port);
        let mut request = address.into_client_request().expect("a request");
        let origin = format!("http://127.0.0.1:{}", self.port);
        request.headers_mut().insert("origin", origin.parse().expect("a header value"));
        Page(client(request, stream).expect("the page is let in").0)
    }

    /// The reader's page.
    fn page(&self) -> Page {
        let mut page = self.silent_page();
        page.send(json!({"type": "hello", "token": self.token}));
        page.wait_for("book");
        page
    }

    /// The reader's page, once nothing is being built in the background any more.
    fn page_when_all_is_built(&self) -> Page {
        let mut page = self.page();
        loop {
            let ready = page.wait_for("ready");
            let done = |what: &str| ready[what]["done"] == ready[what]["of"];
            let any = ready["scenes"]["of"].as_u64().is_some_and(|of| of > 0);
            if any && done("scenes") && done("cells") {
                return page;
            }
        }
    }
}

/// The server in this process.
struct InProcess {
    _serving: Mutex<Serving>,
    door: Door,
}

/// The one that most tests share. It ends with the last of them, and with it whatever it has started.
fn shared() -> &'static InProcess {
    static SHARED: OnceLock<InProcess> = OnceLock::new();
    SHARED.get_or_init(|| {
        let limits = Limits {
            cell: Duration::from_secs(3),
            // A test reads its page when it has time to.
            silence: Duration::from_secs(30),
            ..Limits::default()
        };
        in_process(Path::new(ROOT), limits)
    })
}

fn in_process(root: &Path, limits: Limits) -> InProcess {
    // Two builds of one process would meet in the same folder.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let serving = live::start(&Options {
        root: root.to_owned(),
        port: 0,
        open_browser: false,
        limits,
    })
    .expect("the server starts");
    InProcess {
        door: Door::read(&serving.address()),
        _serving: Mutex::new(serving),
    }
}

/// The program itself; it is killed when the test ends, however it ends.
struct AsProgram {
    child: Child,
    door: Door,
    messages: Receiver<String>,
}

impl AsProgram {
    fn start(root: &Path, change: impl FnOnce(&mut Command)) -> AsProgram {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatbuch"));
        command.current_dir(root).args(["--port", "0"]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().expect("the program starts");
        let output = lines_of(child.stdout.take().expect("stdout is piped"));
        let messages = lines_of(child.stderr.take().expect("stderr is piped"));
        let address = output.recv_timeout(DEADLINE).expect("the address is printed");
        AsProgram {
            child,
            door: Door::read(&address),
            messages,
        }
    }

    fn without_browser(root: &Path) -> AsProgram {
        AsProgram::start(root, |command| {
            command.arg("--no-open");
        })
    }
}

impl Drop for AsProgram {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ---- pages ----

/// Several servers that look for a free port at the same moment find the same: so they start one after the other.
static STARTING: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open page.
struct Page(WebSocket<TcpStream>);

impl Page {
    fn send(&mut self, message: Value) {
        self.say(&message.to_string());
    }

    fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("the message is sent");
    }

    /// The next message; `None` once the server has closed.
    fn next(&mut self) -> Option<Value> {
        let end = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < end, "a message before the deadline");
            match self.0.read() {
                Ok(Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).expect("JSON"));
                }
                Ok(Message::Close(_)) => return None,
                Ok(_) => {}
                Err(error) => {
                    let late = matches!(&error, tokio_tungstenite::tungstenite::Error::Io(cause)
                        if matches!(cause.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
                    assert!(!late, "a message before the deadline");
                    return None;
                }
            }
        }
    }

    /// The next message that fulfils `wanted`.
    fn find(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let end = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        while Instant::now() < end {
            let Some(message) = self.next() else { break };
            if wanted(&message) {
                return message;
            }
            seen.push(message.to_string());
        }
        panic!("{what} comes, but there was only:\n{}", seen.join("\n"));
    }

    fn wait_for(&mut self, kind: &str) -> Value {
        self.find(kind, |message| message["type"] == kind)
    }

    /// Waits for a line that a process prints.
    fn wait_for_line(&mut self, process: &str, part: &str) -> String {
        let line = self.find(&format!("{process}: {part}"), |message| {
            matches!(message["kind"].as_str(), Some("out" | "err"))
                && message["process"] == process
                && message["text"].as_str().is_some_and(|text| text.contains(part))
        });
        line["text"].as_str().expect("a text").to_owned()
    }

    /// Everything up to and including the message of that kind.
    fn all_until(&mut self, kind: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let message = self.next().unwrap_or_else(|| panic!("{kind} comes: {all:?}"));
            let last = message["type"] == kind;
            all.push(message);
            if last {
                return all;
            }
        }
    }

    /// Whether the server refuses this page, saying nothing else before, and closes.
    fn is_refused(&mut self) -> bool {
        let refused = self.next().is_some_and(|message| {
            message["type"] == "refused" && message["reason"].is_string()
        });
        refused && self.next().is_none()
    }

    /// Starts the chat in which the reader types, and waits until its server listens on the returned port.
    fn chat(&mut self, run: u32) -> u16 {
        let _alone = alone();
        self.send(json!({"type": "play", "scene": CHAT, "mode": "self", "run": run}));
        let line = self.wait_for_line("Server", "Server lauscht auf");
        line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// What a cell prints and how it ends.
    fn run_cell(&mut self, run: u32, source: Option<&str>) -> Vec<Value> {
        let mut message = json!({"type": "run-cell", "run": run, "cell": CELL});
        if let Some(source) = source {
            message["source"] = source.into();
        }
        self.send(message);
        self.all_until("cell-ended")
    }
}

/// The texts of all messages of a kind.
fn texts(messages: &[Value], kind: &str) -> Vec<String> {
    let of_kind = |message: &&Value| message["type"] == kind || message["kind"] == kind;
    let messages = messages.iter().filter(of_kind);
    messages
        .map(|message| message["text"].as_str().expect("a text").to_owned())
        .collect()
}

// ---- processes ----

/// Every living process with its parent and its command line.
#[cfg(target_os = "linux")]
fn processes() -> BTreeMap<u32, (u32, String)> {
    let mut processes = BTreeMap::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // Whoever vanishes while we look is gone.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = after_name.split_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        if state != Some("Z")
            && let Some(parent) = parent.and_then(|parent| parent.parse::<u32>().ok())
        {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            processes.insert(pid, (parent, command));
        }
    }
    processes
}

/// The command lines of all living processes that `wanted` is true of.
#[cfg(target_os = "linux")]
fn commands(wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let commands = processes().into_values().map(|(_, command)| command);
    commands.filter(|command| wanted(command)).collect()
}

/// The living descendants of a process, with their command lines.
#[cfg(target_os = "linux")]
fn descendants(ancestor: u32) -> Vec<String> {
    let parents = processes();
    let descends = |pid: &u32| {
        let mut pid = *pid;
        while let Some((parent, _)) = parents.get(&pid) {
            if *parent == ancestor {
                return true;
            }
            pid = *parent;
        }
        false
    };
    let below = parents.iter().filter(|(pid, _)| descends(pid));
    below.map(|(_, (_, command))| command.clone()).collect()
}

/// Every living process whose command line contains `part`.
#[cfg(target_os = "linux")]
fn running(part: &str) -> Vec<String> {
    commands(|command| command.contains(part) && command.contains("ch0"))
}

#[cfg(target_os = "linux")]
fn wait_until(what: &str, limit: Duration, fulfilled: impl Fn() -> bool) {
    let end = Instant::now() + limit;
    while !fulfilled() {
        assert!(Instant::now() < end, "within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The programs of a scene on this port are gone in time.
fn assert_gone(port: u16) {
    #[cfg(target_os = "linux")]
    wait_until("no program is left", GONE_WITHIN, || {
        running(&format!("--port {port}")).is_empty()
    });
    #[cfg(not(target_os = "linux"))]
    {
        let end = Instant::now() + GONE_WITHIN;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            assert!(Instant::now() < end, "the server is gone");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

// ---- rules 1 to 6: who is answered ----

#[test]
fn rule_1_the_address_is_a_literal_and_reachable_under_no_other() {
    let server = shared();
    assert!(TcpStream::connect(("127.0.0.1", server.door.port)).is_ok());
    // The whole of 127/8 is this machine on Linux; only one address of it is ours.
    if cfg!(target_os = "linux") {
        assert!(TcpStream::connect(("127.0.0.2", server.door.port)).is_err());
    }
    assert!(TcpStream::connect(("::1", server.door.port)).is_err());
}

/// The beginning of the answer to a WebSocket handshake.
fn handshake(door: &Door, path: &str, headers: &str) -> String {
    let mut stream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, door.port)).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let request = format!(
        "GET {path} HTTP/1.1\r\n{headers}Connection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let request = request.replace("PORT", &door.port.to_string());
    let request = request.replace("TOKEN", &door.token);
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).expect("the answer's beginning");
    String::from_utf8_lossy(&beginning[9..]).into_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn rules_2_3_and_5_the_handshake_matrix_refuses_everyone_else_and_nothing_runs() {
    let server = AsProgram::without_browser(small_book());
    let door = &server.door;
    drop(door.page_when_all_is_built());
    let idle = descendants(server.child.id()).len();

    let (host, origin) = (
        "Host: 127.0.0.1:PORT\r\n",
        "Origin: http://127.0.0.1:PORT\r\n",
    );
    let own = format!("{host}{origin}");
    for (headers, status) in [
        (own.as_str(), "101"),
        (
            "Host: localhost:PORT\r\nOrigin: http://localhost:PORT\r\n",
            "101",
        ),
        (host, "403"),
        ("Host: 127.0.0.1:PORT\r\nOrigin: null\r\n", "403"),
        (
            "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT.boese.example\r\n",
            "403",
        ),
        (
            "Host: 127.0.0.1:PORT\r\nOrigin: http://boese.example/http://127.0.0.1:PORT\r\n",
            "403",
        ),
        (
            "Host: 127.0.0.1:PORT\r\nOrigin: http://boese-127.0.0.1:PORT\r\n",
            "403",
        ),
        (
            "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT/#token=TOKEN\r\n",
            "403",
        ),
        (
            "Host: 127.0.0.1:PORT\r\nOrigin: https://127.0.0.1:PORT\r\n",
            "403",
        ),
        (origin, "421"),
        (
            "Host: boese.example\r\nOrigin: http://127.0.0.1:PORT\r\n",
            "421",
        ),
        (
            "Host: 127.0.0.1:PORT.boese.example\r\nOrigin: http://127.0.0.1:PORT\r\n",
            "421",
        ),
        (
            "Host: boese-localhost:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n",
            "421",
        ),
        (
            "Host: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n",
            "421",
        ),
    ] {
        assert_eq!(handshake(door, "/-/live", headers), status, "{headers}");
    }

    let token = &door.token;
    let play = json!({"type": "play", "scene": CHAT, "mode": "self", "run": 1}).to_string();
    let hello = |token: &str| json!({"type": "hello", "token": token}).to_string();
    let mut other = token.clone();
    let flipped = if other.ends_with('0') { "1" } else { "0" };
    other.replace_range(31.., flipped);
    for first in [
        play.clone(),
        hello(""),
        hello(&other),
        hello(&token[..31]),
        hello(&token[1..]),
        hello(&format!("{token}0")),
        hello(&format!("0{token}")),
        hello(&format!(" {token}")),
        hello(&format!("{token}\0")),
        hello(&"0".repeat(32)),
        hello(&"x".repeat(60_000)),
        token.clone(),
        format!("\"{token}\""),
        json!({"type": "hello", "token": null}).to_string(),
        json!({"type": "hello", "token": [token]}).to_string(),
        json!({"type": "hello"}).to_string(),
        json!({"type": "hello", "token": token, "more": 1}).to_string(),
        json!({"type": "hello", "Token": token}).to_string(),
        json!({"type": "Hello", "token": token}).to_string(),
        json!({"token": token}).to_string(),
        json!([{"type": "hello", "token": token}]).to_string(),
        format!(r#"{{"type":"hello","token":"{token}","token":"{token}"}}"#),
        format!("{}{play}", hello(token)),
        String::new(),
        "null".to_owned(),
        "{".to_owned(),
    ] {
        let mut page = door.silent_page();
        page.say(&first);
        // It may say more: it is not heard.
        let _ = page.0.send(Message::text(play.clone()));
        assert!(page.is_refused(), "{first}");
    }
    let mut binary = door.silent_page();
    binary.0.send(Message::binary(hello(token).into_bytes())).expect("it is sent");
    assert!(binary.is_refused());
    assert!(descendants(server.child.id()).len() <= idle, "nothing runs");

    // The reader is let in under both names, as often as wanted.
    let mut page = door.page();
    page.send(json!({"type": "hello", "token": token}));
    page.wait_for("refused");
}

#[test]
fn rule_5_a_token_that_comes_too_late_is_worth_nothing() {
    let server = shared();
    let began = Instant::now();
    let mut page = server.door.silent_page();
    assert!(page.is_refused());
    assert!(began.elapsed() >= Limits::default().hello);
}

#[test]
fn rule_4_nothing_but_the_one_door_turns_into_a_websocket() {
    let server = shared();
    let own = "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n";
    for path in [
        "/",
        "/-/live.js",
        "/-/live/",
        "/-/",
        "/-/live/x",
        "/gibt-es-nicht",
    ] {
        assert_ne!(handshake(&server.door, path, own), "101", "{path}");
    }
    assert_eq!(handshake(&server.door, "/-/live", own), "101");
}

/// The whole answer to a plain request.
fn get(door: &Door, path: &str) -> String {
    let mut stream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, door.port)).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
        door.port
    );
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn rules_5_and_6_no_answer_holds_the_token_a_cookie_or_a_cors_header() {
    let server = shared();
    let asked = format!("/?token={}", server.door.token);
    for path in [
        "/",
        "/sockets.html",
        "/-/live.js",
        "/-/live",
        &asked,
        "/nichts",
    ] {
        let answer = get(&server.door, path);
        let (head, _) = answer.split_once("\r\n\r\n").expect("a head");
        let head = head.to_lowercase();
        assert!(!answer.contains(&server.door.token), "{path}");
        assert!(
            !head.contains("set-cookie") && !head.contains("access-control"),
            "{head}"
        );
        assert!(
            head.contains("frame-ancestors 'none'") && head.contains("nosniff"),
            "{head}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn rule_5_the_browser_learns_the_token_from_a_private_file_and_nobody_else_does() {
    use std::os::unix::fs::PermissionsExt;
    // A browser that writes down how it was called, in the place of the real one.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let called = folder.path().join("called");
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {0}.neu\nmv {0}.neu {0}\n",
        called.display()
    );
    for name in ["xdg-open", "gio", "gnome-open", "kde-open", "wslview"] {
        let path = folder.path().join(name);
        fs::write(&path, &script).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }
    let path = std::env::var("PATH").expect("PATH");
    let path = format!("{}:{path}", folder.path().display());
    let mut server = AsProgram::start(small_book(), |command| {
        command.env("PATH", path);
    });
    wait_until("the browser is called", DEADLINE, || called.exists());
    let arguments = fs::read_to_string(&called).expect("its arguments");
    assert!(!arguments.contains(&server.door.token), "{arguments}");
    let file = Path::new(arguments.trim().trim_start_matches("open "));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode();
    assert_eq!(mode(file) & 0o777, 0o600);
    assert_eq!(mode(file.parent().expect("a folder")) & 0o777, 0o700);
    let leads_to = format!(
        "http://127.0.0.1:{}/#token={}",
        server.door.port, server.door.token
    );
    assert!(fs::read_to_string(file).expect("the file").contains(&leads_to));
    let own = fs::read(format!("/proc/{}/cmdline", server.child.id())).expect("its own");
    assert!(!String::from_utf8_lossy(&own).contains(&server.door.token));

    interrupt(&server.child);
    assert!(server.child.wait().expect("it ends").success());
    assert!(!file.exists(), "the file is gone with the program");
    let told: Vec<String> = server.messages.iter().collect();
    assert!(!told.concat().contains(&server.door.token), "{told:?}");
}

/// Ctrl-C.
#[cfg(unix)]
fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
}

// ---- rule 7: what can be asked for ----

#[test]
fn rule_7_a_page_names_things_of_our_tables_and_nothing_else() {
    let server = shared();
    let mut page = server.door.page();
    for (run, scene) in [
        "ch01-socket-basics/gibt-es-nicht",
        "../listings/ch01-socket-basics/gespraech",
        "ch01-socket-basics/../ch01-socket-basics/gespraech",
        "/etc/passwd",
        "ch01-server",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        page.send(json!({"type": "play", "scene": scene, "mode": "perform", "run": run}));
        let told = page.all_until("over");
        assert!(
            told.iter().all(|message| message["type"] != "event"),
            "{scene}"
        );
        assert!(told.last().expect("over")["reason"].is_string(), "{scene}");
    }
    for cell in ["sockets#0", "sockets#999", "sockets", "../sockets#1", ""] {
        page.send(
            json!({"type": "run-cell", "run": 50, "cell": cell, "source": "fn main() {}"}),
        );
        let told = page.all_until("cell-ended");
        assert!(
            told.iter().all(|message| message["type"] != "cell-building"),
            "{cell}"
        );
    }
    for more in [
        json!({"type": "play", "scene": TALK, "mode": "self", "run": 1, "args": ["--port", "1"]}),
        json!({"type": "play", "scene": TALK, "mode": "self", "run": 1, "program": "/bin/sh"}),
        json!({"type": "start-process", "run": 1, "process": "Server", "env": {"A": "b"}}),
        json!({"type": "run", "command": "ls"}),
    ] {
        let mut page = server.door.page();
        page.send(more.clone());
        let told = page.all_until("refused");
        assert!(
            told.iter().all(|message| message["type"] != "event"),
            "{more}"
        );
        assert!(page.next().is_none());
    }
}

/// Random numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("below the number of sides")
    }

    /// A value as nobody expects it.
    fn value(&mut self) -> String {
        const VALUES: [&str; 18] = [
            "null",
            "true",
            "-1",
            "0",
            "1",
            "7",
            "1e99",
            "4294967296",
            "\"\"",
            "\"Anna\"",
            "\"\\u0000\"",
            "[]",
            "{}",
            "[1,2]",
            "\"self\"",
            "\"../../etc\"",
            "\"<script>\"",
            "\"💣\"",
        ];
        VALUES[self.roll(VALUES.len())].to_owned()
    }

    /// A message that is none: a real one with something wrong about it, or plain noise.
    fn message(&mut self) -> String {
        const FIELDS: [&str; 10] = [
            "token", "scene", "mode", "run", "process", "line", "like", "cell", "source",
            "mehr",
        ];
        const TYPES: [&str; 12] = [
            "hello",
            "input",
            "eof",
            "stop-process",
            "start-process",
            "add-client",
            "stop",
            "Play",
            "exec",
            "",
            "book",
            "refused",
        ];
        match self.roll(3) {
            0 => {
                let bytes: Vec<u8> = (0..self.roll(60))
                    .map(|_| u8::try_from(32 + self.roll(95)).expect("printable"))
                    .collect();
                String::from_utf8(bytes).expect("ASCII")
            }
            1 => {
                let valid = format!(
                    r#"{{"type":"play","scene":"{CHAT}","mode":"perform","run":1}}"#
                );
                // Cut somewhere, it is never whole.
                valid[..self.roll(valid.len())].to_owned()
            }
            _ => {
                let mut message =
                    format!(r#"{{"type":"{}""#, TYPES[self.roll(TYPES.len())]);
                for _ in 0..self.roll(4) {
                    let field = FIELDS[self.roll(FIELDS.len())];
                    message.push_str(&format!(r#","{field}":{}"#, self.value()));
                }
                message.push('}');
                message
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_random_and_malformed_messages_start_nothing_and_harm_nobody() {
    let mut server = AsProgram::without_browser(small_book());
    let door = server.door.clone();
    drop(door.page_when_all_is_built());
    let idle = descendants(server.child.id()).len();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut page = door.page();
    let mut refused = 0;
    for number in 0..1_000 {
        let message = dice.message();
        // A third of them comes from strangers.
        if number % 3 == 0 {
            let mut stranger = door.silent_page();
            stranger.say(&message);
            assert!(stranger.is_refused(), "{message}");
            refused += 1;
            continue;
        }
        page.say(&message);
        // Asked for after it, the end of a cell that does not exist says whether the page is still served.
        let _ = page.0.send(Message::text(
            r#"{"type":"run-cell","run":9,"cell":"nichts#1"}"#,
        ));
        loop {
            match page.next() {
                Some(told) if told["type"] == "cell-ended" => break,
                Some(told) => assert_ne!(told["type"], "event", "{message}"),
                None => {
                    refused += 1;
                    page = door.page();
                    break;
                }
            }
        }
        if number % 20 == 1 {
            assert!(descendants(server.child.id()).len() <= idle, "{message}");
        }
    }
    assert!(refused > 500, "only {refused} of them were malformed");
    assert!(server.child.try_wait().expect("it can be asked").is_none());
    let told: Vec<String> = server.messages.try_iter().collect();
    assert!(!told.concat().contains("panicked"), "{told:?}");
    // The reader is served as before.
    let printed = page.run_cell(1, None);
    assert_eq!(printed.last().expect("its end")["status"], 0);
}

// ---- scenes ----

#[test]
fn a_scene_is_performed_as_its_script_says() {
    let server = shared();
    let mut page = server.door.page();
    let starting = alone();
    page.send(json!({"type": "play", "scene": TALK, "mode": "perform", "run": 3}));
    let mut told = Vec::new();
    page.find("the server", |message| {
        told.push(message.clone());
        message["text"].as_str().is_some_and(|text| text.contains("lauscht"))
    });
    drop(starting);
    told.extend(page.all_until("over"));
    let of_run: Vec<&Value> = told.iter().filter(|message| message["run"] == 3).collect();
    assert_eq!(
        told.last().expect("over")["reason"],
        Value::Null,
        "{told:?}"
    );

    // The order is that of the script, the words those of the recording.
    let happened: Vec<String> = of_run
        .iter()
        .filter(|message| message["type"] == "event")
        .map(|message| {
            let kind = message["kind"].as_str().expect("a kind");
            let process = message["process"].as_str().expect("a process");
            let text = message["text"].as_str().unwrap_or_default();
            // Ports differ from run to run.
            let text = text.split(":5").next().unwrap_or(text);
            let text = text.split(" 127.0.0.1").next().unwrap_or(text);
            format!("{kind} {process} {text}").trim_end().to_owned()
        })
        .collect();
    for wanted in [
        "start Server",
        "out Server Server lauscht auf",
        "start Client",
        "in Client Hallo, ist da jemand?",
        "out Server Client: Hallo, ist da jemand?",
        "quiet Client wartet auf die Antwort des Servers",
        "in Server Ja. Was gibt es?",
        "out Client Server: Ja. Was gibt es?",
        "in Client bye",
        "exit Client",
        "stop Server",
        "exit Server",
    ] {
        assert!(
            happened.iter().any(|one| one == wanted),
            "{wanted} in {happened:#?}"
        );
    }
    let at = |wanted: &str| happened.iter().position(|one| one == wanted);
    assert!(
        at("in Client Hallo, ist da jemand?")
            < at("out Server Client: Hallo, ist da jemand?")
    );
    assert!(at("start Server") < at("start Client"));

    // It takes the time of the recording, its pauses included.
    let recording =
        Path::new(ROOT).join(format!("listings/{}.json", TALK.replace('/', "/scenes/")));
    let recording: Value =
        serde_json::from_str(&fs::read_to_string(recording).expect("a recording"))
            .expect("JSON");
    let typed = |events: &[Value]| -> Vec<f64> {
        let events = events.iter().filter(|event| event["kind"] == "in");
        events.map(|event| event["t"].as_f64().expect("a time")).collect()
    };
    let recorded = typed(recording["events"].as_array().expect("events"));
    let live = typed(&told);
    assert_eq!(recorded.len(), live.len());
    for (recorded, live) in recorded.iter().zip(&live) {
        // Earlier only by what starting a program took then.
        assert!(*live > recorded - 200.0, "{live} instead of {recorded}");
    }
    let ended = told.iter().filter(|message| message["kind"] == "exit");
    assert!(ended.into_iter().all(|message| message["status"] == 0));
}

#[test]
fn what_a_scene_masks_is_told_before_anything_happens() {
    let mut page = shared().door.page();
    page.send(json!({"type": "play", "scene": "ch07-mini-executor/groesse", "mode": "perform", "run": 1}));
    let told = page.all_until("over");
    let first = |kind: &str| told.iter().position(|message| message["type"] == kind);
    let masks = first("masks").expect("the masks");
    assert!(masks < first("event").expect("something happens"));
    assert_eq!(told[masks]["masks"][0], json!([" +[0-9]+ Bytes", "…"]));
}

#[test]
fn in_the_other_mode_all_typing_is_the_readers() {
    let server = shared();
    let mut page = server.door.page();
    let port = page.chat(1);
    page.wait_for_line("Carla", "Verbunden.");
    for (name, line) in [("Anna", "Anna"), ("Ben", "Ben")] {
        page.send(json!({"type": "input", "run": 1, "process": name, "line": line}));
        page.wait_for_line("Server", &format!("{name} ist da"));
    }
    let markup = "<b>Hallo</b> „&amp;“ <script>alert(1)</script>";
    page.send(json!({"type": "input", "run": 1, "process": "Anna", "line": markup}));
    // Rule 10: what programs print goes through as text, character by character.
    assert_eq!(
        page.wait_for_line("Ben", "Hallo"),
        format!("Anna: {markup}")
    );

    // One more client, who chats with the others.
    page.send(json!({"type": "add-client", "run": 1, "like": "Anna"}));
    page.find("the new client", |message| {
        message["kind"] == "start" && message["process"] == "Client 2"
    });
    page.send(json!({"type": "input", "run": 1, "process": "Client 2", "line": "Dora"}));
    page.wait_for_line("Ben", "* Dora ist da");

    // The end of input, Ctrl-C and another start.
    page.send(json!({"type": "eof", "run": 1, "process": "Ben"}));
    page.find("Ben's end", |message| {
        message["kind"] == "exit" && message["process"] == "Ben"
    });
    page.send(json!({"type": "start-process", "run": 1, "process": "Ben"}));
    page.wait_for_line("Ben", "Verbunden.");
    page.send(json!({"type": "stop-process", "run": 1, "process": "Server"}));
    // Who notices it first is chance.
    let (mut hung_up, mut ended) = (false, false);
    page.find("the server's end", |message| {
        ended |= message["kind"] == "exit" && message["process"] == "Server";
        hung_up |=
            message["process"] == "Anna" && message["text"] == "Der Server hat aufgelegt.";
        hung_up && ended
    });

    // What makes no sense is answered, and the run goes on.
    for nonsense in [
        json!({"type": "input", "run": 1, "process": "Niemand", "line": "x"}),
        json!({"type": "input", "run": 1, "process": "Server", "line": "x"}),
        json!({"type": "add-client", "run": 1, "like": "Server"}),
    ] {
        page.send(nonsense);
        page.wait_for("note");
    }
    // What is meant for another run is not heard.
    page.send(json!({"type": "stop", "run": 99}));
    page.send(json!({"type": "start-process", "run": 1, "process": "Server"}));
    page.wait_for_line("Server", "Server lauscht auf");

    page.send(json!({"type": "stop", "run": 1}));
    assert_eq!(page.wait_for("over")["reason"], Value::Null);
    assert_gone(port);
}

#[test]
fn two_pages_play_the_same_scene_at_once_on_ports_of_their_own() {
    let server = shared();
    let (mut one, mut other) = (server.door.page(), server.door.page());
    let (first, second) = (one.chat(1), other.chat(1));
    assert_ne!(first, second);
    for (page, name) in [(&mut one, "Eins"), (&mut other, "Zwei")] {
        page.wait_for_line("Anna", "Verbunden.");
        page.send(json!({"type": "input", "run": 1, "process": "Anna", "line": name}));
        page.wait_for_line("Server", &format!("{name} ist da"));
    }
    // The end of one is not the end of the other.
    drop(one);
    assert_gone(first);
    other.send(json!({"type": "input", "run": 1, "process": "Anna", "line": "Noch da?"}));
    other.find("the typed line", |message| message["line"] == "Noch da?");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, second)).is_ok());
    drop(other);
    assert_gone(second);
}

// ---- cells ----

#[test]
fn a_cell_runs_is_edited_broken_and_repaired() {
    let server = shared();
    let mut page = server.door.page();
    let as_in_the_book = page.run_cell(1, None);
    assert!(!texts(&as_in_the_book, "cell-output").is_empty());
    assert_eq!(as_in_the_book.last().expect("its end")["status"], 0);

    let edited = "#[tokio::main]\nasync fn main() {\n    let eins = tokio::spawn(async { 41 + 1 });\n    println!(\"{}\", eins.await.unwrap());\n}\n";
    let told = page.run_cell(2, Some(edited));
    assert_eq!(texts(&told, "cell-output"), ["42"]);

    let broken = edited.replace("41 + 1", "\"41\" + 1");
    let told = page.run_cell(3, Some(&broken));
    let errors =
        told.iter().find(|message| message["type"] == "cell-errors").expect("errors");
    let text = errors["text"].as_str().expect("a text");
    assert!(
        text.contains("error[E0369]") && text.contains("3 |"),
        "{text}"
    );
    assert!(!text.contains(ROOT) && !text.contains(".cargo"), "{text}");
    assert_eq!(errors["lines"][0]["line"], 3);
    assert_eq!(errors["lines"][0]["level"], "error");
    let end = told.last().expect("its end");
    assert_eq!(
        (&end["status"], &end["why"]),
        (&Value::Null, &json!("Übersetzung"))
    );
    assert!(texts(&told, "cell-output").is_empty());

    let told = page.run_cell(4, Some(edited));
    assert_eq!(texts(&told, "cell-output"), ["42"]);

    // A panic tells its line, and nothing of this machine.
    let told = page.run_cell(5, Some("fn main() {\n    panic!(\"weg\");\n}\n"));
    let printed = texts(&told, "cell-output").join("\n");
    assert!(
        printed.contains("zelle.rs:2:5") && printed.contains("weg"),
        "{printed}"
    );
    assert_eq!(told.last().expect("its end")["status"], 101);

    // A warning of the compiler does not hinder.
    let told = page.run_cell(
        6,
        Some("fn main() {\n    let x = 1;\n    println!(\"da\");\n}\n"),
    );
    assert!(texts(&told, "cell-errors").concat().contains("unused variable"));
    assert_eq!(texts(&told, "cell-output"), ["da"]);
}

#[test]
fn a_cell_sees_an_empty_folder_no_input_and_little_of_our_environment() {
    let server = shared();
    let mut page = server.door.page();
    let source = r#"fn main() {
        let here = std::env::current_dir().unwrap();
        println!("{}", std::fs::read_dir(&here).unwrap().count());
        println!("{}", std::io::stdin().lines().count());
        println!("{}", std::env::var_os("CARGO_MANIFEST_DIR").is_none());
        println!("{}", std::env::var_os("HOME").is_none());
        std::fs::write("notiz.txt", "x").unwrap();
        println!("{}", here.display());
    }"#;
    let told = page.run_cell(1, Some(source));
    let printed = texts(&told, "cell-output");
    assert_eq!(printed[..4], ["0", "0", "true", "true"]);
    assert!(!printed[4].contains(ROOT), "{printed:?}");
}

#[test]
fn an_endless_loop_ends_by_stop_by_time_and_by_too_much_output() {
    let server = shared();
    let mut page = server.door.page();
    let endless = "fn main() { println!(\"los\"); loop { std::hint::spin_loop(); } }";
    // For the clock it makes no difference whether the loop computes, but for the other tests.
    let lazy = endless.replace("hint::spin_loop", "thread::park");

    let told = page.run_cell(1, Some(&lazy));
    let end = told.last().expect("its end");
    assert_eq!(
        (&end["status"], &end["why"]),
        (&Value::Null, &json!("Zeit"))
    );
    assert!(
        texts(&told, "cell-output")[1].contains("3 Sekunden"),
        "{told:?}"
    );

    page.send(json!({"type": "run-cell", "run": 2, "cell": CELL, "source": endless}));
    page.wait_for("cell-output");
    page.send(json!({"type": "stop", "run": 2}));
    assert_eq!(page.wait_for("cell-ended")["why"], "Stop");

    let told = page.run_cell(3, Some("fn main() { loop { println!(\"voll\"); } }"));
    assert_eq!(told.last().expect("its end")["why"], "Ausgabe");
    let printed = texts(&told, "cell-output");
    assert_eq!(printed.len(), Limits::default().lines + 1);
    assert!(printed.last().expect("a last line").contains("abgeschnitten"));

    // Without any end of line as well.
    let told = page.run_cell(
        4,
        Some("fn main() { loop { print!(\"{}\", \"x\".repeat(1000)); } }"),
    );
    assert_eq!(told.last().expect("its end")["why"], "Ausgabe");
    let whole: usize = texts(&told, "cell-output").iter().map(String::len).sum();
    assert!(whole < Limits::default().bytes + 1000, "{whole}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_page_ends_its_cell_and_whatever_that_has_started() {
    let server = shared();
    let mut page = server.door.page();
    let source = r#"fn main() {
        let mut child = std::process::Command::new("sleep").arg("3611").spawn().unwrap();
        println!("los");
        child.wait().unwrap();
    }"#;
    page.send(json!({"type": "run-cell", "run": 1, "cell": CELL, "source": source}));
    page.wait_for("cell-output");
    let sleeping = || !commands(|command| command.contains("sleep 3611")).is_empty();
    assert!(sleeping());
    drop(page);
    wait_until("everything is gone", GONE_WITHIN, || !sleeping());
}

// ---- rule 8: limits ----

#[test]
fn rule_8_too_long_messages_lines_and_cells_are_refused() {
    let server = shared();
    let limits = Limits::default();
    for message in [
        json!({"type": "input", "run": 1, "process": "Anna", "line": "x".repeat(limits.input + 1)}),
        json!({"type": "input", "run": 1, "process": "Anna", "line": "zwei\nZeilen"}),
        json!({"type": "run-cell", "run": 1, "cell": CELL, "source": "x".repeat(limits.source + 1)}),
    ] {
        let mut page = server.door.page();
        page.send(message);
        page.wait_for("refused");
        assert!(page.next().is_none());
    }
    // Beyond 64 KiB nothing is even looked at.
    let mut page = server.door.page();
    let _ = page.0.send(Message::text("x".repeat(64 * 1024 + 1)));
    while page.next().is_some() {}
}

#[test]
fn rule_8_one_group_a_page_so_many_in_all_and_so_many_programs() {
    let limits = Limits {
        groups: 1,
        processes: 5,
        silence: Duration::from_secs(30),
        ..Limits::default()
    };
    let server = in_process(small_book(), limits);
    let mut page = server.door.page();
    let first = page.chat(1);
    page.wait_for_line("Carla", "Verbunden.");

    let mut other = server.door.page();
    other.send(json!({"type": "play", "scene": CHAT, "mode": "self", "run": 1}));
    let reason = other.wait_for("over")["reason"].to_string();
    assert!(reason.contains("Es laufen schon 1"), "{reason}");

    page.send(json!({"type": "add-client", "run": 1, "like": "Anna"}));
    page.wait_for_line("Client 2", "Verbunden.");
    page.send(json!({"type": "add-client", "run": 1, "like": "Anna"}));
    let note = page.wait_for("note")["text"].to_string();
    assert!(note.contains("Mehr als 5 Programme"), "{note}");

    // A new run ends the old one first.
    page.send(json!({"type": "play", "scene": CHAT, "mode": "self", "run": 2}));
    let over = page.wait_for("over");
    assert_eq!(over["run"], 1);
    assert_gone(first);
}

#[test]
fn rule_8_a_scene_runs_only_so_long() {
    let limits = Limits {
        scene: Duration::from_secs(1),
        // The time is looked at five times within this.
        silence: Duration::from_secs(5),
        ..Limits::default()
    };
    let server = in_process(small_book(), limits);
    let mut page = server.door.page_when_all_is_built();
    let starting = alone();
    page.send(json!({"type": "play", "scene": CHAT, "mode": "self", "run": 1}));
    // On a slow machine its time may be over before.
    let listens = page.find("a server", |message| {
        message["type"] == "over"
            || message["text"].as_str().is_some_and(|text| text.contains("lauscht"))
    });
    drop(starting);
    let over = match listens["type"].as_str() {
        Some("over") => listens,
        _ => page.wait_for("over"),
    };
    let reason = over["reason"].as_str().expect("a reason");
    assert!(reason.contains("1 Sekunde"), "{over}");
}

// ---- rule 9: nothing survives ----

#[cfg(target_os = "linux")]
#[test]
fn rule_9_a_page_that_falls_silent_loses_its_programs_in_time() {
    let server = AsProgram::without_browser(small_book());
    let mut page = server.door.page();
    let port = page.chat(1);
    assert!(!running(&format!("--port {port}")).is_empty());
    // It is there, but it answers nothing any more, like a browser that sleeps.
    wait_until(
        "no program is left",
        GONE_WITHIN + Duration::from_secs(1),
        || running(&format!("--port {port}")).is_empty(),
    );
    drop(page);
}

#[cfg(target_os = "linux")]
#[test]
fn rule_9_not_even_killing_the_program_leaves_anything_behind() {
    let mut server = AsProgram::without_browser(Path::new(ROOT));
    let mut page = server.door.page();
    let port = page.chat(1);
    page.wait_for_line("Carla", "Verbunden.");
    let mut second = server.door.page();
    let source = "fn main() { println!(\"los\"); loop { std::thread::park(); } }";
    second.send(json!({"type": "run-cell", "run": 1, "cell": CELL, "source": source}));
    second.wait_for("cell-output");
    let started = descendants(server.child.id());
    assert!(
        started.iter().any(|command| command.contains("zelle")),
        "{started:?}"
    );

    server.child.kill().expect("KILL");
    server.child.wait().expect("it is gone");
    wait_until("no program is left", GONE_WITHIN, || {
        let is_of_a_run = |command: &str| {
            command.contains("/lauf-") || command.contains(&format!("--port {port}"))
        };
        let left = commands(is_of_a_run);
        !left.iter().any(|command| started.contains(command))
    });
}

#[cfg(target_os = "linux")]
#[test]
fn rule_9_ctrl_c_ends_everything_and_says_so() {
    let mut server = AsProgram::without_browser(small_book());
    let mut page = server.door.page();
    let port = page.chat(1);
    page.wait_for_line("Carla", "Verbunden.");
    assert_eq!(running(&format!("--port {port}")).len(), 4);
    let began = Instant::now();
    interrupt(&server.child);
    assert!(server.child.wait().expect("it ends").success());
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(running(&format!("--port {port}")).is_empty());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

// ---- measuring ----

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

/// A book with a laboratory of doubles, without the Python server. It stays built from run to run.
/// Its programs can be told from all others by its path.
fn laboratory(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("notebook-{name}"));
    let mut bins = String::new();
    for name in [
        "epoll",
        "event-loop",
        "tokio-lean",
        "tokio",
        "threads",
        "load",
    ] {
        let source = if name == "load" { "load" } else { "server" };
        bins += &format!("[[bin]]\nname = \"ch11-{name}\"\npath = \"src/{source}.rs\"\n");
    }
    let listing = |path: &str| format!("listings/ch11-c10k/{path}");
    write_book(
        &root,
        &[
            ("Cargo.toml", workspace()),
            ("lib.rs", String::new()),
            (&listing("Cargo.toml"), package("ch11-c10k") + &bins),
            (&listing("src/server.rs"), SERVER_DOUBLE.to_owned()),
            (&listing("src/load.rs"), LOAD_DOUBLE.to_owned()),
            ("book.toml", BOOK_TOML.to_owned()),
            (
                "book/text/SUMMARY.md",
                "# Inhalt\n\n- [Eins](eins.md)\n".to_owned(),
            ),
            ("book/text/eins.md", "# Eins\n".to_owned()),
            (
                "book/measurements/c10k.json",
                crate::fixture::report(&[100, 1_000], 2).to_json(),
            ),
        ],
    );
    root
}

/// The programs of that book, but not the book's own.
#[cfg(target_os = "linux")]
fn measured_programs(root: &Path) -> Vec<String> {
    let root = root.display().to_string();
    commands(|command| command.contains(&root) && command.contains("ch11-"))
}

impl Page {
    /// Starts a measurement and waits until it is under way.
    fn measure(&mut self, run: u32) {
        self.send(json!({"type": "measure", "run": run, "measurement": "c10k"}));
        let trial = self.find("a trial", |message| {
            message["type"] == "measuring" && message["of"].is_u64()
        });
        assert_eq!((&trial["run"], &trial["done"]), (&json!(run), &json!(0)));
        let text = trial["text"].as_str().expect("a text");
        assert!(text.contains("1.000 Verbindungen; noch etwa "), "{text}");
    }
}

#[test]
fn a_measurement_tells_how_far_it_is_and_what_came_out_beside_the_book() {
    let root = laboratory("measuring");
    let limits = Limits {
        silence: DEADLINE,
        ..Limits::default()
    };
    let server = in_process(&root, limits);
    let mut page = server.door.page();
    for unknown in ["herde", "", "../c10k", "c10k/"] {
        page.send(json!({"type": "measure", "run": 1, "measurement": unknown}));
        let told = page.all_until("over");
        assert!(
            told.iter().all(|message| message["type"] != "measuring"),
            "{unknown}"
        );
        let reason = told.last().expect("the end")["reason"].to_string();
        assert!(reason.contains("Diese Messung gibt es nicht"), "{reason}");
    }

    page.measure(2);
    // Somebody else may not measure at the same time, and disturbs nobody by asking.
    let mut other = server.door.page();
    other.send(json!({"type": "measure", "run": 1, "measurement": "c10k"}));
    let reason = other.wait_for("over")["reason"].to_string();
    assert!(
        reason.contains("Auf einer anderen Seite wird gerade gemessen"),
        "{reason}"
    );

    let told = page.all_until("over");
    let steps: Vec<_> =
        told.iter().filter(|message| message["type"] == "measuring").collect();
    assert!(steps.iter().all(|step| step["of"] == steps[0]["of"]));
    assert!(steps.is_sorted_by_key(|step| step["done"].as_u64()));
    assert_eq!(told.last().expect("the end")["reason"], Value::Null);
    let measured =
        told.iter().find(|message| message["type"] == "measured").expect("a result");
    assert_eq!(
        measured["caption"],
        "Ihr Rechner mit 1.000 Verbindungen, Median aus 2 Durchgängen"
    );
    let rows = measured["rows"].as_array().expect("rows");
    let columns = measured["columns"].as_array().expect("columns").len();
    assert!(rows.iter().all(|row| row.as_array().is_some_and(|row| row.len() == columns)));
    // 15,000 answers in 100 ms.
    assert_eq!(
        (&rows[1][0], &rows[1][1]),
        (&json!("Event Loop von Hand (mio)"), &json!("150.000"))
    );
    assert!(
        rows[1][2].as_str().expect("the book's value").starts_with("1"),
        "{rows:?}"
    );
    let marks = measured["marks"].as_array().expect("marks");
    for figure in ["c10k-speicher", "c10k-durchsatz", "c10k-antwortzeit"] {
        assert!(
            marks.iter().any(|mark| mark["figure"] == figure),
            "{figure}"
        );
    }
    if rows.len() == 6 {
        // There is a Python, but not the server it should run.
        let notes = measured["notes"].to_string();
        assert!(notes.contains("Python asyncio: "), "{notes}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_measurement_ends_by_stop_and_with_its_page_and_nothing_is_left() {
    let root = laboratory("measuring-stopped");
    let limits = Limits {
        silence: DEADLINE,
        ..Limits::default()
    };
    let server = in_process(&root, limits);
    let nothing = || measured_programs(&root).is_empty();
    let mut page = server.door.page();

    page.measure(1);
    wait_until("a server and a load run", DEADLINE, || {
        measured_programs(&root).len() == 2
    });
    page.send(json!({"type": "stop", "run": 1}));
    let told = page.all_until("over");
    assert_eq!(told.last().expect("the end")["reason"], Value::Null);
    assert!(nothing(), "the run has ended, and its programs with it");
    // What was measured until then is shown, and said to be no more than that.
    for measured in told.iter().filter(|message| message["type"] == "measured") {
        assert!(
            measured["notes"].to_string().contains("Abgebrochen"),
            "{measured}"
        );
    }

    page.measure(2);
    wait_until("a server and a load run", DEADLINE, || !nothing());
    drop(page);
    wait_until("no program is left", GONE_WITHIN, nothing);

    // Whoever left leaves room for the next one.
    let end = Instant::now() + DEADLINE;
    let mut page = server.door.page();
    loop {
        page.send(json!({"type": "measure", "run": 3, "measurement": "c10k"}));
        let next = page.find("an answer", |message| {
            message["type"] == "measuring" || message["type"] == "over"
        });
        if next["type"] == "measuring" {
            return;
        }
        assert!(Instant::now() < end, "{next}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn rule_9_killing_the_program_ends_a_measurement_too() {
    let root = laboratory("measuring-killed");
    let mut server = AsProgram::without_browser(&root);
    let mut page = server.door.page();
    page.measure(1);
    wait_until("a server and a load run", DEADLINE, || {
        measured_programs(&root).len() == 2
    });
    server.child.kill().expect("KILL");
    server.child.wait().expect("it is gone");
    wait_until("no program is left", GONE_WITHIN, || {
        measured_programs(&root).is_empty()
    });
}

// ---- the book changes ----

#[test]
fn a_changed_listing_and_a_changed_chapter_are_built_anew() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, content: &str| {
        write_book(root.path(), &[(name, content.to_owned())]);
    };
    let program = |word: &str| format!("fn main() {{ println!(\"{word}\"); }}\n");
    let chapter = |word: &str| {
        format!(
            "# Eins\n\n```rust\n{}```\n\n```text,ausgabe\n{word}\n```\n",
            program(word)
        )
    };
    write("Cargo.toml", &workspace());
    write("lib.rs", "");
    write("listings/ch01-probe/Cargo.toml", &package("ch01-probe"));
    write("listings/ch01-probe/src/main.rs", &program("eins"));
    write(
        "listings/ch01-probe/scenes/lauf.toml",
        "title = \"Lauf\"\nsteps = [{ start = \"Probe\" }, { exit = \"Probe\" }]\n[[process]]\nname = \"Probe\"\nprogram = \"ch01-probe\"\n",
    );
    write("book.toml", BOOK_TOML);
    write("book/text/SUMMARY.md", "# Inhalt\n\n- [Eins](eins.md)\n");
    write("book/text/eins.md", &chapter("eins"));
    let server = in_process(
        root.path(),
        Limits {
            silence: DEADLINE,
            ..Limits::default()
        },
    );
    let mut page = server.door.page();
    let mut run = 0;
    let mut play = |page: &mut Page| {
        run += 1;
        page.send(json!({"type": "play", "scene": "ch01-probe/lauf", "mode": "perform", "run": run}));
        let told = page.all_until("over");
        texts(&told, "out")
    };
    assert_eq!(play(&mut page), ["eins"]);
    let cell = json!({"type": "run-cell", "run": 1000, "cell": "eins#1"});
    page.send(cell.clone());
    assert_eq!(
        texts(&page.all_until("cell-ended"), "cell-output"),
        ["eins"]
    );

    // Of the same length and within the same second, as an editor may save it.
    write("listings/ch01-probe/src/main.rs", &program("zwei"));
    write("book/text/eins.md", &chapter("zwei"));
    let end = Instant::now() + DEADLINE;
    while play(&mut page) != ["zwei"] {
        assert!(Instant::now() < end, "the changed program runs");
    }
    loop {
        page.send(cell.clone());
        if texts(&page.all_until("cell-ended"), "cell-output") == ["zwei"] {
            return;
        }
        assert!(Instant::now() < end, "the changed cell runs");
    }
}

// ---- the page's numbers ----

/// The names and texts a page finds by its own rule: every rust block that is no excerpt of a listing, in order.
fn cells_of_page(page: &scraper::Html) -> Vec<String> {
    let blocks = scraper::Selector::parse("pre > code.language-rust").expect("a selector");
    let without = ["no_run", "should_panic", "compile_fail"];
    let runs = |code: &scraper::ElementRef| {
        !code.value().classes().any(|class| without.contains(&class))
    };
    let is_excerpt = |code: &scraper::ElementRef| {
        let mut block = code.parent().and_then(scraper::ElementRef::wrap).expect("its pre");
        // mdBook may wrap the block once more.
        if let Some(around) = block.parent().and_then(scraper::ElementRef::wrap)
            && around.value().name() == "pre"
        {
            block = around;
        }
        let before = block.prev_siblings().find_map(scraper::ElementRef::wrap);
        before.is_some_and(|before| {
            before.value().name() == "p" && before.value().classes().any(|c| c == "datei")
        })
    };
    let found = page.select(&blocks).filter(runs).filter(|code| !is_excerpt(code));
    // mdBook leaves out the last line end.
    found.map(|code| code.text().collect::<String>() + "\n").collect()
}

#[test]
fn every_page_counts_its_cells_as_the_server_does() {
    let server = shared();
    let (source, _) = source::check(Path::new(ROOT));
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, program) in source.cells() {
        let (page, number) = id.split_once('#').expect("a page and a number");
        let cells = table.entry(page.to_owned()).or_default();
        cells.push(program);
        assert_eq!(number, cells.len().to_string(), "{id}");
    }
    assert!(
        table.values().map(Vec::len).sum::<usize>() > 10,
        "the book has cells"
    );
    for chapter in &source.chapters {
        let page = chapter.path.with_extension("");
        let path = page.with_extension("html").display().to_string().replace('\\', "/");
        let answer = get(&server.door, &format!("/{path}"));
        let (head, html) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        let on_page = cells_of_page(&scraper::Html::parse_document(html));
        let in_table = table.remove(&page.display().to_string()).unwrap_or_default();
        assert_eq!(on_page, in_table, "{}", page.display());
    }
    assert!(table.is_empty(), "{table:?}");
}

// ---- in a terminal ----

#[test]
fn play_shows_a_scene_in_a_terminal_and_ctrl_c_ends_it() {
    let play = |scene: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatbuch"));
        command.current_dir(ROOT).args(["play", scene]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let shown = play("ch01-socket-basics/kein-server").output().expect("it runs");
    let text = String::from_utf8(shown.stdout).expect("UTF-8");
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    assert!(
        text.contains("Client  $ cargo run --bin ch01-client"),
        "{text}"
    );
    assert!(
        text.contains("Läuft der Server?") && text.contains("■ endet mit Status 1"),
        "{text}"
    );

    let unknown = play("ch01-socket-basics/nichts").output().expect("it runs");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("gibt es nicht. Bekannt sind:")
    );

    #[cfg(target_os = "linux")]
    {
        let starting = alone();
        let mut child = play(CHAT).spawn().expect("it starts");
        let lines = lines_of(child.stdout.take().expect("stdout is piped"));
        let end = Instant::now() + DEADLINE;
        let line = loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).expect("the server listens");
            if line.contains("Server lauscht auf") {
                break line;
            }
        };
        drop(starting);
        let port: u16 =
            line.rsplit(':').next().and_then(|p| p.trim().parse().ok()).expect("a port");
        interrupt(&child);
        assert_eq!(child.wait().expect("it ends").code(), Some(1));
        assert!(running(&format!("--port {port}")).is_empty());
    }
}
