//! The chat protocol, sentence by sentence, against every chat server of the book. What a client
//! reads must be just what the others said: `chat::record` judges that, and is tested itself below.

use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::Barrier;
use std::thread;

use crate::chat::client::Client;
use crate::chat::crowd;
use crate::chat::record::{Said, assert_heard, faults};
use crate::chat::server::{Server, run};

for_every_server!(
    a_hundred_clients_hear_every_message_of_the_others_once_and_in_order,
    who_reads_hears_every_burst_however_many_talk_at_once,
    arrivals_and_departures_are_told_to_everyone_else,
    a_newcomer_hears_what_is_said_from_then_on_and_nothing_else,
    a_name_is_free_again_when_its_owner_has_left,
    an_empty_or_taken_name_is_refused_and_the_next_line_is_the_name,
    a_line_may_end_like_on_windows,
    an_empty_line_is_a_message,
    all_of_unicode_passes_unchanged,
    a_line_of_8192_bytes_is_relayed_and_one_of_8193_refused,
    many_lines_may_come_in_one_piece,
    a_line_may_come_in_many_pieces,
    a_line_that_is_no_utf_8_is_refused_alone,
    nothing_is_heard_from_someone_who_said_bye,
    what_is_queued_for_someone_still_arrives_after_bye,
    what_is_queued_for_someone_still_arrives_after_a_half_close,
    a_taken_port_is_one_sentence_and_status_1,
    a_queue_that_is_no_number_is_one_sentence_and_status_2,
    #[cfg(unix)]
    ctrl_c_ends_the_server_with_status_0,
);

/// A server and two clients; each of them knows of nobody else.
fn anna_and_ben(program: &str) -> (Server, Client, Client) {
    let server = Server::start(program, &[]);
    let mut anna = Client::join(server.address, "Anna");
    let ben = Client::join(server.address, "Ben");
    anna.expect("* Ben ist da");
    (server, anna, ben)
}

/// Both get the same answers as before: the server is well, and nothing else was relayed.
fn still_talk(anna: &mut Client, ben: &mut Client) {
    anna.say("Noch da?");
    ben.expect("Anna: Noch da?");
    ben.say("Ja.");
    anna.expect("Ben: Ja.");
}

fn a_hundred_clients_hear_every_message_of_the_others_once_and_in_order(program: &str) {
    const CLIENTS: usize = 100;
    const MESSAGES: usize = 20;
    let _crowd = crowd();
    let server = Server::start(program, &[]);
    let said: Vec<Said> = (0..CLIENTS)
        .map(|client| {
            let texts = (0..MESSAGES).map(|number| format!("Nummer {number}"));
            Said::all(&format!("Gast{client}"), texts)
        })
        .collect();
    let all_are_in = Barrier::new(CLIENTS);
    let (address, said, all_are_in) = (server.address, &said, &all_are_in);
    thread::scope(|scope| {
        for Said { name, texts, .. } in said {
            scope.spawn(move || {
                let mut client = Client::join(address, name);
                all_are_in.wait();
                // Ten lines at once: twenty thousand pieces are under way, not two hundred thousand.
                for piece in texts.chunks(10) {
                    client.say(&piece.join("\n"));
                }
                let mut missing = (CLIENTS - 1) * MESSAGES;
                while missing > 0 {
                    missing -= usize::from(
                        !client.next_line().expect("a message").starts_with("* "),
                    );
                }
                client.settle(); // whatever comes too often has come by now
                let others = said.iter().filter(|other| other.name != *name);
                assert_heard(name, &client.heard, others);
                all_are_in.wait();
            });
        }
    });
}

/// They hang up when it is dropped, also because the test fails: then nobody waits for them.
struct HangUp(Vec<Client>);

impl Drop for HangUp {
    fn drop(&mut self) {
        for guest in &self.0 {
            let _ = guest.socket().shutdown(Shutdown::Both); // fails only if it is gone
        }
    }
}

