//! Die Programme aus Kapitel 3, von außen: das Gespräch, die Warteschlange, das Ende,
//! und was Clients anrichten können.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use common::{Program, connect, deserted};

const SERVER: &str = env!("CARGO_BIN_EXE_ch03-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_ch03-client");

/// So lange muss schweigen, wer nichts zu sagen hat.
const WINDOW: Duration = Duration::from_millis(300);

fn client(address: SocketAddr) -> Program {
    let client = Program::start(CLIENT, &["--port", &address.port().to_string()]);
    assert!(client.line().starts_with("Verbunden."));
    client
}

/// Ein Server, an dem niemand sitzt: Er hört eine Zeile und legt auf.
fn unattended_server() -> (Program, SocketAddr) {
    let (mut server, address) = Program::server(SERVER);
    server.end_input();
    (server, address)
}

fn still_serves(server: &mut Program, address: SocketAddr) {
    let mut stream = connect(address);
    stream.write_all(b"noch da?\n").unwrap();
    server.line_with("Client: noch da?");
    server.type_line("ja");
    let mut answer = [0; 3];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ja\n");
}

/// Schließt so, dass `close` ein RST schickt und kein FIN.
fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

// ---- das Gespräch ----

#[test]
fn server_and_client_talk_in_turns_until_bye() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    assert!(server.line().starts_with("Verbindung von 127.0.0.1:"));
    client.type_line("Grüß Gott");
    assert_eq!(server.line(), "Client: Grüß Gott");
    server.type_line("Moin");
    assert_eq!(client.line(), "Server: Moin");
    client.type_line(""); // auch eine leere Zeile ist eine Zeile
    assert_eq!(server.line(), "Client: ");
    server.type_line("Wie bitte?");
    assert_eq!(client.line(), "Server: Wie bitte?");
    client.type_line("bye");
    assert_eq!(server.line(), "Client: bye");
    assert_eq!(client.status(), 0);
}

#[test]
fn the_server_may_say_bye_too_and_serves_the_next() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.type_line("Hallo");
    server.line_with("Client: Hallo");
    server.type_line("bye");
    assert_eq!(client.line(), "Server: bye");
    assert_eq!(client.status(), 0);
    still_serves(&mut server, address);
}

#[test]
fn a_second_line_is_not_sent_before_the_answer_to_the_first() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.type_line("eins");
    client.type_line("zwei");
    server.line_with("Client: eins");
    server.stays_quiet(WINDOW);
    server.type_line("ja?");
    assert_eq!(client.line(), "Server: ja?");
    assert_eq!(server.line(), "Client: zwei");
}

#[test]
fn what_the_server_types_early_is_its_answer_later() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    server.line_with("Verbindung von ");
    server.type_line("Bin schon fertig");
    client.stays_quiet(WINDOW);
    client.type_line("Hallo");
    assert_eq!(client.line(), "Server: Bin schon fertig");
}

#[test]
fn the_second_client_waits_until_the_first_leaves() {
    let (mut server, address) = Program::server(SERVER);
    let mut anna = client(address);
    server.line_with("Verbindung von ");
    let mut ben = client(address); // verbunden ist er; angenommen noch nicht
    ben.type_line("Ist noch frei?");
    server.stays_quiet(WINDOW);

    anna.type_line("bye");
    assert_eq!(server.line(), "Client: bye");
    assert!(server.line().starts_with("Verbindung von 127.0.0.1:"));
    assert_eq!(server.line(), "Client: Ist noch frei?");
    server.type_line("Ja, jetzt.");
    assert_eq!(ben.line(), "Server: Ja, jetzt.");
}

// ---- das Ende ----

#[test]
fn end_of_input_ends_the_client_and_the_next_one_is_served() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.end_input();
    assert_eq!(client.status(), 0);
    server.line_with("Der Client hat aufgelegt.");
    still_serves(&mut server, address);
}

