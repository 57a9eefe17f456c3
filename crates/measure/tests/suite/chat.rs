//! The measurements: the load generator believes no server, what the repository keeps is what its JSON says,
//! and the Python server it compares with speaks the chat protocol. How fast anything is, no test says.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use measure::chat;
use measure::chat::load::Crowd;
use measure::chat::report::{ChatReport, ChatServer, Round, Throughput};
use measure::{kept, machine};
use programs::processes::Launch;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const RECEIVERS: usize = 5;
/// One line alone has the number 0, the burst behind it 1 to 20.
const LINES: usize = 20;
const ONCE: Duration = Duration::ZERO;

/// What a made-up server does with the line of that number on its way to a receiver.
type Fault = fn(number: usize, receiver: usize, line: &str) -> String;

/// A chat server for a small crowd, with a fault. It knows its guests and lives as long as they do.
fn faulty_server(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut guests: Vec<TcpStream> = Vec::new();
        for _ in 0..=RECEIVERS {
            let (stream, _) = listener.accept().unwrap();
            let mut name = String::new();
            // Byte by byte: nothing behind the name may get lost.
            while !name.ends_with('\n') {
                let mut byte = [0];
                (&stream).read_exact(&mut byte).unwrap();
                name.push(byte[0].into());
            }
            let line = format!("* {} ist da\n", name.trim_end());
            for guest in &mut guests {
                guest.write_all(line.as_bytes()).unwrap();
            }
            guests.push(stream);
        }
        let speaker = BufReader::new(guests[0].try_clone().unwrap());
        for (number, text) in speaker.lines().enumerate() {
            let Ok(text) = text else { return };
            let line = format!("Anna: {text}\n");
            for (receiver, mut guest) in guests.iter().enumerate() {
                let line = match receiver {
                    0 => fault(number, 0, ""),
                    receiver => fault(number, receiver, &line),
                };
                // A crowd that has seen the fault hangs up.
                if guest.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        }
    });
    address
}

/// What the crowd says about a server with that fault.
fn verdict(fault: Fault) -> anyhow::Result<u64> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let mut crowd = Crowd::gather(faulty_server(fault), RECEIVERS as u64, &cancelled)?;
    crowd.patience = Duration::from_secs(1);
    crowd.speak(1, ONCE)?;
    let burst = crowd.speak(LINES, ONCE)?;
    // What came too much after the last line shows at the next one.
    crowd.speak(1, ONCE)?;
    Ok(burst.deliveries)
}

#[test]
fn every_delivery_of_an_honest_server_is_counted() {
    let deliveries = verdict(|_, _, line| line.into());
    assert_eq!(deliveries.unwrap(), (RECEIVERS * LINES) as u64);
}

#[test]
fn a_lost_line_fails_the_run() {
    let message = verdict(|number, receiver, line| match (number, receiver) {
        (5, 3) => String::new(),
        _ => line.to_owned(),
    })
    .unwrap_err()
    .to_string();
    assert_eq!(
        message,
        "Der Server hat dem 3. Empfänger „Anna: 00000007 Treffen wir uns um acht vor dem Kino?“ \
         statt „Anna: 00000006 Treffen wir uns um acht vor dem Kino?“ geschickt: \
         Eine Zeile ist verloren, verdoppelt oder vertauscht."
    );
    // Nothing comes behind the last one that would show the gap.
    let message = verdict(|number, receiver, line| match (number, receiver) {
        (LINES, 1 | 2) => String::new(),
        _ => line.to_owned(),
    })
    .unwrap_err()
    .to_string();
    assert_eq!(
        message,
        "Seit 1 s kommt nichts mehr an, obwohl Empfänger noch warten, 2 an der Zahl: \
         Der Server hat Zeilen verloren."
    );
}

#[test]
fn a_doubled_line_fails_the_run() {
    let first: Fault = |number, receiver, line| match (number, receiver) {
        (0, 5) => line.repeat(2),
        _ => line.to_owned(),
    };
    let in_a_burst: Fault = |number, receiver, line| match (number, receiver) {
        (10, 1) => line.repeat(2),
        _ => line.to_owned(),
    };
    for (fault, receiver) in [(first, 5), (in_a_burst, 1)] {
        let message = verdict(fault).unwrap_err().to_string();
        let expected = format!("Der Server hat dem {receiver}. Empfänger ");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn an_altered_line_is_shown_beside_the_right_one() {
    let message = verdict(|number, receiver, line| match (number, receiver) {
        (0, 2) => line.replace("Kino", "Dorf"),
        _ => line.to_owned(),
    })
    .unwrap_err()
    .to_string();
    assert_eq!(
        message,
        "Der Server hat dem 2. Empfänger „Anna: 00000001 Treffen wir uns um acht vor dem Dorf?“ \
         statt „Anna: 00000001 Treffen wir uns um acht vor dem Kino?“ geschickt: \
         Eine Zeile ist verloren, verdoppelt oder vertauscht."
    );
}

#[test]
fn an_echo_to_the_speaker_fails_the_run() {
    let message = verdict(|_, receiver, line| match receiver {
        0 => "Echo\n".into(),
        _ => line.to_owned(),
    })
    .unwrap_err()
    .to_string();
    assert_eq!(
        message,
        "Der Server hat dem Sender eine Zeile zu viel geschickt: „Echo“."
    );
}

#[test]
fn a_server_that_hangs_up_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 100]);
        }
    });
    let cancelled = Arc::new(AtomicBool::new(false));
    let message = Crowd::gather(address, 1, &cancelled).map(drop).unwrap_err().to_string();
    assert!(
        message.starts_with("Der Server hat dem ") && message.ends_with(" aufgelegt."),
        "{message}"
    );
}

