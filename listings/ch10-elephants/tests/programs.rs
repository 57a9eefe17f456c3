//! Die Programme aus Kapitel 10, von außen: was bei Fehlern geschieht, was der Dienst aushält und was eine Herde
//! kostet. Wie lange drei Elefanten nacheinander, zugleich und in der Falle brauchen, zeigen und prüfen die Szenen.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, Program, connect, deserted, refuses};
use socket2::Socket;

const SERVICE: &str = env!("CARGO_BIN_EXE_ch10-service");
const VISITOR: &str = env!("CARGO_BIN_EXE_ch10-visitor");
const HERD: &str = env!("CARGO_BIN_EXE_ch10-herd");
const TRAP: &str = env!("CARGO_BIN_EXE_ch10-blocking-trap");
const FAILURES: &str = env!("CARGO_BIN_EXE_ch10-failures");

const MIA: &str = "Mia erinnert sich an das Wasserloch hinter dem dritten Hügel.";
const BENNO: &str = "Benno erinnert sich an den Pfleger, der bei Regen sang.";
const UNKNOWN: &str = "! Diesen Elefanten kennt die Cloud nicht.";

/// Die nächsten Zeilen.
fn lines<const COUNT: usize>(program: &Program) -> [String; COUNT] {
    std::array::from_fn(|_| program.line())
}

/// Das Programm druckt, dass es mindestens so viele Sekunden brauchte und weniger als die zwei, nach denen alle
/// Antworten da wären.
fn took_at_least(program: &Program, title: &str, least: f64) {
    let line = program.line();
    let seconds = line.strip_prefix(&format!("{title}: "));
    let seconds = seconds.and_then(|rest| rest.strip_suffix(" s")).expect(&line);
    let seconds: f64 = seconds.replace(',', ".").parse().expect("eine Zahl");
    assert!((least..2.0).contains(&seconds), "{line}");
}

// ---- drei Elefanten ----

#[test]
fn an_error_drops_the_other_questions_and_who_is_late_is_not_waited_for() {
    let mut program = Program::start(FAILURES, &[]);
    let asked: [String; 3] = lines(&program);
    assert_eq!(asked, ["Mia: gefragt", "Jumbo: gefragt", "Tonga: gefragt"]);
    let dropped: [String; 2] = lines(&program);
    assert_eq!(
        dropped,
        ["Mia: Frage fallen gelassen", "Tonga: Frage fallen gelassen"]
    );
    took_at_least(&program, "alle oder keiner", 0.5);
    let error = "Fehler: Jumbo: Diesen Elefanten kennt die Cloud nicht.";
    assert_eq!(program.line(), error);
    took_at_least(&program, "höchstens 1 s", 1.0);
    assert_eq!(lines(&program), [MIA, "zu spät"]);
    assert_eq!(program.status(), 0);
}

// ---- der Dienst ----

/// Ein Besucher, der Zeilen schickt und liest.
struct Visitor(BufReader<TcpStream>);

impl Visitor {
    fn new(address: SocketAddr) -> Visitor {
        Visitor(BufReader::new(connect(address)))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("der Dienst antwortet rechtzeitig");
        line.strip_suffix('\n').expect("eine ganze Zeile").into()
    }

    fn ask(&mut self, name: &str) -> String {
        self.send(format!("{name}\n").as_bytes());
        self.line()
    }
}

#[test]
fn an_answer_takes_two_seconds_and_what_was_sent_behind_it_is_answered_after_it() {
    let (server, address) = Program::server(SERVICE);
    let mut visitor = Visitor::new(address);
    let start = Instant::now();
    visitor.send(b"Mi");
    visitor.send(b"a\n\r\n\xFF\n"); // und gleich weiter, ohne zu warten
    visitor.0.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(visitor.line(), MIA);
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(visitor.line(), "! Der Name fehlt.");
    assert_eq!(visitor.line(), "! Die Zeile ist kein gültiges UTF-8.");
    assert_eq!(visitor.0.read_to_end(&mut Vec::new()).unwrap(), 0); // der Dienst legt danach auf
    assert_eq!(server.line(), "Gesucht: Mia");
}

#[test]
fn two_hundred_visitors_wait_at_the_same_time() {
    let (server, address) = Program::server(SERVICE);
    let start = Instant::now();
    let mut visitors: Vec<_> = (0..200).map(|_| Visitor::new(address)).collect();
    for visitor in &mut visitors {
        visitor.send(b"Benno\n");
    }
    for _ in 0..200 {
        assert_eq!(server.line(), "Gesucht: Benno");
    }
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()));
        let status = status.unwrap();
        let threads = status.lines().find_map(|line| line.strip_prefix("Threads:"));
        assert_eq!(threads.unwrap().trim(), "2"); // der zweite wartet auf Strg+C
    }
    for visitor in &mut visitors {
        assert_eq!(visitor.line(), BENNO);
    }
    // Nacheinander wären es 400 Sekunden.
    assert!(start.elapsed() < DEADLINE);
}

