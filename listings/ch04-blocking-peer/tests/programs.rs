//! Die Programme aus Kapitel 4, von außen: zwei Peers finden sich, reden abwechselnd und
//! gehen auseinander.

mod common;

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use common::{Program, connect, refuses};

const PEER: &str = env!("CARGO_BIN_EXE_ch04-peer");
const POLITE_PEER: &str = env!("CARGO_BIN_EXE_ch04-polite-peer");

/// So lange muss schweigen, wer nichts zu sagen hat.
const WINDOW: Duration = Duration::from_millis(200);

/// Zwei freie Ports, der kleinere zuerst. Sie liegen unterhalb derer, die das
/// Betriebssystem von sich aus vergibt: Sonst nähme sie vielleicht jemand, ehe der Peer
/// dort lauscht.
fn two_ports() -> (u16, u16) {
    let (one, other) = (free_port(), free_port());
    (one.min(other), one.max(other))
}

fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = process::id().wrapping_mul(97); // Testläufe zugleich beginnen weit auseinander
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 2000;
        let port = 30_000 + u16::try_from(offset).unwrap();
        // Anrufen statt lauschen: Ein Socket, der lauschte, bliebe einen Augenblick lang offen,
        // wenn ein anderer Test gerade ein Programm startet.
        if TcpStream::connect(("127.0.0.1", port)).is_err() {
            return port;
        }
    }
}

/// Startet einen Peer und wartet, bis er lauscht.
fn listening(program: &str, own: u16, other: u16, name: &str) -> Program {
    let (port, other) = (own.to_string(), other.to_string());
    let ports = ["--listen-port", &port, "--peer-port", &other];
    let peer = Program::start(program, &[&ports[..], &["--name", name]].concat());
    assert_eq!(peer.line(), format!("Server lauscht auf 127.0.0.1:{own}"));
    peer
}

/// Anna und Ben, verbunden. Anna hat den kleineren Port.
fn pair(program: &str) -> (Program, Program) {
    let (small, big) = two_ports();
    let ben = listening(program, big, small, "Ben");
    let anna = listening(program, small, big, "Anna");
    anna.line_with("Verbunden mit Ben. Zeile tippen und Enter; bye beendet.");
    ben.line_with("Verbunden mit Anna. Zeile tippen und Enter; bye beendet.");
    (anna, ben)
}

/// Anna und Ben, verbunden; Anna ist an der Reihe.
fn talking_pair() -> (Program, Program) {
    let (anna, ben) = pair(PEER);
    assert_eq!(anna.line(), "Sie sind an der Reihe.");
    (anna, ben)
}

/// Der andere ist weg, und das ist kein Fehler; wie er ging, sieht nicht auf jedem
/// System gleich aus.
fn ends_because_the_other_is_gone(peer: &mut Program, other: &str) {
    let sentence = peer.line();
    assert!(
        sentence == format!("{other} hat aufgelegt.")
            || sentence.starts_with(&format!("{other} ist nicht mehr da: ")),
        "{sentence}"
    );
    assert_eq!(peer.status(), 0);
}

// ---- wie sie sich finden ----

#[test]
fn whoever_starts_first_the_smaller_endpoint_speaks_first() {
    for small_starts_first in [true, false] {
        let (small, big) = two_ports();
        let (anna, ben);
        if small_starts_first {
            anna = listening(PEER, small, big, "Anna");
            ben = listening(PEER, big, small, "Ben");
        } else {
            ben = listening(PEER, big, small, "Ben");
            anna = listening(PEER, small, big, "Anna");
        }
        anna.line_with("Verbunden mit Ben.");
        ben.line_with("Verbunden mit Anna.");
        assert_eq!(anna.line(), "Sie sind an der Reihe.");
        ben.stays_quiet(WINDOW);
    }
}

#[test]
fn both_may_start_at_the_same_time_and_without_a_name_are_called_after_their_port() {
    let (small, big) = two_ports();
    let (own, other) = (small.to_string(), big.to_string());
    let one = Program::start(PEER, &["--listen-port", &own, "--peer-port", &other]);
    let two = Program::start(PEER, &["--listen-port", &other, "--peer-port", &own]);
    one.line_with(&format!("Verbunden mit Peer {big}."));
    two.line_with(&format!("Verbunden mit Peer {small}."));
}

#[test]
fn as_long_as_nobody_listens_it_tries_again_with_growing_pauses() {
    let (small, big) = two_ports();
    let anna = listening(PEER, small, big, "Anna");
    for pause in ["0,25", "0,5"] {
        assert_eq!(
            anna.line(),
            format!(
                "Auf 127.0.0.1:{big} lauscht noch niemand; neuer Versuch in {pause} s."
            )
        );
    }
}

#[test]
fn a_stranger_who_hangs_up_or_says_nothing_does_not_take_the_others_place() {
    let (small, big) = two_ports();
    let anna = listening(PEER, small, big, "Anna");
    let address = SocketAddr::from(([127, 0, 0, 1], small));
    drop(connect(address));
    let _silent = connect(address); // bleibt da und sagt nichts

    let ben = listening(PEER, big, small, "Ben");
    anna.line_with("Verbunden mit Ben.");
    ben.line_with("Verbunden mit Anna.");
    assert_eq!(anna.line(), "Sie sind an der Reihe.");
}

