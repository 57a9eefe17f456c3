//! Clients that misbehave, against every chat server of the book: they do not read, do not finish,
//! flood, break off. Each time three others go on talking and must not notice, a newcomer must get
//! in, and in the end the server must hold no more than before.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::chat::client::Client;
use crate::chat::footprint::Footprint;
use crate::chat::record::Said;
use crate::chat::regulars::Regulars;
use crate::chat::server::Server;
use crate::chat::{SERVERS, crowd};
use socket2::SockRef;

for_every_server!(
    readers_that_never_read_are_cut_off,
    a_reader_that_sips_delays_nobody,
    a_talker_who_never_reads_is_cut_off_and_then_heard_no_more,
    sixty_clients_may_send_byte_by_byte_at_once,
    a_line_without_end_is_refused_once_and_takes_no_memory,
    a_name_without_end_is_refused_and_the_next_line_is_the_name,
    bytes_at_random_are_judged_line_by_line,
    names_that_will_not_do_may_be_tried_again_and_again,
    connections_may_be_reset_while_the_server_writes_to_them,
    a_half_closed_connection_is_a_farewell,
    five_hundred_clients_may_come_and_go,
    fifty_clients_may_stay_without_giving_a_name,
    a_flood_of_messages_does_not_drown_the_others,
    a_flood_of_nonsense_does_not_drown_the_others,
    who_floods_with_nonsense_and_does_not_read_is_cut_off,
    #[cfg(unix)]
    more_clients_than_descriptors_are_survived_without_spinning,
);

/// A message of the regulars, in bytes: short ones disturb nobody, long ones fill every buffer
/// before somebody who does not read, with some hundred rounds of talk.
const SHORT: usize = 10;
const LONG: usize = 8000;

/// What the misbehaving guests said, and those who are still connected when they are done.
#[derive(Default)]
struct Guests {
    said: Vec<Said>,
    connected: Vec<Client>,
}

/// Starts a server, lets three regulars talk in messages of about `length` bytes, lets guests
/// misbehave and checks that it was of no consequence.
fn nobody_else_is_harmed(
    program: &str,
    switches: &[&str],
    length: usize,
    misbehave: impl FnOnce(&Server, &mut Regulars) -> Guests,
) {
    let server = Server::start(program, switches);
    let mut regulars = Regulars::talk(&server, length);
    let alone = Footprint::of(&server);
    let first = newcomer_is_welcome(&server, &mut regulars, "Erika");
    alone.wait_until_back(&server);
    let before = Footprint::of(&server);

    let Guests { said, connected } = misbehave(&server, &mut regulars);

    let last = newcomer_is_welcome(&server, &mut regulars, "Fritz");
    let said: Vec<Said> = said.into_iter().chain([first, last]).collect();
    let _still_there = regulars.assert_undisturbed(&said);
    drop(connected);
    before.wait_until_back(&server);
}

/// Somebody comes in, says something, hears the others and leaves. Returns what they said.
fn newcomer_is_welcome(server: &Server, regulars: &mut Regulars, name: &str) -> Said {
    let mut newcomer = Client::join(server.address, name);
    newcomer.say("Guten Tag");
    regulars.hear(&format!("{name}: Guten Tag"));
    regulars.go_on(3);
    let rounds = regulars.rounds();
    newcomer.say("bye");
    newcomer.rest();
    regulars.hear(&format!("* {name} ist weg"));
    regulars.assert_followed(&newcomer.heard, rounds);
    Said::all(name, ["Guten Tag".into()])
}

/// Does the one thing again and again, in a second thread, until the other has been waited for.
fn meanwhile(mut act: impl FnMut() + Send, wait: impl FnOnce()) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                act();
            }
        });
        let outcome = panic::catch_unwind(AssertUnwindSafe(wait));
        over.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| panic::resume_unwind(panic));
    });
}

// ---- Reading too little -----------------------------------------------------------------------