#[test]
fn broken_lines_are_refused_and_the_next_one_is_answered() {
    let (server, address) = Program::server(SERVICE);
    let mut visitor = Visitor::new(address);
    visitor.send(b"\xC3\x28\n");
    assert_eq!(visitor.line(), "! Die Zeile ist kein gültiges UTF-8.");
    // Die Zeile ist noch nicht zu Ende, aber schon zu lang.
    visitor.send(&[b'x'; 8193]);
    assert_eq!(visitor.line(), "! Zeile zu lang: mehr als 8192 Bytes.");
    visitor.send(&[b'x'; 100_000]);
    // Was am Bildschirm des Dienstes erscheint, stellt ihn nicht um.
    assert_eq!(visitor.ask("xx\n\x1b[2J"), UNKNOWN);
    assert_eq!(server.line(), "Gesucht: \\u{1b}[2J");
}

#[test]
fn who_resets_or_leaves_in_the_middle_harms_nobody() {
    let (server, address) = Program::server(SERVICE);
    let mut mia = Visitor::new(address);
    mia.send(b"Mia\n");
    assert_eq!(server.line(), "Gesucht: Mia");
    for line in ["Benno\n", "Ben"] {
        let mut rude = connect(address);
        rude.write_all(line.as_bytes()).unwrap();
        if line.ends_with('\n') {
            assert_eq!(server.line(), "Gesucht: Benno");
        }
        let rude = Socket::from(rude);
        rude.set_linger(Some(Duration::ZERO)).unwrap(); // close() schickt dann ein RST
    }
    drop(connect(address)); // und einer, der gleich wieder geht
    assert_eq!(mia.line(), MIA);
    assert_eq!(mia.ask(""), "! Der Name fehlt.");
}