#[test]
fn a_stranger_who_talks_of_something_else_does_not_take_the_others_place() {
    let (small, big) = two_ports();
    let anna = listening(PEER, small, big, "Anna");
    let mut strangers = Vec::new();
    for garbage in ["GET / HTTP/1.1\r\n", "Ben\n", "ohne Zeilenende", "\n"] {
        let mut stranger = connect(SocketAddr::from(([127, 0, 0, 1], small)));
        stranger.write_all(garbage.as_bytes()).unwrap();
        stranger.shutdown(Shutdown::Write).unwrap();
        strangers.push(stranger); // bleibt da und hört zu
    }
    let ben = listening(PEER, big, small, "Ben");
    assert!(anna.line_with("Verbunden mit ").starts_with("Verbunden mit Ben."));
    ben.line_with("Verbunden mit Anna.");
}

#[test]
fn a_stranger_who_drips_does_not_take_the_others_place() {
    let (small, big) = two_ports();
    let listener = TcpListener::bind(("127.0.0.1", big)).unwrap();
    let anna = listening(PEER, small, big, "Anna");
    let _called = listener.accept().unwrap();
    let call = || connect(SocketAddr::from(([127, 0, 0, 1], small)));
    let mut stranger = call();
    thread::spawn(move || {
        while stranger.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(100)); // das ist das Tröpfeln
        }
    });
    let mut ben = call();
    ben.write_all(format!("{big} Ben\n").as_bytes()).unwrap();
    anna.line_with("Verbunden mit Ben.");
}

#[test]
fn control_characters_in_the_others_name_do_no_harm() {
    let (small, big) = two_ports();
    let listener = TcpListener::bind(("127.0.0.1", big)).unwrap();
    let anna = listening(PEER, small, big, "Anna");
    let _called = listener.accept().unwrap();
    let mut ben = connect(SocketAddr::from(([127, 0, 0, 1], small)));
    ben.write_all(format!("{big} \x1b[2JBen\n").as_bytes()).unwrap();
    anna.line_with("Verbunden mit \\u{1b}[2JBen.");
}

#[cfg(target_os = "linux")] // anderswo ist 127.0.0.2 nicht von selbst eine eigene Adresse
#[test]
fn a_stranger_from_another_address_does_not_take_the_others_place() {
    use socket2::{Domain, Socket, Type};

    let (small, big) = two_ports();
    let anna = listening(PEER, small, big, "Anna");
    let mut stranger = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address = |ip, port| SocketAddr::from((ip, port)).into();
    stranger.bind(&address([127, 0, 0, 2], 0)).unwrap();
    stranger.connect(&address([127, 0, 0, 1], small)).unwrap();
    stranger.write_all(b"Ben\n").unwrap();

    let ben = listening(PEER, big, small, "Ben");
    let refused = anna.line_with("127.0.0.2:");
    assert!(
        refused.ends_with(" ist nicht der andere Peer."),
        "{refused}"
    );
    anna.line_with("Verbunden mit Ben.");
    ben.line_with("Verbunden mit Anna.");
}

// ---- wie sie reden ----

#[test]
fn they_talk_in_turns_whatever_is_typed_until_the_first_says_bye() {
    let (mut anna, mut ben) = talking_pair();
    anna.type_line("Grüß Gott");
    assert_eq!(ben.line(), "Anna: Grüß Gott");
    assert_eq!(ben.line(), "Sie sind an der Reihe.");
    ben.type_line(""); // auch eine leere Zeile ist eine Zeile
    assert_eq!(anna.line(), "Ben: ");
    assert_eq!(anna.line(), "Sie sind an der Reihe.");
    anna.type_bytes(b"\x1b[2J\xFF\n"); // Steuerzeichen richten keinen Schaden an
    assert_eq!(ben.line(), "Anna: \\u{1b}[2J\u{FFFD}");
    assert_eq!(ben.line(), "Sie sind an der Reihe.");
    ben.type_line("Wie bitte?");
    assert_eq!(anna.line(), "Ben: Wie bitte?");
    assert_eq!(anna.line(), "Sie sind an der Reihe.");
    anna.type_line("bye");
    assert_eq!(anna.status(), 0);
    assert_eq!(ben.line(), "Anna: bye");
    assert_eq!(ben.status(), 0);
}

#[test]
fn the_second_may_say_bye_too() {
    let (mut anna, mut ben) = talking_pair();
    anna.type_line("Hallo");
    ben.line_with("Sie sind an der Reihe.");
    ben.type_line("bye");
    assert_eq!(ben.status(), 0);
    assert_eq!(anna.line(), "Ben: bye");
    assert_eq!(anna.status(), 0);
}