/// Many say 8 KiB at the same moment, in short lines and under long names: what arrives together becomes much more in the queue
/// of one who reads as fast as she can. She must not be taken for one who does not.
fn who_reads_hears_every_burst_however_many_talk_at_once(program: &str) {
    let _crowd = crowd();
    for (talkers, name, text) in [
        (12, &*"Langer Name ".repeat(17), ""),
        (
            30,
            "Gast",
            "eine gewöhnliche Zeile, nicht lang und nicht kurz",
        ),
    ] {
        let server = Server::start(program, &[]);
        let mut reader = Client::join(server.address, "Leserin");
        let lines = 8192 / (text.len() + 1);
        let name = |number| format!("{name}{number:02}");
        let burst = format!("{text}\n").repeat(lines);
        let join = |number| Client::join(server.address, &name(number));
        let guests: Vec<Client> = (0..talkers).map(join).collect();
        let their_end = |guest: &Client| guest.socket().try_clone().map(Client::new);
        let ends = guests.iter().map(their_end).collect::<Result<_, _>>();
        thread::scope(|scope| {
            let _at_the_end = HangUp(ends.expect("the same sockets once more"));
            for guest in &guests {
                // They read, too, as long as there is something.
                scope.spawn(|| io::copy(&mut guest.socket(), &mut io::sink()));
                scope.spawn(|| guest.socket().write_all(burst.as_bytes()));
            }
            let mut missing = talkers * lines;
            while missing > 0 {
                let line = reader.next_line().expect("nobody hangs up on who reads");
                assert!(!line.starts_with("! "), "{line}");
                missing -= usize::from(!line.starts_with("* "));
            }
        });
        let texts = || std::iter::repeat_n(text.to_owned(), lines);
        let said: Vec<Said> =
            (0..talkers).map(|number| Said::all(&name(number), texts())).collect();
        reader.settle();
        assert_heard("Leserin", &reader.heard, &said);
    }
}

fn arrivals_and_departures_are_told_to_everyone_else(program: &str) {
    let (server, mut anna, mut ben) = anna_and_ben(program);
    let hangs_up_too = "the server hangs up as well";
    let ways_to_leave: [&dyn Fn(Client); 3] = [
        &|mut client| {
            client.say("bye");
            assert_eq!(client.next_line(), None, "{hangs_up_too}");
        },
        &|mut client| {
            client.half_close();
            assert_eq!(client.next_line(), None, "{hangs_up_too}");
        },
        &|client| client.send("ein angefangener Sa"), // and is dropped
    ];
    for leave in ways_to_leave {
        let mut cem = Client::join(server.address, "Cem");
        let dora = Client::join(server.address, "Dora");
        cem.expect("* Dora ist da");
        leave(dora);
        cem.expect("* Dora ist weg");
        drop(cem);
        for client in [&mut anna, &mut ben] {
            for event in ["Cem ist da", "Dora ist da", "Dora ist weg", "Cem ist weg"] {
                client.expect(&format!("* {event}"));
            }
        }
    }
    still_talk(&mut anna, &mut ben);
}

fn a_newcomer_hears_what_is_said_from_then_on_and_nothing_else(program: &str) {
    let server = Server::start(program, &[]);
    let mut anna = Client::join(server.address, "Anna");
    anna.say("Hört mich jemand?");
    let mut ben = Client::connect(server.address);
    anna.settle();
    ben.say("Ben");
    anna.expect("* Ben ist da");
    anna.say("Jetzt?");
    ben.expect("Anna: Jetzt?");
    still_talk(&mut anna, &mut ben);
}

fn a_name_is_free_again_when_its_owner_has_left(program: &str) {
    let (server, mut anna, mut ben) = anna_and_ben(program);
    ben.say("bye");
    anna.expect("* Ben ist weg");
    ben = Client::join(server.address, "Ben");
    anna.expect("* Ben ist da");
    drop(ben);
    anna.expect("* Ben ist weg");
    ben = Client::join(server.address, "Ben");
    anna.expect("* Ben ist da");
    still_talk(&mut anna, &mut ben);
}

