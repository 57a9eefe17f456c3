//! Die Programme aus Kapitel 5, von außen: der Client, die drei Server und ihre
//! schwierigen Gäste. Was jeder Chat-Server zusagt, prüft ein Test für alle zusammen;
//! hier steht, worin sich diese unterscheiden.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Program, connect, deserted, refuses};
use socket2::{Domain, Socket, Type};

const SERVER: &str = env!("CARGO_BIN_EXE_ch05-server");
const LOCKED_SERVER: &str = env!("CARGO_BIN_EXE_ch05-locked-server");
const POOL_SERVER: &str = env!("CARGO_BIN_EXE_ch05-pool-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch05-client");
const DEAF_CLIENT: &str = env!("CARGO_BIN_EXE_ch05-deaf-client");
const LOUD_CLIENT: &str = env!("CARGO_BIN_EXE_ch05-loud-client");

const SERVERS: [&str; 3] = [SERVER, LOCKED_SERVER, POOL_SERVER];
const CLIENTS: [&str; 3] = [CLIENT, DEAF_CLIENT, LOUD_CLIENT];

/// So lange muss schweigen, wer nichts zu sagen hat.
const WINDOW: Duration = Duration::from_millis(300);

fn start(client: &str, address: SocketAddr) -> Program {
    let client = Program::start(client, &["--port", &address.port().to_string()]);
    assert!(client.line().starts_with("Verbunden."));
    client
}

/// Ein Client, der seinen Namen geschickt hat.
fn guest(client: &str, address: SocketAddr, name: &str) -> Program {
    let mut client = start(client, address);
    client.type_line(name);
    client
}

