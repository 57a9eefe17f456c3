//! Die Schlange vor einem Empfänger: Wer ihm etwas zu sagen hat, reiht es ein und geht
//! weiter; eine eigene Task schreibt es in den Socket.

use std::io;
use std::mem;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// So viel wird höchstens in einem Zug geschrieben.
const PIECE: usize = 64 * 1024;
/// So lange warten andere höchstens darauf, dass jemand aufholt.
const PATIENCE: Duration = Duration::from_secs(1);

// ANCHOR: outbox
/// Die Schlange vor einem Empfänger.
pub struct Outbox {
    /// So viele Bytes dürfen darin stehen.
    limit: usize,
    /// Ein `Mutex` aus std: Niemand hält ihn über ein `.await` hinweg.
    queue: Mutex<Queue>,
    /// Weckt den Schreibenden: Es ist etwas zu schreiben, oder es kommt nichts mehr.
    filled: Notify,
    /// Weckt alle, die darauf warten, dass der Empfänger aufholt.
    emptied: Notify,
    /// Weckt den Lesenden: Für diesen Empfänger ist Schluss.
    closed: Notify,
}

#[derive(Default)]
struct Queue {
    /// Eingereiht, lauter ganze Zeilen.
    lines: Vec<u8>,
    /// So viele Bytes hat der Schreibende herausgenommen und noch nicht geschrieben.
    writing: usize,
    /// Es kommt nichts mehr dazu.
    closed: bool,
    /// Seit wann sie ohne Pause mehr als halb voll ist.
    crowded_since: Option<Instant>,
    /// Der Empfänger war zu langsam.
    cut_off: bool,
}

impl Outbox {
    /// Reiht ganze Zeilen ein und wartet dabei nie. `false`, wenn der Empfänger zu langsam
    /// ist; dann ist er damit getrennt.
    pub fn push(&self, lines: &str) -> bool {
        let mut queue = self.lock();
        if queue.closed {
            return true; // wer schon geht, bekommt nichts Neues
        }
        // In eine leere Schlange passt immer etwas: Es ist ja niemand langsam gewesen.
        let fits = queue.len() == 0 || queue.len() + lines.len() <= self.limit;
        if fits {
            queue.lines.extend_from_slice(lines.as_bytes());
            if queue.len() > self.limit / 2 {
                queue.crowded_since.get_or_insert_with(Instant::now);
            }
            drop(queue);
            self.filled.notify_one();
        } else {
            queue.lines = b"! Verbindung zu langsam\n".into(); // statt allem, was noch dasteht
            queue.cut_off = true;
            queue.closed = true; // noch unter dem Lock: Dahinter kommt nichts mehr
            drop(queue);
            self.close();
        }
        fits
    }

    /// Der Schreibende: schreibt, was eingereiht wird, bis nichts mehr kommt, und legt auf.
    pub async fn deliver(&self, mut stream: OwnedWriteHalf) -> io::Result<()> {
        while let Some(batch) = self.next_batch().await {
            for piece in batch.chunks(PIECE) {
                stream.write_all(piece).await?; // wartet, und nur diese Task
                self.note_written(piece.len());
            }
        }
        stream.shutdown().await
    }

    /// Alles, was sich angesammelt hat; `None`, wenn nichts mehr kommt.
    async fn next_batch(&self) -> Option<Vec<u8>> {
        loop {
            let (batch, closed) = self.lock().take();
            if !batch.is_empty() {
                return Some(batch);
            }
            if closed {
                return None;
            }
            self.filled.notified().await; // hier ist der Lock schon wieder frei
        }
    }
}
// ANCHOR_END: outbox

impl Queue {
    fn len(&self) -> usize {
        self.lines.len() + self.writing
    }

    fn take(&mut self) -> (Vec<u8>, bool) {
        self.writing = self.lines.len();
        (mem::take(&mut self.lines), self.closed)
    }
}

impl Outbox {
    /// Eine Schlange von höchstens `limit` Bytes.
    pub fn new(limit: usize) -> Outbox {
        Outbox {
            limit,
            queue: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
            closed: Notify::new(),
        }
    }

    // ANCHOR: wait
    /// Bis wann auf diesen Empfänger zu warten ist; `None`, wenn er gut mitkommt, zu lange
    /// gebraucht hat oder fort ist.
    pub fn worth_waiting_until(&self) -> Option<Instant> {
        let queue = self.lock();
        let until = queue.crowded_since.filter(|_| !queue.closed)? + PATIENCE;
        (Instant::now() < until).then_some(until)
    }

    /// Wartet darauf, dass der Empfänger aufholt, wenn es sich lohnt.
    pub async fn wait_for_space(&self) {
        let emptied = self.emptied.notified(); // erst zuhören, dann nachsehen
        if let Some(until) = self.worth_waiting_until() {
            let _ = timeout_at(until, emptied).await; // danach sieht jeder noch einmal nach
        }
    }

    /// Geschrieben ist wieder etwas: Wer darauf gewartet hat, darf einreihen.
    fn note_written(&self, count: usize) {
        let mut queue = self.lock();
        queue.writing -= count;
        if queue.len() <= self.limit / 2 {
            queue.crowded_since = None;
            drop(queue);
            self.emptied.notify_waiters();
        }
    }
    // ANCHOR_END: wait

    /// So viel passt auch in eine Schlange, die schon halb voll ist.
    pub fn portion(&self) -> usize {
        self.limit / 4
    }

    /// War der Empfänger zu langsam?
    pub fn is_cut_off(&self) -> bool {
        self.lock().cut_off
    }

    /// Kommt nichts mehr dazu?
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Von nun an kommt nichts mehr dazu; was dasteht, wird noch geschrieben.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
        self.emptied.notify_waiters();
        self.closed.notify_one();
    }

    /// Wartet, bis für diesen Empfänger Schluss ist.
    pub async fn closed(&self) {
        self.closed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("niemand stürzt mit dem Lock in der Hand ab")
    }
}
