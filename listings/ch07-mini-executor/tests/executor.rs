//! Der Executor, der Wecker, `join_all` und die Zwillinge, Frage für Frage.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use ch07_mini_executor::busy;
use ch07_mini_executor::by_hand::{Bill, Dish, bill};
use ch07_mini_executor::executor::{Executor, spawn};
use ch07_mini_executor::join::join_all;
use ch07_mini_executor::reactor::{Listener, Reactor};
use ch07_mini_executor::timer::{sleep, until_next};
use ch07_mini_executor::wait::{Bell, Parking, Wait};
use ch07_mini_executor::yielding::yield_now;

/// Worauf ein Test wartet, muss in dieser Zeit geschehen; sonst schlägt er fehl.
const DEADLINE: Duration = Duration::from_secs(20);

const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Wartet in `park`, aber gibt auf, wenn die Frist verstrichen ist.
struct Watchful {
    end: Instant,
}

impl Wait for Watchful {
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::other("das endet nicht"));
        }
        Parking.wait(Some(patience.map_or(left, |patience| patience.min(left))))
    }

    fn bell(&self) -> Bell {
        Parking.bell()
    }
}

fn watchful() -> Watchful {
    Watchful {
        end: Instant::now() + DEADLINE,
    }
}

fn run() {
    Executor::new(watchful()).run().unwrap();
}

/// So oft wird geweckt. Unter Wine dauert eine Runde, einen Thread starten und wecken, gut 6 ms: Tausend wären zu viel für
/// die Frist. Wie lange es unter Windows dauert, ist nicht gesehen.
const ROUNDS: usize = if cfg!(windows) { 50 } else { 1000 };

/// Führt etwas in einem eigenen Thread aus und bricht ab, wenn es nicht endet.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (sender, finished) = channel();
    thread::spawn(move || {
        work();
        let _ = sender.send(()); // der Test hat vielleicht schon aufgegeben
    });
    finished.recv_timeout(DEADLINE).expect("das endet nicht");
}

/// Fragt einmal, ohne dass jemand geweckt werden könnte.
fn ask<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Zählt in `polls` mit, wie oft ein Future gefragt wird.
async fn counted<F: Future>(future: F, polls: Rc<Cell<u32>>) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(context)
    })
    .await
}

/// Gibt bei der ersten Frage den Waker her und ist bei der zweiten fertig.
async fn hand_over(wakers: Sender<Waker>, polls: Rc<Cell<u32>>) {
    let mut asked = false;
    let future = poll_fn(|context| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        wakers.send(context.waker().clone()).unwrap();
        Poll::Pending
    });
    counted(future, polls).await
}

// ---- Tasks ----

#[test]
fn tasks_take_turns_in_the_order_they_were_started() {
    let log = Rc::new(RefCell::new(Vec::new()));
    for name in ["Anna", "Ben"] {
        let log = log.clone();
        spawn(async move {
            for turn in 1..=3 {
                log.borrow_mut().push(format!("{name} {turn}"));
                yield_now().await;
            }
        });
    }
    assert!(log.borrow().is_empty(), "spawn fragt noch nicht");
    run();
    let expected = ["Anna 1", "Ben 1", "Anna 2", "Ben 2", "Anna 3", "Ben 3"];
    assert_eq!(*log.borrow(), expected);
}

#[test]
fn a_task_may_start_others_and_the_executor_waits_for_all() {
    let finished = Rc::new(Cell::new(0));
    async fn family(generations: u32, finished: Rc<Cell<u32>>) {
        if generations > 0 {
            for _ in 0..3 {
                spawn(Box::pin(family(generations - 1, finished.clone())));
            }
            sleep(milliseconds(1)).await;
        }
        finished.set(finished.get() + 1);
    }
    spawn(family(4, finished.clone()));
    run();
    assert_eq!(finished.get(), 1 + 3 + 9 + 27 + 81);
}

#[test]
fn whoever_never_waits_still_lets_others_and_the_timer_in() {
    in_time(|| {
        let is_over = Rc::new(Cell::new(false));
        let also = is_over.clone();
        spawn(async move {
            while !also.get() {
                yield_now().await;
            }
        });
        spawn(async move {
            sleep(milliseconds(20)).await;
            is_over.set(true);
        });
        run();
    });
}

// ---- Wecken ----

#[test]
fn another_thread_wakes_a_task_and_it_is_polled_once_for_that() {
    in_time(|| {
        for _ in 0..ROUNDS {
            let (sender, wakers) = channel();
            let polls = Rc::new(Cell::new(0));
            spawn(hand_over(sender, polls.clone()));
            let waking = thread::spawn(move || wakers.recv().unwrap().wake());
            run();
            waking.join().unwrap();
            assert_eq!(polls.get(), 2);
        }
    });
}

