//! ▶ in the page, seen from outside: what nobody can see from within the program that has started it all. The other rules
//! are tested where they are, in crates/live. The program runs on the real book, or on a small one where any book would do.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::json;
use testing::book::{self, CELL, CHAT};
use testing::processes::{commands, descendants};
use testing::program::Program;
use testing::reader::one_server_at_a_time;
use testing::{DEADLINE, wait_until};

use crate::program::{ROOT, Server, chatbuch};
use crate::wait_for_listings;

/// After so long nothing that was started may be left.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A folder of these tests that stays from run to run.
fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The book with one scene and one cell, as it is everywhere the same.
fn small_book() -> &'static Path {
    static BOOK: OnceLock<book::Book> = OnceLock::new();
    BOOK.get_or_init(|| book::chat(temporary("small-book"))).root()
}

/// The programs of a scene whose server listens on this port.
fn running(port: u16) -> Vec<String> {
    let named = format!("--port {port}");
    commands(|command| command.contains(&named))
}

#[test]
fn rule_5_without_the_token_as_the_first_message_nothing_is_heard_and_nothing_runs() {
    let server = Server::start(small_book());
    let door = &server.reader;
    door.page().wait_until_built();
    let idle = descendants(server.program.id()).len();

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
        json!(["hello", token]).to_string(),
        json!(["hello", token, "/"]).to_string(),
        format!(r#"{{"type":"hello","token":"{token}","token":"{token}"}}"#),
        format!("{}{play}", hello(token)),
        String::new(),
        "null".to_owned(),
        "{".to_owned(),
    ] {
        let mut page = door.silent_page();
        page.say(&first);
        // It may say more: it is not heard.
        page.try_say(&play.clone());
        assert!(page.is_refused(), "{first}");
    }
    let mut binary = door.silent_page();
    binary.say_bytes(hello(token).into_bytes());
    assert!(binary.is_refused());
    assert!(
        descendants(server.program.id()).len() <= idle,
        "nothing runs"
    );

    // The reader is let in under both names, as often as wanted.
    let mut page = door.page();
    page.send(json!({"type": "hello", "token": token}));
    page.wait_for("refused");
}

#[test]
fn rule_5_the_browser_learns_the_token_from_a_private_file_and_nobody_else_does() {
    use std::os::unix::fs::PermissionsExt;
    // A browser that writes down how it was called, in the place of the real one.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let called = folder.path().join("called");
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\necho \"$@\" > {0}.neu\nmv {0}.neu {0}\n",
        called.display()
    );
    for name in ["xdg-open", "gio", "gnome-open", "kde-open", "wslview"] {
        let path = folder.path().join(name);
        fs::write(&path, &script).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }
    let path = std::env::var("PATH").expect("PATH");
    let path = format!("{}:{path}", folder.path().display());
    let mut command = chatbuch(small_book(), &["--port", "0"]);
    command.env("PATH", path);
    let mut server = Server::of(command);
    wait_until("the browser is called", DEADLINE, || called.exists());
    let arguments = fs::read_to_string(&called).expect("its arguments");
    assert!(!arguments.contains(&server.reader.token), "{arguments}");
    let file = Path::new(arguments.trim().trim_start_matches("open "));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode();
    assert_eq!(mode(file) & 0o777, 0o600);
    assert_eq!(mode(file.parent().expect("a folder")) & 0o777, 0o700);
    let leads_to = format!(
        "http://127.0.0.1:{}/#token={}",
        server.reader.port, server.reader.token
    );
    assert!(fs::read_to_string(file).expect("the file").contains(&leads_to));
    let own = fs::read(format!("/proc/{}/cmdline", server.program.id())).expect("its own");
    assert!(!String::from_utf8_lossy(&own).contains(&server.reader.token));

    server.program.interrupt();
    assert!(server.program.status().success());
    assert!(!file.exists(), "the file is gone with the program");
    let told = server.program.err.rest();
    assert!(!told.contains(&server.reader.token), "{told}");
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

