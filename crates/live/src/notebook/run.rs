//! One run: a scene or a cell that a page has started, on a thread of its own.
//! `Groups` counts the runs of all pages, `Stop` ends one, `Outbox` carries what it prints to its page.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::limits::Limits;
use super::messages::ToPage;
use print::german;
use programs::processes::Stream;
use scenes::improvise::Cue;

/// What is said when the book is closed in the middle of a run.
const CLOSED: &str = "Das Buch wurde geschlossen.";

/// A lock that a panic elsewhere does not take away: what it protects is sound after every step.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run as its page holds it. Dropping it ends it.
pub struct Run {
    /// The number the page has given it.
    pub number: u32,
    /// When it was asked for.
    pub begun: Instant,
    /// Ends it.
    pub stop: Arc<Stop>,
    /// What the reader does.
    pub cues: Sender<Cue>,
    /// Its end.
    pub thread: Option<JoinHandle<()>>,
}

impl Run {
    /// Whether anything of it may still be there.
    pub fn goes_on(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.stop.stop(None);
    }
}

/// The wish that a run may end, and why.
#[derive(Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    why: Mutex<Option<String>>,
}

impl Stop {
    /// Wishes it; without a reason, it is the reader's wish. Only the first wish counts.
    pub fn stop(&self, why: Option<String>) {
        let mut reason = lock(&self.why);
        if !self.flag.swap(true, Ordering::Relaxed) {
            *reason = why;
        }
    }

    /// Whether it is wished.
    pub fn is_wished(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// The same as a plain flag.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// Why, if it was not the reader's wish.
    pub fn why(&self) -> Option<String> {
        lock(&self.why).clone()
    }
}

/// The runs of all pages.
pub struct Groups {
    most: usize,
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    closed: bool,
    running: usize,
    stops: Vec<Weak<Stop>>,
}

/// The right to run programs, until it is dropped.
pub struct Permit {
    groups: Arc<Groups>,
}

impl Groups {
    /// At most `most` run at a time.
    pub fn new(most: usize) -> Groups {
        Groups {
            most,
            inside: Mutex::default(),
            left: Condvar::new(),
        }
    }

    /// Lets a run in, or says in German why not.
    pub fn enter(self: &Arc<Self>, stop: &Arc<Stop>) -> Result<Permit, String> {
        let mut inside = lock(&self.inside);
        if inside.closed {
            return Err(CLOSED.to_owned());
        }
        if inside.running >= self.most {
            return Err(format!(
                "Es laufen schon {} Szenen und Schnipsel; beenden Sie erst einen anderen.",
                self.most
            ));
        }
        inside.running += 1;
        inside.stops.retain(|stop| stop.strong_count() > 0);
        inside.stops.push(Arc::downgrade(stop));
        Ok(Permit {
            groups: Arc::clone(self),
        })
    }

    /// Ends all runs, lets nobody in any more and waits until all are gone, but at most `patience`.
    pub fn close(&self, patience: Duration) {
        let end = Instant::now() + patience;
        let mut inside = lock(&self.inside);
        inside.closed = true;
        for stop in inside.stops.iter().filter_map(Weak::upgrade) {
            stop.stop(Some(CLOSED.to_owned()));
        }
        while inside.running > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.left.wait_timeout(inside, left);
            inside = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inside = lock(&self.groups.inside);
        inside.running -= 1;
        self.groups.left.notify_all();
    }
}

/// The way from a run to its page; it counts what every program prints.
pub struct Outbox {
    /// The number the page has given the run.
    pub run: u32,
    page: mpsc::Sender<ToPage>,
    begun: OnceLock<Instant>,
    limits: Limits,
    printed: Mutex<BTreeMap<String, Amount>>,
}

/// What of a program's output has been shown.
#[derive(Default)]
struct Amount {
    lines: usize,
    bytes: usize,
    cut: bool,
}

/// What became of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was sent.
    Shown,
    /// It is the first that is too much.
    Cut,
    /// It is one of those behind.
    Lost,
}

impl Outbox {
    /// For a run of `page`.
    pub fn new(run: u32, page: mpsc::Sender<ToPage>, limits: Limits) -> Outbox {
        Outbox {
            run,
            page,
            begun: OnceLock::new(),
            limits,
            printed: Mutex::default(),
        }
    }

    /// Milliseconds since the first moment that was asked about.
    pub fn t(&self, at: Instant) -> f64 {
        let begun = *self.begun.get_or_init(|| at);
        let micros = at.saturating_duration_since(begun).as_micros();
        // A run lasts minutes.
        micros as f64 / 1_000.0
    }

    /// Sends a message; waits while the page is slow, and not at all if it is gone.
    pub fn send(&self, message: ToPage) {
        // Whoever left hears nothing, and its run is being ended already.
        let _ = self.page.blocking_send(message);
    }

    /// Something the reader should know.
    pub fn note(&self, text: String) {
        self.send(ToPage::Note {
            run: self.run,
            text: german::spoken(text),
        });
    }

    /// Counts a line of `process`; the caller sends it if it may be shown.
    pub fn count(&self, process: &str, text: &str) -> Fate {
        let mut printed = lock(&self.printed);
        let printed = printed.entry(process.to_owned()).or_default();
        if printed.cut {
            return Fate::Lost;
        }
        printed.lines += 1;
        printed.bytes += text.len() + 1;
        printed.cut =
            printed.lines > self.limits.lines || printed.bytes > self.limits.bytes;
        if printed.cut { Fate::Cut } else { Fate::Shown }
    }

    /// The sentence in the place of what is cut.
    pub fn cut(&self) -> String {
        format!(
            "… Der Rest ist abgeschnitten: Gezeigt werden höchstens {} Zeilen oder {} KiB.",
            self.limits.lines,
            self.limits.bytes / 1024
        )
    }
}

/// The name of a stream on the wire.
pub fn name(stream: Stream) -> &'static str {
    match stream {
        Stream::Out => "out",
        Stream::Err => "err",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_groups_than_allowed_and_none_after_the_end() {
        let groups = Arc::new(Groups::new(1));
        let stop = Arc::new(Stop::default());
        let permit = groups.enter(&stop);
        assert!(permit.is_ok() && groups.enter(&stop).is_err());
        drop(permit);
        let again = groups.enter(&stop);
        assert!(again.is_ok());
        groups.close(Duration::ZERO);
        assert!(stop.is_wished() && stop.why().as_deref() == Some(CLOSED));
        drop(again);
        assert!(groups.enter(&stop).is_err());
    }

    #[test]
    fn what_is_too_much_is_cut_once_for_each_program() {
        let (page, _sent) = mpsc::channel(8);
        let limits = Limits {
            lines: 2,
            bytes: 100,
            ..Limits::default()
        };
        let outbox = Outbox::new(1, page, limits);
        let fates = ["a", "b", "c", "d"].map(|line| outbox.count("A", line));
        assert_eq!(fates, [Fate::Shown, Fate::Shown, Fate::Cut, Fate::Lost]);
        assert_eq!(outbox.count("B", &"x".repeat(100)), Fate::Cut);
    }
}
