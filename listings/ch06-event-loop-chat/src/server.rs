//! Der Chat-Server in einem Thread. Gewartet wird an einer einzigen Stelle, in `poll`;
//! was über eine Verbindung zu merken ist, steht in [`Connection`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read};
use std::mem;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

use crate::cli::say;
use crate::connection::Connection;
use crate::lines::{Line, MAX_LINE, shown};
use crate::net::reason;

/// So viele Bytes dürfen sich vor einem Empfänger ansammeln, wenn nichts anderes
/// verlangt ist.
pub const QUEUE: usize = 1 << 20;
/// So lange darf noch lesen, wer geht oder getrennt ist.
const GRACE: Duration = Duration::from_secs(3);
/// So lange ruht `accept`, wenn das Betriebssystem keine Verbindung hergibt.
const PAUSE: Duration = Duration::from_millis(100);
/// So lange wartet der Server höchstens darauf, dass ein Empfänger aufholt.
const PATIENCE: Duration = Duration::from_secs(1);
/// Unter dieser Nummer meldet `poll` den lauschenden Socket.
const LISTENER: Token = Token(0);

// ANCHOR: server
/// Der Server.
pub struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: BTreeMap<Token, Connection>,
    last_token: Token,
    queue: usize,
    /// Hier ist womöglich noch etwas zu lesen, ohne dass `poll` es noch einmal meldet.
    to_read: BTreeSet<Token>,
    /// Hier ist etwas zu schreiben.
    to_write: BTreeSet<Token>,
    /// Diese Empfänger sollen erst aufholen, bevor weiter gelesen wird.
    crowded: BTreeSet<Token>,
    /// Diese sind getrennt, und die anderen wissen es noch nicht.
    cut_off: Vec<Token>,
    /// Was wann zu tun ist.
    timers: BTreeSet<(Instant, Timer)>,
}
// ANCHOR_END: server

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Wieder `accept` versuchen.
    Accept,
    /// Nicht länger auf diesen Empfänger warten.
    GoOn(Token),
    /// Diese Verbindung schließen.
    Close(Token),
}

