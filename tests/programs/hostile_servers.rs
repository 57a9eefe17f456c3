//! Servers that misbehave, against every client, peer and load of the book: they never end a line, break off anywhere, flood,
//! are silent, send what could spoil a screen. Each time the client comes to an end by itself (or waits, where it was only
//! told nothing), stays small, says what is wrong in one sentence, and leaves the screen as it was.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use programs::ports;
use socket2::SockRef;
use testing::program::Program;

use crate::chat::server::{DEADLINE, executable};
use crate::peers;

/// More than that, in KiB, no client needs, whatever it is sent.
const SMALL: usize = 32 * 1024;

/// What a server does to a client that has connected.
#[derive(Debug, Clone, Copy)]
enum Role {
    /// Sends and sends, and never ends the line.
    EndlessLine,
    /// Ends the stream in the middle of a character.
    HalfACharacter,
    /// Sends what could spoil a screen or turn the direction of writing.
    Escapes,
    /// Sends more lines than anybody could read.
    Flood,
    /// Breaks off at once.
    ResetAtOnce,
    /// Breaks off after half a line.
    ResetInALine,
    /// Hangs up at once.
    HangsUp,
    /// Says nothing, and then hangs up.
    Silence,
}

impl Role {
    const ALL: [Role; 8] = [
        Role::EndlessLine,
        Role::HalfACharacter,
        Role::Escapes,
        Role::Flood,
        Role::ResetAtOnce,
        Role::ResetInALine,
        Role::HangsUp,
        Role::Silence,
    ];

    /// Plays the role on a connection to its end. Whoever hangs up before has had enough.
    fn play(self, mut stream: TcpStream) {
        stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
        let mut send = |bytes: &[u8]| stream.write_all(bytes).is_ok();
        let lasts = |send: &mut dyn FnMut(&[u8]) -> bool, bytes: &[u8], times| {
            (0..times).all(|_| send(bytes))
        };
        match self {
            Role::EndlessLine => drop(lasts(&mut send, &[b'x'; 1 << 16], 1 << 10)),
            Role::HalfACharacter => drop(send(b"Gr\xC3")),
            Role::Escapes => drop(send(
                "\x1b[2J\x07\u{9b}31m rot \u{202e}abc\u{2066}def\u{200b}\u{2028}\u{ad}\u{feff}\n"
                    .as_bytes(),
            )),
            Role::Flood => drop(lasts(&mut send, &b"Zeile\r\n\n\xFF\n".repeat(1 << 10), 20)),
            Role::ResetInALine => drop(send(b"eine halbe")),
            Role::Silence => thread::sleep(Duration::from_millis(300)), // that is the role
            Role::ResetAtOnce | Role::HangsUp => {}
        }
        if matches!(self, Role::ResetAtOnce | Role::ResetInALine) {
            let no_time = Some(Duration::ZERO); // closing then sends a reset
            SockRef::from(&stream).set_linger(no_time).expect("a connected socket");
        }
    }
}

/// A client that has found us, and the connection on which it listens.
fn meet(program: &str) -> (Program, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let own = listener.local_addr().expect("it is bound").port();
    if !program.ends_with("peer") {
        let mut command = Command::new(executable(program));
        command.args(["--port", &own.to_string()]);
        if program == "ch11-load" {
            command.args(["--connections", "2"]);
        }
        let mut client = Program::start(command);
        let stream = accept(&listener);
        if !matches!(program, "ch02-client" | "ch10-visitor" | "ch11-load") {
            client.type_line("Hallo");
        }
        return (client, stream);
    }
    let theirs = ports::free().expect("a port");
    let mut peer = Program::start(peers::command(program, theirs, own, "Anna"));
    let mut calling = accept(&listener);
    // A peer hears on the connection that the other one opens.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, theirs)).expect("it listens");
    stream.write_all(format!("{own} Ben\n").as_bytes()).expect("it reads");
    peer.wait_for("Verbunden mit Ben");
    // What it says is read, or it could not say it.
    thread::spawn(move || {
        let mut said = [0; 1024];
        while calling.read(&mut said).is_ok_and(|count| count > 0) {}
    });
    if program == "ch04-peer" {
        peer.type_line("Hallo"); // whose turn it is depends on the ports
    }
    (peer, stream)
}