#[test]
fn another_thread_wakes_a_task_that_waits_in_the_reactor() {
    in_time(|| {
        let mut executor = Executor::new(Reactor::new().unwrap());
        for _ in 0..ROUNDS {
            let (sender, wakers) = channel();
            let polls = Rc::new(Cell::new(0));
            spawn(hand_over(sender, polls.clone()));
            let waking = thread::spawn(move || wakers.recv().unwrap().wake());
            executor.run().unwrap();
            waking.join().unwrap();
            assert_eq!(polls.get(), 2);
        }
    });
}

/// Gefragt wird der Lesende zweimal: bevor das Byte da ist, und danach.
#[test]
fn who_waits_for_bytes_is_not_woken_by_room_to_write() {
    in_time(|| {
        let reactor = Reactor::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut listener = Listener::new(listener, &reactor).unwrap();
        let polls = Rc::new(Cell::new(0));
        let count = polls.clone();
        spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0];
            let mut read = pin!(stream.read(&mut buffer));
            let asked = poll_fn(|context| {
                polls.set(polls.get() + 1);
                read.as_mut().poll(context)
            });
            assert_eq!(asked.await.unwrap(), 1);
        });
        let writing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300)); // so lange soll nichts geschehen
            client.write_all(b"x").unwrap();
            client
        });
        Executor::new(reactor).run().unwrap();
        writing.join().unwrap();
        assert_eq!(count.get(), 2);
    });
}

/// Weckt die Task aus einem anderen Thread, wenn der Executor schon gesehen hat, dass
/// niemand bereit ist, und noch nicht wartet.
struct JustBefore {
    wakers: Receiver<Waker>,
    parking: Watchful,
}

impl Wait for JustBefore {
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        if let Ok(waker) = self.wakers.try_recv() {
            assert_eq!(
                patience, None,
                "niemand ist bereit, und es gibt keinen Termin"
            );
            thread::spawn(move || waker.wake()).join().unwrap();
        }
        self.parking.wait(patience)
    }

    fn bell(&self) -> Bell {
        self.parking.bell()
    }
}

