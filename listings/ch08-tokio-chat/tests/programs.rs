//! Die Programme aus Kapitel 8, von außen: der Server und sein geordnetes Ende, der Client, der
//! Zeitserver. Was jeder Chat-Server zusagt, prüft ein Test für alle zusammen; hier
//! steht, was nur diese betrifft.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::common::{DEADLINE, Program, connect, deserted, refuses};
use socket2::{Domain, Socket, Type};

const SERVER: &str = env!("CARGO_BIN_EXE_ch08-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch08-client");
const TIME_SERVER: &str = env!("CARGO_BIN_EXE_ch08-time-server");

/// Der Server auf einem Thread und auf mehreren.
const FLAVORS: [&[&str]; 2] = [&[], &["--threads", "3"]];

fn start(client: &str, address: SocketAddr) -> Program {
    let client = Program::start(client, &["--port", &address.port().to_string()]);
    assert!(client.line().starts_with("Verbunden."));
    client
}

/// Jemand, dessen Namen der Server schon gemeldet hat; die Verbindung gehört dem Test.
fn join(server: &Program, mut stream: TcpStream, name: &str) -> TcpStream {
    stream.write_all(format!("{name}\n").as_bytes()).unwrap();
    server.line_with(&format!("{name} ist da"));
    stream
}

/// Ein Client, der seinen Namen geschickt hat, sobald der Server ihn meldet.
fn joined(server: &Program, address: SocketAddr, name: &str) -> Program {
    let mut client = start(CLIENT, address);
    client.type_line(name);
    server.line_with(&format!("{name} ist da"));
    client
}

/// Ein Client und das andere Ende seiner Verbindung: Den Server spielt der Test.
fn client_and_connection(client: &str) -> (Program, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = start(client, listener.local_addr().unwrap());
    let (connection, _) = listener.accept().unwrap();
    connection.set_read_timeout(Some(DEADLINE)).unwrap();
    (client, connection)
}

/// Jemand mit einem kleinen Empfangspuffer: So staut sich das meiste im Server.
fn slow_reader(address: SocketAddr) -> TcpStream {
    let slow = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    slow.set_recv_buffer_size(64 * 1024).unwrap();
    slow.connect(&address.into()).unwrap();
    slow.set_read_timeout(Some(DEADLINE)).unwrap();
    slow.into()
}

/// Alle Zeilen bis zum Ende des Stroms.
fn rest(stream: TcpStream) -> Vec<String> {
    BufReader::new(stream).lines().map(Result::unwrap).collect()
}

// ---- Threads und ein Stau ----

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_clients_need_no_more_threads_than_were_asked_for() {
    for (switches, threads) in FLAVORS.into_iter().zip(["1", "4"]) {
        let (server, address) = Program::server_with(SERVER, switches);
        let clients = (0..100).map(|number| {
            let name = format!("Gast{number}");
            join(&server, connect(address), &name)
        });
        let _clients: Vec<TcpStream> = clients.collect();
        let status = format!("/proc/{}/status", server.id());
        let status = std::fs::read_to_string(status).unwrap();
        let found = status.lines().find_map(|line| line.strip_prefix("Threads:"));
        // Mit drei Threads für die Tasks sind es vier: Der erste nimmt die Verbindungen an.
        assert_eq!(found.unwrap().trim(), threads);
    }
}

#[test]
fn whoever_pauses_gets_everything_later_complete_and_in_order() {
    const LINES: usize = 4000;
    for switches in FLAVORS {
        let switches = [switches, &["--queue", "16777216"]].concat();
        let (server, address) = Program::server_with(SERVER, &switches);
        let slow = join(&server, slow_reader(address), "Ben");
        let quick = join(&server, connect(address), "Carla");
        let mut sender = join(&server, connect(address), "Anna");

        let texts = (0..LINES).map(|number| format!("{number:04}{}", "x".repeat(1000)));
        let expected: Vec<_> = texts.clone().map(|text| format!("Anna: {text}")).collect();
        let writing = thread::spawn(move || {
            for text in texts {
                sender.write_all(format!("{text}\n").as_bytes()).unwrap();
            }
            sender
        });
        // Carla liest sofort. Hat sie alles, dann hat der Server auch für Ben schon alles.
        for (reader, arrivals) in [(quick, 1), (slow, 2)] {
            let lines = BufReader::new(reader).lines().map(Result::unwrap);
            let received: Vec<_> = lines.skip(arrivals).take(LINES).collect();
            assert!(received == expected); // vier Megabyte will niemand gedruckt sehen
        }
        drop(writing.join().unwrap());
    }
}