#[test]
fn what_is_typed_out_of_turn_is_sent_when_the_turn_comes() {
    let (mut anna, mut ben) = talking_pair();
    ben.type_line("Ich zuerst!");
    anna.stays_quiet(WINDOW);

    anna.type_line("Hallo");
    assert_eq!(ben.line(), "Anna: Hallo");
    assert_eq!(ben.line(), "Sie sind an der Reihe.");
    assert_eq!(anna.line(), "Ben: Ich zuerst!");
}

#[test]
fn two_lines_in_a_row_are_delivered_in_two_turns() {
    let (mut anna, mut ben) = talking_pair();
    anna.type_line("eins");
    anna.type_line("zwei");
    assert_eq!(ben.line(), "Anna: eins");
    assert_eq!(ben.line(), "Sie sind an der Reihe.");
    ben.stays_quiet(WINDOW);
    ben.type_line("ja?");
    assert_eq!(ben.line(), "Anna: zwei");
}

#[test]
fn two_polite_peers_wait_for_each_other_for_ever() {
    let (mut anna, mut ben) = pair(POLITE_PEER);
    anna.type_line("Nach Ihnen.");
    ben.type_line("Nein, nach Ihnen.");
    anna.stays_quiet(WINDOW);
    ben.stays_quiet(Duration::ZERO);
}

// ---- wie sie auseinandergehen ----

#[test]
fn end_of_input_ends_both() {
    let (mut anna, mut ben) = talking_pair();
    anna.end_input();
    assert_eq!(anna.status(), 0);
    assert_eq!(ben.line(), "Anna hat aufgelegt.");
    assert_eq!(ben.status(), 0);
}

#[test]
fn end_of_input_counts_only_when_the_turn_comes() {
    let (mut anna, mut ben) = talking_pair();
    ben.end_input();
    ben.stays_quiet(WINDOW);
    anna.type_line("Noch da?");
    assert_eq!(ben.line(), "Anna: Noch da?");
    assert_eq!(ben.status(), 0);
    assert_eq!(anna.line(), "Ben hat aufgelegt.");
    assert_eq!(anna.status(), 0);
}

#[test]
fn who_waits_at_the_keyboard_notices_only_after_the_next_line_that_the_other_is_gone() {
    let (mut anna, ben) = talking_pair();
    drop(ben);
    anna.stays_quiet(WINDOW);
    anna.type_line("Ben?");
    ends_because_the_other_is_gone(&mut anna, "Ben");
}

#[test]
fn who_listens_notices_at_once_that_the_other_is_gone() {
    let (anna, mut ben) = talking_pair();
    drop(anna);
    ends_because_the_other_is_gone(&mut ben, "Anna");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_peer_with_status_0_while_it_searches_listens_or_speaks() {
    let (small, big) = two_ports();
    let mut searching = listening(PEER, small, big, "Anna");
    searching.interrupt();
    assert_eq!(searching.status(), 0);

    let (mut anna, mut ben) = talking_pair();
    ben.interrupt();
    assert_eq!(ben.status(), 0);
    anna.interrupt();
    assert_eq!(anna.status(), 0);
}

// ---- was den Anfang verhindert ----

#[test]
fn a_peer_does_not_talk_to_itself() {
    let sentence = "Das ist derselbe Endpunkt: Ein Peer kann nicht mit sich selbst reden.";
    let args = ["--listen-port", "5002", "--peer-port", "5002"];
    refuses(PEER, &args, sentence, 1);
    refuses(POLITE_PEER, &args, sentence, 1);
}

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (small, big) = two_ports();
    let _anna = listening(PEER, small, big, "Anna");
    let (taken, other) = (small.to_string(), big.to_string());
    let sentence = format!(
        "Port {taken} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
    );
    let args = ["--listen-port", &taken, "--peer-port", &other];
    refuses(PEER, &args, &sentence, 1);
}

#[test]
fn an_unknown_host_is_said_in_one_sentence() {
    let args = "--listen-port 5002 --peer-port 5003 --peer-ip gibt-es-nicht.invalid";
    let args: Vec<&str> = args.split(' ').collect();
    let sentence = "Zu „gibt-es-nicht.invalid“ ist keine Adresse zu finden.";
    refuses(PEER, &args, sentence, 1);
}

#[test]
fn bad_and_missing_switches_end_with_status_2() {
    for program in [PEER, POLITE_PEER] {
        for (args, sentence) in [
            (
                ["--listen-port", "5002"],
                "Es fehlt --peer-port; siehe --help.",
            ),
            (
                ["--peer-port", "5003"],
                "Es fehlt --listen-port; siehe --help.",
            ),
            (
                ["--listen-port", "viele"],
                "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.",
            ),
            (
                ["--listen-port", "0"],
                "Ein Peer braucht einen festen Port, nicht 0.",
            ),
            (
                ["--name", ""],
                "Der Name hinter --name ist leer oder hat Steuerzeichen.",
            ),
            (
                ["--port", "5002"],
                "Den Schalter --port gibt es nicht; siehe --help.",
            ),
        ] {
            refuses(program, &args, sentence, 2);
        }
    }
}