fn readers_that_never_read_are_cut_off(program: &str) {
    nobody_else_is_harmed(program, &[], LONG, |server, regulars| {
        let names = ["Taub", "Zuspät"];
        let mut deaf = names.map(|name| Client::join_by_a_slow_line(server.address, name));
        for name in names {
            regulars.hear(&format!("* {name} ist weg"));
        }
        // Who begins to read now learns why, after what was under way when it happened.
        let late = &mut deaf[1];
        let lines = late.rest();
        let refusals: Vec<&String> =
            lines.iter().filter(|line| line.starts_with("! ")).collect();
        assert_eq!(refusals, ["! Verbindung zu langsam"]);
        assert_eq!(lines.last(), Some(refusals[0]));
        regulars.assert_followed(&late.heard, 0);
        Guests::default()
    });
}

/// As over a slow line: something always arrives, but far less than is said.
fn a_reader_that_sips_delays_nobody(program: &str) {
    nobody_else_is_harmed(program, &[], LONG, |server, regulars| {
        let client = Client::join_by_a_slow_line(server.address, "Nipper");
        let sip = || {
            let _ = client.socket().read(&mut [0; 8 * 1024]); // at the end it is an error
            thread::sleep(Duration::from_millis(100)); // the slow line
        };
        meanwhile(sip, || regulars.hear("* Nipper ist weg"));
        Guests::default()
    });
}

fn a_talker_who_never_reads_is_cut_off_and_then_heard_no_more(program: &str) {
    nobody_else_is_harmed(program, &["--queue", "65536"], LONG, |server, regulars| {
        let client = Client::join_by_a_slow_line(server.address, "Redner");
        let timeout = Some(Duration::from_millis(100)); // the server stops reading, too
        client.socket().set_write_timeout(timeout).expect("valid");
        let mut texts = (0..).map(|number| number.to_string());
        let (mut said, mut unsent) = (Vec::new(), Vec::new());
        let talk = || {
            if unsent.is_empty() {
                let piece: Vec<String> = texts.by_ref().take(200).collect();
                unsent = (piece.join("\n") + "\n").into_bytes();
                said.extend(piece);
            }
            let sent = (&mut client.socket()).write(&unsent).unwrap_or(0);
            unsent.drain(..sent);
            thread::sleep(Duration::from_millis(5)); // the pace of the talk
        };
        meanwhile(talk, || regulars.hear("* Redner ist weg"));
        Guests {
            said: vec![Said::beginning("Redner", said)],
            connected: vec![client],
        }
    });
}

/// This takes as long as the servers' patience: so all are tried at the same time, and (tests run
/// in the order of their names) beside the others.
#[test]
fn a_guest_who_leaves_and_does_not_read_is_let_go_after_a_while() {
    thread::scope(|scope| {
        for program in SERVERS {
            let thread = thread::Builder::new().name(program.to_string());
            let waiting = thread.spawn_scoped(scope, || patience_has_an_end(program));
            waiting.expect("a few threads are to be had");
        }
    });
}

/// One says `bye`, one half-closes, one is cut off; none of them ever reads or closes.
fn patience_has_an_end(program: &str) {
    let server = Server::start(program, &["--queue", "1000000"]);
    let mut regulars = Regulars::talk(&server, LONG);
    let before = Footprint::of(&server);
    let join = |name: &str| Client::join_by_a_slow_line(server.address, name);
    let connected = ["Geht", "Halb", "Taub"].map(join);
    regulars.go_on(44); // more than 1 MB, far more than the operating systems take
    connected[0].say("bye");
    connected[1].half_close();
    for name in ["Geht", "Halb", "Taub"] {
        regulars.hear(&format!("* {name} ist weg"));
    }
    let _still_there = regulars.assert_undisturbed(&[]);
    before.wait_until_back(&server);
    drop(connected);
}

