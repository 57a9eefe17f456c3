//! Die Programme aus Kapitel 2, von außen: Fragen, Warten, Threads, und was Clients anrichten können.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(target_os = "linux")]
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ch02_time_server::server;
use chrono::{Local, NaiveDateTime};
use common::{Program, connect};
use socket2::{Domain, SockRef, Socket, Type};

const SERVER: &str = env!("CARGO_BIN_EXE_ch02-server");
const THREADED: &str = env!("CARGO_BIN_EXE_ch02-threaded-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch02-client");
const BOTH: &str = env!("CARGO_BIN_EXE_ch02-both");

/// Schickt eine Anfrage, so wie sie dasteht, und liest die Antwort: eine Zeile.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).unwrap();
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

/// Ist das die Zeit von jetzt, in genau der versprochenen Form?
fn is_now(answer: &str) -> bool {
    NaiveDateTime::parse_from_str(answer, "%Y-%m-%d %H:%M:%S").is_ok_and(|time| {
        let now = Local::now().naive_local();
        (now - time).num_seconds().abs() <= 30
    })
}

fn still_serves(address: SocketAddr) {
    assert!(is_now(&exchange(&mut connect(address), b"time")));
}

#[test]
fn both_servers_tell_the_time_with_and_without_line_end() {
    for server in [SERVER, THREADED] {
        let (_server, address) = Program::server(server);
        let mut stream = connect(address);
        assert!(is_now(&exchange(&mut stream, b"time")));
        assert!(is_now(&exchange(&mut stream, b"send time")));
        assert_eq!(
            exchange(&mut stream, "Wie spät?".as_bytes()),
            "Unbekannte Anfrage"
        );
        assert!(is_now(&exchange(&mut stream, b"time\r\n")));
        assert_eq!(exchange(&mut stream, b"uhr\n"), "Unbekannte Anfrage");
    }
}

#[test]
fn a_half_closed_client_still_gets_its_answer() {
    let (_server, address) = Program::server(SERVER);
    let mut stream = connect(address);
    stream.write_all(b"time").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(is_now(answer.trim_end()), "{answer:?}");
}

#[test]
fn one_by_one_the_second_client_waits_until_the_first_leaves() {
    let (server, address) = Program::server(SERVER);
    let first = connect(address);
    server.line_with("Verbindung von ");
    let mut second = connect(address); // das Betriebssystem nimmt die Verbindung an
    second.write_all(b"time").unwrap();
    second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut buffer = [0; 64];
    let waiting = second.read(&mut buffer).unwrap_err().kind();
    assert!(matches!(
        waiting,
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
    ));
    drop(first);
    second.set_read_timeout(Some(common::DEADLINE)).unwrap();
    let count = second.read(&mut buffer).unwrap();
    assert!(is_now(
        std::str::from_utf8(&buffer[..count]).unwrap().trim_end()
    ));
}

#[test]
fn with_threads_nobody_waits_for_a_silent_client() {
    let (server, address) = Program::server(THREADED);
    let _silent: Vec<TcpStream> = (0..50).map(|_| connect(address)).collect();
    for _ in 0..50 {
        server.line_with("Verbindung von ");
    }
    still_serves(address);
}

/// Verbrauchte Rechenzeit eines Prozesses in Uhrtakten (meist 1/100 s), aus `/proc`.
#[cfg(target_os = "linux")]
fn cpu_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap(); // der Name davor darf Leerzeichen haben
    let fields: Vec<&str> = fields.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

// ANCHOR: idle
#[cfg(target_os = "linux")]
#[test]
fn fifty_blocked_threads_use_no_cpu_time() {
    let (server, address) = Program::server(THREADED);
    let _silent: Vec<TcpStream> = (0..50).map(|_| connect(address)).collect();
    for _ in 0..50 {
        server.line_with("Verbindung von ");
    }
    let before = cpu_ticks(server.id());
    thread::sleep(Duration::from_millis(500)); // das Messfenster
    // Einer darf es sein: Der letzte Thread ging vielleicht eben erst schlafen.
    assert!(cpu_ticks(server.id()) - before <= 1);
}
// ANCHOR_END: idle

#[test]
fn broken_clients_do_not_end_a_server() {
    for server in [SERVER, THREADED] {
        let (server, address) = Program::server(server);

        drop(connect(address)); // gar nichts
        server.line_with("Verbindung von ");

        connect(address).write_all(b"send ti").unwrap(); // eine halbe Anfrage
        assert!(server.line_with("127.0.0.1").ends_with("fragt: „send ti“"));

        assert_eq!(
            exchange(&mut connect(address), b"\xC3\x28\xFF"),
            "Unbekannte Anfrage"
        );

        let mut reset = Socket::from(connect(address));
        reset.write_all(b"time").unwrap();
        reset.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
        drop(reset);

        still_serves(address);
    }
}

#[test]
fn a_megabyte_without_line_end_is_no_request_and_no_harm() {
    for server in [SERVER, THREADED] {
        let (_server, address) = Program::server(server);
        let mut stream = connect(address);
        let mut sender = stream.try_clone().unwrap();
        let writing = thread::spawn(move || {
            sender.write_all(&vec![b'x'; 1 << 20]).unwrap();
            sender.shutdown(Shutdown::Write).unwrap();
        });
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        writing.join().unwrap();
        assert_eq!(answers, "Unbekannte Anfrage\n"); // eine, nicht tausend
        still_serves(address);
    }
}

#[test]
fn two_hundred_clients_at_once_get_their_answers() {
    for server in [SERVER, THREADED] {
        let (_server, address) = Program::server(server);
        let clients: Vec<_> = (0..200)
            .map(|_| thread::spawn(move || exchange(&mut connect(address), b"time")))
            .collect();
        for client in clients {
            assert!(is_now(&client.join().unwrap()));
        }
        still_serves(address);
    }
}

