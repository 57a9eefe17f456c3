//! Alle Server des Kapitels, auch der in C und die in Python, tun dasselbe: Jeder besteht
//! jede dieser Prüfungen. Fehlt `cc` oder `python3`, entfallen die, die sie brauchen; mit
//! `CHATBUCH_INTEROP=pflicht` ist das ein Fehler.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::common::{Program, connect};
use socket2::{Domain, SockRef, Socket, Type};

const TOO_LONG: &str = "! Die Zeile hat mehr als 8192 Bytes.\n";

/// Ein Satz, was geprüft wird, und die Prüfung.
type Check = (&'static str, fn(SocketAddr));

/// Die Prüfungen, vom Bravsten zum Bösesten; jede bekommt denselben, schon benutzten Server.
const CHECKS: [Check; 9] = [
    ("eine Zeile in Stücken", answers_no_sooner_than_the_end),
    ("viele Zeilen in einem Stück", answers_in_order),
    ("der Client legt halb auf", answers_before_hanging_up),
    ("die längste Zeile", answers_the_longest_line),
    ("eine zu lange Zeile", ends_with_a_line_too_long),
    (
        "viel, ohne zu lesen, und dann zu lang",
        returns_all_before_the_end,
    ),
    ("300 zugleich", keeps_300_apart),
    ("einer geht mittendrin", survives_who_leaves),
    ("einer liest nicht", serves_others_while_one_is_deaf),
];

#[test]
fn threads() {
    check(&[env!("CARGO_BIN_EXE_ch11-threads")]);
}

#[test]
fn threads_with_a_small_stack() {
    check(&[env!("CARGO_BIN_EXE_ch11-threads"), "--stack", "65536"]);
}

#[test]
fn event_loop() {
    check(&[env!("CARGO_BIN_EXE_ch11-event-loop")]);
}

#[test]
fn tokio() {
    check(&[env!("CARGO_BIN_EXE_ch11-tokio")]);
}

#[test]
fn tokio_on_two_threads() {
    check(&[env!("CARGO_BIN_EXE_ch11-tokio"), "--threads", "2"]);
}

#[test]
fn tokio_lean() {
    check(&[env!("CARGO_BIN_EXE_ch11-tokio-lean")]);
}

#[test]
fn tokio_lean_on_two_threads() {
    check(&[env!("CARGO_BIN_EXE_ch11-tokio-lean"), "--threads", "2"]);
}

#[cfg(target_os = "linux")]
#[test]
fn epoll() {
    check(&[env!("CARGO_BIN_EXE_ch11-epoll")]);
}

#[cfg(not(target_os = "linux"))]
#[test]
fn epoll_says_that_it_needs_linux() {
    let mut program = Program::start(env!("CARGO_BIN_EXE_ch11-epoll"), &[]);
    assert_eq!(program.line(), "epoll gibt es nur unter Linux.");
    assert_eq!(program.status(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn epoll_in_c() {
    if let Some(program) = epoll_c() {
        check(&[program]);
    }
}

#[test]
fn asyncio() {
    if let Some(python) = python() {
        check(&[python, &script("streams.py")]);
    }
}

#[test]
fn python_threads() {
    if let Some(python) = python() {
        check(&[python, &script("threads.py")]);
    }
}

/// Startet den Server, prüft alles und wartet, bis nur die erste Verbindung noch offen ist.
fn check(command: &[&str]) {
    let (server, address) = start(command);
    let mut first = connect(address);
    exchange(&mut first, "bereit\n");
    let open = open_descriptors(&server); // mit dieser Verbindung
    for (what, check) in CHECKS {
        println!("{}: {what}", command[0]);
        check(address);
    }
    println!("{}: alle anderen sind geschlossen", command[0]);
    await_state(|| open_descriptors(&server) == open);
    exchange(&mut first, "immer noch\n");
}

fn answers_no_sooner_than_the_end(address: SocketAddr) {
    let mut client = connect(address);
    client.write_all(b"Hal").expect("der Server liest");
    exchange(&mut connect(address), "inzwischen\n");
    client.set_nonblocking(true).expect("ein Socket kann das");
    let early = client.read(&mut [0; 8]).map_err(|error| error.kind());
    assert_eq!(early, Err(ErrorKind::WouldBlock));
    client.set_nonblocking(false).expect("ein Socket kann das");
    client.write_all(b"lo\nWe").expect("der Server liest");
    assert_eq!(read(&mut client, 6), "Hallo\n");
    client.write_all(b"lt\n").expect("der Server liest");
    assert_eq!(read(&mut client, 5), "Welt\n");
}

fn answers_in_order(address: SocketAddr) {
    let mut client = connect(address);
    let lines: String = (0..500).map(|number| format!("Zeile {number}\n\n")).collect();
    exchange(&mut client, &lines);
}

/// Oft genug, dass Zeile und Ende des Stroms auch einmal zugleich beim Server ankommen.
fn answers_before_hanging_up(address: SocketAddr) {
    for _ in 0..20 {
        let mut client = connect(address);
        client.write_all("ganz\nhal".as_bytes()).expect("der Server liest");
        client.shutdown(Shutdown::Write).expect("die Verbindung steht");
        assert_eq!(rest(&mut client).expect("ohne Abbruch"), "ganz\n");
    }
}

fn answers_the_longest_line(address: SocketAddr) {
    let mut client = connect(address);
    let longest = "x".repeat(8192) + "\n";
    exchange(&mut client, &(longest.clone() + "kurz\n" + &longest));
    exchange(&mut client, "kurz\n");
}

fn ends_with_a_line_too_long(address: SocketAddr) {
    let mut client = connect(address);
    let too_long = "x".repeat(8193);
    client
        .write_all(format!("vorher\n{too_long}").as_bytes())
        .expect("der Server liest");
    assert_eq!(
        rest(&mut client).expect("ohne Abbruch"),
        format!("vorher\n{TOO_LONG}")
    );

    // Liegt beim Schließen noch etwas Ungelesenes da, wird aus dem Ende ein Abbruch.
    let mut client = connect(address);
    let _ = client.write_all("x".repeat(100_000).as_bytes());
    let said = rest(&mut client).unwrap_or_default();
    assert!(TOO_LONG.starts_with(&said), "{said}");
}

/// Ein Client, in dessen Betriebssystem wenig hineinpasst: So staut es sich, ehe viel geschrieben ist.
fn by_a_slow_line(address: SocketAddr) -> TcpStream {
    let slow = Socket::new(Domain::IPV4, Type::STREAM, None).expect("ein Socket");
    slow.set_recv_buffer_size(64 * 1024).expect("eine gültige Größe");
    slow.connect(&address.into()).expect("der Server lauscht");
    slow.set_read_timeout(Some(crate::common::DEADLINE))
        .expect("eine gültige Frist");
    slow.into()
}

/// Wer lange nicht liest und dann eine zu lange Zeile schickt, bekommt trotzdem alles.
fn returns_all_before_the_end(address: SocketAddr) {
    let mut client = by_a_slow_line(address);
    let lines = ("y".repeat(4095) + "\n").repeat(16 * 256); // 16 MiB
    let much = lines.clone() + &"x".repeat(8193);
    let written = write_until_stuck(&mut client, much.as_bytes());
    std::thread::scope(|scope| {
        let mut sender = client.try_clone().expect("ein Socket kann das");
        scope.spawn(move || {
            sender.write_all(&much.as_bytes()[written..]).expect("es wird gelesen")
        });
        let received = rest(&mut client).expect("ohne Abbruch");
        assert!(received == lines + TOO_LONG, "das sind andere Bytes");
    });
}

/// Schreibt, bis eine Weile niemand mehr etwas abnimmt; so viele Bytes waren es. Nicht mit einer
/// Frist im Socket: Läuft die ab, sagt Windows nicht, wie viel schon fort ist.
fn write_until_stuck(client: &mut TcpStream, bytes: &[u8]) -> usize {
    let patience = Duration::from_millis(100);
    client.set_nonblocking(true).expect("das kann jeder Socket");
    let (mut written, mut since) = (0, Instant::now());
    while since.elapsed() < patience {
        match client.write(&bytes[written..]) {
            Ok(0) => panic!("alles geschrieben, und niemand hat es gelesen"),
            Ok(count) => {
                written += count;
                since = Instant::now();
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}");
                std::thread::sleep(Duration::from_millis(2)); // niemand meldet, dass Platz ist
            }
        }
    }
    client.set_nonblocking(false).expect("das kann jeder Socket");
    written
}

fn keeps_300_apart(address: SocketAddr) {
    let mut clients: Vec<TcpStream> = (0..300).map(|_| connect(address)).collect();
    let line = |number: usize| format!("Client {number} von 300\n");
    for cut in [0, 1, 10] {
        for (number, client) in clients.iter_mut().enumerate() {
            client.write_all(&line(number).as_bytes()[..cut]).expect("der Server liest");
        }
        for (number, client) in clients.iter_mut().enumerate().rev() {
            client.write_all(&line(number).as_bytes()[cut..]).expect("der Server liest");
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(read(client, line(number).len()), line(number));
        }
    }
}

fn survives_who_leaves(address: SocketAddr) {
    for linger in [None, Some(Duration::ZERO)] {
        let mut client = connect(address);
        exchange(&mut client, "ganz\n");
        client.write_all(b"hal").expect("der Server liest");
        SockRef::from(&client).set_linger(linger).expect("ein Socket kann das");
        drop(client); // beim zweiten Mal ein Abbruch
        exchange(&mut connect(address), "weiter\n");
    }
}

/// Wer nicht liest, dem wird irgendwann nicht mehr zugehört: Er kann nicht beliebig viel
/// loswerden. Die anderen merken nichts davon, und liest er wieder, fehlt ihm nichts.
fn serves_others_while_one_is_deaf(address: SocketAddr) {
    let mut deaf = by_a_slow_line(address);
    let line = "y".repeat(4095) + "\n";
    let much = line.repeat(16 * 256); // 16 MiB
    let written = write_until_stuck(&mut deaf, much.as_bytes());

    let mut other = connect(address);
    for number in 0..50 {
        exchange(&mut other, &format!("{number}\n"));
    }

    let whole = written / line.len() * line.len();
    assert!(
        read(&mut deaf, whole) == much[..whole],
        "das sind andere Bytes"
    );
    deaf.write_all(b"!\n").expect("der Server liest wieder");
    let last = much[whole..written].to_string() + "!\n";
    assert_eq!(read(&mut deaf, last.len()), last);
}

/// Sind die Dateideskriptoren aufgebraucht, warten die übrigen, ohne dass der Server rechnet,
/// und kommen an die Reihe, sobald andere gehen.
#[cfg(target_os = "linux")]
#[test]
fn whoever_gets_no_descriptor_waits_for_one() {
    let script = script("threads.py");
    let python = python().map(|python| vec![python, &script]);
    let servers = [
        Some(vec![env!("CARGO_BIN_EXE_ch11-threads")]),
        Some(vec![env!("CARGO_BIN_EXE_ch11-event-loop")]),
        Some(vec![env!("CARGO_BIN_EXE_ch11-tokio")]),
        Some(vec![
            env!("CARGO_BIN_EXE_ch11-tokio-lean"),
            "--threads",
            "2",
        ]),
        Some(vec![env!("CARGO_BIN_EXE_ch11-epoll")]),
        epoll_c().map(|program| vec![program]),
        python,
    ];
    std::thread::scope(|scope| {
        for server in servers.iter().flatten() {
            scope.spawn(|| wait_for_a_descriptor(server));
        }
    });
}

#[cfg(target_os = "linux")]
fn wait_for_a_descriptor(command: &[&str]) {
    let limited = ["/bin/sh", "-c", "ulimit -n 40 && exec \"$0\" \"$@\""];
    let (server, address) = start(&[&limited, command].concat());
    let mut clients: Vec<TcpStream> = (0..60).map(|_| connect(address)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client
            .write_all(format!("{number}\n").as_bytes())
            .expect("die Verbindung steht");
    }
    server.line_with("Eine Verbindung war nicht zu haben");
    exchange_after(&mut clients[0], "0\n", "hier ist noch alles gut\n");

    let window = Duration::from_millis(400);
    let before = computed(&server);
    std::thread::sleep(window); // gemessen wird, was in dieser Zeit geschieht
    let busy = computed(&server) - before;
    assert!(busy < window / 4, "{}: {busy:?} gerechnet", command[0]);

    let late = clients.split_off(30);
    drop(clients);
    for (number, mut client) in (30..).zip(late) {
        exchange_after(&mut client, &format!("{number}\n"), "da\n");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_missing_thread_costs_one_connection() {
    let stack = (1_u64 << 47).to_string(); // mehr, als ein Prozess Adressen hat
    let program = env!("CARGO_BIN_EXE_ch11-threads");
    let (server, address) = start(&[program, "--stack", &stack]);
    for _ in 0..2 {
        let mut client = connect(address);
        assert_eq!(rest(&mut client).expect("ohne Abbruch"), "");
        server.line_with("Kein Thread für 127.0.0.1:");
    }
}

/// Startet einen Server auf einem freien Port.
fn start(command: &[&str]) -> (Program, SocketAddr) {
    let server = Program::start(command[0], &[&command[1..], &["--port", "0"]].concat());
    let ready = server.line();
    let address = ready.strip_prefix("Server lauscht auf ").expect(&ready);
    let address = address.parse().expect("eine Adresse mit Port");
    (server, address)
}

/// Schickt `lines` und bekommt dasselbe zurück.
fn exchange(client: &mut TcpStream, lines: &str) {
    exchange_after(client, "", lines);
}

/// Wie [`exchange`]; davor kommt noch die Antwort auf etwas Früheres.
fn exchange_after(client: &mut TcpStream, earlier: &str, lines: &str) {
    client.write_all(lines.as_bytes()).expect("der Server liest");
    let expected = earlier.to_string() + lines;
    assert_eq!(read(client, expected.len()), expected);
}

/// Genau so viele Bytes.
fn read(client: &mut TcpStream, count: usize) -> String {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).expect("der Server antwortet");
    String::from_utf8(bytes).expect("Text")
}

/// Alles, bis der Server auflegt.
fn rest(client: &mut TcpStream) -> std::io::Result<String> {
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    Ok(text)
}

fn await_state(mut reached: impl FnMut() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(
            start.elapsed() < crate::common::DEADLINE,
            "der Zustand tritt nicht ein"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// So viele Dateideskriptoren hat der Server offen; nur Linux sagt es.
fn open_descriptors(server: &Program) -> Option<usize> {
    let folder = std::fs::read_dir(format!("/proc/{}/fd", server.id()));
    folder.ok().map(|folder| folder.count())
}

/// So lange haben alle Threads des Servers bis jetzt gerechnet.
#[cfg(target_os = "linux")]
fn computed(server: &Program) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.id()));
    let times = tasks.expect("der Server läuft").map(|task| {
        let file = task.expect("ein Thread").path().join("schedstat");
        let text = std::fs::read_to_string(file).unwrap_or_default(); // Thread schon zu Ende
        let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
        Duration::from_nanos(nanos.unwrap_or(0))
    });
    times.sum()
}

/// `epoll.c`, übersetzt; `None`, wenn es keinen C-Compiler gibt.
#[cfg(target_os = "linux")]
fn epoll_c() -> Option<&'static str> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        installed("cc").then(|| {
            let program = format!("{}/ch11-epoll-c", env!("CARGO_TARGET_TMPDIR"));
            let source = concat!(env!("CARGO_MANIFEST_DIR"), "/c/epoll.c");
            let output = Command::new("cc")
                .args(["-O2", "-Wall", "-Wextra", "-Werror", "-o", &program, source])
                .output()
                .expect("cc startet");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            program
        })
    });
    program.as_deref()
}

