//! Die Programme aus Kapitel 1, von außen: Gespräch, Ende, und was Clients anrichten können.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::common::{Program, connect, deserted};

const SERVER: &str = env!("CARGO_BIN_EXE_ch01-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch01-client");

fn client(address: SocketAddr) -> Program {
    let client = Program::start(CLIENT, &["--port", &address.port().to_string()]);
    assert!(client.line().starts_with("Verbunden."));
    client
}

/// Ein Server, an dem niemand sitzt: Er bestätigt jedes Lesen von selbst.
fn unattended_server() -> (Program, SocketAddr) {
    let (mut server, address) = Program::server(SERVER);
    server.end_input();
    (server, address)
}

fn exchange(stream: &mut TcpStream, message: &[u8]) -> String {
    stream.write_all(message).unwrap();
    let mut buffer = [0; 1024];
    let count = stream.read(&mut buffer).unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

fn still_serves(address: SocketAddr) {
    assert_eq!(
        exchange(&mut connect(address), b"noch da?"),
        "Bytes erhalten: 8"
    );
}

#[test]
fn server_and_client_talk_in_turns_until_bye() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    assert!(server.line().starts_with("Verbindung von 127.0.0.1:"));
    client.type_line("Grüß Gott");
    assert_eq!(server.line(), "Client: Grüß Gott");
    server.type_line("Moin");
    assert_eq!(client.line(), "Server: Moin");
    client.type_line("bye");
    assert_eq!(server.line(), "Client: bye");
    assert_eq!(client.status(), 0);
}

#[test]
fn the_server_may_say_bye_too() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.type_line("Hallo");
    server.line_with("Client: Hallo");
    server.type_line("bye");
    assert_eq!(client.line(), "Server: bye");
    assert_eq!(client.status(), 0);
}

#[test]
fn end_of_input_ends_the_client_and_the_next_one_is_served() {
    let (server, address) = Program::server(SERVER);
    let mut first = client(address);
    first.end_input();
    assert_eq!(first.status(), 0);
    server.line_with("Der Client hat aufgelegt.");
    let _second = client(address);
    server.line_with("Verbindung von ");
}

#[test]
fn the_client_notices_that_the_server_has_gone() {
    let (server, address) = Program::server(SERVER);
    let mut client = client(address);
    server.line_with("Verbindung von ");
    client.type_line("Hallo?");
    server.line_with("Client: Hallo?");
    drop(server);
    let sentence = client.line(); // nicht jedes System schließt so sanft wie Linux
    let gently = sentence == "Der Server hat aufgelegt.";
    assert!(
        gently || sentence.starts_with("Das Gespräch ist abgerissen"),
        "{sentence}"
    );
    assert_eq!(client.status(), if gently { 0 } else { 1 });
}

#[test]
fn empty_lines_are_not_sent() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.type_line("");
    assert!(client.line().starts_with("Eine leere Zeile hat null Bytes"));
    client.type_line("Hallo");
    server.line_with("Client: Hallo");
    server.type_line("");
    assert!(server.line().starts_with("Eine leere Zeile hat null Bytes"));
    server.type_line("Moin");
    assert_eq!(client.line(), "Server: Moin");
}

#[test]
fn raw_bytes_without_line_end_are_answered() {
    let (_server, address) = unattended_server();
    assert_eq!(
        exchange(&mut connect(address), b"Hallo"),
        "Bytes erhalten: 5"
    );
}

#[test]
fn half_an_umlaut_is_shown_as_the_bytes_it_is() {
    let (server, address) = unattended_server();
    let message = "x".repeat(1023) + "ü";
    // Die Antworten auf beide Lesen können in einem ankommen: auch das ist ein Strom.
    let answer = exchange(&mut connect(address), message.as_bytes());
    assert!(answer.starts_with("Bytes erhalten: 1024"), "{answer:?}");
    assert!(server.line_with("Client: xxx").ends_with("x\\xC3"));
    assert_eq!(server.line_with("Client: "), "Client: \\xBC");
    still_serves(address);
}

// ANCHOR: broken
#[test]
fn broken_clients_do_not_end_the_server() {
    let (server, address) = unattended_server();

    drop(connect(address)); // gar nichts
    server.line_with("Der Client hat aufgelegt.");

    connect(address).write_all(b"halbe Zei").unwrap();
    server.line_with("Client: halbe Zei");

    assert_eq!(
        exchange(&mut connect(address), b"\xC3\x28\xFF\0"),
        "Bytes erhalten: 4"
    );
    assert_eq!(server.line_with("Client: \\x"), "Client: \\xC3(\\xFF\\0");

    let mut reset = socket2::Socket::from(connect(address));
    reset.write_all(b"gleich bin ich weg").unwrap();
    reset.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
    drop(reset);

    still_serves(address);
}
// ANCHOR_END: broken

