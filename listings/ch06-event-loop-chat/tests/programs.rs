//! Die Programme aus Kapitel 6, von außen: was Warten kostet, wie viele Threads es
//! braucht, und ein Stau. Was jeder Chat-Server zusagt, prüft ein Test für alle
//! zusammen; hier steht, was nur diese betrifft.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use common::{DEADLINE, Program, connect, refuses};
use socket2::{Domain, Socket, Type};

const SERVER: &str = env!("CARGO_BIN_EXE_ch06-server");
const HOT_LOOP: &str = env!("CARGO_BIN_EXE_ch06-hot-loop");

/// Schickt `message` und liest ebenso viele Bytes.
fn echo(stream: &mut TcpStream, message: &str) -> String {
    stream.write_all(message.as_bytes()).unwrap();
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// Jemand, dessen Namen der Server schon gemeldet hat.
fn join(server: &Program, mut stream: TcpStream, name: &str) -> TcpStream {
    stream.write_all(format!("{name}\n").as_bytes()).unwrap();
    server.line_with(&format!("{name} ist da"));
    stream
}

// ---- die heiße Schleife ----

#[test]
fn the_hot_loop_echoes_to_several_clients_and_broken_ones_do_not_end_it() {
    let (_server, address) = Program::server(HOT_LOOP);
    let mut clients: Vec<TcpStream> = (0..3).map(|_| connect(address)).collect();
    for message in ["Hallo", "Grüße\n", "ohne Zeilenende"] {
        for client in &mut clients {
            assert_eq!(echo(client, message), message);
        }
    }

    drop(clients.remove(0));
    let reset = Socket::from(clients.remove(0));
    reset.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
    drop(reset);
    assert_eq!(echo(&mut clients[0], "noch da?"), "noch da?");
    assert_eq!(echo(&mut connect(address), "auch da"), "auch da");
}

#[cfg(unix)]
#[test]
fn without_descriptors_the_hot_loop_goes_on_and_later_takes_the_next() {
    let (_server, address) = Program::server_with_descriptors(HOT_LOOP, 32);
    let mut first = connect(address);
    assert_eq!(echo(&mut first, "da"), "da");
    let mut crowd: Vec<_> = (0..60).map(|_| connect(address)).collect();
    // Wer noch wartet, wird nicht gehört, und wer schon da ist, weiterhin.
    let mut last = crowd.pop().unwrap();
    last.write_all(b"und ich?").unwrap();
    last.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    last.read(&mut [0; 8]).unwrap_err();
    assert_eq!(echo(&mut first, "noch da?"), "noch da?");

    drop(crowd);
    last.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut answer = [0; 8];
    last.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"und ich?");
}

// ---- viele, die nicht lesen ----

#[cfg(target_os = "linux")]
#[test]
fn many_deaf_ones_may_be_full_at_the_same_moment() {
    const DEAF: usize = 200;
    let (server, address) = Program::server_with(SERVER, &["--queue", "100"]);
    let slow_line = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.set_tcp_mss(536).unwrap();
        socket.connect(&address.into()).unwrap();
        TcpStream::from(socket)
    };
    let deaf = |number| join(&server, slow_line(), &format!("Taub{number}"));
    let _deaf: Vec<_> = (0..DEAF).map(deaf).collect();
    let mut anna = join(&server, connect(address), "Anna");
    let mut hearing = anna.try_clone().unwrap();
    thread::spawn(move || std::io::copy(&mut hearing, &mut std::io::sink()));
    let line = "x".repeat(8000) + "\n";
    thread::spawn(move || while anna.write_all(line.as_bytes()).is_ok() {});
    for _ in 0..DEAF {
        let line = server.line_with("Taub");
        assert!(line.ends_with(" ist weg (liest zu langsam)"), "{line}");
    }
    join(&server, connect(address), "Ben");
}

// ---- was Warten kostet ----

#[cfg(target_os = "linux")]
mod waiting {
    use super::*;
    use std::fs;
    use std::net::SocketAddr;
    use std::time::Instant;

    /// So viele schweigende Clients, alle angenommen: Wer nach ihnen kam, ist schon
    /// bedient.
    fn silent_clients(
        count: usize,
        server: &Program,
        address: SocketAddr,
    ) -> Vec<TcpStream> {
        let mut clients: Vec<_> = (0..count).map(|_| connect(address)).collect();
        clients.push(join(server, connect(address), "Anna"));
        clients
    }

    /// Zustand und verbrauchte Rechenzeit eines Prozesses, aus `/proc`.
    fn state_and_cpu_time(process: &Program) -> (char, Duration) {
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap(); // der Name davor darf Leerzeichen haben
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
        let cpu_time = Duration::from_millis(10 * (ticks(11) + ticks(12)));
        (fields[0].chars().next().unwrap(), cpu_time)
    }