#[test]
fn a_last_line_without_end_is_sent_too() {
    let (server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.type_bytes(b"halb");
    client.end_input();
    server.line_with("Client: halb");
}

#[test]
fn an_unattended_server_hangs_up_after_the_first_line() {
    let (server, address) = unattended_server();
    for _ in 0..2 {
        let mut client = client(address);
        client.type_line("Ist da wer?");
        server.line_with("Client: Ist da wer?");
        assert_eq!(
            server.line(),
            "Die Eingabe ist zu Ende: Der Server legt auf."
        );
        assert_eq!(client.line(), "Der Server hat aufgelegt.");
        assert_eq!(client.status(), 0);
    }
}

#[test]
fn the_client_notices_that_the_server_has_gone() {
    let (server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.type_line("Hallo?");
    server.line_with("Client: Hallo?");
    drop(server);
    let sentence = client.line(); // nicht jedes System schließt so sanft wie Linux
    let gently = sentence == "Der Server hat aufgelegt.";
    assert!(
        gently || sentence.starts_with("Das Gespräch ist abgerissen: "),
        "{sentence}"
    );
    assert_eq!(client.status(), if gently { 0 } else { 1 });
}

// ANCHOR: reset
#[cfg(target_os = "linux")]
#[test]
fn who_is_not_yet_accepted_is_reset_when_the_server_dies() {
    let (server, address) = Program::server(SERVER);
    let _anna = client(address);
    server.line_with("Verbindung von ");
    let mut ben = client(address); // verbunden ist er; angenommen noch nicht
    ben.type_line("Ist noch frei?");

    drop(server); // beendet den Prozess, ohne dass er noch etwas tun kann
    assert_eq!(
        ben.line(),
        "Das Gespräch ist abgerissen: die Gegenseite hat die Verbindung abgebrochen."
    );
    assert_eq!(ben.status(), 1);
}
// ANCHOR_END: reset

// ---- schwierige Clients ----

#[test]
fn broken_clients_do_not_end_the_server() {
    let (mut server, address) = Program::server(SERVER);

    drop(connect(address)); // gar nichts
    server.line_with("Der Client hat aufgelegt.");

    connect(address).write_all(b"halbe Zei").unwrap();
    server.line_with("Client: halbe Zei");
    server.type_line("wie bitte?"); // schreiben kann der Server noch: Er weiß nicht, ob der Client noch liest

    let mut stream = connect(address);
    stream.write_all(b"\xC3\x28\xFF\0\n").unwrap();
    assert_eq!(
        server.line_with("Client: \u{FFFD}"),
        "Client: \u{FFFD}(\u{FFFD}\\u{0}"
    );
    drop(stream);
    server.type_line("aha");

    still_serves(&mut server, address);
}

#[test]
fn a_reset_before_or_after_a_line_does_not_end_the_server() {
    let (mut server, address) = Program::server(SERVER);

    let mut stream = connect(address);
    server.line_with("Verbindung von ");
    stream.write_all(b"gleich bin ich w").unwrap();
    reset(stream);
    assert_eq!(
        server.line(),
        "Verbindung beendet: die Gegenseite hat die Verbindung abgebrochen."
    );

    let mut stream = connect(address);
    stream.write_all(b"das war es\n").unwrap();
    server.line_with("Client: das war es");
    reset(stream);
    server.type_line("schade"); // das Schreiben scheitert

    still_serves(&mut server, address);
}

#[test]
fn a_megabyte_without_line_end_comes_in_pieces_and_each_is_answered() {
    let (mut server, address) = Program::server(SERVER);
    server.type_line(&["ja"; (1 << 20) / 8192].join("\n"));
    let mut stream = connect(address);
    let mut sender = stream.try_clone().unwrap();
    let writing = thread::spawn(move || {
        sender.write_all(&vec![b'x'; 1 << 20]).unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    writing.join().unwrap();
    assert_eq!(answers, "ja\n".repeat((1 << 20) / 8192));
    still_serves(&mut server, address);
}

#[test]
fn two_hundred_clients_at_once_are_served_one_after_the_other() {
    let (server, address) = unattended_server();
    let clients: Vec<_> = (0..200)
        .map(|_| {
            thread::spawn(move || {
                let mut stream = connect(address);
                stream.write_all(b"da\n").unwrap();
                assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0); // der Server legt auf
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    for _ in 0..200 {
        server.line_with("Client: da");
    }
}

// ---- was der Anfang verhindert ----

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
fn a_taken_port_is_said_in_one_sentence() {
    let (_server, address) = Program::server(SERVER);
    let port = address.port().to_string();
    let mut second = Program::start(SERVER, &["--port", &port]);
    assert_eq!(
        second.line(),
        format!(
            "Port {port} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
        )
    );
    assert_eq!(second.status(), 1);
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

#[test]
fn bad_switches_end_with_status_2() {
    for program in [SERVER, CLIENT] {
        let mut program = Program::start(program, &["--port", "viele"]);
        let expected = "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.";
        assert_eq!(program.line(), expected);
        assert_eq!(program.status(), 2);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server_with_status_0_even_in_the_middle_of_a_talk() {
    let (mut server, address) = Program::server(SERVER);
    let mut client = client(address);
    client.type_line("Hallo");
    server.line_with("Client: Hallo"); // jetzt wartet er an der Tastatur
    server.interrupt();
    assert_eq!(server.status(), 0);
}

// ---- was Linux über Threads weiß ----

#[cfg(target_os = "linux")]
mod states {
    use super::*;
    use ch03_blocking_chat::states::{ThreadState, of_this_process};
    use std::hint::black_box;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    /// Was über den Thread dieses Namens bekannt ist, sobald es `expected` entspricht.
    fn await_state(name: &str, expected: impl Fn(&ThreadState) -> bool) -> ThreadState {
        let start = Instant::now();
        while start.elapsed() < common::DEADLINE {
            // Endet während des Lesens der Thread eines anderen Tests, fehlt dessen
            // Datei.
            let threads = of_this_process().unwrap_or_default();
            let found = threads.into_iter().find(|thread| thread.name == name);
            if let Some(thread) = found.filter(&expected) {
                return thread;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("der Thread „{name}“ kommt nicht in den erwarteten Zustand");
    }

    #[test]
    fn a_thread_blocked_in_read_sleeps_has_given_up_its_core_and_needs_no_time() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = connect(listener.local_addr().unwrap());
        let (mut connection, _) = listener.accept().unwrap();
        let reader = thread::Builder::new()
            .name("liest".into())
            .spawn(move || connection.read(&mut [0]))
            .unwrap();

        await_state("liest", |thread| thread.state == 'S');
        thread::sleep(WINDOW); // das Messfenster
        let asleep = await_state("liest", |thread| thread.state == 'S');
        assert!(asleep.gave_up >= 1);
        assert!(asleep.cpu_time <= Duration::from_millis(10));

        drop(silent); // weckt ihn: Der Strom ist zu Ende
        assert_eq!(reader.join().unwrap().unwrap(), 0);
    }

    #[test]
    fn a_computing_thread_uses_time() {
        static DONE: AtomicBool = AtomicBool::new(false);
        let computing = thread::Builder::new()
            .name("rechnet".into())
            .spawn(|| {
                let mut number = 0u64;
                while !DONE.load(Ordering::Relaxed) {
                    number = black_box(number.wrapping_add(1));
                }
            })
            .unwrap();
        let some = await_state("rechnet", |thread| !thread.cpu_time.is_zero());
        await_state("rechnet", |thread| thread.cpu_time > some.cpu_time);
        DONE.store(true, Ordering::Relaxed);
        computing.join().unwrap();
    }

    #[test]
    fn the_program_shows_one_waiting_and_one_computing_thread() {
        let mut states = Program::start(env!("CARGO_BIN_EXE_ch03-states"), &[]);
        assert!(states.line().starts_with("wartet   Zustand S, Rechenzeit 0,0"));
        assert!(states.line().starts_with("rechnet  Zustand R, Rechenzeit "));
        assert_eq!(states.status(), 0);
        states.stays_quiet(common::DEADLINE); // kehrt sofort zurück: Das Programm ist zu Ende
    }
}