/// What chapter 8's server promises beyond the protocol: at its end it waits for whoever still has to read something, but
/// not for ever. Here, beside the others, the wait costs nothing.
#[test]
fn at_its_end_chapter_8_waits_three_seconds_for_whoever_never_reads() {
    const GRACE: Duration = Duration::from_secs(3);
    let wait = |program: &str| {
        let mut server = Server::start(program, &[]);
        let _deaf = Client::join_by_a_slow_line(server.address, "Taub");
        let mut anna = Client::join(server.address, "Anna");
        anna.send("und noch etwas\n".repeat(20_000)); // far more than the operating systems take
        anna.half_close();
        anna.rest();
        let start = Instant::now();
        server.interrupt();
        assert_eq!(server.status(), 0);
        let waited = start.elapsed();
        assert!(
            waited >= GRACE && waited < 2 * GRACE,
            "{program}: {waited:?}"
        );
    };
    thread::scope(|scope| {
        for program in SERVERS.iter().filter(|program| program.starts_with("ch08")) {
            scope.spawn(move || wait(program));
        }
    });
}

// ---- Sending badly ----------------------------------------------------------------------------

fn sixty_clients_may_send_byte_by_byte_at_once(program: &str) {
    let _crowd = crowd();
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let slow = || Client::connect(server.address);
        let connected: Vec<Client> = std::iter::repeat_with(slow).take(60).collect();
        let name = |number| format!("Lahm{number:02}");
        let text = |number| format!("Grüße von {number:02}");
        let lines: Vec<String> = (0..connected.len())
            .map(|number| format!("{}\n{}\n", name(number), text(number)))
            .collect();
        for place in 0..lines[0].len() {
            for (client, line) in connected.iter().zip(&lines) {
                client.send([line.as_bytes()[place]]);
            }
            regulars.go_on(1);
        }
        let mut said = Vec::new();
        for number in 0..connected.len() {
            regulars.hear(&format!("{}: {}", name(number), text(number)));
            said.push(Said::all(&name(number), [text(number)]));
        }
        Guests { said, connected }
    });
}

fn a_line_without_end_is_refused_once_and_takes_no_memory(program: &str) {
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let mut client = Client::join(server.address, "Endlos");
        let mut at_most = Footprint::of(server);
        for _ in 0..16 {
            client.send(vec![b'x'; 1 << 20]);
        }
        client.hear_refusal("Zeile");
        at_most.threads = usize::MAX; // the newcomer's may come and go
        at_most.wait_until_back(server);
        client.send("\ngut\n");
        regulars.hear("Endlos: gut");
        client.settle(); // no second refusal
        Guests {
            said: vec![Said::all("Endlos", ["gut".into()])],
            connected: vec![client],
        }
    });
}

fn a_name_without_end_is_refused_and_the_next_line_is_the_name(program: &str) {
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let mut client = Client::connect(server.address);
        client.send(vec![b'x'; 1 << 20]);
        client.expect_refusal("Zeile");
        client.send("\nKurz\nHallo\n");
        regulars.hear("Kurz: Hallo");
        Guests {
            said: vec![Said::all("Kurz", ["Hallo".into()])],
            connected: vec![client],
        }
    });
}

fn bytes_at_random_are_judged_line_by_line(program: &str) {
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let bytes = random_bytes(1 << 20);
        let lines = bytes.split(|byte| *byte == b'\n').map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            assert!(line.len() <= 8192, "so long a line is unlikely");
            std::str::from_utf8(line).map(str::to_string).ok()
        });
        let lines: Vec<Option<String>> = lines.collect();
        let texts: Vec<String> = lines.iter().flatten().cloned().collect();
        assert!(texts.len() > 10, "some are text by chance: {texts:?}");

        let mut nameless = Client::connect(server.address);
        nameless.send(b"\xFF\n".repeat(1000));
        for _ in 0..1000 {
            nameless.expect_refusal("UTF-8");
        }
        let mut client = Client::join(server.address, "Rauschen");
        client.send(bytes);
        client.say("");
        for _ in lines.iter().filter(|line| line.is_none()) {
            client.hear_refusal("UTF-8");
        }
        client.say("Ende");
        regulars.hear("Rauschen: Ende");
        let texts = texts.into_iter().chain(["Ende".into()]);
        Guests {
            said: vec![Said::all("Rauschen", texts)],
            connected: vec![client, nameless],
        }
    });
}

