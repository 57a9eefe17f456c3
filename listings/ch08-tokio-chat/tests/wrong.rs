//! Die drei Fehler aus `cancel.rs`, `guard.rs` und `race.rs`: Sie treten jedes Mal ein, und
//! die Abhilfe hilft.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ch08_tokio_chat::cancel::{listen_right, listen_wrong};
use ch08_tokio_chat::guard::{Visits, count_one_by_one, count_right, count_wrong};
use ch08_tokio_chat::lines::Line;
use ch08_tokio_chat::race::Names;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Builder;
use tokio::time::sleep;
use tokio::{join, task};

/// Worauf ein Test wartet, muss in dieser Zeit geschehen; sonst schlägt er fehl.
const DEADLINE: Duration = Duration::from_secs(20);

// ---- Abbruch ----

// ANCHOR: cancel
/// Schickt eine Zeile in zwei Stücken; dazwischen vergeht mehr als eine Sekunde.
async fn send_slowly(mut stream: DuplexStream) {
    stream.write_all("Guten ".as_bytes()).await.unwrap();
    sleep(Duration::from_millis(1500)).await;
    stream.write_all("Morgen\n".as_bytes()).await.unwrap();
}

#[tokio::test(start_paused = true)] // die Uhr springt, sobald alle warten
async fn a_future_that_is_dropped_takes_what_it_has_read_with_it() {
    let (sender, receiver) = duplex(64);
    let (lines, ()) = join!(listen_wrong(receiver), send_slowly(sender));
    assert_eq!(lines.unwrap(), [Line::Text("Morgen".into())]);
}

#[tokio::test(start_paused = true)]
async fn what_stands_outside_of_the_future_is_kept() {
    let (sender, receiver) = duplex(64);
    let (lines, ()) = join!(listen_right(receiver), send_slowly(sender));
    assert_eq!(lines.unwrap(), [Line::Text("Guten Morgen".into())]);
}
// ANCHOR_END: cancel

// ---- ein Lock über `.await` ----

/// Zählt in zwei Tasks eines eigenen Threads; `None`, wenn er nach der Frist noch nicht fertig
/// ist. Sie beginnt, wenn er läuft. Der Thread bleibt dann stehen, bis der Test endet.
fn count_twice<Count: Future<Output = u32> + 'static>(
    patience: Duration,
    count: impl FnOnce() -> Count + Send + 'static,
) -> Option<u32> {
    let (sender, ends) = channel();
    let (starts, started) = channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        let tasks = task::LocalSet::new();
        starts.send(()).unwrap();
        sender.send(tasks.block_on(&runtime, count()))
    });
    started.recv_timeout(DEADLINE).expect("der Thread läuft");
    match ends.recv_timeout(patience) {
        Ok(visits) => Some(visits),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => panic!("der Thread ist abgestürzt"),
    }
}

/// Ein Wert, der bis zum Ende des Prozesses lebt: So teilen ihn zwei Tasks ohne `Rc`.
fn shared<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

// ANCHOR: guard
#[test]
fn a_lock_held_across_await_stops_the_whole_thread() {
    let visits = count_twice(Duration::from_millis(300), async || {
        let visits = shared(Visits::new(0));
        let first = task::spawn_local(count_wrong(visits));
        let second = task::spawn_local(count_wrong(visits)); // wartet auf den Lock, der Thread also auch
        first.await.unwrap();
        second.await.unwrap();
        *visits.lock().unwrap()
    });
    assert_eq!(visits, None);
}
// ANCHOR_END: guard

#[test]
fn a_lock_given_back_before_await_stops_nobody() {
    let visits = count_twice(DEADLINE, async || {
        let visits = shared(Visits::new(0));
        let first = task::spawn_local(count_right(visits));
        let second = task::spawn_local(count_right(visits));
        first.await.unwrap();
        second.await.unwrap();
        *visits.lock().unwrap()
    });
    assert_eq!(visits, Some(2));
}

#[test]
fn a_lock_of_tokio_lets_the_other_task_wait_and_not_the_thread() {
    let visits = count_twice(DEADLINE, async || {
        let visits = shared(tokio::sync::Mutex::new(0));
        let first = task::spawn_local(count_one_by_one(visits));
        let second = task::spawn_local(count_one_by_one(visits));
        first.await.unwrap();
        second.await.unwrap();
        *visits.lock().await
    });
    assert_eq!(visits, Some(2));
}

// ---- eine Race Condition ohne Threads ----

// ANCHOR: race
#[tokio::test] // ein Thread, zwei Futures
async fn a_name_is_given_twice_when_an_await_stands_between_checking_and_taking() {
    let names = Names::default();
    let (first, second) = join!(
        names.take_in_two_steps("Anna"),
        names.take_in_two_steps("Anna")
    );
    assert!(first && second); // beide heißen jetzt Anna
}

#[tokio::test]
async fn a_name_is_given_once_when_checking_and_taking_are_one_step() {
    let names = Names::default();
    let (first, second) = join!(names.take("Anna"), names.take("Anna"));
    assert!(first != second);
}
// ANCHOR_END: race

#[tokio::test]
async fn a_name_that_is_not_decent_is_given_to_nobody() {
    let names = Names::default();
    assert!(!names.take_in_two_steps("Mist").await && !names.take("Mist").await);
    assert!(names.take_in_two_steps("Ben").await && !names.take("Ben").await);
    assert!(names.take("Carla").await && !names.take_in_two_steps("Carla").await);
}