/// The first one who connects.
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("a socket");
    let mut accepted = None;
    testing::wait_until("somebody connects", DEADLINE, || {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (stream, _) = accepted.expect("just now");
    stream.set_nonblocking(false).expect("a socket");
    stream
}

/// The most memory it has had so far, in KiB; where that is not told, none.
fn peak(client: &Program) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.id()));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

fn survives(program: &str, role: Role) {
    let what = format!("{program}, {role:?}");
    let (mut client, stream) = meet(program);
    client.end_input(); // nobody types any more: what is still to come, comes from the server
    role.play(stream);
    let end = Instant::now() + DEADLINE;
    let mut most = 0;
    while !client.has_ended() {
        most = most.max(peak(&client));
        assert!(Instant::now() < end, "{what}: it comes to an end");
        thread::sleep(Duration::from_millis(2)); // nobody reports a change in /proc
    }
    assert!(most < SMALL, "{what}: {most} KiB");
    let status = client.status().code();
    assert!(matches!(status, Some(0 | 1)), "{what}: {status:?}");
    let (out, err) = (client.out.rest(), client.err.rest());
    let spoils = |character: char| {
        (character.is_control() && character != '\n')
            || "\u{202e}\u{2066}\u{200b}\u{2028}\u{ad}\u{feff}".contains(character)
    };
    for text in [&out, &err] {
        let spoilt = text.lines().find(|line| line.contains(spoils));
        assert_eq!(spoilt, None, "{what}");
    }
    let sentences: Vec<&str> = err.lines().collect();
    assert!(sentences.len() <= 1, "{what}: {sentences:?}");
    let is_german = |line: &&str| line.ends_with(['.', '?']) && !line.contains("os error");
    assert!(sentences.iter().all(is_german), "{what}: {sentences:?}");
    // Who fails says why.
    assert!(
        status == Some(0) || !sentences.is_empty() || out.lines().count() > 1,
        "{what}"
    );
}

/// Whoever decides what a word means must see the bytes that are sent: to a server, `bye` with something behind it is a message.
#[test]
fn bye_with_something_behind_it_is_a_message_and_the_client_stays() {
    for program in ["ch05-client", "ch08-client"] {
        for word in ["bye ", "bye\t", " bye"] {
            let (mut client, stream) = meet(program);
            stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
            client.type_line(word);
            client.type_line("und weiter");
            let mut lines =
                BufReader::new(stream).lines().map(|line| line.expect("a line"));
            let said: Vec<String> = lines.by_ref().take(3).collect();
            assert_eq!(said, ["Hallo", word, "und weiter"], "{program}");
            drop(lines);
            client.wait_for("Der Server hat aufgelegt.");
            assert_eq!(client.status().code(), Some(0), "{program}");
        }
    }
}

/// All roles at a time: most of them mostly wait.
fn survives_all(program: &str) {
    thread::scope(|scope| {
        for role in Role::ALL {
            scope.spawn(move || survives(program, role));
        }
    });
}

macro_rules! clients {
    ($($test:ident => $program:literal,)+) => {
        $(#[test]
        fn $test() {
            survives_all($program);
        })+
    };
}

clients!(
    ch01_client => "ch01-client",
    ch02_client => "ch02-client",
    ch03_client => "ch03-client",
    ch04_peer => "ch04-peer",
    ch05_client => "ch05-client",
    ch08_client => "ch08-client",
    ch09_peer => "ch09-peer",
    ch10_visitor => "ch10-visitor",
    ch11_load => "ch11-load",
);
