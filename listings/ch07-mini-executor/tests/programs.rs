//! Die Programme aus Kapitel 7, von außen: was die Wecker drucken, was Warten kostet, und
//! der Echo-Server mit Clients, die es ihm nicht leicht machen.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Program, connect, refuses};
use socket2::Socket;

const SERVER: &str = env!("CARGO_BIN_EXE_ch07-server");

/// Schickt `message` und liest ebenso viele Bytes.
fn echo(stream: &mut TcpStream, message: &str) -> String {
    stream.write_all(message.as_bytes()).unwrap();
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// Schreibt, bis lange nichts mehr angenommen wird, und gibt zurück, wie viele Bytes es
/// waren. Gelesen wird nichts. Nicht mit einer Frist im Socket: Läuft die ab, sagt Windows
/// nicht, wie viel schon fort ist.
fn fill(stream: &mut TcpStream) -> usize {
    stream.set_nonblocking(true).unwrap();
    let (mut sent, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_millis(300) {
        match stream.write(&[b'x'; 64 * 1024]) {
            Ok(count) => {
                sent += count;
                since = Instant::now();
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                thread::sleep(Duration::from_millis(2)); // niemand meldet, dass Platz ist
            }
        }
    }
    stream.set_nonblocking(false).unwrap();
    sent
}

// ---- die Wecker ----

#[test]
fn the_three_alarms_ring_in_order_of_time_and_every_poll_is_counted() {
    let mut alarms = Program::start(env!("CARGO_BIN_EXE_ch07-timers"), &[]);
    let mut polled = Vec::new();
    let end = loop {
        let line = alarms.line();
        let Some((name, rest)) = line.split_once(": gefragt nach ") else { break line };
        let (time, answer) = rest.split_once(" s – ").unwrap();
        let time: f64 = time.replace(',', ".").parse().unwrap();
        polled.push((name.to_string(), time, answer.to_string()));
    };
    assert_eq!(alarms.status(), 0);

    for (name, (who, _, answer)) in ["Anna", "Ben", "Carla"].iter().zip(&polled) {
        assert_eq!((who.as_str(), answer.as_str()), (*name, "noch nicht"));
    }
    // Kein Wecker klingelt zu früh, und wer fertig ist, wird nicht mehr gefragt.
    for (name, seconds) in [("Anna", 3.0), ("Ben", 1.0), ("Carla", 2.0)] {
        let his: Vec<_> = polled.iter().filter(|(who, ..)| who == name).collect();
        let (last, earlier) = his.split_last().unwrap();
        assert!(last.1 >= seconds && last.2 == "fertig");
        assert!(earlier.iter().all(|(.., answer)| answer == "noch nicht"));
    }
    // Neun Fragen; weniger, wenn der Rechner einen Termin verschläft. Nie mehr.
    assert!(polled.len() <= 9);
    let time = end.strip_prefix("Alle fertig nach ").unwrap();
    let (seconds, polls) = time.split_once(" s, ").unwrap();
    let seconds = seconds.replace(',', ".");
    assert!((3.0..6.0).contains(&seconds.parse().unwrap())); // nacheinander: 6 s
    assert_eq!(polls, format!("{}-mal gefragt", polled.len()));
}

#[test]
fn what_a_future_keeps_over_an_await_makes_it_large() {
    let mut sizes = Program::start(env!("CARGO_BIN_EXE_ch07-sizes"), &[]);
    let lines: Vec<String> = (0..8).map(|_| sizes.line()).collect();
    assert_eq!(sizes.status(), 0);
    let size = |name: &str| {
        let line = lines.iter().find(|line| line.starts_with(name)).unwrap();
        let count = line.strip_suffix(" Bytes").unwrap().rsplit_once(' ').unwrap().1;
        count.parse::<usize>().unwrap()
    };
    assert!(size("Bill") >= 2 * size("Dish"));
    assert!(size("bill") >= 2 * size("Dish"));
    assert!(size("keeps_buffer") >= 1024);
    assert!(size("drops_buffer") < 256);
    assert!(size("two_in_turn") < 2 * 1024);
    assert!(size("boxed") < 64);
}

// ---- der Echo-Server ----

#[test]
fn many_clients_get_their_own_bytes_back() {
    let (_server, address) = Program::server(SERVER);
    let mut clients: Vec<TcpStream> = (0..50).map(|_| connect(address)).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            let message = format!("Grüße von {number} in Runde {round}\n");
            assert_eq!(echo(client, &message), message);
        }
    }
}

