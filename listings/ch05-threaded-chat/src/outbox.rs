//! Die Schlange vor einem Empfänger: Wer ihm etwas zu sagen hat, reiht es ein und geht
//! weiter; ein eigener Thread schreibt es in den Socket.

use std::io::{self, ErrorKind, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// So viel wird höchstens in einem Zug geschrieben.
const BATCH: usize = 64 * 1024;

/// So lange warten andere höchstens darauf, dass jemand aufholt.
const PATIENCE: Duration = Duration::from_secs(1);

/// So lange darf, wer geht oder getrennt ist, noch lesen, was für ihn dasteht.
const GRACE: Duration = Duration::from_secs(3);

// ANCHOR: outbox
/// Die Schlange vor einem Empfänger.
pub struct Outbox {
    stream: Arc<TcpStream>,
    /// So viele Bytes dürfen darin stehen.
    limit: usize,
    queue: Mutex<Queue>,
    /// Meldet, dass sich an `queue` etwas geändert hat.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Eingereiht. Von der vordersten Zeile kann ein Stück schon fort sein.
    bytes: Vec<u8>,
    /// So viele Bytes hat der Schreibende herausgenommen und noch nicht geschrieben.
    writing: usize,
    /// Seit wann nichts mehr dazukommt.
    closed: Option<Instant>,
    /// Der Empfänger ist getrennt, er war zu langsam.
    cut_off: bool,
    /// Seit wann sie ohne Pause mehr als halb voll ist.
    crowded_since: Option<Instant>,
    /// Von dieser Verbindung wird nicht mehr gelesen.
    reader_is_done: bool,
}

impl Outbox {
    /// Reiht ganze Zeilen ein und wartet dabei nie. Was der Sendepuffer sofort annimmt, geht
    /// gleich hinaus. `false`, wenn der Empfänger zu langsam ist; dann ist er damit getrennt.
    pub fn push(&self, lines: &str) -> bool {
        let mut queue = self.lock();
        if queue.closed.is_some() {
            return true; // wer schon geht, bekommt nichts Neues
        }
        let sent = if queue.len() == 0 {
            send_now(&self.stream, lines)
        } else {
            0
        };
        queue.bytes.extend_from_slice(&lines.as_bytes()[sent..]);
        let fits = queue.len() <= self.limit;
        if !fits {
            queue.give_up();
        } else if queue.len() > self.limit / 2 {
            queue.crowded_since.get_or_insert_with(Instant::now);
        }
        if !queue.bytes.is_empty() {
            self.changed.notify_all(); // weckt den Schreibenden
        }
        fits
    }

    /// Der Schreibende: schreibt, was eingereiht wird, bis die Schlange geschlossen und leer ist.
    fn write_queued(&self) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            let queue = self.changed.wait_while(self.lock(), |queue| queue.is_idle());
            let mut queue = queue.expect("niemand stürzt mit dem Lock in der Hand ab");
            if queue.bytes.is_empty() {
                return Ok(());
            }
            mem::swap(&mut batch, &mut queue.bytes); // alles, was sich angesammelt hat
            queue.writing = batch.len();
            drop(queue); // geschrieben wird ohne den Lock

            self.write(&batch)?;
            batch.clear();
            batch.shrink_to(BATCH); // nach einem Stau den Speicher zurückgeben
        }
    }
}
// ANCHOR_END: outbox

impl Queue {
    fn len(&self) -> usize {
        self.bytes.len() + self.writing
    }

    fn is_idle(&self) -> bool {
        self.bytes.is_empty() && self.closed.is_none()
    }

    fn patience(&self) -> Option<Duration> {
        let since = self.crowded_since.filter(|_| self.closed.is_none())?;
        PATIENCE.checked_sub(since.elapsed())
    }

    // ANCHOR: give_up
    /// Gibt den Empfänger auf: Statt dessen, was noch in der Schlange steht, erfährt er den
    /// Grund. Nur die vorderste Zeile bleibt, von ihr kann ein Stück schon fort sein.
    fn give_up(&mut self) {
        let line_end = self.bytes.iter().position(|byte| *byte == b'\n');
        self.bytes.truncate(line_end.map_or(0, |end| end + 1));
        self.bytes.extend_from_slice(b"! Verbindung zu langsam\n");
        self.closed = Some(Instant::now());
        self.cut_off = true;
    }
    // ANCHOR_END: give_up
}