#[test]
fn the_client_asks_line_by_line_until_its_input_ends() {
    let (_server, address) = Program::server(SERVER);
    let mut client = Program::start(CLIENT, &["--port", &address.port().to_string()]);
    assert!(client.line().starts_with("Verbunden."));
    client.type_line("time");
    assert!(is_now(&client.line()));
    client.type_line("Uhrzeit");
    assert_eq!(client.line(), "Unbekannte Anfrage");
    client.end_input();
    assert_eq!(client.status(), 0);
}

#[test]
fn the_client_says_when_the_server_has_gone() {
    let (server, address) = Program::server(SERVER);
    let mut client = Program::start(CLIENT, &["--port", &address.port().to_string()]);
    client.line_with("Verbunden.");
    server.line_with("Verbindung von ");
    drop(server);
    client.type_line("time");
    let sentence = client.line();
    assert!(
        sentence == "Der Server hat aufgelegt, ohne zu antworten."
            || sentence.starts_with("Keine Antwort: die Gegenseite"),
        "{sentence}"
    );
    assert_eq!(client.status(), 1);
}

#[test]
fn a_line_as_long_as_the_buffer_is_one_request() {
    let (_server, address) = Program::server(SERVER);
    let mut client = Program::start(CLIENT, &["--port", &address.port().to_string()]);
    client.line_with("Verbunden.");
    client.type_line(&"x".repeat(1023)); // mit dem Zeilenende genau ein Puffer
    assert_eq!(client.line(), "Unbekannte Anfrage");
    client.type_line("time");
    assert!(is_now(&client.line()));
    client.type_line(&"x".repeat(5000));
    assert_eq!(client.line(), "Unbekannte Anfrage");
    client.type_line("time");
    assert_eq!(client.status(), 1);
}

#[test]
fn what_is_typed_need_not_be_text() {
    let (_server, address) = Program::server(SERVER);
    let mut client = Program::start(CLIENT, &["--port", &address.port().to_string()]);
    client.line_with("Verbunden.");
    client.type_bytes(b"\xFF\xC3\n");
    assert_eq!(client.line(), "Unbekannte Anfrage");
}

#[test]
fn a_server_hangs_up_on_who_stays_silent_or_does_not_read() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    SockRef::from(&listener).set_send_buffer_size(4096).unwrap(); // bald voll, wenn niemand liest
    let patience = Duration::from_millis(100);
    thread::spawn(move || server::serve_one_by_one(&listener, patience));

    let mut silent = connect(address);
    assert_eq!(silent.read_to_end(&mut Vec::new()).unwrap(), 0);

    // Schweigt nie so lange, stellt aber auch keine Frage.
    let mut dripping = connect(address);
    let begun = Instant::now();
    while dripping.write_all(b" ").is_ok() {
        thread::sleep(patience / 4); // das ist das Tröpfeln
        assert!(
            begun.elapsed() < common::DEADLINE,
            "der Server wartet für immer"
        );
    }

    // Fragt und fragt und liest nie eine Antwort.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap(); // ebenso
    socket.connect(&address.into()).unwrap();
    socket.set_write_timeout(Some(common::DEADLINE)).unwrap();
    let mut deaf = TcpStream::from(socket);
    let hung_up = loop {
        if let Err(error) = deaf.write_all(&b"time\n".repeat(100)) {
            break error.kind();
        }
    };
    use std::io::ErrorKind::*;
    assert!(
        matches!(hung_up, ConnectionReset | BrokenPipe | ConnectionAborted),
        "{hung_up}"
    );
    still_serves(address);
}

#[test]
fn without_anyone_to_read_its_output_a_server_ends_with_one_sentence() {
    for server in [SERVER, THREADED] {
        let (mut server, address) = Program::unheard_server(server);
        assert_eq!(
            server.line_after_visits(address),
            "Die Ausgabe nimmt nichts mehr an."
        );
        assert_eq!(server.status(), 1);
    }
}

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (_server, address) = Program::server(SERVER);
    let port = address.port().to_string();
    for program in [SERVER, THREADED, BOTH] {
        let mut second = Program::start(program, &["--port", &port]);
        let sentence = format!(
            "Port {port} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
        );
        assert_eq!(second.line(), sentence);
        assert_eq!(second.status(), 1);
    }
}

#[test]
fn both_in_one_program_answer_three_requests_and_end() {
    let mut both = Program::start(BOTH, &["--port", "0"]);
    let answer = || both.line_with("Antwort: ")["Antwort: ".len()..].to_string();
    assert!(is_now(&answer()));
    assert!(is_now(&answer()));
    assert_eq!(answer(), "Unbekannte Anfrage");
    assert_eq!(both.status(), 0);
}

/// Unter Linux endet ein Warten mit Frist auch, wenn der Prozess angehalten war.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_z_and_fg_cost_nobody_the_connection() {
    for server in [SERVER, THREADED] {
        let (server, address) = Program::server(server);
        let mut client = connect(address);
        server.line_with("Verbindung von ");
        let pid = server.id().to_string();
        let send = |signal: &str| {
            let kill = format!("kill {signal} {pid}");
            let sent = Command::new("/bin/sh").args(["-c", &kill]).status();
            assert!(sent.unwrap().success());
        };
        send("-STOP");
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        while !state().contains(") T ") {
            thread::yield_now();
        }
        send("-CONT");
        assert!(is_now(&exchange(&mut client, b"time")));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_servers_with_status_0() {
    for server in [SERVER, THREADED] {
        let (mut server, _) = Program::server(server);
        server.interrupt();
        assert_eq!(server.status(), 0);
    }
}