// ---- das geordnete Ende ----

#[cfg(unix)]
mod shutdown {
    use super::*;
    use std::time::Instant;

    /// So lange gibt der Server denen, die nicht auflegen.
    const GRACE: Duration = Duration::from_secs(3);

    fn ends_well(server: &mut Program, how_many: usize) {
        let told = format!("Der Server schließt, noch da: {how_many}.");
        server.line_with(&told);
        assert_eq!(server.line(), "Alle sind fort.");
        assert_eq!(server.status(), 0);
    }

    #[test]
    fn at_the_end_everyone_is_told_and_gets_what_is_queued() {
        for switches in FLAVORS {
            let (mut server, address) = Program::server_with(SERVER, switches);
            let nameless = connect(address);
            let ben = join(&server, connect(address), "Ben");
            let mut anna = join(&server, connect(address), "Anna");
            anna.write_all("Bis gleich\n".repeat(1000).as_bytes()).unwrap();
            wait_for(&ben, b"* Anna ist da\nAnna: Bis gleich\n");

            server.interrupt();
            let heard = rest(ben);
            assert_eq!(heard.last().unwrap(), "* Der Server schließt");
            assert!(
                heard[1..heard.len() - 1].iter().all(|line| line == "Anna: Bis gleich")
            );
            assert_eq!(rest(nameless), ["* Der Server schließt"]);
            assert_eq!(rest(anna), ["* Der Server schließt"]);
            ends_well(&mut server, 2);
        }
    }

    /// Wartet, bis diese Bytes da sind, und liest sie dabei nicht.
    fn wait_for(stream: &TcpStream, bytes: &[u8]) {
        let start = Instant::now();
        let mut buffer = vec![0; bytes.len()];
        while stream.peek(&mut buffer).unwrap() < bytes.len() {
            assert!(start.elapsed() < DEADLINE, "das kommt nicht mehr");
            thread::sleep(Duration::from_millis(1)); // `peek` wartet nur auf das erste Byte
        }
        assert_eq!(buffer, bytes);
    }

    #[test]
    fn what_is_queued_for_a_slow_reader_is_drained_before_the_end() {
        const LINES: usize = 3000;
        for switches in FLAVORS {
            let switches = [switches, &["--queue", "16777216"]].concat();
            let (mut server, address) = Program::server_with(SERVER, &switches);
            let slow = join(&server, slow_reader(address), "Ben");
            let quick = join(&server, connect(address), "Carla");
            let mut anna = join(&server, connect(address), "Anna");
            let writing = thread::spawn(move || {
                let line = "x".repeat(2000) + "\n";
                anna.write_all(line.repeat(LINES).as_bytes()).unwrap();
                anna
            });
            let mut quick = BufReader::new(quick).lines();
            for _ in 0..LINES + 1 {
                quick.next().unwrap().unwrap();
            }
            let anna = writing.join().unwrap();
            server.interrupt();
            server.line_with("Der Server schließt, noch da: 3.");
            drop((anna, quick));
            let heard = rest(slow);
            assert_eq!(heard.len(), 2 + LINES + 1);
            assert_eq!(heard.last().unwrap(), "* Der Server schließt");
            assert_eq!(server.line(), "Alle sind fort.");
            assert_eq!(server.status(), 0);
        }
    }