    fn cpu_time(process: &Program) -> Duration {
        state_and_cpu_time(process).1
    }

    /// Schläft, bis es so ist.
    fn sleep_until(happened: impl Fn() -> bool) {
        let start = Instant::now();
        while !happened() {
            assert!(start.elapsed() < DEADLINE, "das geschieht nicht mehr");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn while_all_are_silent_the_hot_loop_computes_and_the_event_loop_does_not() {
        let (hot_loop, hot_address) = Program::server(HOT_LOOP);
        let (event_loop, address) = Program::server(SERVER);
        let _silent_too: Vec<_> = (0..50).map(|_| connect(hot_address)).collect();
        let _silent = silent_clients(50, &event_loop, address);

        let (before, hot_before) = (cpu_time(&event_loop), cpu_time(&hot_loop));
        let half_a_second = Duration::from_millis(500);
        // Wie lange das dauert, hängt davon ab, wer sonst noch rechnen will.
        sleep_until(|| cpu_time(&hot_loop) - hot_before >= half_a_second);
        // 10 ms dürfen es sein: Vielleicht ging der Event Loop eben erst schlafen.
        assert!(cpu_time(&event_loop) - before <= Duration::from_millis(10));
    }

    #[test]
    fn the_hot_loop_is_always_ready_to_compute_and_the_event_loop_sleeps() {
        let (hot_loop, _) = Program::server(HOT_LOOP);
        let (event_loop, address) = Program::server(SERVER);
        let _silent = silent_clients(50, &event_loop, address);
        sleep_until(|| state_and_cpu_time(&event_loop).0 == 'S');
        for _ in 0..20 {
            assert_eq!(state_and_cpu_time(&hot_loop).0, 'R');
            assert_eq!(state_and_cpu_time(&event_loop).0, 'S');
            thread::sleep(Duration::from_millis(5)); // zwischen zwei Stichproben
        }
    }

    #[test]
    fn a_hundred_clients_need_one_thread() {
        let (server, address) = Program::server(SERVER);
        let _clients = silent_clients(100, &server, address);
        let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let threads = status.lines().find_map(|line| line.strip_prefix("Threads:"));
        assert_eq!(threads.unwrap().trim(), "2"); // der zweite wartet auf Strg+C
    }

    #[test]
    fn the_program_shows_what_both_loops_have_computed() {
        let mut share = Program::start(env!("CARGO_BIN_EXE_ch06-cpu-share"), &[]);
        let lines = [share.line(), share.line()];
        assert_eq!(share.status(), 0);
        let seconds = |name: &str| {
            let line = lines.iter().find(|line| line.starts_with(name)).unwrap();
            let (_, seconds) = line.rsplit_once("in 1 s gerechnet: ").unwrap();
            let seconds = seconds.strip_suffix(" s").unwrap().replace(',', ".");
            seconds.parse::<f64>().unwrap()
        };
        // Eine ganze Sekunde ist es nur, wenn sonst niemand rechnen will.
        assert!(seconds("Heiße Schleife") > seconds("Event Loop"));
        assert!(seconds("Event Loop") <= 0.03);
    }
}

// ---- ein Stau ----

#[test]
fn whoever_pauses_gets_everything_later_complete_and_in_order() {
    const LINES: usize = 4000;
    let (server, address) = Program::server_with(SERVER, &["--queue", "16777216"]);
    // Ein kleiner Empfangspuffer: So staut sich das meiste im Server.
    let slow = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    slow.set_recv_buffer_size(64 * 1024).unwrap();
    slow.connect(&address.into()).unwrap();
    slow.set_read_timeout(Some(DEADLINE)).unwrap();
    let slow = join(&server, slow.into(), "Ben");
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

// ---- was den Anfang verhindert, und das Ende von Hand ----

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (_server, address) = Program::server(SERVER);
    let port = address.port().to_string();
    let sentence = format!(
        "Port {port} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
    );
    for server in [SERVER, HOT_LOOP] {
        refuses(server, &["--port", &port], &sentence, 1);
    }
}

#[test]
fn bad_switches_end_with_status_2() {
    for server in [SERVER, HOT_LOOP] {
        let sentence = "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.";
        refuses(server, &["--port", "viele"], sentence, 2);
    }
    let sentence = "Hinter --queue gehört eine Zahl ab 1, nicht „0“.";
    refuses(SERVER, &["--queue", "0"], sentence, 2);
    let sentence = "Den Schalter --queue gibt es nicht; siehe --help.";
    refuses(HOT_LOOP, &["--queue", "1"], sentence, 2);
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
fn ctrl_c_ends_both_servers_with_status_0_whoever_is_there() {
    for server in [SERVER, HOT_LOOP] {
        let (mut server, address) = Program::server(server);
        let mut anna = connect(address);
        anna.write_all(b"Anna\n").unwrap();
        server.interrupt();
        assert_eq!(server.status(), 0);
    }
}
