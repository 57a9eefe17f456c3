//! Die Last: viele Clients in einem einzigen Thread. Hinein geht eine Verbindung zum Server,
//! heraus kommt, wie viele Zeilen hin- und hergingen und wie lange jede brauchte – oder der
//! Satz, der sagt, was nicht gelang.
//!
//! Sie soll weniger kosten als jeder Server, den sie misst: ein `poll` für alle
//! Verbindungen, ein `read` und ein `write` je Zeile, kein Speicher, der dabei zu holen wäre.

use std::io::{self, ErrorKind};
use std::net;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::net::reason;
use connection::Connection;
use sources::Sources;

pub mod connection;
pub mod cost;
pub mod files;
pub mod line;
pub mod sources;

/// So viele Verbindungen dürfen zugleich ohne ihre erste Antwort sein: weniger, als jeder
/// Server warten lässt. Dass `connect` gelingt, heißt noch nicht, dass jemand angenommen
/// hat.
pub const PENDING: usize = 100;

/// Ein Server, von dem so lange gar nichts mehr kommt, hat aufgegeben.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Wer redet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Who {
    /// Jede Verbindung hat immer eine Zeile unterwegs.
    All,
    /// Eine von hundert; mit jeder Antwort kommt eine andere an die Reihe. Unter zweihundert
    /// Verbindungen ist es eine einzige.
    Few,
}

/// Was in einer Weile hin- und herging.
#[derive(Debug, Clone, PartialEq)]
pub struct Talked {
    /// Zeilen, die hinausgingen und zurückkamen.
    pub exchanges: u64,
    /// Von der ersten Zeile bis zur letzten Antwort. Auch was nach der verlangten Zeit noch
    /// aussteht, zählt mit: Der Server hat auch daran gerechnet.
    pub time: Duration,
    /// So lange wartete höchstens die Hälfte …
    pub p50_nanos: u64,
    /// … und so lange höchstens 99 von hundert.
    pub p99_nanos: u64,
    /// Was die Last selbst gerechnet hat; `None`, wo das System es nicht sagt.
    pub cpu: Option<Duration>,
}

/// Verbindungen, von denen jede schon eine Antwort bekommen hat.
pub struct Load {
    patience: Duration,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    /// Von hier zählen alle Zeiten.
    begin: Instant,
    turn: Turn,
}

impl Load {
    /// Öffnet noch so viele Verbindungen, dass es mit der ersten `count` sind, und wartet,
    /// bis jede eine Antwort hat.
    pub fn gather(
        first: net::TcpStream,
        count: usize,
        patience: Duration,
    ) -> Result<Load, String> {
        let server = first.peer_addr().map_err(unexpected)?;
        first.set_nonblocking(true).map_err(unexpected)?;
        let first = TcpStream::from_std(first);
        sources::prepare(&first).map_err(unexpected)?;
        let mut load = Load {
            patience,
            poll: Poll::new().map_err(unexpected)?,
            events: Events::with_capacity(1024),
            connections: Vec::with_capacity(count),
            begin: Instant::now(),
            turn: Turn(0),
        };
        load.add(first)?;
        load.complete(count, Sources::new(server))?;
        Ok(load)
    }

