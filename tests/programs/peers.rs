//! The peers of chapters 4 and 9 at the two ends of one conversation: same switches, same wire format, whoever
//! starts first. What the later one says out of turn waits in the earlier one's socket until that one listens.

use std::process::Command;
use std::time::Duration;

use programs::ports;
use testing::program::Program;

use crate::chat::server::executable;

/// Who has nothing to say must be silent for so long.
const WINDOW: Duration = Duration::from_millis(200);

/// A peer that listens on `own` and looks for the other one on `other`.
pub fn command(program: &str, own: u16, other: u16, name: &str) -> Command {
    let mut command = Command::new(executable(program));
    command
        .args(["--listen-port", &own.to_string(), "--peer-ip", "127.0.0.1"])
        .args(["--peer-port", &other.to_string(), "--name", name]);
    command
}

/// A running peer; it ends with the test.
struct Peer(Program);

impl Peer {
    /// Starts `program` and waits until it listens.
    fn listening(program: &str, own: u16, other: u16, name: &str) -> Peer {
        let mut peer = Peer(Program::start(command(program, own, other, name)));
        assert_eq!(peer.line(), format!("Server lauscht auf 127.0.0.1:{own}"));
        peer
    }

    fn line(&mut self) -> String {
        self.0.line()
    }

    /// Skips what it says while it searches.
    fn finds(&mut self, other: &str) {
        let found = format!("Verbunden mit {other}. Zeile tippen und Enter; bye beendet.");
        while self.line() != found {}
    }

    fn says(&mut self, line: &str) {
        self.0.type_line(line);
    }

    fn hangs_up(&mut self) {
        self.0.end_input();
    }

    fn is_silent(&mut self) {
        assert_eq!(self.0.out.within(WINDOW), None);
    }

    fn ends_well(mut self) {
        assert_eq!(self.0.status().code(), Some(0));
    }
}

/// Two free ports, the smaller one first.
fn two_ports() -> (u16, u16) {
    let free = || ports::free().expect("a free port");
    let (one, other) = (free(), free());
    (one.min(other), one.max(other))
}

/// One peer of each chapter, linked. The one of chapter 4 has the turn if its port is the smaller one.
fn linked(turns_starts: bool, turns_is_smaller: bool) -> (Peer, Peer) {
    let (small, big) = two_ports();
    let (own, other) = match turns_is_smaller {
        true => (small, big),
        false => (big, small),
    };
    let start_turns = || Peer::listening("ch04-peer", own, other, "Tina");
    let start_free = || Peer::listening("ch09-peer", other, own, "Frida");
    let (mut turns, mut free) = if turns_starts {
        let turns = start_turns();
        (turns, start_free())
    } else {
        let free = start_free();
        (start_turns(), free)
    };
    turns.finds("Frida");
    free.finds("Tina");
    if turns_is_smaller {
        assert_eq!(turns.line(), "Sie sind an der Reihe.");
    }
    (turns, free)
}

/// Every combination of who starts and who has the turn.
fn in_all_orders(talk: fn(Peer, Peer, bool)) {
    for turns_starts in [true, false] {
        for turns_is_smaller in [true, false] {
            let (turns, free) = linked(turns_starts, turns_is_smaller);
            talk(turns, free, turns_is_smaller);
        }
    }
}

#[test]
fn they_talk_and_say_goodbye_whoever_starts() {
    in_all_orders(|mut turns, mut free, turns_begins| {
        free.says("Grüß Gott");
        if turns_begins {
            turns.is_silent();
            turns.says("Hallo");
            assert_eq!(free.line(), "Tina: Hallo");
        }
        assert_eq!(turns.line(), "Frida: Grüß Gott");
        assert_eq!(turns.line(), "Sie sind an der Reihe.");
        turns.says("bye");
        assert_eq!(free.line(), "Tina: bye");
        turns.ends_well();
        free.ends_well();
    });
}

#[test]
fn what_is_said_out_of_turn_waits_in_the_socket_one_line_a_turn() {
    let (mut turns, mut free) = linked(true, true);
    let words = ["eins", "zwei", "drei"];
    for word in words {
        free.says(word);
    }
    turns.is_silent();
    for word in words {
        turns.says("Weiter?");
        assert_eq!(free.line(), "Tina: Weiter?");
        assert_eq!(turns.line(), format!("Frida: {word}"));
        assert_eq!(turns.line(), "Sie sind an der Reihe.");
        turns.is_silent();
    }
}

/// The one of chapter 4 stops at the first failed write, although more is there for it to read.
#[test]
fn what_was_said_out_of_turn_before_leaving_is_lost_when_a_write_fails() {
    let (mut turns, mut free) = linked(true, true);
    for word in ["eins", "zwei", "bye"] {
        free.says(word);
    }
    free.ends_well();
    turns.says("Weiter?"); // the system takes it, and learns that nobody is there
    assert_eq!(turns.line(), "Frida: eins");
    assert_eq!(turns.line(), "Sie sind an der Reihe.");
    turns.says("Weiter?");
    let end = turns.line();
    assert!(end.starts_with("Frida ist nicht mehr da: "), "{end}");
    turns.ends_well();
}

#[test]
fn the_one_of_chapter_9_notices_at_once_that_the_other_is_gone_the_one_of_chapter_4_does_not()
 {
    let (mut turns, mut free) = linked(true, true);
    turns.hangs_up();
    assert_eq!(free.line(), "Tina hat aufgelegt.");
    free.ends_well();

    let (mut turns, mut free) = linked(true, true);
    free.hangs_up();
    free.ends_well();
    turns.is_silent();
    turns.says("Frida?");
    assert_eq!(turns.line(), "Frida hat aufgelegt.");
    turns.ends_well();
}