#[test]
fn who_says_nothing_or_never_ends_a_line_is_let_go() {
    let (_server, address) = Program::server_with(SERVICE, &["--patience", "1"]);
    let start = Instant::now(); // die Geduld beginnt mit der Verbindung
    let mut silent = Visitor::new(address);
    let mut slow = Visitor::new(address);
    // Schickt alle 50 ms ein Byte, bis der Dienst nicht mehr zuhört.
    let mut writing = slow.0.get_ref().try_clone().unwrap();
    let dripping = thread::spawn(move || {
        while start.elapsed() < DEADLINE && writing.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    for visitor in [&mut slow, &mut silent] {
        assert_eq!(visitor.line(), "! Zu lange geschwiegen.");
        assert!(start.elapsed() >= Duration::from_secs(1));
    }
    assert_eq!(silent.0.read_to_end(&mut Vec::new()).unwrap(), 0);
    dripping.join().unwrap();
    assert!(start.elapsed() < DEADLINE);
}

#[test]
fn who_waits_for_an_answer_is_not_silent() {
    let (_server, address) = Program::server_with(SERVICE, &["--patience", "1"]);
    assert_eq!(Visitor::new(address).ask("Mia"), MIA);
}

#[test]
fn who_never_reads_is_let_go() {
    let (server, address) = Program::server_with(SERVICE, &["--patience", "1"]);
    let mut deaf = connect(address);
    let start = Instant::now();
    // Jede leere Zeile bekommt sofort eine Antwort; irgendwann passt keine mehr hinein.
    while deaf.write_all(&[b'\n'; 4096]).is_ok() {
        assert!(start.elapsed() < DEADLINE, "der Dienst nimmt alles an");
    }
    let line = server.line();
    assert!(
        line.ends_with(" ist fort: die Wartezeit ist abgelaufen."),
        "{line}"
    );
    assert_eq!(Visitor::new(address).ask(""), "! Der Name fehlt.");
}

#[cfg(target_os = "linux")]
#[test]
fn no_free_descriptors_let_the_service_wait_and_go_on() {
    let (server, address) = Program::server_with_descriptors(SERVICE, 32);
    let start = Instant::now();
    let crowd: Vec<_> = (0..40).map(|_| connect(address)).collect();
    for _ in 0..6 {
        server
            .line_with("Kein Besucher zu empfangen: alle Dateideskriptoren sind vergeben.");
    }
    // Dazwischen macht er fünfmal Pause; wie spät die Zeilen hier ankommen, kürzt das nicht.
    assert!(start.elapsed() >= Duration::from_millis(500));
    drop(crowd);
    assert_eq!(Visitor::new(address).ask(""), "! Der Name fehlt.");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_service_with_status_0_whoever_is_there() {
    let (mut server, address) = Program::server(SERVICE);
    let mut visitor = Visitor::new(address);
    visitor.send(b"Mia\n");
    server.line_with("Gesucht: Mia");
    server.interrupt();
    assert_eq!(server.status(), 0);
}

#[test]
fn without_anyone_to_read_its_output_the_service_ends_with_one_sentence() {
    let (mut server, address) = Program::unheard_server(SERVICE);
    let sentence = "Die Ausgabe nimmt nichts mehr an.";
    assert_eq!(server.line_after_visits(address), sentence);
    assert_eq!(server.status(), 1);
}

// ---- der Besucher ----

#[test]
fn the_visitor_asks_about_whom_it_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // Ein Dienst, der nicht erst suchen muss: Gefragt wird nacheinander und dann zugleich.
    let service = thread::spawn(move || {
        [(); 2].map(|()| {
            let mut stream = listener.accept().unwrap().0;
            let mut name = String::new();
            BufReader::new(&stream).read_line(&mut name).unwrap();
            stream.write_all(format!("{UNKNOWN}\n").as_bytes()).unwrap();
            name
        })
    });
    let mut visitor = Program::start(VISITOR, &["--port", &port, "--names", "Jumbo"]);
    assert_eq!(visitor.line_with("!"), UNKNOWN);
    assert_eq!(service.join().unwrap(), ["Jumbo\n", "Jumbo\n"]);
    assert_eq!(visitor.status(), 0);
}

#[test]
fn a_service_that_hangs_up_or_talks_nonsense_is_named() {
    for (answer, complaint) in [
        (&b""[..], "hat aufgelegt, ohne zu antworten."),
        (b"\xC3\x28\n", "ist kein gültiges UTF-8."),
        // Hier endet sie auch mitten in einem Zeichen.
        (
            b"Mia erinnert sich an H\xC3",
            "hat mitten in der Antwort aufgelegt.",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut visitor = Program::start(VISITOR, &["--port", &port]);
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 4]).unwrap(); // „Mia“ und das Zeilenende
        stream.write_all(answer).unwrap();
        drop(stream);
        // Auch die Zeit bis dahin wird noch gesagt, auf stdout; der Satz steht auf stderr, und was
        // davon zuerst hier ankommt, ist Zufall.
        let told = [visitor.line(), visitor.line(), visitor.line()];
        assert!(told.iter().any(|line| line == "Mia: gefragt"), "{told:?}");
        assert!(
            told.iter().any(|line| line.ends_with(complaint)),
            "{told:?}"
        );
        assert_eq!(visitor.status(), 1);
    }
}

// ---- die Herde ----

/// Die Zahlen einer Zeile, ohne ihre Einheiten.
#[cfg(target_os = "linux")]
fn numbers(row: &str, title: &str) -> Vec<f64> {
    let rest = row.strip_prefix(title).unwrap_or_else(|| panic!("{title}: {row}"));
    let rest = rest.replace(',', ".");
    rest.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn five_hundred_elephants_sleep_in_threads_and_in_one() {
    let mut herd = Program::start(HERD, &["--seconds", "1"]);
    assert_eq!(herd.line(), "500 Elefanten schlafen zugleich, 1 s lang.");
    assert!(herd.line().starts_with("Modell "));
    let threads = numbers(&herd.line(), "Threads");
    let tasks = numbers(&herd.line(), "Tasks");
    assert_eq!(herd.status(), 0);

    for (row, in_threads) in [(&threads, 501.0), (&tasks, 1.0)] {
        let [replies, seconds, _, each, _, threads] = row[..] else {
            panic!("sechs Zahlen: {row:?}")
        };
        assert_eq!((replies, threads), (500.0, in_threads));
        assert!(seconds >= 1.0);
        assert!(each < 64.0, "KiB je Elefant"); // nicht 1 bis 8 MiB
    }
    // Reserviert sind 2 MiB je Thread, belegt ist nur ein Bruchteil davon.
    assert!(threads[4] >= 500.0 * 2.0 && tasks[4] < 100.0);
    assert!(threads[2] > tasks[2]);
}

#[test]
fn as_json_the_herd_is_one_object_with_exact_numbers() {
    let mut herd = Program::start(HERD, &["--elephants", "3", "--seconds", "1", "--json"]);
    let line = herd.line();
    assert_eq!(herd.status(), 0);
    let herds =
        line.strip_prefix(r#"{"threads":{"#).and_then(|rest| rest.strip_suffix("}}"));
    let (threads, tasks) =
        herds.and_then(|herds| herds.split_once(r#"},"tasks":{"#)).expect(&line);
    for (herd, in_threads) in [(threads, "4"), (tasks, "1")] {
        let pairs = herd.split(',').map(|pair| pair.split_once(':').expect(&line));
        let (names, numbers): (Vec<&str>, Vec<&str>) = pairs.unzip();
        let expected = [
            r#""answers""#,
            r#""seconds""#,
            r#""resident""#,
            r#""reserved""#,
            r#""threads""#,
        ];
        assert_eq!(names, expected);
        assert_eq!(numbers[0], "3");
        assert!(numbers[1].parse::<f64>().unwrap() >= 1.0);
        if cfg!(target_os = "linux") {
            assert!(
                numbers[2..4].iter().all(|bytes| bytes.parse::<u64>().is_ok()),
                "{line}"
            );
            assert_eq!(numbers[4], in_threads);
        } else {
            assert_eq!(numbers[2..], ["null"; 3]);
        }
    }
}

#[test]
fn a_herd_whose_table_nobody_reads_ends_with_one_sentence() {
    let mut herd = Command::new(HERD)
        .args(["--elephants", "1", "--seconds", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(herd.stdout.take().unwrap());
    for _ in 0..2 {
        assert_ne!(output.read_line(&mut String::new()).unwrap(), 0);
    }
    drop(output); // die Zeile der Threads, eine Sekunde später, liest niemand mehr
    let herd = herd.wait_with_output().unwrap();
    let complaint = String::from_utf8(herd.stderr).unwrap();
    assert_eq!(complaint, "Die Ausgabe nimmt nichts mehr an.\n");
    assert_eq!(herd.status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn more_threads_than_the_system_allows_are_refused_in_one_sentence() {
    // 500 MB Adressen: Das reicht nicht für 500 Stapel zu 2 MiB.
    let limited = ["-c", r#"ulimit -v 500000; exec "$0""#, HERD];
    let mut herd = Program::start("/bin/sh", &limited);
    let line = herd.line_with("500 Threads");
    // Entweder bekommt `main` keinen Thread mehr, oder einer, der eben begann, bricht
    // mangels Speicher alles ab.
    let sentences = [
        "500 Threads sind zu viele: Das System gibt nicht mehr her.",
        "500 Threads sind zu viele: Der Prozess ist abgebrochen.",
    ];
    assert!(
        sentences.iter().any(|sentence| line.starts_with(sentence)),
        "{line}"
    );
    assert_eq!(herd.status(), 1);
}

// ---- was den Anfang verhindert ----

#[test]
fn a_taken_port_is_said_in_one_sentence() {
    let (_server, address) = Program::server(SERVICE);
    let port = address.port().to_string();
    let sentence = format!(
        "Port {port} auf 127.0.0.1 ist schon belegt: Läuft der Server bereits? Sonst hilft ein anderer Port; siehe --help."
    );
    refuses(SERVICE, &["--port", &port], &sentence, 1);
}

#[test]
fn an_unknown_host_is_said_before_anything_is_asked() {
    let sentence = "Zu „gibt-es-nicht.invalid“ ist keine Adresse zu finden.";
    refuses(VISITOR, &["--host", "gibt-es-nicht.invalid"], sentence, 1);
}

#[test]
fn without_a_service_the_visitor_says_so() {
    let (_nobody, free) = deserted();
    let mut visitor = Program::start(VISITOR, &["--port", &free.port().to_string()]);
    visitor.line_with(&format!("Keine Verbindung zu {free}: Läuft der Server?"));
    assert_eq!(visitor.status(), 1);
}

#[test]
fn bad_switches_end_with_status_2() {
    let unknown = "Den Schalter --port gibt es nicht; siehe --help.";
    for program in [TRAP, FAILURES, HERD] {
        refuses(program, &["--port", "1"], unknown, 2);
    }
    let sentence = "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „viele“.";
    for program in [SERVICE, VISITOR] {
        refuses(program, &["--port", "viele"], sentence, 2);
    }
    let sentence = "Hinter --elephants gehört eine Zahl ab 1, nicht „0“.";
    refuses(HERD, &["--elephants", "0"], sentence, 2);
    let sentence = "Hinter --seconds gehört eine Zahl ab 1, nicht „0“.";
    refuses(HERD, &["--seconds", "0"], sentence, 2);
    let sentence = "Hinter --names gehören Namen, mit Kommas dazwischen.";
    refuses(VISITOR, &["--names", ","], sentence, 2);
}