/// Ein Client, dessen Namen der Server schon gemeldet hat.
fn joined(server: &Program, address: SocketAddr, name: &str) -> Program {
    let client = guest(CLIENT, address, name);
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

/// Anna und Ben reden miteinander, in beide Richtungen.
fn can_chat(anna: &mut Program, ben: &mut Program) {
    anna.type_line("Grüß Gott");
    assert_eq!(ben.line(), "Anna: Grüß Gott");
    ben.type_line("Moin");
    assert_eq!(anna.line(), "Ben: Moin");
}

/// Bens Client liest nie, und Lotte redet, bis der Server nicht mehr weiß, wohin damit.
fn deaf_ben_and_loud_lotte(server: &Program, address: SocketAddr) -> (Program, Program) {
    let ben = guest(DEAF_CLIENT, address, "Ben");
    server.line_with("Ben ist da");
    let lotte = start(LOUD_CLIENT, address);
    server.line_with("Lotte ist da");
    (ben, lotte)
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
fn with_the_real_servers_bye_and_end_of_input_end_a_client_and_the_others_are_told() {
    for server in SERVERS {
        let (server, address) = Program::server(server);
        let mut anna = joined(&server, address, "Anna");
        let mut ben = joined(&server, address, "Ben");
        assert_eq!(anna.line(), "* Ben ist da");
        can_chat(&mut anna, &mut ben);
        ben.type_line("bye");
        assert_eq!(ben.status(), 0);
        assert_eq!(anna.line(), "* Ben ist weg");
        assert_eq!(server.line(), "Ben ist weg");
        anna.end_input();
        assert_eq!(anna.status(), 0);
        assert_eq!(server.line(), "Anna ist weg");
    }
}

#[test]
fn a_client_notices_that_the_server_has_gone() {
    let (server, address) = Program::server(SERVER);
    let mut anna = joined(&server, address, "Anna");
    drop(server);
    let sentence = anna.line(); // nicht jedes System schließt so sanft wie Linux
    let gently = sentence == "Der Server hat aufgelegt.";
    assert!(
        gently || sentence.starts_with("Die Verbindung ist abgerissen: "),
        "{sentence}"
    );
    assert_eq!(anna.status(), if gently { 0 } else { 1 });
}

// ---- ein Empfänger, der nicht liest ----

#[test]
fn writing_under_the_lock_one_deaf_guest_stops_all_until_he_goes() {
    let (server, address) = Program::server(LOCKED_SERVER);
    // Ben liest nie, und in seinen Empfangspuffer passt wenig: So staut es sich bald.
    let ben = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    ben.set_recv_buffer_size(64 * 1024).unwrap();
    ben.connect(&address.into()).unwrap();
    ben.send(b"Ben\n").unwrap();
    server.line_with("Ben ist da");
    let mut lotte = start(LOUD_CLIENT, address);
    server.line_with("Lotte ist da");
    assert_eq!(lotte.line(), "Seit 1 s nimmt der Server nichts mehr an.");
    let mut anna = connect(address);
    anna.write_all(b"Anna\n").unwrap();
    server.stays_quiet(WINDOW); // Anna kommt nicht herein

    drop(ben);
    thread::spawn(move || io::copy(&mut anna, &mut io::sink())); // sonst wäre sie die Nächste, die nicht liest
    server.line_with("Anna ist da");
    lotte.line_with("Lotte ist fertig: ");
    assert_eq!(lotte.status(), 0);
}

#[cfg(unix)]
#[test]
fn without_descriptors_the_locked_server_pauses_and_goes_on() {
    let (server, address) = Program::server_with_descriptors(LOCKED_SERVER, 32);
    let start = Instant::now();
    let crowd: Vec<_> = (0..60).map(|_| connect(address)).collect();
    for _ in 0..4 {
        server.line_with("Keine Verbindung: alle Dateideskriptoren sind vergeben.");
    }
    // Dazwischen ruht er dreimal 100 ms; wie spät die Zeilen hier ankommen, kürzt das nicht.
    assert!(start.elapsed() >= Duration::from_millis(290));
    drop(crowd);
    let mut anna = connect(address);
    anna.write_all(b"Anna\n").unwrap();
    server.line_with("Anna ist da");
}

#[test]
fn with_queues_a_deaf_guest_is_cut_off_and_nobody_else_waits() {
    let (server, address) = Program::server(SERVER);
    let (mut ben, mut lotte) = deaf_ben_and_loud_lotte(&server, address);
    server.line_with("Ben ist weg (liest zu langsam)");
    lotte.line_with("Lotte ist fertig: ");
    assert_eq!(lotte.status(), 0);

    let mut anna = joined(&server, address, "Anna"); // Bens Client läuft noch und liest noch immer nicht
    let mut ben_too = joined(&server, address, "Ben"); // der Name ist wieder frei
    assert_eq!(anna.line_with("* Ben"), "* Ben ist da");
    can_chat(&mut anna, &mut ben_too);

    ben.end_input();
    assert_eq!(ben.status(), 0);
}

#[test]
fn whoever_is_cut_off_is_not_heard_any_more() {
    let (server, address) = Program::server(SERVER);
    let carla = named(&server, address, "Carla");
    let mut ben = named(&server, address, "Ben"); // redet und redet und liest nie
    thread::spawn(move || while ben.write_all(b"Und noch etwas\n").is_ok() {});
    let mut lotte = start(LOUD_CLIENT, address);

    let lines = BufReader::new(carla).lines().map(Result::unwrap);
    let mut after = lines.skip_while(|line| line != "* Ben ist weg");
    assert_eq!(after.next().unwrap(), "* Ben ist weg");
    let until_lotte_leaves = after.take_while(|line| line != "* Lotte ist weg");
    assert_eq!(
        until_lotte_leaves.filter(|line| line.starts_with("Ben: ")).count(),
        0
    );
    assert_eq!(lotte.status(), 0);
}

/// Jemand, dessen Namen der Server schon gemeldet hat; die Verbindung gehört dem Test.
fn named(server: &Program, address: SocketAddr, name: &str) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(format!("{name}\n").as_bytes()).unwrap();
    server.line_with(&format!("{name} ist da"));
    stream
}

// ---- der Pool ----

#[test]
fn with_two_workers_the_third_guest_waits_until_one_leaves() {
    let (server, address) = Program::server(POOL_SERVER);
    let mut anna = joined(&server, address, "Anna");
    let mut ben = joined(&server, address, "Ben");
    assert_eq!(anna.line(), "* Ben ist da");
    let mut carla = guest(CLIENT, address, "Carla");
    server.stays_quiet(WINDOW);
    can_chat(&mut anna, &mut ben); // die beiden merken nichts davon

    anna.type_line("bye");
    assert_eq!(anna.status(), 0);
    assert_eq!(server.line(), "Anna ist weg");
    assert_eq!(server.line(), "Carla ist da");
    assert_eq!(ben.line(), "* Anna ist weg");
    assert_eq!(ben.line(), "* Carla ist da");
    carla.type_line("Endlich!");
    assert_eq!(ben.line(), "Carla: Endlich!");
}

#[test]
fn one_worker_serves_one_guest_after_the_other() {
    let (server, address) = Program::server_with(POOL_SERVER, &["--workers", "1"]);
    let anna = joined(&server, address, "Anna");
    let _ben = guest(CLIENT, address, "Ben");
    server.stays_quiet(WINDOW);
    drop(anna); // auch wer nicht „bye“ sagt, macht Platz
    server.line_with("Ben ist da");
}

#[test]
fn broken_guests_do_not_use_up_the_workers() {
    let (server, address) = Program::server_with(POOL_SERVER, &["--workers", "1"]);
    for _ in 0..3 {
        drop(connect(address)); // gar nichts

        connect(address).write_all(b"halber Na").unwrap();

        let stream = connect(address);
        (&stream).write_all(b"Ben\n").unwrap();
        server.line_with("Ben ist da");
        let reset = socket2::Socket::from(stream);
        reset.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
        drop(reset);
        server.line_with("Ben ist weg");
    }
    let _anna = joined(&server, address, "Anna");
}

// ---- die schwierigen Gäste ----

#[test]
fn the_deaf_client_sends_what_is_typed_and_ends_with_its_input() {
    let (mut deaf, mut server) = client_and_connection(DEAF_CLIENT);
    server.write_all(b"Hallo, Ben!\n").unwrap();
    deaf.type_line("Ben");
    deaf.type_line("Wie bitte?");
    let mut sent = [0; 15];
    server.read_exact(&mut sent).unwrap();
    assert_eq!(&sent, b"Ben\nWie bitte?\n");
    deaf.end_input();
    assert_eq!(deaf.status(), 0);
    deaf.stays_quiet(DEADLINE); // kehrt sofort zurück; „Hallo, Ben!“ stand nie da
}

#[test]
fn the_deaf_client_notices_when_it_sends_that_the_server_has_gone() {
    let (mut deaf, server) = client_and_connection(DEAF_CLIENT);
    let server = socket2::Socket::from(server);
    server.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
    drop(server);
    let sentence = deaf.line_after_typing("Hört mich jemand?");
    assert!(
        sentence.starts_with("Die Verbindung ist abgerissen: die Gegenseite "),
        "{sentence}"
    );
    assert_eq!(deaf.status(), 1);
}

#[test]
fn the_loud_client_says_so_many_lines_and_waits_until_all_are_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut loud = Program::start(LOUD_CLIENT, &["--port", &port, "--lines", "3"]);
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut said = String::new();
    server.read_to_string(&mut said).unwrap();
    let line = "x".repeat(4000);
    assert_eq!(said, format!("Lotte\n{line}\n{line}\n{line}\n"));
    assert_eq!(loud.line(), "Verbunden. Lotte redet los.");
    loud.stays_quiet(WINDOW); // noch hat der Server nicht aufgelegt
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(loud.line(), "Lotte ist fertig: 3 Zeilen zu 4000 Bytes.");
    assert_eq!(loud.status(), 0);
}

