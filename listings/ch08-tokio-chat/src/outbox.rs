//! Die Schlange vor einem Empfänger: Wer ihm etwas zu sagen hat, reiht es ein und geht
//! weiter; eine eigene Task schreibt es in den Socket.

use std::io;
use std::mem;
use std::sync::{Mutex, MutexGuard};

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// So viel wird höchstens in einem Zug geschrieben.
const PIECE: usize = 64 * 1024;

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
    /// Auf diesen Empfänger hat schon einmal jemand vergeblich gewartet.
    stalled: bool,
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
            drop(queue);
            self.filled.notify_one();
        } else {
            queue.lines = b"! Verbindung zu langsam\n".into(); // statt allem, was noch dasteht
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
    /// Wartet höchstens bis `until` darauf, dass der Empfänger aufholt. Tut er das nicht,
    /// wartet niemand ein zweites Mal auf ihn.
    pub async fn wait_for_space(&self, until: Instant) {
        let space = async {
            loop {
                let emptied = self.emptied.notified(); // erst zuhören, dann nachsehen
                if !self.is_fuller_than(self.limit / 4) {
                    return;
                }
                emptied.await;
            }
        };
        if timeout_at(until, space).await.is_err() {
            self.lock().stalled = true;
        }
    }
    // ANCHOR_END: wait

    /// Ist die Schlange mehr als halb voll?
    pub fn is_crowded(&self) -> bool {
        self.is_fuller_than(self.limit / 2)
    }

    fn is_fuller_than(&self, bytes: usize) -> bool {
        let queue = self.lock();
        queue.len() > bytes && !queue.stalled && !queue.closed
    }

    fn note_written(&self, count: usize) {
        let mut queue = self.lock();
        queue.writing -= count;
        if queue.len() <= self.limit / 4 {
            queue.stalled = false;
            drop(queue);
            self.emptied.notify_waiters();
        }
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
