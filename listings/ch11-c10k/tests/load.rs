//! Der Lastgenerator gegen Server, die etwas falsch machen: Alles muss ihm auffallen. Und das
//! Programm von außen, mit und ohne `--json`.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Program, connect, deserted};
use ch11_c10k::load::{Load, PATIENCE, PENDING, Talked, Who};
use socket2::SockRef;

const LOAD: &str = env!("CARGO_BIN_EXE_ch11-load");

/// So lange redet die Last in diesen Tests.
const A_MOMENT: Duration = Duration::from_millis(20);
/// So lange wartet sie auf einen Server, von dem nichts mehr kommen wird.
const IMPATIENT: Duration = Duration::from_secs(2);

// ---- Server, die sich verschieden benehmen ----

/// Eine Zeile, wie der Server sie sieht.
struct Asked {
    /// Die Nummer der Verbindung und die laufende Nummer, wie sie in der Zeile stehen.
    connection: usize,
    running: usize,
    bytes: Vec<u8>,
    stream: TcpStream,
}

impl Asked {
    fn is(&self, connection: usize, running: usize) -> bool {
        (self.connection, self.running) == (connection, running)
    }

    fn echo(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.bytes)
    }
}

/// Ein Server mit einem Thread je Verbindung; wie er eine Zeile beantwortet, sagt `answer`.
fn server(
    answer: impl Fn(&mut Asked) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("ein Port ist frei");
    let address = listener.local_addr().expect("er ist gebunden");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            // Ein Fehler beendet die Verbindung: Die Last ist gegangen, oder der Server will es.
            thread::spawn(move || answer_all(stream, &*answer));
        }
    });
    address
}

fn answer_all(
    stream: TcpStream,
    answer: &dyn Fn(&mut Asked) -> io::Result<()>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let number = |index| line.split(' ').nth(index).and_then(|word| word.parse().ok());
        answer(&mut Asked {
            connection: number(0).expect(&line),
            running: number(1).expect(&line),
            stream: stream.try_clone()?,
            bytes: line.into_bytes(),
        })?;
    }
}

/// Ein Server, der nur auf die eine Zeile anders antwortet.
fn faulty(
    connection: usize,
    running: usize,
    fault: impl Fn(&mut Asked) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    server(move |asked| match asked.is(connection, running) {
        true => fault(asked),
        false => asked.echo(),
    })
}

fn gather(address: SocketAddr, count: usize) -> Result<Load, String> {
    Load::gather(connect(address), count, PATIENCE)
}

/// Was ein Satz über einen Server sagt, dem vier Verbindungen gegenüberstehen.
fn complaint(address: SocketAddr) -> String {
    complaint_after(PATIENCE, address)
}

fn complaint_after(patience: Duration, address: SocketAddr) -> String {
    let mut load = match Load::gather(connect(address), 4, patience) {
        Ok(load) => load,
        Err(failure) => return failure,
    };
    // Wie viele Runden in den Augenblick passen, hängt vom Rechner ab: Geredet wird, bis die fehlerhafte dabei war.
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Err(failure) = load.talk(Who::All, A_MOMENT) {
            return failure;
        }
    }
    panic!("der Fehler fällt nicht auf");
}

fn line(connection: usize, running: usize) -> String {
    format!("{connection:06} {running:013} Hörst du?")
}

// ---- ein ehrlicher Server ----

#[test]
fn every_line_is_counted_once_and_everyone_gets_a_turn() {
    let seen = Arc::new(Mutex::new(BTreeMap::<usize, u64>::new()));
    let count = Arc::clone(&seen);
    let address = server(move |asked| {
        *count.lock().unwrap().entry(asked.connection).or_default() += 1;
        asked.echo()
    });
    let mut load = Load::gather(connect(address), 150, PATIENCE).unwrap();
    let total = || seen.lock().unwrap().values().sum::<u64>();
    assert_eq!(total(), 150);

    let all = load.talk(Who::All, A_MOMENT).unwrap();
    plausible(&all);
    assert!(all.exchanges >= 150, "{all:?}");
    assert_eq!(total(), 150 + all.exchanges);

    let before = seen.lock().unwrap().clone();
    let mut few = 0;
    while few < 150 {
        let talked = load.talk(Who::Few, A_MOMENT).unwrap();
        plausible(&talked);
        few += talked.exchanges;
    }
    assert_eq!(total(), 150 + all.exchanges + few);
    // Reihum: Niemand war zweimal öfter dran als ein anderer.
    let after = seen.lock().unwrap();
    let turns: Vec<u64> = after.iter().map(|(key, count)| count - before[key]).collect();
    let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
    assert!(*least >= 1 && most - least <= 1, "{turns:?}");
}