/// The same ones every time (xorshift64).
fn random_bytes(count: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn names_that_will_not_do_may_be_tried_again_and_again(program: &str) {
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let mut connected = Vec::new();
        for number in 0..10 {
            let mut client = Client::connect(server.address);
            client.send("\nAnna\n\r\nBen\r\n".repeat(25));
            for _ in 0..25 {
                for trouble in ["leer", "vergeben", "leer", "vergeben"] {
                    client.expect_refusal(trouble);
                }
            }
            client.say(&format!("Neu{number}"));
            regulars.hear(&format!("* Neu{number} ist da"));
            connected.push(client);
        }
        Guests {
            connected,
            ..Guests::default()
        }
    });
}

// ---- Coming and going -------------------------------------------------------------------------

fn connections_may_be_reset_while_the_server_writes_to_them(program: &str) {
    nobody_else_is_harmed(program, &[], LONG, |server, regulars| {
        for round in 0..4 {
            let names = (0..5).map(|number| format!("Abbruch{round}{number}"));
            let names: Vec<String> = names.collect();
            let join = |name: &String| Client::join(server.address, name);
            let connected: Vec<Client> = names.iter().map(join).collect();
            regulars.go_on(5 * round);
            for client in connected {
                let socket = SockRef::from(client.socket());
                let no_time = Some(Duration::ZERO); // closing then sends a reset
                socket.set_linger(no_time).expect("a connected socket");
            }
            for name in &names {
                regulars.hear(&format!("* {name} ist weg"));
            }
        }
        Guests::default()
    });
}

fn a_half_closed_connection_is_a_farewell(program: &str) {
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let mut nameless = Client::connect(server.address);
        nameless.half_close();
        assert_eq!(
            nameless.next_line(),
            None,
            "the server closes its half, too"
        );
        let mut unfinished = Client::connect(server.address);
        unfinished.send("Halber Na");
        unfinished.half_close();
        assert_eq!(unfinished.next_line(), None);

        let mut client = Client::join(server.address, "Halb");
        client.say("Tschüss");
        regulars.hear("Halb: Tschüss");
        regulars.go_on(3);
        let rounds = regulars.rounds();
        client.half_close();
        client.rest();
        regulars.hear("* Halb ist weg");
        regulars.assert_followed(&client.heard, rounds);
        Guests {
            said: vec![Said::all("Halb", ["Tschüss".into()])],
            connected: vec![client, nameless, unfinished],
        }
    });
}

fn five_hundred_clients_may_come_and_go(program: &str) {
    let _crowd = crowd();
    nobody_else_is_harmed(program, &[], SHORT, |server, _| {
        let visit = |number: usize| {
            let client = Client::connect(server.address);
            match number % 3 {
                0 => {}
                1 => client.say(&format!("Eilig{number}")),
                _ => client.send("Halber Na"),
            }
            client
        };
        for burst in 0..10 {
            let guests = (50 * burst..50 * (burst + 1)).map(visit);
            match burst % 2 {
                0 => guests.for_each(drop),            // one after the other
                _ => drop(guests.collect::<Vec<_>>()), // all at once
            }
            // Once this one is served no other waits to be accepted. (Behind too long a queue the
            // operating system lets a client wait for a whole second.)
            Client::connect(server.address).settle();
        }
        Guests::default()
    });
}

fn fifty_clients_may_stay_without_giving_a_name(program: &str) {
    let _crowd = crowd();
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let silent = || Client::connect(server.address);
        let connected: Vec<Client> = std::iter::repeat_with(silent).take(50).collect();
        regulars.go_on(10);
        for client in &connected {
            client.socket().set_nonblocking(true).expect("a connected socket");
            let nothing = client.socket().read(&mut [0]).map_err(|error| error.kind());
            assert_eq!(
                nothing,
                Err(ErrorKind::WouldBlock),
                "who is not in hears nothing"
            );
        }
        Guests {
            connected,
            ..Guests::default()
        }
    });
}

// ---- Too much ---------------------------------------------------------------------------------

