//! The load generator: a crowd of chat clients in one thread, one of whom speaks while all others listen.
//! In flows a server's address, out flow counts of what was delivered – or the German sentence about what was not.
//!
//! It must cost less than what it measures: one poll serves all sockets (`mio`, edge-triggered), a read takes whatever
//! has arrived, and counting is comparing: every receiver must get the very same bytes, so a receiver is one offset
//! into them.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::hearing::Trouble;

/// The name of the one who speaks.
const SPEAKER: &str = "Anna";

/// What every line says behind its number.
const TEXT: &str = "Treffen wir uns um acht vor dem Kino?";

/// How many clients connect before the crowd waits until the server knows them all: less than any server's backlog.
const CONNECT_AT_ONCE: usize = 64;

/// How long a look at the cancel flag may be put off.
const TICK: Duration = Duration::from_millis(100);

/// On Unix a read that does not fill the buffer has emptied the socket (epoll(7), „Questions and answers“), and the
/// next arrival is a new event; elsewhere mio wants to see `WouldBlock` first.
const SHORT_READ_EMPTIES: bool = cfg!(unix);

/// Connected clients, all known to each other.
pub struct Crowd {
    /// A server that delivers nothing at all for this long has failed.
    pub patience: Duration,
    poll: Poll,
    events: Events,
    cancelled: Arc<AtomicBool>,
    buffer: Box<[u8]>,
    /// The first one speaks.
    clients: Vec<Client>,
    /// Number of the next line.
    next: u64,
    /// What the speaker sends, and how much of it is sent.
    outgoing: Vec<u8>,
    sent: usize,
    /// What every receiver gets.
    expected: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// How many of the expected bytes have come.
    got: usize,
}

/// What was delivered, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivered {
    /// Lines times receivers.
    pub deliveries: u64,
    /// From the first line's way out to the last line's arrival.
    pub time: Duration,
}

impl Crowd {
    /// Connects a speaker and `receivers` listeners and waits until every one of them has been announced to all who
    /// were there before.
    pub fn gather(
        address: SocketAddr,
        receivers: u64,
        cancelled: &Arc<AtomicBool>,
    ) -> anyhow::Result<Crowd> {
        let mut crowd = Crowd {
            patience: Duration::from_secs(10),
            poll: Poll::new().map_err(unexpected)?,
            events: Events::with_capacity(1024),
            cancelled: Arc::clone(cancelled),
            buffer: vec![0; 256 * 1024].into(),
            clients: Vec::new(),
            next: 1,
            outgoing: Vec::new(),
            sent: 0,
            expected: Vec::new(),
        };
        let mut arrivals = 0;
        for number in 0..=receivers {
            let name = match number {
                0 => SPEAKER.to_owned(),
                number => format!("E{number}"),
            };
            crowd.connect(address, &name)?;
            if crowd.clients.len().is_multiple_of(CONNECT_AT_ONCE) || number == receivers {
                crowd.await_arrivals(&mut arrivals)?;
            }
        }
        Ok(crowd)
    }

    fn connect(&mut self, address: SocketAddr, name: &str) -> anyhow::Result<()> {
        let connect = || -> io::Result<TcpStream> {
            let mut stream = net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.write_all(format!("{name}\n").as_bytes())?;
            stream.set_nonblocking(true)?;
            Ok(TcpStream::from_std(stream))
        };
        let number = self.clients.len();
        let mut stream = connect().map_err(|error| {
            anyhow!(
                "Die {}. Verbindung kommt nicht zustande ({error}).",
                number + 1
            )
        })?;
        // Writing never has to wait for anyone but the speaker.
        let interest = match number {
            0 => Interest::READABLE | Interest::WRITABLE,
            _ => Interest::READABLE,
        };
        self.poll
            .registry()
            .register(&mut stream, Token(number), interest)
            .map_err(unexpected)?;
        self.clients.push(Client { stream, got: 0 });
        Ok(())
    }

    /// Newcomers get no answer. But of any two clients the one who was there first hears of the other, whoever that is:
    /// with n clients there are n·(n−1)/2 announcements, and when they are all there, the server knows everyone.
    fn await_arrivals(&mut self, arrivals: &mut usize) -> anyhow::Result<()> {
        let count = self.clients.len();
        let expected = count * (count - 1) / 2;
        let mut last_progress = Instant::now();
        while *arrivals < expected {
            if !self.poll(last_progress)? {
                bail!("Von {expected} Ankünften hat der Server nur {arrivals} gemeldet.");
            }
            for event in &self.events {
                let index = event.token().0;
                let stream = &mut self.clients[index].stream;
                read_all(stream, &mut self.buffer, index, |bytes| {
                    *arrivals += bytes.iter().filter(|byte| **byte == b'\n').count();
                    last_progress = Instant::now();
                    Ok(())
                })?;
            }
        }
        if *arrivals > expected {
            bail!("Der Server hat {arrivals} Ankünfte gemeldet, es gab nur {expected}.");
        }
        Ok(())
    }

    /// For about `time`, but at least once, the speaker sends `lines` lines together, and the next ones only when every
    /// receiver has all of them.
    ///
    /// The error says what a receiver got instead of what it should have got.
    pub fn speak(&mut self, lines: usize, time: Duration) -> anyhow::Result<Delivered> {
        let receivers = self.clients.len() as u64 - 1;
        let mut deliveries = 0;
        let begin = Instant::now();
        let elapsed = loop {
            self.speak_once(lines)?;
            deliveries += lines as u64 * receivers;
            let elapsed = begin.elapsed();
            if elapsed >= time {
                break elapsed;
            }
        };
        self.expect_silence()?;
        Ok(Delivered {
            deliveries,
            time: elapsed,
        })
    }

