//! Der Peer aus Kapitel 9, von außen: zwei finden sich, reden zugleich und gehen
//! auseinander. Wo ein Programm nicht genügt, spielt der Test den anderen Peer.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, Program, connect, refuses};

const PEER: &str = env!("CARGO_BIN_EXE_ch09-peer");
const ROUNDS_PEER: &str = env!("CARGO_BIN_EXE_ch09-rounds-peer");

/// So lange muss schweigen, wer nichts zu sagen hat.
const WINDOW: Duration = Duration::from_millis(200);

/// Ein freier Port. Er liegt unterhalb derer, die das Betriebssystem von sich aus vergibt:
/// Sonst nähme ihn vielleicht jemand, ehe der Peer dort lauscht.
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
fn listening(own: u16, other: u16, name: &str) -> Program {
    start(PEER, own, other, name)
}

fn start(program: &str, own: u16, other: u16, name: &str) -> Program {
    let (port, other) = (own.to_string(), other.to_string());
    let ports = ["--listen-port", &port, "--peer-port", &other];
    let peer = Program::start(program, &[&ports[..], &["--name", name]].concat());
    assert_eq!(peer.line(), format!("Server lauscht auf 127.0.0.1:{own}"));
    peer
}

/// Anna und Ben, verbunden.
fn pair() -> (Program, Program) {
    let (one, other) = (free_port(), free_port());
    let ben = listening(one, other, "Ben");
    let anna = listening(other, one, "Anna");
    linked(&anna, "Ben");
    linked(&ben, "Anna");
    (anna, ben)
}

/// Der Peer hat den anderen gefunden; was er beim Suchen sagt, wird überlesen.
fn linked(peer: &Program, other: &str) {
    let sentence = peer.line_with("Verbunden mit ");
    assert_eq!(
        sentence,
        format!("Verbunden mit {other}. Zeile tippen und Enter; bye beendet.")
    );
}

/// Ein Peer, den der Test spielt: Er heißt Ben.
struct Played {
    /// Hierauf spricht Ben.
    outgoing: TcpStream,
    /// Hierauf spricht der andere.
    incoming: BufReader<TcpStream>,
}

impl Played {
    /// Verbindet sich mit einem Peer, der schon lauscht und Ben auf `listener` sucht.
    fn meets(listener: &TcpListener, other: u16) -> Played {
        let (incoming, _) = listener.accept().unwrap();
        incoming.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut incoming = BufReader::new(incoming);
        let mut greeting = String::new();
        incoming.read_line(&mut greeting).unwrap();
        assert_eq!(greeting, format!("{other} Anna\n"));
        let port = listener.local_addr().unwrap().port();
        let mut outgoing = connect(SocketAddr::from(([127, 0, 0, 1], other)));
        outgoing.write_all(format!("{port} Ben\n").as_bytes()).unwrap();
        Played { outgoing, incoming }
    }

    fn says(&mut self, bytes: &[u8]) {
        self.outgoing.write_all(bytes).unwrap();
    }

    fn hears(&mut self) -> String {
        let mut line = String::new();
        self.incoming.read_line(&mut line).unwrap();
        line
    }
}

/// Anna, verbunden mit einem Ben, den der Test spielt.
fn anna_and_played_ben(program: &str) -> (Program, Played) {
    let (own, other) = (free_port(), free_port());
    let listener = TcpListener::bind(("127.0.0.1", other)).unwrap();
    let anna = start(program, own, other, "Anna");
    let ben = Played::meets(&listener, own);
    linked(&anna, "Ben");
    (anna, ben)
}

/// Eine Anna, die schneller getippt bekommt, als sie liest: Ihre Tastatur ist hier einzeln zu
/// haben.
struct FastTyper {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: Receiver<String>,
}