/// Python selbst: Was unter seinem Namen zu finden ist, sucht es vielleicht jedes Mal erst.
fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        installed("python3").then(|| {
            let itself = ["-c", "import sys; print(sys.executable)"];
            let output = Command::new("python3").args(itself).output();
            let path = String::from_utf8(output.expect("python3 startet").stdout);
            path.expect("ein Pfad aus Text").trim_end().to_owned()
        })
    });
    python.as_deref()
}

fn script(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python");
    folder.join(name).to_str().expect("ein Pfad aus Text").to_string()
}

/// Gibt es dieses Programm hier? Fehlen darf es nur, wo nichts anderes verlangt ist.
fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    let found = found.is_ok_and(|output| output.status.success());
    let required = std::env::var_os("CHATBUCH_INTEROP").is_some();
    assert!(found || !required, "{program} fehlt");
    if !found {
        // Geradewegs auf den Bildschirm: Was ein bestandener Test druckt, behielte cargo für sich.
        let line =
            format!("{program} ist nicht installiert: Diese Vergleiche entfallen.\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }
    found
}

/// Vier Speicherbereiche je Thread: der Stapel, der Ersatzstapel, zu jedem eine Schutzseite.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_takes_four_mappings() {
    const CLIENTS: usize = 200;
    let (server, address) = start(&[env!("CARGO_BIN_EXE_ch11-threads")]);
    let mappings = || {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", server.id()));
        maps.expect("der Server läuft").lines().count()
    };
    let greet = |number: usize| {
        let mut client = connect(address);
        exchange(&mut client, &format!("{number}\n"));
        client
    };
    // Die ersten Threads richten ein, was alle weiteren mitbenutzen.
    let mut clients: Vec<TcpStream> = (0..32).map(greet).collect();
    let before = mappings();
    clients.extend((0..CLIENTS).map(greet));
    let more = mappings() - before;
    assert_eq!((more + CLIENTS / 2) / CLIENTS, 4, "{more} für {CLIENTS}");
}