#[test]
fn a_megabyte_comes_back_complete_and_in_order() {
    let (_server, address) = Program::server(SERVER);
    let mut reader = connect(address);
    let mut writer = reader.try_clone().unwrap();
    let bytes: Vec<u8> = (0..1 << 20).map(|number: u32| (number % 251) as u8).collect();
    let sent = bytes.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap(); // hört noch zu
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    assert!(received == bytes);
    writing.join().unwrap();
}

#[test]
fn whoever_never_reads_waits_alone_and_gets_everything_later() {
    let (_server, address) = Program::server(SERVER);
    let mut deaf = connect(address);
    let sent = fill(&mut deaf);
    assert!(sent > 0);

    let mut other = connect(address);
    for _ in 0..10 {
        assert_eq!(echo(&mut other, "und ich?\n"), "und ich?\n");
    }

    deaf.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    deaf.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), sent);
}

#[test]
fn whoever_sends_without_pause_lets_others_in() {
    let (_server, address) = Program::server(SERVER);
    let mut floods = Vec::new();
    for _ in 0..2 {
        let mut reader = connect(address);
        let mut writer = reader.try_clone().unwrap();
        floods.push(reader.try_clone().unwrap());
        thread::spawn(move || while writer.write_all(&[b'x'; 64 * 1024]).is_ok() {});
        thread::spawn(
            move || while reader.read(&mut [0; 64 * 1024]).is_ok_and(|n| n > 0) {},
        );
    }
    for _ in 0..20 {
        let mut other = connect(address);
        assert_eq!(echo(&mut other, "und ich?\n"), "und ich?\n");
    }
    for flood in floods {
        flood.shutdown(Shutdown::Both).unwrap();
    }
}

#[test]
fn broken_connections_end_alone_and_are_reported() {
    let (server, address) = Program::server(SERVER);
    let mut faithful = connect(address);
    assert_eq!(echo(&mut faithful, "da"), "da");

    let quiet = connect(address);
    let quiet_address = quiet.local_addr().unwrap();
    drop(quiet);
    server.line_with(&format!("{quiet_address} ist da"));
    assert_eq!(server.line(), format!("{quiet_address} ist weg"));

    let mut reset = connect(address);
    let reset_address = reset.local_addr().unwrap();
    assert_eq!(echo(&mut reset, "da"), "da");
    let reset = Socket::from(reset);
    reset.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
    drop(reset);
    server.line_with(&format!("{reset_address} ist da"));
    let reason = "die Gegenseite hat die Verbindung abgebrochen";
    assert_eq!(server.line(), format!("{reset_address} ist weg: {reason}"));

    assert_eq!(echo(&mut faithful, "noch da?"), "noch da?");
}

/// Verbindungen, bis dem Server die Deskriptoren ausgehen.
#[cfg(unix)]
fn exhaust(server: &Program, address: std::net::SocketAddr) -> Vec<TcpStream> {
    let clients = (0..48).map(|_| connect(address)).collect();
    server.line_with("Eine Verbindung war nicht zu haben: ");
    clients
}

#[cfg(unix)]
#[test]
fn without_descriptors_accept_pauses_the_others_go_on_and_later_it_works_again() {
    let (server, address) = Program::server_with_descriptors(SERVER, 32);
    let mut first = connect(address);
    assert_eq!(echo(&mut first, "da"), "da");

    let start = Instant::now();
    let mut clients = exhaust(&server, address);
    assert_eq!(echo(&mut first, "noch da?"), "noch da?");
    // Zehnmal in der Sekunde, nicht öfter: Bis zum zweiten und dritten Versuch vergeht mindestens
    // eine Fünftelsekunde, so spät diese Zeilen auch gelesen werden.
    for _ in 0..2 {
        server.line_with("Eine Verbindung war nicht zu haben: ");
    }
    assert!(start.elapsed() >= Duration::from_millis(190));

    let mut last = clients.pop().unwrap();
    drop(clients);
    assert_eq!(echo(&mut last, "und ich?"), "und ich?");
}