fn an_empty_or_taken_name_is_refused_and_the_next_line_is_the_name(program: &str) {
    let (server, mut anna, mut ben) = anna_and_ben(program);
    let mut cem = Client::connect(server.address);
    for (name, trouble) in [("", "leer"), ("Anna", "vergeben"), ("Ben", "vergeben")] {
        cem.say(name);
        cem.expect_refusal(trouble);
    }
    cem.say("Cem");
    anna.expect("* Cem ist da");
    ben.expect("* Cem ist da");
    cem.say("Anna"); // now it is a message
    anna.expect("Cem: Anna");
    ben.expect("Cem: Anna");
    still_talk(&mut anna, &mut ben);
}

fn a_line_may_end_like_on_windows(program: &str) {
    let (server, mut anna, mut ben) = anna_and_ben(program);
    let cem = Client::connect(server.address);
    cem.send("Cem\r\nHallo\r\n\r\n");
    for client in [&mut anna, &mut ben] {
        client.expect("* Cem ist da");
        client.expect("Cem: Hallo");
        client.expect("Cem: ");
    }
    cem.send("bye\r\n");
    for client in [&mut anna, &mut ben] {
        client.expect("* Cem ist weg");
    }
    still_talk(&mut anna, &mut ben);
}

fn an_empty_line_is_a_message(program: &str) {
    let (_server, mut anna, mut ben) = anna_and_ben(program);
    anna.say("");
    ben.expect("Anna: ");
    still_talk(&mut anna, &mut ben);
}

fn all_of_unicode_passes_unchanged(program: &str) {
    let (server, mut anna, mut ben) = anna_and_ben(program);
    let umlauts = Client::join(server.address, "Jürgen Weiß");
    let text = "Grüße, „Öl“ – ß ẞ ñ 漢字 🦀 e\u{301} \u{10FFFF}\ttab: * ! bye";
    umlauts.say(text);
    for client in [&mut anna, &mut ben] {
        client.expect("* Jürgen Weiß ist da");
        client.expect(&format!("Jürgen Weiß: {text}"));
    }
}

fn a_line_of_8192_bytes_is_relayed_and_one_of_8193_refused(program: &str) {
    let (_server, mut anna, mut ben) = anna_and_ben(program);
    let in_ascii = "x".repeat(8192);
    let in_umlauts = "ü".repeat(4096); // bytes count, not characters
    for line_end in ["\n", "\r\n"] {
        for longest in [&in_ascii, &in_umlauts] {
            anna.send(format!("{longest}{line_end}"));
            ben.expect(&format!("Anna: {longest}"));
            anna.send(format!("y{longest}{line_end}gut{line_end}"));
            anna.expect_refusal("Zeile");
            ben.expect("Anna: gut");
        }
    }
    anna.settle(); // refused once, not again and again
    still_talk(&mut anna, &mut ben);
}

fn many_lines_may_come_in_one_piece(program: &str) {
    let (server, mut anna, mut ben) = anna_and_ben(program);
    let lines: Vec<String> = (0..500).map(|number| format!("Zeile {number}")).collect();
    let cem = Client::connect(server.address);
    cem.send(format!("Cem\n{}\n", lines.join("\n")));
    for client in [&mut anna, &mut ben] {
        client.expect("* Cem ist da");
        for line in &lines {
            client.expect(&format!("Cem: {line}"));
        }
    }
    still_talk(&mut anna, &mut ben);
}

fn a_line_may_come_in_many_pieces(program: &str) {
    let (server, mut anna, mut ben) = anna_and_ben(program);
    let cem = Client::connect(server.address);
    for (line, relayed) in [("Cem", "* Cem ist da"), ("Ärger 🦀\r", "Cem: Ärger 🦀")]
    {
        for byte in line.bytes() {
            cem.send([byte]);
            still_talk(&mut anna, &mut ben); // the server has time to read that byte alone
        }
        cem.send("\n");
        anna.expect(relayed);
        ben.expect(relayed);
    }
}