    /// Erst die Antwort auf die erste Zeile beweist, dass der Server eine Verbindung hat.
    fn complete(&mut self, count: usize, mut sources: Sources) -> Result<(), String> {
        let mut proven = 0;
        while proven < count {
            let there = self.connections.len();
            for number in there + 1..=count.min(proven + PENDING) {
                let stream =
                    sources.open().map_err(|error| not_established(number, &error))?;
                self.add(stream)?;
            }
            if !self.wait()? {
                return Err(format!(
                    "Seit {} s kommt keine Antwort: Von {count} Verbindungen hat der Server \
                     {proven} bedient.",
                    self.patience.as_secs_f64()
                ));
            }
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                if connection.established {
                    proven += usize::from(connection.read_answer(event.is_read_closed())?);
                } else if connection.establish(self.poll.registry(), event.token())? {
                    connection.ask(0)?;
                }
            }
        }
        self.expect_silence()
    }

    fn add(&mut self, mut stream: TcpStream) -> Result<(), String> {
        let index = self.connections.len();
        // Ob sie steht, zeigt sich daran, dass sie zu beschreiben ist.
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut stream, Token(index), interest);
        registered.map_err(unexpected)?;
        self.connections.push(Connection::new(stream, index + 1));
        Ok(())
    }

    // ANCHOR: talk
    /// Lässt die Verbindungen eine Weile reden. Die nächste Zeile geht erst hinaus, wenn eine
    /// Antwort da ist: Es sind immer gleich viele Zeilen unterwegs, so viele, wie
    /// Verbindungen zugleich aktiv sind.
    ///
    /// Der Server hat deshalb immer zu tun, und jede Zeile wartet vor allem auf die anderen:
    /// im Mittel so lange, wie er braucht, um jeder einmal zu antworten. Redet nur eine von
    /// hundert, ist diese Schlange hundertmal kürzer; dafür muss der Server die wenigen, die
    /// reden, unter den vielen finden, die schweigen.
    pub fn talk(&mut self, who: Who, time: Duration) -> Result<Talked, String> {
        let cpu = cost::processor_time();
        let begin = self.begin.elapsed();
        let end = nanos(begin + time);
        let mut times = histogram();
        let mut under_way = self.start(who)?;
        let mut exchanges = 0;
        while under_way > 0 {
            if !self.wait()? {
                return Err(self.unanswered(under_way));
            }
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                if !connection.read_answer(event.is_read_closed())? {
                    continue; // noch nicht die ganze Zeile
                }
                // Die Uhr wird für jede Antwort gelesen, das kostet kaum etwas: Die letzte
                // von tausend, die `poll` zusammen meldet, ist Millisekunden nach der ersten
                // dran.
                let now = nanos(self.begin.elapsed());
                times.saturating_record(now - connection.asked_at);
                exchanges += 1;
                under_way -= 1;
                if now < end {
                    let next = match who {
                        Who::All => connection,
                        Who::Few => self.turn.pass(&mut self.connections),
                    };
                    next.ask(now)?;
                    under_way += 1;
                }
            }
        }
        let time = self.begin.elapsed() - begin;
        let cpu = cost::processor_time().zip(cpu).map(|(after, before)| after - before);
        self.expect_silence()?;
        Ok(Talked {
            exchanges,
            time,
            p50_nanos: times.value_at_quantile(0.50),
            p99_nanos: times.value_at_quantile(0.99),
            cpu,
        })
    }
    // ANCHOR_END: talk

    /// Die ersten Zeilen gehen hinaus; von nun an bleiben so viele unterwegs.
    fn start(&mut self, who: Who) -> Result<usize, String> {
        let count = match who {
            Who::All => self.connections.len(),
            Who::Few => (self.connections.len() / 100).max(1),
        };
        for _ in 0..count {
            let connection = self.turn.pass(&mut self.connections);
            connection.ask(nanos(self.begin.elapsed()))?;
        }
        Ok(count)
    }

    /// Wartet, bis etwas geschieht; `false`: Es ist zu lange nichts geschehen.
    fn wait(&mut self) -> Result<bool, String> {
        let begin = Instant::now();
        match self.poll.poll(&mut self.events, Some(self.patience)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(unexpected(error)),
            _ => Ok(!self.events.is_empty() || begin.elapsed() < self.patience),
        }
    }

    /// Niemand darf jetzt etwas zu lesen haben: Ein Server, der eine Antwort verdoppelt,
    /// verriete sich sonst erst bei der nächsten Zeile, und bei der letzten nie.
    pub fn expect_silence(&mut self) -> Result<(), String> {
        for connection in &mut self.connections {
            connection.read_answer(false)?;
        }
        Ok(())
    }

    fn unanswered(&self, under_way: usize) -> String {
        let waiting = self.connections.iter().find(|connection| connection.is_waiting());
        let example = waiting.map(Connection::unanswered).unwrap_or_default();
        format!(
            "Seit {} s kommt keine Antwort mehr (ausstehend: {under_way}): {example}",
            self.patience.as_secs_f64()
        )
    }
}

/// Wer als Nächstes an der Reihe ist: reihum, aber in großen Schritten, damit keine
/// Nachbarn aufeinander folgen.
struct Turn(usize);

/// Eine Primzahl, größer als jede Anzahl von Verbindungen: Nach so vielen Schritten, wie es
/// Verbindungen gibt, war jede einmal dran.
const STEP: usize = 1_618_619;

impl Turn {
    /// Gibt die Reihe weiter, an die nächste Verbindung, die auf nichts wartet. Eine davon
    /// gibt es: Wer weitergibt, hat gerade seine Antwort bekommen.
    fn pass<'a>(&mut self, connections: &'a mut [Connection]) -> &'a mut Connection {
        loop {
            self.0 = (self.0 + STEP) % connections.len();
            if !connections[self.0].is_waiting() {
                return &mut connections[self.0];
            }
        }
    }
}

/// Zählt Zeiten bis zu einer Stunde, auf ein Prozent genau: nicht jede für sich, sondern wie
/// viele in welchen Bereich fallen. So braucht auch die millionste keinen Platz mehr.
fn histogram() -> Histogram<u64> {
    let hour = nanos(Duration::from_secs(3600));
    Histogram::new_with_max(hour, 2).expect("diese Grenzen sind erlaubt")
}

/// Nach 584 Jahren läuft die Zahl über.
fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}

fn not_established(number: usize, error: &io::Error) -> String {
    let refusal = connection::refusal(error);
    format!("Verbindung {number} kommt nicht zustande: {refusal}.")
}

fn unexpected(error: io::Error) -> String {
    format!("Der Lastgenerator kann nicht weiter: {}.", reason(&error))
}