#[test]
fn ctrl_c_ends_the_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let cancelled = Arc::new(AtomicBool::new(true));
    let message = Crowd::gather(address, 1, &cancelled).map(drop).unwrap_err().to_string();
    assert_eq!(message, "Mit Strg+C abgebrochen.");
}

/// What chapters 6, 8 and 10 read off the kept table follows from the numbers beside it.
#[test]
fn what_the_chapter_says_about_the_chat_servers_follows_from_the_measurement() {
    let json = fs::read_to_string(Path::new(ROOT).join(chat::file())).unwrap();
    let report: ChatReport = serde_json::from_str(&json).unwrap();
    assert_eq!(kept::json(&report), json.replace("\r\n", "\n"));
    let server = |name: &str| {
        let found = report.servers.iter().find(|server| server.name == name);
        found.unwrap_or_else(|| panic!("{name} fehlt in der Messung"))
    };
    let rate = |rounds: &[Round]| Throughput::of(rounds).unwrap().rate.median;
    let (threads, event_loop) = (server("ch05-server"), server("ch06-server"));
    let (one, all) = (
        server("ch08-server, 1 Thread"),
        server("ch08-server, alle Kerne"),
    );
    let asyncio = server("asyncio");
    let ours = [threads, event_loop, one, all];
    for ours in ours {
        let single = rate(&ours.single) / rate(&asyncio.single);
        assert!((0.8..3.0).contains(&single), "„nahe beieinander“: {single}");
        let bursts = rate(&ours.bursts) / rate(&asyncio.bursts);
        assert!(bursts >= 3.0, "„um ein Vielfaches“: {bursts}");
    }
    let memory = ours.map(|server| server.bytes_per_connection.unwrap());
    let [of_threads, of_event_loop, of_tasks, _] = memory;
    assert!(of_threads > 5 * of_event_loop, "„gewinnt wirklich“");
    assert!(
        of_event_loop < of_tasks && of_tasks < of_threads,
        "„dazwischen“"
    );
    assert!(
        (10 << 10..13 << 10).contains(&of_tasks),
        "„gut 10 KiB“ (chapter 10)"
    );
    assert!(
        matches!(threads.threads, Some(2000..)),
        "„gut 2.000 Threads“"
    );

    // Chapter 8: what the second core brings, and that threads are not slower.
    let gain = |rounds: fn(&ChatServer) -> &[Round]| rate(rounds(all)) / rate(rounds(one));
    assert!(gain(|server| &server.bursts) > 1.2, "„deutlich mehr“");
    assert!(
        (0.8..1.2).contains(&gain(|server| &server.single)),
        "„nichts“"
    );
    for tasks in [one, all] {
        assert!(
            rate(&threads.single) >= rate(&tasks.single),
            "„nicht langsamer“"
        );
        assert!(rate(&threads.bursts) > rate(&tasks.bursts), "„vorn“");
    }
}

// ---- the Python server ----

/// A client that speaks raw bytes.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr, name: &str) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        let deadline = Some(Duration::from_secs(10));
        stream.set_read_timeout(deadline).unwrap();
        let mut client = Client(BufReader::new(stream));
        client.send(&format!("{name}\n"));
        client
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The next line; empty at the end of the stream.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }
}

/// The first line that either of them gets.
fn first_line(one: &mut Client, other: &mut Client) -> String {
    for client in [&one, &other] {
        client.0.get_ref().set_nonblocking(true).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut lines = [String::new(), String::new()];
    while !lines.iter().any(|line| line.ends_with('\n')) {
        assert!(Instant::now() < deadline, "neither hears of the other");
        // Nothing there yet is an error here, and no reason to give up.
        let _ = one.0.read_line(&mut lines[0]);
        let _ = other.0.read_line(&mut lines[1]);
        thread::yield_now();
    }
    for client in [&one, &other] {
        client.0.get_ref().set_nonblocking(false).unwrap();
    }
    lines.concat()
}

#[test]
fn the_python_server_speaks_the_chat_protocol() {
    let otherwise = "python3 ist nicht installiert: Sein Chat-Server wird nicht geprüft.";
    if !testing::available(machine::python().is_some(), otherwise) {
        return;
    }
    let file = Path::new(ROOT).join("listings/ch06-event-loop-chat/python/broadcast.py");
    let mut command = Command::new("python3");
    command.arg(file).args(["--port", "0"]);
    let (sender, reports) = sync_channel(64);
    let _server = Launch::default().start(command, 0, &sender).unwrap();
    let ready = reports.recv_timeout(Duration::from_secs(10)).unwrap();
    let address = ready.line.as_deref().and_then(|line| line.rsplit(' ').next());
    let address: SocketAddr = address.unwrap().parse().unwrap();

    let mut anna = Client::connect(address, "Anna");
    let mut ben = Client::connect(address, "Ben");
    // Newcomers get no answer, but whoever the server knew first hears of the other.
    let greeting = first_line(&mut anna, &mut ben);
    let known = ["* Ben ist da\n", "* Anna ist da\n"];
    assert!(known.contains(&greeting.as_str()), "{greeting}");

    anna.send("Grüße\nund ");
    anna.send("noch eine\r\n\n");
    assert_eq!(ben.line(), "Anna: Grüße\n");
    assert_eq!(ben.line(), "Anna: und noch eine\n");
    assert_eq!(ben.line(), "Anna: \n");
    ben.send("Hallo\n");
    assert_eq!(anna.line(), "Ben: Hallo\n");

    ben.send("bye\n");
    assert_eq!(anna.line(), "* Ben ist weg\n");
    assert_eq!(ben.line(), "");
    let mut clara = Client::connect(address, "Clara");
    assert_eq!(anna.line(), "* Clara ist da\n");
    drop(anna);
    assert_eq!(clara.line(), "* Anna ist weg\n");
}