    #[test]
    fn with_nobody_there_the_end_comes_at_once() {
        for switches in FLAVORS {
            let (mut server, _) = Program::server_with(SERVER, switches);
            let start = Instant::now();
            server.interrupt();
            ends_well(&mut server, 0);
            assert!(start.elapsed() < GRACE);
        }
    }

    #[test]
    fn while_the_server_closes_nobody_new_gets_in() {
        let (mut server, address) = Program::server(SERVER);
        let anna = join(&server, connect(address), "Anna"); // legt nicht auf
        server.interrupt();
        server.line_with("Der Server schließt, noch da: 1.");
        assert!(TcpStream::connect(address).is_err());
        assert_eq!(rest(anna), ["* Der Server schließt"]);
        server.status();
    }

    #[test]
    fn a_second_ctrl_c_ends_at_once() {
        for switches in FLAVORS {
            let (mut server, address) = Program::server_with(SERVER, switches);
            let _deaf = join(&server, connect(address), "Taub");
            server.interrupt();
            server.line_with("Der Server schließt, noch da: 1.");
            let start = Instant::now();
            server.interrupt();
            assert_eq!(server.line(), "Abgebrochen, es waren noch nicht alle fort.");
            assert_eq!(server.status(), 1);
            assert!(start.elapsed() < GRACE);
        }
    }

    #[test]
    fn ctrl_c_ends_the_time_server_with_status_0_whoever_is_there() {
        let (mut server, address) = Program::server(TIME_SERVER);
        let _silent = connect(address);
        server.line_with("Verbindung von ");
        server.interrupt();
        assert_eq!(server.status(), 0);
    }
}

// ---- der Client ----

#[test]
fn the_client_shows_what_others_say_while_nothing_is_typed() {
    let (client, mut server) = client_and_connection(CLIENT);
    for line in ["* Ben ist da", "Ben: Hallo", "Ben: Noch da?"] {
        server.write_all(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(client.line(), line);
    }
}

#[test]
fn the_client_sends_what_is_typed_while_nobody_says_anything() {
    let (mut client, server) = client_and_connection(CLIENT);
    let mut lines = BufReader::new(server).lines();
    for line in ["Anna", "Hallo", "", "Noch jemand da?"] {
        client.type_line(line);
        assert_eq!(lines.next().unwrap().unwrap(), line);
    }
}

#[test]
fn after_bye_the_client_waits_for_the_server_to_hang_up() {
    let (mut client, mut server) = client_and_connection(CLIENT);
    client.type_line("bye");
    let mut line = [0; 4];
    server.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"bye\n");
    server.write_all(b"Ben: Schade\n").unwrap();
    assert_eq!(client.line(), "Ben: Schade");
    drop(server);
    assert_eq!(client.status(), 0);
    client.stays_quiet(DEADLINE); // kein „Der Server hat aufgelegt.“; kehrt sofort zurück
}

#[test]
fn end_of_input_sends_all_that_was_typed_and_shows_all_that_still_comes() {
    let (mut client, mut server) = client_and_connection(CLIENT);
    client.type_bytes("Anna\nIch gehe\nohne Zeilenende".as_bytes());
    client.end_input();
    let mut sent = String::new();
    server.read_to_string(&mut sent).unwrap(); // bis zum Ende dieser Richtung
    assert_eq!(sent, "Anna\nIch gehe\nohne Zeilenende\n");
    server.write_all(b"Ben: Tsch").unwrap();
    server.write_all("üss\n".as_bytes()).unwrap();
    assert_eq!(client.line(), "Ben: Tschüss");
    drop(server);
    assert_eq!(client.status(), 0);
    client.stays_quiet(DEADLINE);
}

#[test]
fn the_client_says_when_the_server_hangs_up() {
    let (mut client, server) = client_and_connection(CLIENT);
    drop(server);
    assert_eq!(client.line(), "Der Server hat aufgelegt.");
    assert_eq!(client.status(), 0);
}