#[test]
fn a_thousand_random_and_malformed_messages_start_nothing_and_harm_nobody() {
    let mut server = Server::start(small_book());
    let door = server.reader.clone();
    door.page().wait_until_built();
    let idle = descendants(server.program.id()).len();
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
        page.try_say(r#"{"type":"run-cell","run":9,"cell":"nichts#1"}"#);
        loop {
            match page.hear() {
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
            assert!(descendants(server.program.id()).len() <= idle, "{message}");
        }
    }
    assert!(refused > 500, "only {refused} of them were malformed");
    assert!(!server.program.has_ended());
    let told = server.program.err.so_far();
    assert!(!told.concat().contains("panicked"), "{told:?}");
    // The reader is served as before.
    let printed = page.run_cell(CELL, 1, None);
    assert_eq!(printed.last().expect("its end")["status"], 0);
}

#[test]
fn rule_9_a_page_that_falls_silent_loses_its_programs_in_time() {
    let server = Server::start(small_book());
    let mut page = server.reader.page();
    let port = page.play_myself(CHAT, 1);
    assert!(!running(port).is_empty());
    // It is there, but it answers nothing any more, like a browser that sleeps.
    wait_until(
        "no program is left",
        GONE_WITHIN + Duration::from_secs(1),
        || running(port).is_empty(),
    );
    drop(page);
}

#[test]
fn rule_9_not_even_killing_the_program_leaves_anything_behind() {
    let mut server = Server::start(small_book());
    let mut page = server.reader.page();
    let port = page.play_myself(CHAT, 1);
    page.wait_for_line("Carla", "Verbunden.");
    let mut second = server.reader.page();
    let source = "fn main() { println!(\"los\"); loop { std::thread::park(); } }";
    second.send(json!({"type": "run-cell", "run": 1, "cell": CELL, "source": source}));
    second.wait_for("cell-output");
    let started = descendants(server.program.id());
    let started: Vec<String> = started.into_iter().map(|(_, command)| command).collect();
    assert!(
        started.iter().any(|command| command.contains("zelle")),
        "{started:?}"
    );

    server.program.kill();
    wait_until("no program is left", GONE_WITHIN, || {
        let is_of_a_run = |command: &str| {
            command.contains("/lauf-") || command.contains(&format!("--port {port}"))
        };
        let left = commands(is_of_a_run);
        !left.iter().any(|command| started.contains(command))
    });
}

#[test]
fn rule_9_ctrl_c_ends_everything_and_says_so() {
    let mut server = Server::start(small_book());
    let mut page = server.reader.page();
    let port = page.play_myself(CHAT, 1);
    page.wait_for_line("Carla", "Verbunden.");
    wait_until("server and clients run", DEADLINE, || {
        running(port).len() == 4
    });
    server.program.interrupt();
    assert!(server.program.status_within(Duration::from_secs(10)).success());
    wait_until("no program is left", GONE_WITHIN, || {
        running(port).is_empty()
    });
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn rule_9_killing_the_program_ends_a_measurement_too() {
    let book = book::laboratory(temporary("measuring-killed"));
    let mut server = Server::start(book.root());
    let folder = book.root().display().to_string();
    let measured =
        || commands(|command| command.contains(&folder) && command.contains("ch11-"));
    let mut page = server.reader.page();
    page.send(json!({"type": "measure", "run": 1, "measurement": "c10k"}));
    page.find("a trial", |message| {
        message["type"] == "measuring" && message["of"].is_u64()
    });
    wait_until("a server and a load run", DEADLINE, || {
        measured().len() == 2
    });
    server.program.kill();
    wait_until("no program is left", GONE_WITHIN, || measured().is_empty());
}

#[test]
fn ctrl_c_ends_a_scene_that_is_played_in_a_terminal() {
    wait_for_listings();
    let starting = one_server_at_a_time();
    let mut program = Program::start(chatbuch(Path::new(ROOT), &["play", CHAT]));
    let line = program.wait_for("Server lauscht auf");
    drop(starting);
    let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
    program.interrupt();
    assert_eq!(program.status().code(), Some(1));
    let port = port.expect("a port");
    // Another scene may use the port for a moment.
    wait_until("no program is left", GONE_WITHIN, || {
        running(port).is_empty()
    });
}