#[test]
fn no_wake_up_is_lost_between_looking_and_waiting() {
    in_time(|| {
        let (sender, wakers) = channel();
        let polls = Rc::new(Cell::new(0));
        spawn(hand_over(sender, polls.clone()));
        let parking = watchful();
        Executor::new(JustBefore { wakers, parking }).run().unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn being_woken_several_times_means_being_polled_once() {
    let polls = Rc::new(Cell::new(0));
    let (sender, wakers) = channel();
    spawn(hand_over(sender, polls.clone()));
    spawn(async move {
        let waker = wakers.recv().unwrap(); // die andere Task ist schon gefragt
        for _ in 0..3 {
            waker.wake_by_ref();
        }
        let from_elsewhere = waker.clone();
        thread::spawn(move || from_elsewhere.wake()).join().unwrap();
    });
    run();
    assert_eq!(polls.get(), 2);
}

#[test]
fn waking_a_finished_task_harms_nobody() {
    let (sender, wakers) = channel();
    let polls = Rc::new(Cell::new(0));
    spawn(hand_over(sender, polls.clone()));
    let others = Rc::new(Cell::new(0));
    let also = others.clone();
    spawn(async move {
        let waker = wakers.recv().unwrap();
        waker.wake_by_ref();
        sleep(milliseconds(1)).await; // jetzt ist sie fertig
        waker.wake_by_ref();
        counted(sleep(milliseconds(50)), also).await;
        waker.wake();
    });
    run();
    assert_eq!((polls.get(), others.get()), (2, 2));
}

/// Gibt auf, statt zu warten.
struct NoPatience;

impl Wait for NoPatience {
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        match patience {
            Some(Duration::ZERO) => Ok(()),
            _ => Err(io::Error::other("keine Geduld")),
        }
    }

    fn bell(&self) -> Bell {
        Box::new(|| ())
    }
}

#[test]
fn dropping_the_executor_drops_its_tasks() {
    let held = Rc::new(());
    for _ in 0..3 {
        let held = held.clone();
        spawn(async move {
            sleep(DEADLINE).await;
            drop(held);
        });
    }
    let mut executor = Executor::new(NoPatience);
    assert_eq!(executor.run().unwrap_err().to_string(), "keine Geduld");
    assert_eq!(Rc::strong_count(&held), 4);
    assert!(until_next().is_some());
    drop(executor);
    assert_eq!(Rc::strong_count(&held), 1);
    assert_eq!(until_next(), None, "auch ihre Termine sind fort");
}

// ---- der Wecker ----

/// Schreibt mit, wie lange gewartet werden darf.
struct Noting {
    waits: Rc<RefCell<Vec<Option<Duration>>>>,
    parking: Watchful,
}

impl Wait for Noting {
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.waits.borrow_mut().push(patience);
        self.parking.wait(patience)
    }

    fn bell(&self) -> Bell {
        self.parking.bell()
    }
}

fn run_noting(waits: &Rc<RefCell<Vec<Option<Duration>>>>) {
    let (waits, parking) = (waits.clone(), watchful());
    Executor::new(Noting { waits, parking }).run().unwrap();
}

#[test]
fn nobody_is_asked_while_all_sleep() {
    let (waits, polls) = (Rc::default(), Rc::new(Cell::new(0)));
    for time in [50, 30, 50] {
        let polls = polls.clone();
        spawn(async move { counted(sleep(milliseconds(time)), polls).await });
    }
    let start = Instant::now();
    run_noting(&waits);
    assert!(start.elapsed() >= milliseconds(50));
    assert_eq!(polls.get(), 6); // jede Task zweimal: am Anfang und nach dem Wecken
    // Einmal je Termin. Etwas mehr dürfen es sein: `park` darf grundlos enden.
    assert!(waits.borrow().len() <= 8, "{waits:?}");
}

#[test]
fn the_executor_waits_no_longer_than_until_the_next_appointment() {
    let waits: Rc<RefCell<Vec<_>>> = Rc::default();
    for time in [40, 20] {
        spawn(sleep(milliseconds(time)));
    }
    run_noting(&waits);
    assert_eq!(
        waits.borrow()[0],
        Some(Duration::ZERO),
        "zwei neue Tasks sind bereit"
    );
    let longest = waits.borrow().iter().map(|patience| patience.unwrap()).max();
    assert!(longest <= Some(milliseconds(20)), "{waits:?}");
}

#[test]
fn a_thousand_sleeping_tasks_end_in_order_and_none_too_early() {
    let ended = Rc::new(RefCell::new(Vec::new()));
    let polls = Rc::new(Cell::new(0));
    let start = Instant::now();
    for number in 0..1000 {
        let (ended, polls) = (ended.clone(), polls.clone());
        spawn(async move {
            let time = Duration::from_micros(10_000 + 100 * number);
            counted(sleep(time), polls).await;
            assert!(start.elapsed() >= time);
            ended.borrow_mut().push(number);
        });
    }
    run();
    assert_eq!(*ended.borrow(), Vec::from_iter(0..1000));
    assert!(polls.get() <= 2000);
}

#[test]
fn whoever_gives_up_waiting_leaves_no_appointment() {
    let mut short = Box::pin(sleep(milliseconds(10_000)));
    let mut long = Box::pin(sleep(DEADLINE));
    for _ in 0..2 {
        assert!(ask(short.as_mut()).is_pending());
        assert!(ask(long.as_mut()).is_pending());
    }
    assert!(until_next().unwrap() <= milliseconds(10_000));
    drop(short);
    assert!(until_next().unwrap() > milliseconds(10_000));
    drop(long);
    assert_eq!(until_next(), None);
}

#[test]
fn sleeping_no_time_is_over_at_once() {
    let sleep = pin!(sleep(Duration::ZERO));
    assert!(ask(sleep).is_ready());
    assert_eq!(until_next(), None);
}

#[test]
fn a_task_that_outlives_its_thread_does_not_disturb_its_end() {
    let ended = thread::spawn(|| spawn(sleep(DEADLINE))).join(); // kein Executor kommt je
    assert!(ended.is_ok());
}

#[test]
fn the_busy_executor_comes_to_the_same_end_with_many_more_polls() {
    let polls = Rc::new(Cell::new(0));
    let start = Instant::now();
    busy::run(counted(sleep(milliseconds(50)), polls.clone()));
    assert!(start.elapsed() >= milliseconds(50));
    assert!(polls.get() > 100, "{polls:?}");
}

// ---- join_all ----

#[test]
fn join_all_waits_as_long_as_the_longest_and_keeps_the_order() {
    let start = Instant::now();
    let results: Rc<RefCell<Vec<_>>> = Rc::default();
    let also = results.clone();
    spawn(async move {
        let tell = async |time| {
            sleep(milliseconds(time)).await;
            time
        };
        also.replace(join_all((1..=20).rev().map(|tenth| tell(10 * tenth))).await);
    });
    run();
    assert_eq!(
        *results.borrow(),
        Vec::from_iter((1..=20).rev().map(|tenth| 10 * tenth))
    );
    assert!(start.elapsed() >= milliseconds(200));
    assert!(start.elapsed() < milliseconds(2100)); // so lange wären sie nacheinander
}

#[test]
fn join_all_asks_everyone_who_is_not_finished_whoever_was_woken() {
    let mut polls = Vec::new();
    let mut dishes = Vec::new();
    for polls_left in [0, 1, 3] {
        polls.push(Rc::new(Cell::new(0)));
        let dish = Dish {
            polls_left,
            price: polls_left,
        };
        dishes.push(counted(dish, polls[polls.len() - 1].clone()));
    }
    let mut all = pin!(join_all(dishes));
    for _ in 0..3 {
        assert!(ask(all.as_mut()).is_pending());
    }
    assert_eq!(ask(all.as_mut()), Poll::Ready(vec![0, 1, 3]));
    // Wer fertig ist, wird nicht mehr gefragt.
    assert_eq!(polls, [1, 2, 4].map(|count| Rc::new(Cell::new(count))));
}

#[test]
fn joining_nobody_is_over_at_once() {
    let all = pin!(join_all(Vec::<Dish>::new()));
    assert_eq!(ask(all), Poll::Ready(vec![]));
}

// ---- von Hand und vom Compiler ----

/// Wen ein Future bei einer Frage geweckt hat und was sie antwortete, bis zum Ende.
fn answers<F: Future<Output = u32>>(future: F) -> Vec<(Poll<u32>, bool)> {
    struct Bulb(AtomicBool);
    impl std::task::Wake for Bulb {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let bulb = Arc::new(Bulb(AtomicBool::new(false)));
    let waker = Waker::from(bulb.clone());
    let mut future = pin!(future);
    let mut answers = Vec::new();
    while !matches!(answers.last(), Some((Poll::Ready(_), _))) {
        let answer = future.as_mut().poll(&mut Context::from_waker(&waker));
        answers.push((answer, bulb.0.swap(false, Ordering::SeqCst)));
    }
    let once_more = catch_unwind(AssertUnwindSafe(|| ask(future.as_mut())));
    assert!(once_more.is_err(), "nach dem Ende fragt man nicht mehr");
    answers
}

// ANCHOR: twins
#[test]
fn the_twins_answer_alike_poll_by_poll() {
    for (soup, roast) in (0..4).flat_map(|soup| (0..4).map(move |roast| (soup, roast))) {
        let soup = || Dish {
            polls_left: soup,
            price: 450,
        };
        let roast = || Dish {
            polls_left: roast,
            price: 1290,
        };
        let by_compiler = answers(bill(soup(), roast()));
        let by_hand = answers(Bill::AwaitsSoup {
            soup: soup(),
            roast: roast(),
        });
        assert_eq!(by_compiler, by_hand);
        let polls = soup().polls_left + roast().polls_left + 1;
        assert_eq!(by_hand.len(), polls as usize);
        assert_eq!(by_hand.last(), Some(&(Poll::Ready(1740), false)));
    }
}
// ANCHOR_END: twins

#[test]
fn a_value_may_come_from_a_thread() {
    in_time(|| {
        let desk: Arc<Mutex<(Option<u32>, Option<Waker>)>> = Arc::default();
        let there = desk.clone();
        let computing = thread::spawn(move || {
            let mut desk = there.lock().unwrap();
            desk.0 = Some(42);
            desk.1.take().into_iter().for_each(Waker::wake);
        });
        let result = Rc::new(Cell::new(0));
        let also = result.clone();
        spawn(async move {
            let value = poll_fn(|context| {
                let mut desk = desk.lock().unwrap();
                desk.1 = Some(context.waker().clone());
                desk.0.map_or(Poll::Pending, Poll::Ready)
            });
            also.set(value.await);
        });
        run();
        computing.join().unwrap();
        assert_eq!(result.get(), 42);
    });
}

#[test]
fn executor_timer_and_join_have_about_150_lines() {
    let files = [
        include_str!("../src/executor.rs"),
        include_str!("../src/timer.rs"),
        include_str!("../src/join.rs"),
    ];
    let is_code = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with("//") && !line.starts_with("use ")
    };
    let lines = files.iter().flat_map(|file| file.lines()).filter(is_code).count();
    assert!((140..160).contains(&lines), "{lines}");
}
