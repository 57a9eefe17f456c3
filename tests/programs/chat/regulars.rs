//! Three well-behaved clients that talk with each other, on and on, while a test lets others
//! misbehave. Each message has to reach the other two promptly; in the end each of the three has
//! to have heard everything once and in order.

use std::collections::HashSet;
use std::ops::Range;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::client::Client;
use super::record::{Said, assert_heard};
use super::server::{DEADLINE, Server};

const NAMES: [&str; 3] = ["Anna", "Ben", "Cem"];

/// A message that takes longer than this is late: far more than a loaded machine needs, and less
/// than a server takes that waits for somebody who does not read.
const PROMPT: Duration = Duration::from_secs(3);

/// Between two rounds of talk. Not a wait for anything: it leaves the machine to the others.
const PACE: Duration = Duration::from_millis(1);

/// The three, talking in a thread of their own.
pub struct Regulars {
    thread: Option<JoinHandle<[Client; 3]>>,
    shared: Arc<Shared>,
    /// The length of their messages in bytes, about.
    length: usize,
}

struct Shared {
    stop: AtomicBool,
    news: Mutex<News>,
    changed: Condvar,
}

#[derive(Default)]
struct News {
    /// So many rounds are complete: everybody has heard what the others said in it.
    rounds: usize,
    /// What Anna heard that came from none of the three.
    lines: HashSet<String>,
}

impl Regulars {
    /// They come in and begin to talk, in messages of about `length` bytes.
    pub fn talk(server: &Server, length: usize) -> Regulars {
        let mut clients = NAMES.map(|name| Client::join(server.address, name));
        for client in &mut clients {
            client.settle(); // now each has heard of those who came later
            client.heard.clear();
        }
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            news: Mutex::default(),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            talk_on(&mut clients, &theirs, length);
            clients
        });
        Regulars {
            thread: Some(thread),
            shared,
            length,
        }
    }

    /// How many rounds are complete.
    pub fn rounds(&self) -> usize {
        self.shared.news().rounds
    }

    /// Waits until that many further rounds are complete.
    pub fn go_on(&mut self, rounds: usize) {
        let goal = self.rounds() + rounds;
        self.wait(&format!("round {goal}"), |news| news.rounds >= goal);
    }

    /// Waits until Anna has heard this line, from whomever.
    pub fn hear(&mut self, line: &str) {
        self.wait(line, |news| news.lines.contains(line));
    }

    fn wait(&mut self, what: &str, is_there: impl Fn(&News) -> bool) {
        let start = Instant::now();
        let mut news = self.shared.news();
        while !is_there(&news) {
            if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
                drop(news);
                self.end(); // and says why
                unreachable!("they do not stop by themselves");
            }
            assert!(start.elapsed() < DEADLINE, "{what:?} does not come");
            let tick = Duration::from_millis(50); // to see whether they are still well
            let waited = self.shared.changed.wait_timeout(news, tick);
            news = waited.expect("nobody panics with the lock").0;
        }
    }

    /// They stop talking, but stay. Each must have heard the other two, and of the guests just this.
    #[must_use]
    pub fn assert_undisturbed(mut self, guests: &[Said]) -> [Client; 3] {
        let mut clients = self.end();
        let rounds = self.rounds();
        for (client, name) in clients.iter_mut().zip(NAMES) {
            client.settle(); // whatever is still on its way has come by then
            let said = self.said(0..rounds).filter(|said| said.name != name);
            let said: Vec<Said> = said.chain(guests.iter().cloned()).collect();
            assert_heard(name, &client.heard, &said);
        }
        clients
    }

    /// What the three say in these rounds.
    pub fn said(&self, rounds: Range<usize>) -> impl Iterator<Item = Said> {
        let texts: Vec<String> = rounds.map(|round| text(round, self.length)).collect();
        NAMES.into_iter().map(move |name| Said::all(name, texts.clone()))
    }

    /// A guest who came and went while they talked: it has to have heard all three, in order and
    /// without a gap, at least up to the round `until`, and nobody else.
    pub fn assert_followed(&self, heard: &[String], until: usize) {
        let last = self.rounds() + 2; // one may be complete but for its announcement, one begun
        let said = self.said(0..last).map(|said| {
            let prefix = format!("{}: ", said.name);
            let mut theirs = heard.iter().filter_map(|line| line.strip_prefix(&prefix));
            let first = theirs.next().and_then(number).unwrap_or(0);
            let end = first + theirs.count() + 1;
            assert!(
                end >= until,
                "heard {} only up to {end}, not {until}",
                said.name
            );
            Said {
                texts: said.texts[first..].to_vec(),
                may_end_early: true,
                ..said
            }
        });
        assert_heard("the guest", heard, &said.collect::<Vec<_>>());
    }

    fn end(&mut self) -> [Client; 3] {
        self.shared.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("they end once");
        thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    }
}

impl Drop for Regulars {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // the test has failed already, and says why
        }
    }
}

impl Shared {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().expect("nobody panics with the lock")
    }
}

fn talk_on(clients: &mut [Client; 3], shared: &Shared, length: usize) {
    let mut reported = 0;
    for round in 0.. {
        for speaker in 0..3 {
            let text = text(round, length);
            let message = format!("{}: {text}", NAMES[speaker]);
            clients[speaker].say(&text);
            for listener in (0..3).filter(|listener| *listener != speaker) {
                clients[listener].hear(&message, PROMPT);
            }
        }
        let anna = &clients[0].heard;
        let is_guests = |line: &&String| !NAMES.iter().any(|name| line.starts_with(name));
        let guests = anna[reported..].iter().filter(is_guests).cloned();
        let mut news = shared.news();
        news.lines.extend(guests);
        news.rounds = round + 1;
        drop(news);
        reported = anna.len();
        shared.changed.notify_all();
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(PACE);
    }
}

/// What each of them says in a round.
fn text(round: usize, length: usize) -> String {
    let padding = "x".repeat(length);
    format!("{round} {padding}")
}

fn number(text: &str) -> Option<usize> {
    text.split(' ').next()?.parse().ok()
}