fn a_line_that_is_no_utf_8_is_refused_alone(program: &str) {
    let (_server, mut anna, mut ben) = anna_and_ben(program);
    // A character cut off, a stray continuation, Latin-1, a surrogate, one byte too large.
    let lines: [&[u8]; 5] = [b"gr\xC3", b"\xA4", b"gr\xFC\xDFe", b"\xED\xA0\x80", b"\xF5"];
    for line in lines {
        anna.send([line, b"\ngut\n"].concat());
        anna.expect_refusal("UTF-8");
        ben.expect("Anna: gut");
    }
    still_talk(&mut anna, &mut ben);
}

fn nothing_is_heard_from_someone_who_said_bye(program: &str) {
    let (_server, mut anna, mut ben) = anna_and_ben(program);
    ben.send("Tschüss\nbye\nHallo?\nbye\n");
    anna.expect("Ben: Tschüss");
    anna.expect("* Ben ist weg");
    assert_eq!(ben.next_line(), None);
    anna.settle();
    assert_eq!(
        anna.heard,
        ["* Ben ist da", "Ben: Tschüss", "* Ben ist weg"]
    );
}

/// Ben reads nothing while Anna sends more than the buffers of his slow line hold, then leaves, then reads.
fn everything_queued_arrives(program: &str, leave: impl FnOnce(&Client)) {
    let server = Server::start(program, &["--queue", "67108864"]);
    let anna = Client::join(server.address, "Anna");
    let mut ben = Client::join_by_a_slow_line(server.address, "Ben");
    let mut witness = Client::join(server.address, "Zeugin");
    let padding = "x".repeat(8000);
    let text = |number| format!("{number} {padding}");
    for number in 0..150 {
        anna.say(&text(number));
        witness.expect(&format!("Anna: {}", text(number)));
    }
    leave(&ben);
    witness.expect("* Ben ist weg");
    anna.say("Das hört er nicht mehr.");
    witness.expect("Anna: Das hört er nicht mehr.");
    ben.rest();
    assert_eq!(ben.heard[0], "* Zeugin ist da");
    assert_heard("Ben", &ben.heard, &[Said::all("Anna", (0..150).map(text))]);
}

fn what_is_queued_for_someone_still_arrives_after_bye(program: &str) {
    everything_queued_arrives(program, |ben| ben.say("bye"));
}

fn what_is_queued_for_someone_still_arrives_after_a_half_close(program: &str) {
    everything_queued_arrives(program, Client::half_close);
}