fn plausible(talked: &Talked) {
    assert!(talked.time >= A_MOMENT, "{talked:?}");
    assert!(
        0 < talked.p50_nanos && talked.p50_nanos <= talked.p99_nanos,
        "{talked:?}"
    );
    let longest = talked.time.as_nanos() as u64 * 101 / 100;
    assert!(talked.p99_nanos <= longest, "{talked:?}");
    if cfg!(unix) {
        let cpu = talked.cpu.expect("Unix sagt es");
        // Der Server läuft im selben Prozess mit; mehr als alle Kerne gibt es nicht.
        let cores = thread::available_parallelism().map_or(1, usize::from) as u32;
        assert!(
            !cpu.is_zero() && cpu <= talked.time * (cores + 1),
            "{talked:?}"
        );
    }
}

/// Bleiben alle Antworten aus, zeigt sich, wie viele unterwegs waren.
#[test]
fn few_are_one_in_a_hundred_and_all_are_all() {
    // Bis die Geduld der Last am Ende ist, vergeht Zeit: beides zugleich.
    let loses_patience = |who, under_way| {
        let address = server(|asked| match asked.running {
            1 => asked.echo(),
            _ => Ok(()),
        });
        let mut load = Load::gather(connect(address), 250, IMPATIENT).unwrap();
        let sentence = load.talk(who, A_MOMENT).unwrap_err();
        assert!(
            sentence.contains(&format!("(ausstehend: {under_way})")),
            "{sentence}"
        );
    };
    thread::scope(|scope| {
        scope.spawn(|| loses_patience(Who::All, 250));
        loses_patience(Who::Few, 2);
    });
}

#[test]
fn one_connection_alone_is_all_and_few() {
    let mut load = gather(server(Asked::echo), 1).unwrap();
    for who in [Who::All, Who::Few] {
        assert!(load.talk(who, A_MOMENT).unwrap().exchanges > 0);
    }
}

#[test]
fn an_answer_in_pieces_is_one_answer() {
    let address = server(|asked| {
        for piece in asked.bytes.chunks(5) {
            asked.stream.write_all(piece)?;
            thread::yield_now(); // damit die Last auch einzelne Stücke zu sehen bekommt
        }
        Ok(())
    });
    let mut load = gather(address, 4).unwrap();
    assert!(load.talk(Who::All, A_MOMENT).unwrap().exchanges >= 4);
}

#[test]
fn an_answer_that_takes_long_is_a_long_time() {
    // Nur jede zwanzigste Antwort lässt auf sich warten: p50 ist kurz, p99 lang.
    let pause = Duration::from_millis(10);
    let address = server(move |asked| {
        if asked.running % 20 == 0 {
            thread::sleep(pause);
        }
        asked.echo()
    });
    let mut load = gather(address, 1).unwrap();
    let talked = load.talk(Who::All, A_MOMENT * 5).unwrap();
    assert!(
        u128::from(talked.p99_nanos) >= pause.as_nanos(),
        "{talked:?}"
    );
    assert!(
        u128::from(talked.p50_nanos) < pause.as_nanos(),
        "{talked:?}"
    );
}

// ---- Fehler ----

#[test]
fn a_lost_answer_is_noticed_when_all_others_are_there() {
    let address = faulty(3, 2, |_| Ok(()));
    assert_eq!(
        complaint_after(IMPATIENT, address),
        format!(
            "Seit 2 s kommt keine Antwort mehr (ausstehend: 1): Verbindung 3 wartet \
             vergeblich auf „{}“.",
            line(3, 2)
        )
    );
}