    fn speak_once(&mut self, lines: usize) -> anyhow::Result<()> {
        self.prepare(lines);
        self.send()?;
        let mut waiting = self.clients.len() - 1;
        let mut last_progress = Instant::now();
        while waiting > 0 {
            if !self.poll(last_progress)? {
                bail!(
                    "Seit {} s kommt nichts mehr an, obwohl Empfänger noch warten, {waiting} an der Zahl: \
                     Der Server hat Zeilen verloren.",
                    self.patience.as_secs()
                );
            }
            let mut may_send = false;
            for event in &self.events {
                let index = event.token().0;
                let Client { stream, got } = &mut self.clients[index];
                may_send |= index == 0 && event.is_writable();
                // On Windows reading in vain would have the room to write reported again, and so on for ever.
                if !event.is_readable() {
                    continue;
                }
                // What a speaker says does not come back to it.
                let expected = if index == 0 { &[][..] } else { &self.expected };
                let before = *got;
                read_all(stream, &mut self.buffer, index, |bytes| {
                    check(index, &expected[*got..], &expected[..*got], bytes)?;
                    *got += bytes.len();
                    Ok(())
                })?;
                if *got > before {
                    last_progress = Instant::now();
                    waiting -= usize::from(*got == expected.len());
                }
            }
            if may_send {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Writes the next lines down, as they are sent and as they must arrive.
    fn prepare(&mut self, lines: usize) {
        let (mut outgoing, mut expected) = (String::new(), String::new());
        for number in self.next..self.next + lines as u64 {
            // Lines of the same length, whatever their number, make rounds comparable.
            writeln!(outgoing, "{number:08} {TEXT}").expect("a String takes everything");
            writeln!(expected, "{SPEAKER}: {number:08} {TEXT}")
                .expect("a String takes everything");
        }
        self.next += lines as u64;
        self.outgoing = outgoing.into_bytes();
        self.expected = expected.into_bytes();
        self.sent = 0;
        for client in &mut self.clients {
            client.got = 0;
        }
    }

    /// Sends what the speaker's socket takes; the rest follows when it is writable again.
    fn send(&mut self) -> anyhow::Result<()> {
        while self.sent < self.outgoing.len() {
            match self.clients[0].stream.write(&self.outgoing[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    bail!("Der Server nimmt nichts mehr an ({error}).");
                }
            }
        }
        Ok(())
    }

    /// Nobody may have anything left to read: neither a receiver a line twice nor the speaker its own.
    fn expect_silence(&mut self) -> anyhow::Result<()> {
        for (index, client) in self.clients.iter_mut().enumerate() {
            read_all(&mut client.stream, &mut self.buffer, index, |bytes| {
                check(index, &[], &[], bytes)
            })?;
        }
        Ok(())
    }

    /// Waits for events; `false` if nothing has happened since `last_progress` for too long.
    fn poll(&mut self, last_progress: Instant) -> anyhow::Result<bool> {
        match self.poll.poll(&mut self.events, Some(TICK)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unexpected(error)),
        }
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Trouble::Cancelled.into());
        }
        Ok(!self.events.is_empty() || last_progress.elapsed() < self.patience)
    }
}

/// Number of bytes in one delivered line, its end included.
pub fn line_bytes() -> usize {
    format!("{SPEAKER}: 00000000 {TEXT}\n").len()
}

/// Reads until the socket is empty.
fn read_all(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    index: usize,
    mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    loop {
        match stream.read(buffer) {
            Ok(0) => bail!("Der Server hat {} aufgelegt.", dative(index)),
            Ok(count) => {
                take(&buffer[..count])?;
                if SHORT_READ_EMPTIES && count < buffer.len() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                bail!(
                    "Die Verbindung mit {} ist abgerissen ({error}).",
                    dative(index)
                );
            }
        }
    }
}

/// Are `bytes` what must come next? `before` is what came already.
fn check(index: usize, next: &[u8], before: &[u8], bytes: &[u8]) -> anyhow::Result<()> {
    if next.starts_with(bytes) {
        return Ok(());
    }
    let who = dative(index);
    let same = next.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    // The whole line, also where its first half had come before.
    let seen = [before, &next[..same]].concat();
    let start = seen.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let got = [&seen[start..], &bytes[same..]].concat();
    let wanted = [&seen[start..], &next[same..]].concat();
    Err(match (first_line(&wanted), first_line(&got)) {
        (None, Some(got)) => {
            anyhow!("Der Server hat {who} eine Zeile zu viel geschickt: „{got}“.")
        }
        (wanted, got) => anyhow!(
            "Der Server hat {who} „{}“ statt „{}“ geschickt: Eine Zeile ist verloren, verdoppelt oder vertauscht.",
            got.unwrap_or_default(),
            wanted.unwrap_or_default()
        ),
    })
}

/// The text up to the first line end.
fn first_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(line).into_owned())
}

fn dative(index: usize) -> String {
    match index {
        0 => "dem Sender".to_owned(),
        index => format!("dem {index}. Empfänger"),
    }
}

fn unexpected(error: io::Error) -> anyhow::Error {
    anyhow!("Das Betriebssystem gibt den Lastgenerator auf ({error}).")
}