#[test]
fn the_loud_client_says_when_the_server_goes_before_all_is_said() {
    let (mut loud, mut server) = client_and_connection(LOUD_CLIENT);
    server.read_exact(&mut [0; 100]).unwrap();
    drop(server); // es ist noch Ungelesenes da: Das ist ein Abbruch
    assert_eq!(
        loud.line_with("Lotte"),
        "Lotte ist nicht fertig geworden: Der Server ist weg."
    );
    assert_eq!(loud.status(), 1);
}

// ---- was den Anfang verhindert, und das Ende von Hand ----

#[test]
fn without_a_server_the_clients_say_so_and_fail() {
    let (_nobody, address) = deserted();
    let sentence = format!("Keine Verbindung zu {address}: Läuft der Server?");
    for client in CLIENTS {
        refuses(
            client,
            &["--port", &address.port().to_string()],
            &sentence,
            1,
        );
    }
}

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (_server, address) = Program::server(SERVER);
    let port = address.port().to_string();
    let sentence = format!(
        "Port {port} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
    );
    for server in SERVERS {
        refuses(server, &["--port", &port], &sentence, 1);
    }
}

#[test]
fn bad_switches_end_with_status_2() {
    let sentence = "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.";
    for program in SERVERS.into_iter().chain(CLIENTS) {
        refuses(program, &["--port", "viele"], sentence, 2);
    }
    for (program, switch) in [
        (SERVER, "--queue"),
        (POOL_SERVER, "--workers"),
        (LOUD_CLIENT, "--lines"),
    ] {
        let sentence = format!("Hinter {switch} gehört eine Zahl ab 1, nicht „0“.");
        refuses(program, &[switch, "0"], &sentence, 2);
    }
    let sentence = "Den Schalter --queue gibt es nicht; siehe --help.";
    refuses(LOCKED_SERVER, &["--queue", "1"], sentence, 2);
}

#[test]
fn without_anyone_to_read_its_output_a_server_ends_with_one_sentence() {
    for server in SERVERS {
        let (mut server, address) = Program::unheard_server(server);
        assert_eq!(
            server.line_after_visits(address),
            "Die Ausgabe nimmt nichts mehr an."
        );
        assert_eq!(server.status(), 1);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_server_with_status_0_whoever_is_there() {
    for server in SERVERS {
        let (mut server, address) = Program::server(server);
        let mut anna = joined(&server, address, "Anna");
        server.interrupt();
        assert_eq!(server.status(), 0);
        assert_eq!(anna.line(), "Der Server hat aufgelegt.");
        assert_eq!(anna.status(), 0);
    }
}

// ---- was das Buch über Sockets sagt ----

#[cfg(unix)] // ob `shutdown` auch unter Windows weckt, ist nicht gesehen; unter Wine tut es das nicht
#[test]
fn shutdown_wakes_who_reads_and_dropping_a_copy_does_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _client = connect(listener.local_addr().unwrap());
    let (mut stream, _) = listener.accept().unwrap();
    let (copy, other) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
    let (woken, wakes) = std::sync::mpsc::channel();
    thread::spawn(move || woken.send(stream.read(&mut [0]).unwrap()));
    drop(copy);
    assert!(wakes.recv_timeout(WINDOW).is_err(), "noch wartet er");
    other.shutdown(Shutdown::Both).unwrap();
    assert_eq!(wakes.recv_timeout(DEADLINE), Ok(0));
}