#[test]
fn a_doubled_answer_is_noticed() {
    let address = faulty(3, 2, |asked| asked.stream.write_all(&asked.bytes.repeat(2)));
    let sentence = format!("Verbindung 3 bekommt zu viel: „{}“.", line(3, 2));
    assert_eq!(complaint(address), sentence);
}

#[test]
fn an_answer_doubled_at_the_very_end_is_noticed_by_the_silence_that_is_none() {
    // Die zweite Antwort kommt im selben Augenblick wie die erste einer anderen Verbindung,
    // und danach kommt nichts mehr.
    let address = faulty(1, 1, |asked| asked.stream.write_all(&asked.bytes.repeat(2)));
    let sentence = format!("Verbindung 1 bekommt zu viel: „{}“.", line(1, 1));
    assert_eq!(gather(address, 1).err(), Some(sentence));
}

/// Was lange nach der letzten Antwort kommt, fällt am Ende auf.
#[test]
fn words_after_the_last_answer_are_noticed_at_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let args = ["--port", &port, "--connections", "1", "--json"];
    let mut load = Program::start(LOAD, &args);
    let mut stream = listener.accept().unwrap().0;
    echo_once(&stream);
    assert_eq!(field(&load.line(), "phase"), "\"connected\"");
    stream.write_all(b"Und noch etwas.\n").unwrap();
    load.end_input();
    assert_eq!(
        load.line(),
        "Verbindung 1 bekommt zu viel: „Und noch etwas.“."
    );
    assert_eq!(load.status(), 1);
}

#[test]
fn an_old_answer_before_the_new_one_is_noticed() {
    let address = faulty(3, 3, |asked| {
        let old = format!("{}\n", line(3, 2));
        asked.stream.write_all(&[old.as_bytes(), &asked.bytes].concat())
    });
    let sentence = format!(
        "Verbindung 3 bekommt „{}“ statt „{}“: Eine Antwort ist verloren, verdoppelt oder \
         vertauscht.",
        line(3, 2),
        line(3, 3)
    );
    assert_eq!(complaint(address), sentence);
}

/// Hält die Antwort der Verbindung 2 zurück, bis auch 3 fragt, und gibt dann jeder die der
/// anderen.
#[test]
fn swapped_answers_are_noticed() {
    let held = Mutex::new(None::<(Vec<u8>, TcpStream)>);
    let address = server(move |asked| {
        if asked.running != 2 || ![2, 3].contains(&asked.connection) {
            return asked.echo();
        }
        let mut held = held.lock().unwrap();
        match held.take() {
            None => *held = Some((asked.bytes.clone(), asked.stream.try_clone()?)),
            Some((bytes, mut stream)) => {
                asked.stream.write_all(&bytes)?;
                stream.write_all(&asked.bytes)?;
            }
        }
        Ok(())
    });
    let swapped = |mine, other| {
        format!(
            "Verbindung {mine} bekommt „{}“ statt „{}“: Eine Antwort ist verloren, verdoppelt \
             oder vertauscht.",
            line(other, 2),
            line(mine, 2)
        )
    };
    let complaint = complaint(address);
    assert!(
        [swapped(2, 3), swapped(3, 2)].contains(&complaint),
        "{complaint}"
    );
}

#[test]
fn a_single_wrong_byte_is_noticed_and_control_characters_do_not_reach_the_screen() {
    let address = faulty(4, 2, |asked| {
        asked.bytes[25] = 0x1b;
        asked.echo()
    });
    let sentence = complaint(address);
    let wrong = line(4, 2).replace("st du", "\\u{1b}t du");
    assert!(
        sentence.starts_with(&format!("Verbindung 4 bekommt „{wrong}“ ")),
        "{sentence}"
    );
}

#[test]
fn a_greeting_is_not_an_answer() {
    let address = faulty(1, 1, |asked| {
        asked.stream.write_all(b"Willkommen!\n")?;
        asked.echo()
    });
    let sentence = complaint(address);
    assert!(
        sentence.starts_with("Verbindung 1 bekommt „Willkommen!“ statt"),
        "{sentence}"
    );
}