impl FastTyper {
    /// Startet sie und verbindet sie mit einem Ben, den der Test spielt.
    fn with_played_ben(program: &str) -> (FastTyper, Played) {
        let (own, other) = (free_port(), free_port());
        let listener = TcpListener::bind(("127.0.0.1", other)).unwrap();
        let mut child = Command::new(program)
            .args([
                "--listen-port",
                &own.to_string(),
                "--peer-port",
                &other.to_string(),
            ])
            .args(["--name", "Anna"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keyboard = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, screen) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line); // der Test ist vielleicht schon fertig
            }
        });
        let anna = FastTyper {
            child,
            keyboard,
            screen,
        };
        assert_eq!(anna.line(), format!("Server lauscht auf 127.0.0.1:{own}"));
        let ben = Played::meets(&listener, own);
        assert!(anna.line().starts_with("Verbunden mit Ben."));
        (anna, ben)
    }

    /// Tippt nummerierte Zeilen, bis das Programm keine mehr liest. Ein Thread tippt weiter,
    /// sobald es wieder geht, danach ist die Eingabe zu Ende.
    fn types_until_it_stalls(&mut self, lines: usize) {
        let mut keyboard = self.keyboard.take().unwrap();
        let (sender, typed) = channel();
        thread::spawn(move || {
            for number in 0..lines {
                keyboard.write_all(numbered(number).as_bytes()).unwrap();
                let _ = sender.send(()); // der Test zählt nicht bis zu Ende mit
            }
        });
        // Eine Sekunde lang keine Zeile: Pipe, Kanal, Sende- und Empfangspuffer sind voll.
        let pause = Duration::from_secs(1);
        let count = std::iter::from_fn(|| typed.recv_timeout(pause).ok()).count();
        assert!(count < lines, "alle {lines} Zeilen passten in die Puffer");
    }

    fn line(&self) -> String {
        self.screen.recv_timeout(DEADLINE).expect("noch eine Zeile")
    }

    fn status(&mut self) -> Option<i32> {
        assert_eq!(
            self.screen.recv_timeout(DEADLINE),
            Err(RecvTimeoutError::Disconnected)
        );
        self.child.wait().unwrap().code()
    }
}

impl Drop for FastTyper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Eine Zeile von gut tausend Bytes.
fn numbered(number: usize) -> String {
    format!("{number:0>1000}\n")
}

// ---- wie sie sich finden ----

#[test]
fn both_may_start_at_the_same_time_and_without_a_name_are_called_after_their_port() {
    for _ in 0..5 {
        let (one, other) = (free_port(), free_port());
        let (own, peer) = (one.to_string(), other.to_string());
        let first = Program::start(PEER, &["--listen-port", &own, "--peer-port", &peer]);
        let second = Program::start(PEER, &["--listen-port", &peer, "--peer-port", &own]);
        linked(&first, &format!("Peer {other}"));
        linked(&second, &format!("Peer {one}"));
    }
}

#[test]
fn as_long_as_nobody_listens_it_tries_again_with_growing_pauses() {
    let (own, other) = (free_port(), free_port());
    let anna = listening(own, other, "Anna");
    for pause in ["0,25", "0,5", "1"] {
        let sentence = format!(
            "Auf 127.0.0.1:{other} lauscht noch niemand; neuer Versuch in {pause} s."
        );
        assert_eq!(anna.line(), sentence);
    }
}