fn a_taken_port_is_one_sentence_and_status_1(program: &str) {
    let server = Server::start(program, &[]);
    let port = server.address.port().to_string();
    let (status, stdout, stderr) = run(program, &["--port", &port]);
    assert_eq!((status, stdout.as_str()), (1, ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.contains(&port) && stderr.contains("belegt"),
        "{stderr}"
    );
}

fn a_queue_that_is_no_number_is_one_sentence_and_status_2(program: &str) {
    for wrong in ["viele", "-1", "1e6", ""] {
        let (status, stdout, stderr) = run(program, &["--port", "0", "--queue", wrong]);
        assert_eq!((status, stdout.as_str()), (2, ""), "{wrong:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains("--queue"), "{stderr}");
    }
}

#[cfg(unix)]
fn ctrl_c_ends_the_server_with_status_0(program: &str) {
    let (mut server, mut anna, mut ben) = anna_and_ben(program);
    still_talk(&mut anna, &mut ben);
    server.interrupt();
    assert_eq!(server.status(), 0);
}

// ---- The suite itself -------------------------------------------------------------------------

mod the_judge {
    use super::*;

    fn judge(heard: &[&str]) -> Vec<String> {
        let heard: Vec<String> = heard.iter().map(|line| line.to_string()).collect();
        let texts = |texts: [&str; 3]| texts.map(str::to_string);
        let said = [
            Said::all("Anna", texts(["1", "2", "3"])),
            Said::beginning("Ben", texts(["a", "b", "c"])),
        ];
        faults(&heard, &said)
    }

    #[test]
    fn is_content_with_every_interleaving_that_keeps_each_order() {
        let none: [&str; 0] = [];
        assert_eq!(judge(&["Anna: 1", "Anna: 2", "Anna: 3"]), none);
        assert_eq!(
            judge(&["Ben: a", "Anna: 1", "Ben: b", "Anna: 2", "Anna: 3"]),
            none
        );
        assert_eq!(
            judge(&[
                "* Cem ist da",
                "Anna: 1",
                "* Cem ist weg",
                "Anna: 2",
                "* Cem ist da",
                "Anna: 3"
            ]),
            none
        );
    }

    #[test]
    fn notices_what_is_lost_doubled_or_out_of_order() {
        assert_eq!(judge(&["Anna: 1", "Anna: 3"]), ["lost: Anna: \"2\""]);
        assert_eq!(judge(&["Anna: 1", "Anna: 2"]), ["lost: Anna: \"3\""]);
        assert_eq!(
            judge(&["Anna: 1", "Anna: 2", "Anna: 2", "Anna: 3"]),
            ["once too often: Anna: \"2\""]
        );
        assert_eq!(
            judge(&["Anna: 1", "Anna: 3", "Anna: 2"]),
            ["out of order: Anna: \"3\""]
        );
    }

    #[test]
    fn notices_a_gap_even_where_the_end_may_be_missing() {
        let anna = ["Anna: 1", "Anna: 2", "Anna: 3"];
        let faults = judge(&[&anna[..], &["Ben: a", "Ben: c"]].concat());
        assert_eq!(faults, ["lost: Ben: \"b\"", "once too often: Ben: \"c\""]);
    }

    #[test]
    fn notices_strangers_ghosts_and_doubled_events() {
        let anna = ["Anna: 1", "Anna: 2", "Anna: 3"];
        let judge = |more: &[&str]| judge(&[&anna[..], more].concat());
        assert_eq!(judge(&["Cem: x"]), ["from nobody: Cem: [\"x\"]"]);
        assert_eq!(
            judge(&["Unsinn"]),
            ["neither message nor event: \"Unsinn\""]
        );
        assert_eq!(
            judge(&["* Ben ist weg", "Ben: a"]),
            ["after the farewell: \"Ben: a\""]
        );
        assert_eq!(
            judge(&["* Ben ist weg", "* Ben ist weg"]),
            ["twice in a row: \"* Ben ist weg\""]
        );
    }
}

mod the_client {
    use std::io::Write;
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    /// A client of a server that sends just this and then nothing more for as long as it lives.
    fn client_of(server_sends: &str) -> (Client, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Client::connect(listener.local_addr().unwrap());
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(server_sends.as_bytes()).unwrap();
        (client, stream)
    }

    #[test]
    #[should_panic = "instead of \"Anna: 2\""]
    fn does_not_wait_forever_for_a_line() {
        let (mut client, _stream) = client_of("Anna: 1\n");
        client.hear("Anna: 2", Duration::from_millis(50));
    }

    #[test]
    #[should_panic = "the stream ends within the line \"Anna:\""]
    fn does_not_take_half_a_line_for_a_line() {
        let (mut client, stream) = client_of("Anna:");
        drop(stream);
        client.rest();
    }

    #[test]
    #[should_panic = "Anna: 1"]
    fn does_not_skip_a_line_where_the_next_one_is_expected() {
        let (mut client, _stream) = client_of("Anna: 1\nAnna: 2\n");
        client.expect("Anna: 2");
    }

    #[test]
    #[should_panic = "no refusal with „leer“"]
    fn does_not_take_one_refusal_for_another() {
        let (mut client, _stream) = client_of("! Der Name ist schon vergeben.\n");
        client.expect_refusal("leer");
    }
}