impl Outbox {
    /// Eine Schlange von höchstens `limit` Bytes vor diesem Socket.
    pub fn new(stream: &Arc<TcpStream>, limit: usize) -> io::Result<Outbox> {
        // So kommt `write` auch dann einmal zurück, wenn niemand liest.
        stream.set_write_timeout(Some(Duration::from_secs(1)))?;
        Ok(Outbox {
            stream: Arc::clone(stream),
            limit,
            queue: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Schreibt, bis nichts mehr kommt, und legt dann auf.
    pub fn deliver(&self) -> io::Result<()> {
        let written =
            self.write_queued().and_then(|()| self.stream.shutdown(Shutdown::Write));
        if written.is_err() || self.is_cut_off() {
            // Der Lesende wartet vielleicht auf jemanden, der nie mehr etwas sagt. Eine Frist
            // bekommt er, damit der Grund noch ankommt; dann wird er geweckt.
            let reading = |queue: &mut Queue| written.is_ok() && !queue.reader_is_done;
            let _ = self.changed.wait_timeout_while(self.lock(), GRACE, reading);
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        written
    }

    /// Der Lesende ist fertig; auf ihn braucht niemand zu warten.
    pub fn reader_is_done(&self) {
        self.lock().reader_is_done = true;
        self.changed.notify_all();
    }

    // ANCHOR: wait
    /// Wie lange auf diesen Empfänger noch zu warten ist; `None`, wenn er gut mitkommt, schon
    /// zu lange gebraucht hat oder fort ist.
    pub fn patience(&self) -> Option<Duration> {
        self.lock().patience()
    }

    /// Wartet darauf, dass der Empfänger aufholt, wenn es sich lohnt.
    pub fn wait_for_space(&self) {
        let queue = self.lock();
        if let Some(left) = queue.patience() {
            let crowded = |queue: &mut Queue| queue.patience().is_some();
            let _ = self.changed.wait_timeout_while(queue, left, crowded);
        }
    }
    // ANCHOR_END: wait

    /// So viel passt auch in eine Schlange, die schon halb voll ist.
    pub fn portion(&self) -> usize {
        self.limit / 4
    }

    /// Ist der Empfänger getrennt, weil seine Schlange voll war?
    pub fn is_cut_off(&self) -> bool {
        self.lock().cut_off
    }

    /// Von nun an kommt nichts mehr dazu; was dasteht, wird noch geschrieben.
    pub fn close(&self) {
        self.lock().closed.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// Schreibt alles. Wer nichts abnimmt, hält nur diesen Thread auf – und wenn er
    /// geht oder getrennt ist, auch den nicht mehr lange.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match (&*self.stream).write(&bytes[..bytes.len().min(BATCH)]) {
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.note_written(count);
                }
                Err(error) if self.may_wait(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn note_written(&self, count: usize) {
        let mut queue = self.lock();
        queue.writing -= count;
        if queue.len() <= self.limit / 2 && queue.crowded_since.take().is_some() {
            self.changed.notify_all(); // ein Sender wartet vielleicht darauf
        }
    }

    fn may_wait(&self, error: &io::Error) -> bool {
        match error.kind() {
            ErrorKind::Interrupted => true, // etwa nach Strg+Z und `fg`
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                let closed = self.lock().closed;
                closed.is_none_or(|since| since.elapsed() < GRACE)
            }
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("niemand stürzt mit dem Lock in der Hand ab")
    }
}

// ANCHOR: send_now
/// Schreibt, was der Sendepuffer sofort annimmt, und sagt, wie viele Bytes das sind. Ein
/// Fehler zählt als 0: Er zeigt sich auch dem, der von dieser Verbindung liest.
#[cfg(unix)]
fn send_now(stream: &TcpStream, lines: &str) -> usize {
    use rustix::net::{SendFlags, send};
    send(stream, lines.as_bytes(), SendFlags::DONTWAIT).unwrap_or(0)
}

/// Windows kennt das nicht für einen einzelnen Aufruf: Dort schreibt immer der Schreibende.
#[cfg(not(unix))]
fn send_now(_: &TcpStream, _: &str) -> usize {
    0
}
// ANCHOR_END: send_now