#[test]
fn who_is_called_calls_back_at_once_and_not_only_after_the_pause() {
    let (own, other) = (free_port(), free_port());
    let anna = listening(own, other, "Anna");
    anna.line_with(&format!(
        "Auf 127.0.0.1:{other} lauscht noch niemand; neuer Versuch in 2 s."
    ));
    let start = Instant::now();
    let _ben = listening(other, own, "Ben");
    linked(&anna, "Ben");
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_hundred_silent_strangers_do_not_hold_up_the_other() {
    let (own, other) = (free_port(), free_port());
    let anna = listening(own, other, "Anna");
    let address = SocketAddr::from(([127, 0, 0, 1], own));
    // Nacheinander, 2 s für jeden, dauerten sie 200 s: viel länger, als `line` wartet.
    let _silent: Vec<TcpStream> = (0..100).map(|_| connect(address)).collect();
    let ben = listening(other, own, "Ben");
    linked(&anna, "Ben");
    linked(&ben, "Anna");
}

#[test]
fn a_stranger_who_talks_of_something_else_does_not_take_the_others_place() {
    let (own, other) = (free_port(), free_port());
    let anna = listening(own, other, "Anna");
    let mut strangers = Vec::new();
    for garbage in ["GET / HTTP/1.1\r\n", "Ben\n", "ohne Zeilenende", "\n", ""] {
        let mut stranger = connect(SocketAddr::from(([127, 0, 0, 1], own)));
        stranger.write_all(garbage.as_bytes()).unwrap();
        stranger.shutdown(Shutdown::Write).unwrap();
        strangers.push(stranger); // bleibt da und hört zu
    }
    let ben = listening(other, own, "Ben");
    linked(&anna, "Ben");
    linked(&ben, "Anna");
}

#[test]
fn control_characters_in_the_others_name_do_no_harm() {
    let (own, other) = (free_port(), free_port());
    let listener = TcpListener::bind(("127.0.0.1", other)).unwrap();
    let anna = listening(own, other, "Anna");
    let _called = listener.accept().unwrap();
    let mut ben = connect(SocketAddr::from(([127, 0, 0, 1], own)));
    ben.write_all(format!("{other} \x1b[2JBen\n").as_bytes()).unwrap();
    linked(&anna, "\\u{1b}[2JBen");
}

#[cfg(target_os = "linux")] // anderswo ist 127.0.0.2 nicht von selbst eine eigene Adresse
#[test]
fn a_stranger_from_another_address_does_not_take_the_others_place() {
    use socket2::{Domain, Socket, Type};

    let (own, other) = (free_port(), free_port());
    let anna = listening(own, other, "Anna");
    let mut stranger = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address = |ip, port| SocketAddr::from((ip, port)).into();
    stranger.bind(&address([127, 0, 0, 2], 0)).unwrap();
    stranger.connect(&address([127, 0, 0, 1], own)).unwrap();
    stranger.write_all(format!("{other} Ben\n").as_bytes()).unwrap();
    let refused = anna.line_with("127.0.0.2:");
    assert!(
        refused.ends_with(" ist nicht der andere Peer."),
        "{refused}"
    );

    let ben = listening(other, own, "Ben");
    linked(&anna, "Ben");
    linked(&ben, "Anna");
}

#[test]
fn a_peer_that_ended_while_searching_leaves_its_place_to_the_next() {
    let (own, other) = (free_port(), free_port());
    let listener = TcpListener::bind(("127.0.0.1", other)).unwrap();
    let anna = listening(own, other, "Anna");
    let (first, _) = listener.accept().unwrap(); // Anna hat angerufen
    drop((first, listener)); // Ben endet, ehe er selbst anruft
    let waits =
        format!("Auf 127.0.0.1:{other} lauscht noch niemand; neuer Versuch in 0,25 s.");
    anna.line_with(&waits);

    let ben = listening(other, own, "Ben");
    linked(&anna, "Ben");
    linked(&ben, "Anna");
}

#[test]
fn a_caller_that_ended_before_it_was_called_back_leaves_its_place_to_the_next() {
    let (own, other) = (free_port(), free_port());
    let anna = listening(own, other, "Anna");
    let unreachable = "Auf 127.0.0.1:";
    anna.line_with(unreachable);
    // Ben ruft an, ist aber selbst nicht zu erreichen, und geht wieder.
    let mut caller = connect(SocketAddr::from(([127, 0, 0, 1], own)));
    caller.write_all(format!("{other} Ben\n").as_bytes()).unwrap();
    anna.line_with(unreachable);
    drop(caller);
    anna.line_with(unreachable);

    // Der nächste Ben ist zu erreichen, ruft aber nicht gleich zurück.
    let listener = TcpListener::bind(("127.0.0.1", other)).unwrap();
    let mut ben = Played::meets(&listener, own);
    linked(&anna, "Ben");
    ben.says("Da bin ich wieder.\n".as_bytes());
    assert_eq!(anna.line(), "Ben: Da bin ich wieder.");
}

// ---- wie sie reden ----

#[test]
fn both_talk_whenever_they_like() {
    let (mut anna, mut ben) = pair();
    for number in 0..3 {
        ben.type_line(&format!("Bens Zeile {number}"));
    }
    for number in 0..3 {
        assert_eq!(anna.line(), format!("Ben: Bens Zeile {number}"));
    }
    anna.type_line("Annas Zeile");
    ben.type_line("zugleich");
    assert_eq!(ben.line(), "Anna: Annas Zeile");
    assert_eq!(anna.line(), "Ben: zugleich");
    anna.stays_quiet(WINDOW);
    ben.stays_quiet(Duration::ZERO);
}

#[test]
fn whatever_is_typed_arrives_as_text() {
    let (mut anna, ben) = pair();
    anna.type_line("");
    assert_eq!(ben.line(), "Anna: ");
    anna.type_bytes(b"\x1b[2J\xFF\r\n"); // Steuerzeichen richten keinen Schaden an
    assert_eq!(ben.line(), "Anna: \\u{1b}[2J\u{FFFD}");
    anna.type_line(&"ü".repeat(1500)); // in Stücken getippt, in ganzen Zeilen gelesen
    assert_eq!(ben.line(), format!("Anna: {}", "ü".repeat(1024)));
    assert_eq!(ben.line(), format!("Anna: {}", "ü".repeat(476)));
}

#[test]
fn whatever_a_foreign_peer_sends_does_no_harm() {
    let (anna, mut ben) = anna_and_played_ben(PEER);
    ben.says(b"G");
    ben.says(&"ü".as_bytes()[..1]); // ein halbes Zeichen
    anna.stays_quiet(WINDOW);
    ben.says(&"ü".as_bytes()[1..]);
    ben.says(b"te\r\n\xC3(\n");
    assert_eq!(anna.line(), "Ben: Güte");
    assert_eq!(anna.line(), "Ben: \u{FFFD}(");
    ben.says(&[b'x'; 20_000]); // ohne Zeilenende: in Stücken, nicht im Speicher
    for _ in 0..2 {
        assert_eq!(anna.line(), format!("Ben: {}", "x".repeat(8192)));
    }
    ben.says(b"\n");
    assert_eq!(
        anna.line(),
        format!("Ben: {}", "x".repeat(20_000 - 2 * 8192))
    );
}

#[test]
fn twenty_thousand_lines_in_both_directions_arrive_complete_and_in_order() {
    const LINES: usize = 20_000;
    let typed: String = (0..LINES).map(|number| format!("{number}\n")).collect();
    let (mut anna, mut ben) = pair();
    thread::scope(|scope| {
        scope.spawn(|| anna.type_bytes(typed.as_bytes()));
        scope.spawn(|| ben.type_bytes(typed.as_bytes()));
    });
    for number in 0..LINES {
        assert_eq!(anna.line(), format!("Ben: {number}"));
        assert_eq!(ben.line(), format!("Anna: {number}"));
    }
}

#[test]
fn who_is_not_read_by_the_other_stops_reading_the_keyboard_but_goes_on_hearing() {
    const LINES: usize = 20_000;
    let (mut anna, mut ben) = FastTyper::with_played_ben(PEER);
    anna.types_until_it_stalls(LINES);
    ben.says("Ich lese nicht.\nAber du?\n".as_bytes());
    assert_eq!(anna.line(), "Ben: Ich lese nicht.");
    assert_eq!(anna.line(), "Ben: Aber du?");
    for number in 0..LINES {
        assert_eq!(ben.hears(), numbered(number)); // nichts ging verloren
    }
    assert_eq!(ben.hears(), "");
    assert_eq!(anna.status(), Some(0));
}

#[test]
fn a_line_in_two_pieces_survives_typing_in_between() {
    let (mut anna, mut ben) = anna_and_played_ben(PEER);
    for _ in 0..50 {
        assert_eq!(interrupted(&mut anna, &mut ben), "Ben: Hallo");
    }
}

/// Ben schickt eine halbe Zeile, Anna tippt, Ben schickt den Rest.
fn interrupted(anna: &mut Program, ben: &mut Played) -> String {
    ben.says(b"Hal");
    anna.type_line("Ja?");
    assert_eq!(ben.hears(), "Ja?\n");
    ben.says(b"lo\n");
    anna.line()
}

// ---- wie es nicht geht ----

#[test]
fn the_peer_that_waits_in_rounds_loses_half_a_line() {
    let (mut anna, mut ben) = anna_and_played_ben(ROUNDS_PEER);
    let start = Instant::now();
    // Kommen beide in derselben Runde an, geht es gut; meistens kommen sie nacheinander.
    while interrupted(&mut anna, &mut ben) != "Ben: lo" {
        assert!(start.elapsed() < DEADLINE, "keine Zeile ging verloren");
    }
}

#[test]
fn the_peer_that_waits_in_rounds_hears_nothing_while_it_writes() {
    const LINES: usize = 20_000;
    let (mut anna, mut ben) = FastTyper::with_played_ben(ROUNDS_PEER);
    ben.says(b"Ich lese noch.\n"); // und so lange hört sie auch
    assert_eq!(
        anna.screen.recv_timeout(DEADLINE),
        Ok("Ben: Ich lese noch.".into())
    );
    anna.types_until_it_stalls(LINES);
    ben.says(b"Ich lese nicht.\n");
    assert_eq!(
        anna.screen.recv_timeout(WINDOW),
        Err(RecvTimeoutError::Timeout)
    );
    for number in 0..LINES {
        assert_eq!(ben.hears(), numbered(number));
    }
}

// ---- wie sie auseinandergehen ----

#[test]
fn either_may_say_bye_at_any_time() {
    for anna_leaves in [true, false] {
        let (anna, ben) = pair();
        let (mut leaves, mut stays, name) = match anna_leaves {
            true => (anna, ben, "Anna"),
            false => (ben, anna, "Ben"),
        };
        leaves.type_line("bye");
        assert_eq!(leaves.status(), 0);
        assert_eq!(stays.line(), format!("{name}: bye"));
        assert_eq!(stays.status(), 0);
    }
}

#[test]
fn end_of_input_ends_both() {
    let (mut anna, mut ben) = pair();
    anna.type_line("Letztes Wort");
    anna.end_input();
    assert_eq!(anna.status(), 0);
    assert_eq!(ben.line(), "Anna: Letztes Wort");
    assert_eq!(ben.line(), "Anna hat aufgelegt.");
    assert_eq!(ben.status(), 0);
}

#[test]
fn who_waits_for_its_user_notices_at_once_that_the_other_is_gone() {
    let (mut anna, ben) = pair();
    drop(ben);
    let sentence = anna.line();
    assert!(
        sentence == "Ben hat aufgelegt." || sentence.starts_with("Ben ist nicht mehr da: "), // je nach System
        "{sentence}"
    );
    assert_eq!(anna.status(), 0); // ohne dass jemand etwas getippt hätte
}

#[test]
fn a_reset_connection_ends_the_peer_with_one_sentence() {
    let (mut anna, ben) = anna_and_played_ben(PEER);
    reset(ben.outgoing);
    let sentence = "Ben ist nicht mehr da: die Gegenseite hat die Verbindung abgebrochen.";
    assert_eq!(anna.line(), sentence);
    assert_eq!(anna.status(), 0);
}

#[test]
fn who_can_no_longer_be_talked_to_is_still_heard() {
    let (mut anna, mut ben) = anna_and_played_ben(PEER);
    reset(ben.incoming.into_inner());
    let complaint = "Das kam nicht mehr an: ";
    let sentence = anna.line_after_typing("Noch da?");
    assert!(sentence.starts_with(complaint), "{sentence}");
    ben.outgoing.write_all("Ich muss los.\nbye\n".as_bytes()).unwrap();
    let mut line = anna.line();
    while line.starts_with(complaint) {
        line = anna.line(); // über eine Zeile, die noch unterwegs war
    }
    assert_eq!(line, "Ben: Ich muss los.");
    assert_eq!(anna.line(), "Ben: bye");
    assert_eq!(anna.status(), 0);
}

/// Schließt eine Verbindung so, dass ein RST hinausgeht.
fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn the_last_word_is_heard_by_one_who_talks_without_end() {
    let (mut anna, ben) = FastTyper::with_played_ben(PEER);
    let mut keyboard = anna.keyboard.take().unwrap();
    // Bis Anna geht und niemand mehr liest, was sie tippt.
    thread::spawn(move || while keyboard.write_all(b"Und dann, und dann\n").is_ok() {});
    let Played {
        mut outgoing,
        mut incoming,
    } = ben;
    incoming.read_line(&mut String::new()).unwrap();
    outgoing.write_all(b"bye\n").unwrap();
    drop((incoming, outgoing)); // Ben ist fort und hat nicht alles gelesen
    let mut line = anna.line();
    while line.starts_with("Das kam nicht mehr an: ") {
        line = anna.line();
    }
    assert_eq!(line, "Ben: bye");
    assert_eq!(anna.status(), Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_peer_with_status_0_while_it_searches_or_talks() {
    let mut searching = listening(free_port(), free_port(), "Anna");
    searching.interrupt();
    assert_eq!(searching.status(), 0);

    let (mut anna, mut ben) = pair();
    ben.interrupt();
    assert_eq!(ben.status(), 0);
    assert_eq!(anna.line(), "Ben hat aufgelegt.");
    assert_eq!(anna.status(), 0);

    let (mut anna, _ben) = anna_and_played_ben(PEER);
    anna.interrupt();
    assert_eq!(anna.status(), 0);
}

#[test]
fn without_a_screen_the_peer_ends_with_status_1() {
    let (own, other) = (free_port(), free_port());
    let mut anna = Command::new(PEER)
        .args([
            "--listen-port",
            &own.to_string(),
            "--peer-port",
            &other.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(anna.stdout.take()); // spätestens der nächste Versuch will etwas sagen
    let end = anna.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&end.stderr),
        "Die Ausgabe nimmt nichts mehr an.\n"
    );
}

// ---- was den Anfang verhindert ----

#[test]
fn a_peer_does_not_talk_to_itself() {
    let sentence = "Das ist derselbe Endpunkt: Ein Peer kann nicht mit sich selbst reden.";
    let args = ["--listen-port", "5002", "--peer-port", "5002"];
    refuses(PEER, &args, sentence, 1);
}

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (small, big) = (free_port(), free_port());
    let _anna = listening(small, big, "Anna");
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
            ["--name", ""],
            "Der Name hinter --name ist leer oder hat Steuerzeichen.",
        ),
        (
            ["--port", "5002"],
            "Den Schalter --port gibt es nicht; siehe --help.",
        ),
    ] {
        refuses(PEER, &args, sentence, 2);
    }
}