// ---- was Warten kostet ----

#[cfg(target_os = "linux")]
mod waiting {
    use super::*;
    use std::fs;
    use std::net::SocketAddr;

    use crate::common::DEADLINE;

    /// So viele schweigende Clients, alle angenommen.
    fn silent_clients(count: usize, address: SocketAddr) -> Vec<TcpStream> {
        let mut clients: Vec<_> = (0..count).map(|_| connect(address)).collect();
        for client in &mut clients {
            assert_eq!(echo(client, "da"), "da");
        }
        clients
    }

    /// Zustand und verbrauchte Rechenzeit eines Prozesses, aus `/proc`.
    fn state_and_cpu_time(process: &Program) -> (char, Duration) {
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
        let cpu_time = Duration::from_millis(10 * (ticks(11) + ticks(12)));
        (fields[0].chars().next().unwrap(), cpu_time)
    }

    /// Wie oft der erste Thread den Kern von sich aus hergab.
    fn gave_up(process: &Program) -> u64 {
        let id = process.id();
        let status = fs::read_to_string(format!("/proc/{id}/task/{id}/status")).unwrap();
        let line =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    }

    #[test]
    fn a_hundred_clients_need_one_thread() {
        let (server, address) = Program::server(SERVER);
        let _clients = silent_clients(100, address);
        let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let threads = status.lines().find_map(|line| line.strip_prefix("Threads:"));
        assert_eq!(threads.unwrap().trim(), "2"); // der zweite wartet auf Strg+C
    }

    /// Wartet, bis der Server schläft, und sieht nach, dass ihn dann nichts mehr weckt.
    fn sleeps_undisturbed(server: &Program) {
        let start = Instant::now();
        while state_and_cpu_time(server).0 != 'S' {
            assert!(start.elapsed() < DEADLINE, "der Server schläft nicht ein");
            thread::sleep(Duration::from_millis(5));
        }
        let before = (state_and_cpu_time(server), gave_up(server));
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(10)); // zwischen zwei Stichproben
            assert_eq!((state_and_cpu_time(server), gave_up(server)), before);
        }
    }

    #[test]
    fn while_all_are_silent_the_server_sleeps() {
        let (server, address) = Program::server(SERVER);
        let _clients = silent_clients(50, address);
        sleeps_undisturbed(&server);
    }

    #[test]
    fn while_someone_does_not_read_the_server_sleeps() {
        let (server, address) = Program::server(SERVER);
        let mut deaf = connect(address);
        fill(&mut deaf);
        sleeps_undisturbed(&server);
    }

    #[test]
    fn asking_without_pause_computes_and_a_waker_does_not() {
        let mut share = Program::start(env!("CARGO_BIN_EXE_ch07-cpu-share"), &[]);
        let lines = [share.line(), share.line()];
        assert_eq!(share.status(), 0);
        let seconds = |name: &str| {
            let line = lines.iter().find(|line| line.starts_with(name)).unwrap();
            let (_, seconds) = line.rsplit_once("in 1 s gerechnet: ").unwrap();
            let seconds = seconds.strip_suffix(" s").unwrap().replace(',', ".");
            seconds.parse::<f64>().unwrap()
        };
        // Eine ganze Sekunde ist es nur, wenn sonst niemand rechnen will.
        assert!(seconds("Ohne Pause") > seconds("Mit Waker"));
        assert!(seconds("Mit Waker") <= 0.03);
    }
}

// ---- was den Anfang verhindert, und das Ende von Hand ----

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (_server, address) = Program::server(SERVER);
    let port = address.port().to_string();
    let sentence = format!(
        "Port {port} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
    );
    refuses(SERVER, &["--port", &port], &sentence, 1);
}

#[test]
fn bad_switches_end_with_status_2() {
    let sentence = "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.";
    refuses(SERVER, &["--port", "viele"], sentence, 2);
    let sentence = "Den Schalter --queue gibt es nicht; siehe --help.";
    refuses(SERVER, &["--queue", "1"], sentence, 2);
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

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server_with_status_0_whoever_is_there() {
    let (mut server, address) = Program::server(SERVER);
    let mut anna = connect(address);
    assert_eq!(echo(&mut anna, "da"), "da");
    server.interrupt();
    assert_eq!(server.status(), 0);
}