#[test]
fn words_to_someone_who_has_not_asked_are_noticed() {
    // Eine von hundert redet; der Server sagt dazu auch einer anderen etwas.
    let streams = Mutex::new(BTreeMap::<usize, TcpStream>::new());
    let address = server(move |asked| {
        let mut streams = streams.lock().unwrap();
        streams.insert(asked.connection, asked.stream.try_clone()?);
        if asked.running == 2 {
            let idle = if asked.connection == 7 { 8 } else { 7 };
            (&streams[&idle]).write_all(b"Psst!\n")?;
        }
        drop(streams);
        asked.echo()
    });
    let mut load = gather(address, 100).unwrap();
    let sentence = load.talk(Who::Few, A_MOMENT).unwrap_err();
    assert!(
        sentence.ends_with("bekommt zu viel: „Psst!“."),
        "{sentence}"
    );
}

#[test]
fn a_connection_closed_in_the_middle_of_an_answer_is_named() {
    let address = faulty(2, 2, |asked| {
        asked.stream.write_all(&asked.bytes[..10])?;
        asked.stream.shutdown(Shutdown::Both)
    });
    assert_eq!(
        complaint(address),
        "Verbindung 2 ist vom Server geschlossen worden."
    );
}

#[test]
fn a_connection_reset_is_named() {
    let address = faulty(2, 2, |asked| {
        SockRef::from(&asked.stream).set_linger(Some(Duration::ZERO))?;
        Err(ErrorKind::Other.into())
    });
    assert_eq!(
        complaint(address),
        "Verbindung 2 ist abgerissen: die Gegenseite hat die Verbindung abgebrochen."
    );
}

#[test]
fn a_server_that_never_answers_loses_the_patience_of_the_load() {
    let address = server(|_| Ok(()));
    assert_eq!(
        complaint_after(IMPATIENT, address),
        "Seit 2 s kommt keine Antwort: Von 4 Verbindungen hat der Server 0 bedient."
    );
}

/// `connect` gelingt auch, wenn niemand annimmt: Nur die Antworten zählen.
#[test]
fn a_server_that_serves_only_two_has_not_four_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let two: Vec<_> = listener.incoming().take(2).map(Result::unwrap).collect();
        for stream in &two {
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut line = String::new();
                    BufReader::new(stream).read_line(&mut line).unwrap();
                    { stream }.write_all(line.as_bytes()).unwrap();
                });
            });
        }
        (listener, two) // bleiben offen
    });
    assert_eq!(
        complaint_after(IMPATIENT, address),
        "Seit 2 s kommt keine Antwort: Von 4 Verbindungen hat der Server 2 bedient."
    );
    server.join().unwrap();
}

#[test]
fn a_server_that_stops_listening_refuses_the_later_ones() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let first = connect(listener.local_addr().unwrap());
    let accepted = listener.accept().unwrap();
    drop(listener);
    let sentence = Load::gather(first, 4, PATIENCE).err().expect("niemand lauscht mehr");
    let expected = "kommt nicht zustande: Dort lauscht niemand mehr.";
    assert!(
        sentence.starts_with("Verbindung 2 ") && sentence.ends_with(expected),
        "{sentence}"
    );
    drop(accepted);
}

// ---- wie die Verbindungen zustande kommen und enden ----

/// Solange keine Antwort kommt, stehen hundert Verbindungen aus; mit jeder Antwort kommt
/// genau eine dazu.
#[test]
fn never_are_more_than_a_hundred_without_their_first_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let load = thread::spawn(move || Load::gather(connect(address), 130, PATIENCE));
    let (sender, arrivals) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = sender.send(stream);
        }
    });

    let mut streams: Vec<TcpStream> = (0..PENDING).map(|_| arrival(&arrivals)).collect();
    assert!(
        arrivals.recv_timeout(Duration::from_millis(50)).is_err(),
        "zu viele warten"
    );
    for index in 0..30 {
        echo_once(&streams[index]);
        streams.push(arrival(&arrivals));
        assert!(
            arrivals.try_recv().is_err(),
            "eine Antwort, zwei neue Verbindungen"
        );
    }
    streams[30..].iter().for_each(echo_once);
    assert!(load.join().unwrap().is_ok());
}