#[test]
fn the_client_says_when_the_connection_breaks() {
    let (mut client, server) = client_and_connection(CLIENT);
    let server = socket2::Socket::from(server);
    server.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
    drop(server);
    assert_eq!(
        client.line(),
        "Die Verbindung ist abgerissen: die Gegenseite hat die Verbindung abgebrochen."
    );
    assert_eq!(client.status(), 1);
}

#[test]
fn control_characters_and_broken_text_are_shown_and_do_no_harm() {
    let (client, mut server) = client_and_connection(CLIENT);
    server.write_all(b"Ben: \x1b[2J\x07\r\n\xC3(\n").unwrap();
    assert_eq!(client.line(), "Ben: \\u{1b}[2J\\u{7}");
    assert_eq!(client.line(), "\u{FFFD}(");
}

#[test]
fn what_is_typed_need_not_be_text() {
    let (server, address) = Program::server(SERVER);
    let mut anna = joined(&server, address, "Anna");
    anna.type_bytes(b"\xC3\x28\n");
    assert_eq!(anna.line(), "! Die Zeile ist kein gültiges UTF-8.");
}

#[test]
fn long_texts_in_both_directions_do_not_block_each_other() {
    const LINES: usize = 40_000;
    let (mut client, connection) = client_and_connection(CLIENT);
    let (mut to_client, mut from_client) = (connection.try_clone().unwrap(), connection);
    let line = "x".repeat(100);
    let typed = format!("{line}\n").repeat(LINES);
    let expected = typed.len();
    // Beide reden los, und keiner liest, ehe er alles gesagt hat.
    let typing = thread::spawn(move || {
        client.type_bytes(typed.as_bytes());
        client
    });
    to_client.write_all(format!("{line}\n").repeat(LINES).as_bytes()).unwrap();
    let mut received = vec![0; expected];
    from_client.read_exact(&mut received).unwrap();
    let client = typing.join().unwrap();
    for _ in 0..LINES {
        assert_eq!(client.line(), line);
    }
}

#[test]
fn with_the_real_server_bye_and_end_of_input_end_a_client_and_the_others_are_told() {
    let (server, address) = Program::server(SERVER);
    let mut anna = joined(&server, address, "Anna");
    let mut ben = joined(&server, address, "Ben");
    assert_eq!(anna.line(), "* Ben ist da");
    anna.type_line("Grüß Gott");
    assert_eq!(ben.line(), "Anna: Grüß Gott");
    ben.type_line("bye");
    assert_eq!(ben.status(), 0);
    assert_eq!(anna.line(), "* Ben ist weg");
    assert_eq!(server.line(), "Ben ist weg");
    anna.end_input();
    assert_eq!(anna.status(), 0);
    assert_eq!(server.line(), "Anna ist weg");
}

#[cfg(target_os = "linux")]
#[test]
fn the_client_needs_one_thread_and_one_for_the_keyboard() {
    let (client, _connection) = client_and_connection(CLIENT);
    let status = format!("/proc/{}/status", client.id());
    let start = std::time::Instant::now();
    loop {
        let status = std::fs::read_to_string(&status).unwrap();
        let found = status.lines().find_map(|line| line.strip_prefix("Threads:"));
        match found.unwrap().trim() {
            "2" => return,
            other => assert!(start.elapsed() < DEADLINE, "{other} Threads"),
        }
        thread::sleep(Duration::from_millis(5)); // der zweite startet erst noch
    }
}

// ---- der Zeitserver ----

/// Schickt alles, beendet diese Richtung und liest, was kommt.
fn ask(address: SocketAddr, request: &[u8]) -> Vec<String> {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    rest(stream)
}

/// Hat die Zeile die Form `2026-11-21 12:00:00`?
fn is_time(line: &str) -> bool {
    let digits = |c: char| if c.is_ascii_digit() { '0' } else { c };
    line.chars().map(digits).collect::<String>() == "0000-00-00 00:00:00"
}