impl Server {
    /// Vor jedem Empfänger dürfen sich `queue` Bytes ansammeln.
    pub fn new(listener: std::net::TcpListener, queue: usize) -> io::Result<Server> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Server {
            poll,
            listener,
            queue,
            last_token: LISTENER,
            connections: BTreeMap::new(),
            to_read: BTreeSet::new(),
            to_write: BTreeSet::new(),
            crowded: BTreeSet::new(),
            cut_off: Vec::new(),
            timers: BTreeSet::new(),
        })
    }

    // ANCHOR: run
    /// Der Event Loop: warten, bis etwas geschieht; tun, was daraus folgt; von vorn.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                if event.is_writable() {
                    self.to_write.insert(event.token());
                }
                self.to_read.insert(event.token()); // auch ein Abbruch zeigt sich so
            }
            self.run_timers();
            for token in mem::take(&mut self.to_read) {
                match token {
                    LISTENER => self.accept(),
                    token => self.read(token),
                }
                self.tell_who_is_cut_off();
            }
            for token in mem::take(&mut self.to_write) {
                self.write(token);
            }
        }
    }

    /// So lange darf `poll` warten: gar nicht, bis zum nächsten Termin oder beliebig
    /// lange.
    fn patience(&self) -> Option<Duration> {
        let can_read = !self.to_read.is_empty() && self.crowded.is_empty();
        if can_read || !self.to_write.is_empty() {
            return Some(Duration::ZERO);
        }
        let (next, _) = self.timers.first()?;
        Some(next.saturating_duration_since(Instant::now()))
    }
    // ANCHOR_END: run

    fn run_timers(&mut self) {
        let now = Instant::now();
        while self.timers.first().is_some_and(|(time, _)| *time <= now) {
            match self.timers.pop_first() {
                Some((_, Timer::Accept)) => drop(self.to_read.insert(LISTENER)),
                Some((_, Timer::Close(token))) => self.close(token),
                Some((_, Timer::GoOn(token))) => self.go_on(token),
                None => {}
            }
        }
    }

    fn go_on(&mut self, token: Token) {
        let waited = self.crowded.remove(&token);
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.stalled |= waited;
        }
    }

    fn set_timer(&mut self, delay: Duration, timer: Timer) {
        self.timers.insert((Instant::now() + delay, timer));
    }

    // ANCHOR: accept
    /// Nimmt eine Verbindung an. Ob noch eine wartet, zeigt sich in der nächsten Runde.
    fn accept(&mut self) {
        let result = self.listener.accept().and_then(|(mut stream, _)| {
            stream.set_nodelay(true)?;
            let token = Token(self.last_token.0 + 1);
            self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
            Ok((stream, token))
        });
        match result {
            Ok((stream, token)) => {
                self.last_token = token;
                self.to_read.insert(LISTENER);
                self.connections.insert(token, Connection::new(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => {
                say(format!(
                    "Eine Verbindung war nicht zu haben: {}.",
                    reason(&error)
                ));
                self.timers.retain(|(_, timer)| *timer != Timer::Accept); // einer genügt
                self.set_timer(PAUSE, Timer::Accept);
            }
        }
    }
    // ANCHOR_END: accept

    // ANCHOR: read
    /// Liest einen Puffer voll. Ist dann noch etwas da, kommen erst die anderen an die Reihe.
    fn read(&mut self, token: Token) {
        self.handle_lines(token); // was beim letzten Mal liegen blieb
        if !self.crowded.is_empty() {
            self.to_read.insert(token); // später, wenn alle aufgeholt haben
            return;
        }
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let mut buffer = [0; 8 * 1024];
        match connection.stream.read(&mut buffer) {
            Ok(0) if connection.leaving && connection.outbox.is_empty() => {
                self.close(token)
            }
            Ok(0) => self.leave(token, ""),
            Ok(count) => {
                self.to_read.insert(token);
                connection.inbox.push(&buffer[..count]);
                self.handle_lines(token);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {} // alles gelesen
            Err(_) => self.close(token),
        }
    }

    fn handle_lines(&mut self, token: Token) {
        while self.crowded.is_empty()
            && let Some(connection) = self.connections.get_mut(&token)
            && let Some(line) = connection.next_line()
        {
            self.handle(token, line);
        }
    }

    /// Schreibt, was geht. Geht nicht alles, soll `poll` melden, wann wieder Platz ist.
    fn write(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let mut result = connection.flush();
        let incomplete = !connection.outbox.is_empty();
        if connection.outbox.len() <= self.queue / 4 {
            connection.stalled = false;
            if self.crowded.remove(&token) {
                self.timers.retain(|(_, timer)| *timer != Timer::GoOn(token));
            }
        }
        if incomplete != connection.awaits_space {
            connection.awaits_space = incomplete;
            let interest = match incomplete {
                true => Interest::READABLE | Interest::WRITABLE,
                false => Interest::READABLE,
            };
            let stream = &mut connection.stream;
            result = result.and(self.poll.registry().reregister(stream, token, interest));
        }
        if connection.leaving && !incomplete {
            result = result.and(connection.stream.shutdown(Shutdown::Write));
            self.to_read.insert(token); // hat auch der Client schon aufgelegt?
        }
        if result.is_err() {
            self.close(token);
        }
    }
    // ANCHOR_END: read

    // ANCHOR: handle
    /// Die erste Zeile, die etwas taugt, ist der Name, jede weitere eine Nachricht.
    fn handle(&mut self, token: Token, line: Line) {
        let name = self.connections[&token].name.as_deref();
        let trouble = match (line, name) {
            (Line::TooLong, _) => format!("Die Zeile hat mehr als {MAX_LINE} Bytes."),
            (Line::NotUtf8, _) => "Die Zeile ist kein gültiges UTF-8.".into(),
            (Line::Text(text), _) if text == "bye" => return self.leave(token, ""),
            (Line::Text(text), Some(name)) => {
                let message = format!("{name}: {text}\n");
                return self.tell_others(token, &message);
            }
            (Line::Text(text), None) => match self.join(token, text.trim()) {
                Ok(()) => return,
                Err(trouble) => trouble,
            },
        };
        self.tell(token, &format!("! {trouble}\n"));
    }

    fn join(&mut self, token: Token, name: &str) -> Result<(), String> {
        if name.is_empty() {
            return Err("Der Name ist leer: Wie heißen Sie?".into());
        }
        if self.connections.values().any(|other| other.name.as_deref() == Some(name)) {
            return Err(format!("Der Name „{name}“ ist schon vergeben."));
        }
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.name = Some(name.into());
        }
        say(format!("{} ist da", shown(name)));
        self.tell_others(token, &format!("* {name} ist da\n"));
        Ok(())
    }
    // ANCHOR_END: handle

    /// Jemand geht: Was für ihn dasteht, bekommt er noch, und die anderen erfahren es.
    fn leave(&mut self, token: Token, why: &str) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let name = connection.name.take();
        if !mem::replace(&mut connection.leaving, true) {
            self.to_write.insert(token);
            self.set_timer(GRACE, Timer::Close(token));
        }
        if let Some(name) = name {
            say(format!("{} ist weg{why}", shown(&name)));
            self.tell_others(token, &format!("* {name} ist weg\n"));
        }
    }

    /// Nacheinander, nicht ineinander: Auch diese Nachricht ist vielleicht für jemanden eine zu viel.
    fn tell_who_is_cut_off(&mut self) {
        while let Some(token) = self.cut_off.pop() {
            self.leave(token, " (liest zu langsam)");
        }
    }

    fn close(&mut self, token: Token) {
        self.leave(token, "");
        self.crowded.remove(&token);
        self.connections.remove(&token); // schließt den Socket; `poll` vergisst ihn
    }

    // ANCHOR: tell
    /// Reiht eine Zeile bei allen ein, die einen Namen haben, nur nicht bei `token`.
    fn tell_others(&mut self, token: Token, line: &str) {
        let named = self.connections.iter().filter(|(_, other)| other.name.is_some());
        let named: Vec<Token> = named.map(|(token, _)| *token).collect();
        for other in named.into_iter().filter(|other| *other != token) {
            self.tell(other, line);
        }
    }

    fn tell(&mut self, token: Token, line: &str) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        if connection.leaving {
            return; // wer geht, bekommt nichts Neues
        }
        if !connection.awaits_space {
            self.to_write.insert(token);
        }
        if !connection.enqueue(line, self.queue) {
            connection.give_up();
            connection.leaving = true;
            self.to_write.insert(token);
            self.set_timer(GRACE, Timer::Close(token));
            return self.cut_off.push(token);
        }
        let is_crowded = connection.outbox.len() > self.queue / 2 && !connection.stalled;
        if is_crowded && self.crowded.insert(token) {
            self.set_timer(PATIENCE, Timer::GoOn(token));
        }
    }
    // ANCHOR_END: tell
}