fn arrival(arrivals: &Receiver<TcpStream>) -> TcpStream {
    arrivals.recv_timeout(DEADLINE).expect("die Last verbindet sich")
}

fn echo_once(mut stream: &TcpStream) {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("die Last schreibt");
    stream.write_all(line.as_bytes()).expect("die Last liest");
}

/// Ein abgebrochener Port ist sofort wieder frei, ein verabschiedeter bleibt eine Minute.
#[test]
fn the_end_leaves_no_port_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let load = thread::spawn(move || Load::gather(connect(address), 3, PATIENCE));
    let streams: Vec<TcpStream> = listener.incoming().take(3).map(Result::unwrap).collect();
    streams.iter().for_each(echo_once);
    drop(load.join().unwrap().unwrap());
    for stream in &streams {
        let end = BufReader::new(stream).read_line(&mut String::new());
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

// ---- das Programm ----

/// Startet die Last gegen einen ehrlichen Server.
fn start(args: &[&str]) -> Program {
    let port = server(Asked::echo).port().to_string();
    Program::start(LOAD, &[&["--port", &port], args].concat())
}

/// Das Feld eines flachen JSON-Objekts.
fn field<'a>(json: &'a str, name: &str) -> &'a str {
    let (_, rest) = json.split_once(&format!("\"{name}\":")).expect(json);
    &rest[..rest.find([',', '}']).expect(json)]
}

fn number(json: &str, name: &str) -> u64 {
    field(json, name).parse().expect(json)
}

#[test]
fn a_program_drives_it_with_commands_and_gets_json() {
    let mut load = start(&["--connections", "120", "--json"]);
    let connected = load.line();
    assert_eq!(field(&connected, "phase"), "\"connected\"");
    assert_eq!(number(&connected, "connections"), 120);
    assert!(number(&connected, "micros") > 0);
    for phase in ["all", "few", "all"] {
        load.type_line(&format!("{phase} 0.02"));
        let json = load.line();
        assert_eq!(field(&json, "phase"), format!("\"{phase}\""));
        assert!(
            number(&json, "micros") >= 20_000 && number(&json, "exchanges") > 0,
            "{json}"
        );
        let [p50, p99] = ["p50_nanos", "p99_nanos"].map(|name| number(&json, name));
        assert!(0 < p50 && p50 <= p99, "{json}");
        if cfg!(unix) {
            assert!(number(&json, "cpu_micros") > 0, "{json}");
        }
        assert_eq!(json.matches(':').count(), 6, "{json}");
    }
    load.end_input();
    assert_eq!(load.status(), 0);
}

/// Zwischen den Befehlen rechnet niemand: Dann wird gemessen, was ruhende Verbindungen
/// kosten.
#[cfg(target_os = "linux")]
#[test]
fn between_commands_it_does_not_even_wake_up() {
    let load = start(&["--connections", "50", "--json"]);
    load.line();
    let switches = || {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", load.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
        (line.to_owned(), status.contains("State:\tS"))
    };
    let start = std::time::Instant::now();
    while !switches().1 {
        assert!(start.elapsed() < DEADLINE, "es schläft nicht");
        thread::yield_now();
    }
    let before = switches();
    load.stays_quiet(Duration::from_millis(100));
    assert_eq!(before, switches());
}

#[test]
fn an_unknown_command_ends_it_with_a_sentence() {
    for (command, sentence) in [
        (
            "alle 1",
            "Befehle sind „all SEKUNDEN“ und „few SEKUNDEN“, nicht „alle 1“.",
        ),
        (
            "all bald",
            "Die Dauer muss eine Zahl von Sekunden über 0 und bis 3600 sein, nicht „bald“.",
        ),
    ] {
        let mut load = start(&["--connections", "1", "--json"]);
        load.line();
        load.type_line(command);
        assert_eq!((load.line(), load.status()), (sentence.into(), 1));
    }
}

