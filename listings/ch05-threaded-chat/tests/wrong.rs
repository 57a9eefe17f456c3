//! Die beiden Fehler aus `wrong.rs`: Sie treten ein, und die Abhilfe hilft.

use std::collections::HashSet;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use ch05_threaded_chat::wrong::{Names, Room, move_as_asked, move_in_order};

/// Worauf ein Test wartet, muss in dieser Zeit geschehen; sonst schlägt er fehl.
const DEADLINE: Duration = Duration::from_secs(20);

// ANCHOR: race
#[test]
fn two_threads_get_the_same_name_when_checking_and_taking_are_two_steps() {
    let names = Names::default();
    let both_have_checked = Barrier::new(2);
    let ask = || {
        names.take_in_two_steps("Anna", || {
            both_have_checked.wait();
        })
    };

    let (first, second) = thread::scope(|scope| {
        let (first, second) = (scope.spawn(ask), scope.spawn(ask));
        (first.join().unwrap(), second.join().unwrap())
    });
    assert!(first && second); // beide heißen jetzt Anna
}
// ANCHOR_END: race

#[test]
fn only_one_of_many_threads_gets_a_name_in_one_step() {
    let names = Names::default();
    let taken = thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| names.take("Anna"))).collect();
        threads
            .into_iter()
            .map(|thread| usize::from(thread.join().unwrap()))
            .sum::<usize>()
    });
    assert_eq!(taken, 1);
}

fn two_rooms() -> Arc<[Room]> {
    Arc::new(["Anna", "Ben"].map(|name| Mutex::new(HashSet::from([name.to_string()]))))
}

// ANCHOR: watchdog
/// Führt beides gleichzeitig aus; `false`, wenn es nach der Frist noch nicht fertig ist.
fn both_end(
    patience: Duration,
    one: impl FnOnce() + Send + 'static,
    other: impl FnOnce() + Send + 'static,
) -> bool {
    let (sender, ends) = channel();
    let sender_too = sender.clone();
    thread::spawn(move || sender.send((one(), ())));
    thread::spawn(move || sender_too.send((other(), ())));
    for _ in 0..2 {
        match ends.recv_timeout(patience) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => panic!("ein Thread ist abgestürzt"),
        }
    }
    true
}
// ANCHOR_END: watchdog

// ANCHOR: deadlock
#[test]
fn two_threads_that_lock_in_opposite_order_wait_for_ever() {
    let rooms = two_rooms();
    let each_has_one = Arc::new(Barrier::new(2));
    let (rooms_too, each_has_one_too) = (Arc::clone(&rooms), Arc::clone(&each_has_one));

    let ended = both_end(
        Duration::from_millis(300),
        move || {
            move_as_asked(&rooms, 0, 1, "Anna", || {
                each_has_one.wait();
            })
        },
        move || {
            move_as_asked(&rooms_too, 1, 0, "Ben", || {
                each_has_one_too.wait();
            })
        },
    );
    assert!(!ended);
}
// ANCHOR_END: deadlock

#[test]
fn in_the_same_order_both_always_end() {
    for _ in 0..200 {
        let rooms = two_rooms();
        let (rooms_one, rooms_other) = (Arc::clone(&rooms), Arc::clone(&rooms));
        assert!(both_end(
            DEADLINE,
            move || move_in_order(&rooms_one, 0, 1, "Anna"),
            move || move_in_order(&rooms_other, 1, 0, "Ben"),
        ));
        let names =
            |room: usize| rooms[room].lock().unwrap().iter().cloned().collect::<Vec<_>>();
        assert_eq!(
            (names(0), names(1)),
            (vec!["Ben".to_string()], vec!["Anna".to_string()])
        );
    }
    move_in_order(&two_rooms(), 0, 0, "Anna"); // kehrt zurück
}

/// Eine Zeile in zwei Stücken und die Antwort darauf, fünfmal: die Zeiten bis zur Antwort, die kürzeste zuerst. Die
/// erste Runde zählt nicht, am Anfang bestätigt Linux alles sofort.
#[cfg(target_os = "linux")]
fn rounds(nodelay: bool) -> [Duration; 5] {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nodelay(nodelay).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let answering = thread::spawn(move || {
        let lines = BufReader::new(server.try_clone().unwrap()).lines();
        lines.for_each(|line| server.write_all((line.unwrap() + "\n").as_bytes()).unwrap());
    });
    let mut answers = BufReader::new(client.try_clone().unwrap()).lines();
    let mut round = || {
        let start = std::time::Instant::now();
        client.write_all(b"Hal").unwrap();
        client.write_all(b"lo\n").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), "Hallo");
        start.elapsed()
    };
    round();
    let mut times: [Duration; 5] = std::array::from_fn(|_| round());
    times.sort();
    client.shutdown(std::net::Shutdown::Both).unwrap();
    answering.join().unwrap();
    times
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_in_two_pieces_waits_for_a_delayed_acknowledgement_unless_nodelay_is_set() {
    let [_, _, middle, ..] = rounds(false);
    assert!(middle >= Duration::from_millis(30), "{middle:?}");
    let [shortest, ..] = rounds(true);
    assert!(shortest < Duration::from_millis(30), "{shortest:?}");
}