/// Sends piece after piece until the regulars have talked on for 30 rounds, but in each round at
/// most that many: where they reach the regulars, too, these shall not fall too far behind.
fn flood(
    client: &Client,
    regulars: &mut Regulars,
    pieces_a_round: usize,
    mut piece: impl FnMut() -> Vec<u8> + Send,
) {
    let first = regulars.rounds();
    let rounds = AtomicUsize::new(0);
    let mut pieces = 0;
    let send = || {
        if pieces < pieces_a_round * (rounds.load(Ordering::Relaxed) + 1) {
            client.send(piece());
            pieces += 1;
        }
        thread::yield_now();
    };
    meanwhile(send, || {
        while rounds.load(Ordering::Relaxed) < 30 {
            regulars.go_on(1);
            rounds.store(regulars.rounds() - first, Ordering::Relaxed);
        }
    });
}

fn a_flood_of_messages_does_not_drown_the_others(program: &str) {
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let client = Client::join(server.address, "Flut");
        let mut sent = 0;
        flood(&client, regulars, 15, || {
            let lines: String =
                (sent..sent + 100).map(|line| format!("{line}\n")).collect();
            sent += 100;
            lines.into()
        });
        regulars.hear(&format!("Flut: {}", sent - 1));
        Guests {
            said: vec![Said::all("Flut", (0..sent).map(|line| line.to_string()))],
            connected: vec![client],
        }
    });
}

/// Enough for whoever reads a flood, even if the machine lets it wait for a while.
const LARGE_QUEUE: [&str; 2] = ["--queue", "268435456"];

fn a_flood_of_nonsense_does_not_drown_the_others(program: &str) {
    nobody_else_is_harmed(program, &LARGE_QUEUE, SHORT, |server, regulars| {
        let client = Client::join(server.address, "Flut");
        thread::scope(|scope| {
            scope.spawn(|| {
                // Its end is the one below.
                let _ = io::copy(&mut client.socket(), &mut io::sink());
            });
            flood(&client, regulars, usize::MAX / 100, || {
                b"\xFF nonsense\n".repeat(10_000)
            });
            let _ = client.socket().shutdown(Shutdown::Both);
        });
        Guests::default()
    });
}

fn who_floods_with_nonsense_and_does_not_read_is_cut_off(program: &str) {
    nobody_else_is_harmed(program, &[], SHORT, |server, regulars| {
        let client = Client::join(server.address, "Flut");
        let timeout = Some(Duration::from_millis(100)); // the server stops reading, too
        client.socket().set_write_timeout(timeout).expect("valid");
        let nonsense = b"\xFF\n".repeat(1000);
        let send = || drop((&mut client.socket()).write(&nonsense));
        meanwhile(send, || regulars.hear("* Flut ist weg"));
        Guests::default()
    });
}

#[cfg(unix)]
fn more_clients_than_descriptors_are_survived_without_spinning(program: &str) {
    use crate::chat::footprint::load;
    use crate::chat::server::{DEADLINE, executable, switches};

    let _crowd = crowd();
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", r#"ulimit -n 48; exec "$0" "$@""#]);
    command.arg(executable(program)).args(switches(program)).args(["--port", "0"]);
    let server = Server::watch(command);
    let mut anna = Client::join(server.address, "Anna");
    let mut ben = Client::join(server.address, "Ben");
    let talk = |anna: &mut Client, ben: &mut Client| {
        anna.say("Hallo");
        ben.hear("Anna: Hallo", DEADLINE);
        ben.say("Hallo");
        anna.hear("Ben: Hallo", DEADLINE);
    };
    let before = Footprint::of(&server);

    let connect = || Client::connect(server.address);
    let crowd: Vec<Client> = std::iter::repeat_with(connect).take(80).collect();
    talk(&mut anna, &mut ben);
    let load = load(&server, Duration::from_millis(500));
    assert!(load <= 0.1, "{:.0} % of a core for waiting", 100.0 * load);
    talk(&mut anna, &mut ben);

    drop(crowd);
    before.wait_until_back(&server);
    let cem = Client::join(server.address, "Cem");
    cem.say("Endlich!");
    for client in [&mut anna, &mut ben] {
        client.hear("Cem: Endlich!", DEADLINE);
    }
}