#[test]
fn people_get_sentences() {
    let mut load = start(&["--connections", "100", "--seconds", "0.02"]);
    let first = load.line();
    let beginning = "100 Verbindungen, jede hat ihre erste Antwort, nach ";
    let seconds = first.strip_prefix(beginning).and_then(|rest| rest.strip_suffix(" s."));
    let (whole, hundredths) = seconds.and_then(|time| time.split_once(',')).expect(&first);
    // Wie lange es dauert, hängt davon ab, was der Rechner sonst zu tun hat.
    assert!(
        whole.parse::<u32>().is_ok() && hundredths.len() == 2,
        "{first}"
    );
    for title in ["Alle reden: ", "Eine von hundert: "] {
        for (beginning, end) in [
            (title, " Antworten/s"),
            ("  Hälfte bis ", " ms"),
            ("  99 % bis ", " ms"),
        ] {
            let line = load.line();
            let number =
                line.strip_prefix(beginning).and_then(|rest| rest.strip_suffix(end));
            let number = number.expect(&line).replace(',', ".");
            let number: f64 = number.parse().expect("eine Zahl");
            assert!(number > 0.0, "{line}");
        }
        let share = load.line();
        assert!(share.starts_with("  eigene Last "), "{share}");
    }
    assert_eq!(load.status(), 0);
}

#[test]
fn what_the_server_did_wrong_is_said_and_the_status_is_1() {
    let port = faulty(2, 2, |asked| asked.stream.shutdown(Shutdown::Both)).port();
    let args = ["--port", &port.to_string(), "--connections", "3", "--json"];
    let mut load = Program::start(LOAD, &args);
    load.line();
    load.type_line("all 0.02");
    assert_eq!(
        load.line(),
        "Verbindung 2 ist vom Server geschlossen worden."
    );
    assert_eq!(load.status(), 1);
}

#[test]
fn without_a_server_there_is_one_sentence() {
    let (_nobody, address) = deserted();
    let mut load = Program::start(LOAD, &["--port", &address.port().to_string()]);
    let sentence = format!("Keine Verbindung zu {address}: Läuft der Server?");
    assert_eq!((load.line(), load.status()), (sentence, 1));
}

#[test]
fn bad_switches_end_it_with_status_2() {
    for (switch, value, sentence) in [
        (
            "--connections",
            "0",
            "Hinter --connections gehört eine Zahl von 1 bis 999999, nicht „0“.",
        ),
        (
            "--connections",
            "1000000",
            "Hinter --connections gehört eine Zahl von 1 bis 999999, nicht „1000000“.",
        ),
        (
            "--seconds",
            "NaN",
            "Die Dauer muss eine Zahl von Sekunden über 0 und bis 3600 sein, nicht „NaN“.",
        ),
        (
            "--seconds",
            "3601",
            "Die Dauer muss eine Zahl von Sekunden über 0 und bis 3600 sein, nicht „3601“.",
        ),
        (
            "--model",
            "x",
            "Den Schalter --model gibt es nicht; siehe --help.",
        ),
    ] {
        let mut load = Program::start(LOAD, &[switch, value]);
        assert_eq!((load.line(), load.status()), (sentence.into(), 2));
    }
}

/// Vierzig Dateien, sechzehn davon braucht das Programm selbst.
#[cfg(unix)]
#[test]
fn where_files_do_not_suffice_fewer_connections_are_opened_and_it_says_so() {
    let port = server(Asked::echo).port().to_string();
    let script = "ulimit -n 40 && exec \"$0\" --port \"$1\" --connections 1000 --json";
    let mut load = Program::start("/bin/sh", &["-c", script, LOAD, &port]);
    let sentence =
        "Für 1000 Verbindungen darf dieser Prozess zu wenig Dateien öffnen: Es werden 24.";
    // stderr und stdout kommen hier in irgendeiner Ordnung an.
    let mut lines = [load.line(), load.line()];
    lines.sort_by_key(|line| line.starts_with('{'));
    assert_eq!(lines[0], sentence);
    assert_eq!(number(&lines[1], "connections"), 24);
    load.end_input();
    assert_eq!(load.status(), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_at_once() {
    let mut load = start(&["--connections", "10", "--seconds", "3600"]);
    load.line(); // alle sind da: Jetzt wird geredet
    load.interrupt();
    assert_eq!(load.status(), 0);
}