#[test]
fn a_megabyte_without_line_end_is_read_to_its_end() {
    let (_server, address) = unattended_server();
    let mut stream = connect(address);
    let mut sender = stream.try_clone().unwrap();
    let writing = thread::spawn(move || {
        sender.write_all(&vec![b'x'; 1 << 20]).unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    writing.join().unwrap();
    let confirmed: usize = answers
        .split("Bytes erhalten: ")
        .filter(|number| !number.is_empty())
        .map(|number| number.parse::<usize>().unwrap())
        .sum();
    assert_eq!(confirmed, 1 << 20);
    still_serves(address);
}

#[test]
fn two_hundred_clients_at_once_are_served_one_after_the_other() {
    let (_server, address) = unattended_server();
    let clients: Vec<_> = (0..200)
        .map(|_| thread::spawn(move || exchange(&mut connect(address), b"da")))
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), "Bytes erhalten: 2");
    }
    still_serves(address);
}

#[test]
fn without_a_server_the_client_says_so_and_fails() {
    let (_nobody, address) = deserted();
    let mut client = Program::start(CLIENT, &["--port", &address.port().to_string()]);
    assert_eq!(
        client.line(),
        format!("Keine Verbindung zu {address}: Läuft der Server?")
    );
    assert_eq!(client.status(), 1);
}

#[test]
fn a_second_server_on_the_same_port_says_so_and_fails() {
    let (_server, address) = Program::server(SERVER);
    let mut second = Program::start(SERVER, &["--port", &address.port().to_string()]);
    let expected = format!(
        "Port {} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help.",
        address.port()
    );
    assert_eq!(second.line(), expected);
    assert_eq!(second.status(), 1);
}

#[test]
fn an_unknown_host_is_said_in_one_sentence() {
    let mut client = Program::start(CLIENT, &["--host", "gibt-es-nicht.invalid"]);
    assert_eq!(
        client.line(),
        "Zu „gibt-es-nicht.invalid“ ist keine Adresse zu finden."
    );
    assert_eq!(client.status(), 1);
}

#[test]
fn ipv6_works_where_the_machine_has_it() {
    let Ok(probe) = std::net::TcpListener::bind("[::1]:0") else {
        return;
    };
    drop(probe);
    let mut server = Program::start(SERVER, &["--host", "::1", "--port", "0"]);
    server.end_input();
    let ready = server.line();
    let address: SocketAddr =
        ready.strip_prefix("Server lauscht auf ").unwrap().parse().unwrap();
    let port = address.port().to_string();
    let mut client = Program::start(CLIENT, &["--host", "::1", "--port", &port]);
    client.line_with("Verbunden.");
    client.type_line("Hallo");
    assert_eq!(client.line(), "Server: Bytes erhalten: 5");
}

#[test]
fn without_anyone_to_read_its_output_the_server_ends_with_one_sentence() {
    let (mut server, address) = Program::unheard_server(SERVER);
    assert_eq!(
        server.line_after_visits(address),
        "Die Ausgabe nimmt nichts mehr an."
    );
    assert_eq!(server.status(), 1);
}

/// Was `cli.rs` verspricht, in allen Listings dieselbe Datei.
#[test]
fn bad_switches_get_one_german_sentence_and_status_2() {
    for (switches, sentence) in [
        (
            &["--port", "viele"][..],
            "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.",
        ),
        (
            &["--port=65536"],
            "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „65536“.",
        ),
        (&["--port"], "Nach --port fehlt ein Wert."),
        (
            &["--prot", "1"],
            "Den Schalter --prot gibt es nicht; siehe --help.",
        ),
        (&["5000"], "Den Schalter 5000 gibt es nicht; siehe --help."),
        (
            &["--help=1"],
            "Die Schalter sind nicht zu verstehen; siehe --help.",
        ),
    ] {
        for program in [SERVER, CLIENT] {
            let mut program = Program::start(program, switches);
            assert_eq!((program.line(), program.status()), (sentence.into(), 2));
            program.stays_quiet(Duration::from_millis(20)); // es war ein einziger Satz
        }
    }
}

#[test]
fn help_is_german_and_ends_with_status_0() {
    let mut server = Program::start(SERVER, &["--port", "0", "--help"]);
    let about = "Server aus Kapitel 1: antwortet im Wechsel, ein Client nach dem anderen.";
    for line in [
        about,
        "",
        "      --host <ADRESSE>  Adresse des Servers [sonst 127.0.0.1]",
        "      --port <NUMMER>   Port des Servers; 0 beim Server: irgendein freier [sonst 5000]",
        "  -h, --help            diese Hilfe",
    ] {
        assert_eq!(server.line(), line);
    }
    assert_eq!(server.status(), 0);
}

#[test]
fn of_a_switch_given_twice_the_last_one_counts() {
    // Auf Port 0 kann niemand lauschen.
    let mut client = Program::start(CLIENT, &["--port", "5000", "--port", "0"]);
    assert!(client.line().starts_with("Keine Verbindung zu 127.0.0.1:0: "));
    assert_eq!(client.status(), 1);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server_with_status_0() {
    let (mut server, _address) = Program::server(SERVER);
    server.interrupt();
    assert_eq!(server.status(), 0);
}