#[test]
fn the_time_server_answers_as_in_chapter_2() {
    let (_server, address) = Program::server(TIME_SERVER);
    for request in ["time", "send time\n", "time\r\n"] {
        let answers = ask(address, request.as_bytes());
        assert!(
            answers.len() == 1 && is_time(&answers[0]),
            "{request:?}: {answers:?}"
        );
    }
    let unknown = "Unbekannte Anfrage";
    assert_eq!(ask(address, "Wie spät ist es?".as_bytes()), [unknown]);
    assert_eq!(ask(address, b"sen"), [unknown]);
    assert_eq!(ask(address, b"\xFF\xFE\n"), [unknown]);
    assert_eq!(ask(address, b""), [""; 0]);
    assert_eq!(ask(address, b"a\nb\n"), [unknown; 2]);
}

#[test]
fn whoever_is_silent_keeps_nobody_from_asking_the_time() {
    let (server, address) = Program::server(TIME_SERVER);
    let _silent: Vec<TcpStream> = (0..50).map(|_| connect(address)).collect();
    let mut ben = connect(address);
    for _ in 0..3 {
        ben.write_all(b"time\n").unwrap();
        let mut answer = [0; 20];
        ben.read_exact(&mut answer).unwrap();
        assert!(is_time(std::str::from_utf8(&answer).unwrap().trim_end()));
    }
    server.line_with("Verbindung von 127.0.0.1:");
}

#[test]
fn too_long_a_request_is_refused_and_the_answer_arrives() {
    let (server, address) = Program::server(TIME_SERVER);
    assert_eq!(ask(address, &[b'x'; 100_000]), ["Unbekannte Anfrage"]);
    assert_eq!(ask(address, &[b' '; 1 << 20]), ["Unbekannte Anfrage"]);
    server.line_with("Verbindung von 127.0.0.1:");
    assert!(is_time(&ask(address, b"time")[0]));
}

#[test]
fn a_broken_connection_does_not_end_the_time_server() {
    let (server, address) = Program::server(TIME_SERVER);
    let broken = Socket::from(connect(address));
    broken.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
    drop(broken);
    server.line_with("Verbindung von ");
    assert!(is_time(&ask(address, b"time")[0]));
}

// ---- was den Anfang verhindert ----

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (_server, address) = Program::server(SERVER);
    let port = address.port().to_string();
    let sentence = format!(
        "Port {port} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
    );
    for server in [SERVER, TIME_SERVER] {
        refuses(server, &["--port", &port], &sentence, 1);
    }
}

#[test]
fn without_a_server_the_client_says_so() {
    let (_nobody, address) = deserted();
    let sentence = format!("Keine Verbindung zu {address}: Läuft der Server?");
    refuses(
        CLIENT,
        &["--port", &address.port().to_string()],
        &sentence,
        1,
    );
}

#[test]
fn bad_switches_end_with_status_2() {
    for program in [SERVER, CLIENT, TIME_SERVER] {
        let sentence = "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.";
        refuses(program, &["--port", "viele"], sentence, 2);
    }
    let sentence = "Hinter --queue gehört eine Zahl ab 1, nicht „0“.";
    refuses(SERVER, &["--queue", "0"], sentence, 2);
    for count in ["0", "1025", "viele"] {
        let sentence =
            format!("Hinter --threads gehört eine Zahl von 1 bis 1024, nicht „{count}“.");
        refuses(SERVER, &["--threads", count], &sentence, 2);
    }
    for switch in ["--queue", "--threads"] {
        let sentence = format!("Den Schalter {switch} gibt es nicht; siehe --help.");
        refuses(TIME_SERVER, &[switch, "1"], &sentence, 2);
    }
}

#[test]
fn without_anyone_to_read_its_output_a_server_ends_with_one_sentence() {
    for server in [SERVER, TIME_SERVER] {
        let (mut server, address) = Program::unheard_server(server);
        assert_eq!(
            server.line_after_visits(address),
            "Die Ausgabe nimmt nichts mehr an."
        );
        assert_eq!(server.status(), 1);
    }
}
