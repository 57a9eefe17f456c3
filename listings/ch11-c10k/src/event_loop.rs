//! Alle Verbindungen in einem Thread, von Hand: Gewartet wird an einer einzigen Stelle.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::mem;
use std::net;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::connection::Connection;
use crate::echo::{BUFFER, EVENTS, PAUSE, report_failed_accept};

/// Unter dieser Nummer meldet `poll` den lauschenden Socket.
const LISTENER: Token = Token(usize::MAX);

pub struct Server {
    poll: Poll,
    listener: TcpListener,
    /// Jede Verbindung hat einen Platz; seine Nummer ist ihr Token.
    connections: Slab<Connection<TcpStream>>,
    /// Hier ist womöglich noch etwas zu tun, ohne dass `poll` es noch einmal meldet.
    unfinished: BTreeSet<Token>,
    /// Dann wieder `accept` versuchen.
    retry: Option<Instant>,
    buffer: [u8; BUFFER],
}

impl Server {
    pub fn new(listener: net::TcpListener) -> io::Result<Server> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Server {
            poll,
            listener,
            connections: Slab::new(),
            unfinished: BTreeSet::new(),
            retry: None,
            buffer: [0; BUFFER],
        })
    }

    // ANCHOR: run
    /// Der Event Loop: warten, bis etwas geschieht; tun, was daraus folgt; von vorn.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    token if !self.awaits(token, event) => {}
                    token => self.step(token, event.is_read_closed()),
                }
            }
            if self.retry.is_some_and(|retry| retry <= Instant::now()) {
                self.retry = None;
                self.unfinished.insert(LISTENER);
            }
            for token in mem::take(&mut self.unfinished) {
                match token {
                    LISTENER => self.accept(),
                    token => self.step(token, true),
                }
            }
        }
    }
    // ANCHOR_END: run

    /// So lange darf `poll` warten: gar nicht, bis zum nächsten `accept` oder beliebig lange.
    fn patience(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        self.retry.map(|retry| retry.saturating_duration_since(Instant::now()))
    }

    /// Geht das die Verbindung an? Wer auf Bytes wartet, versucht es nicht, bloß weil Platz zum
    /// Schreiben ist: Nach jedem vergeblichen Versuch meldet Windows den Platz von neuem.
    fn awaits(&self, token: Token, event: &Event) -> bool {
        match self.connections.get(token.0) {
            Some(connection) if connection.is_full() => event.is_writable(),
            _ => event.is_readable(),
        }
    }

    /// Ein Schritt einer Verbindung. `poll` meldet nur, was sich ändert: Wo noch etwas zu
    /// lesen sein kann, muss der Server selbst daran denken.
    fn step(&mut self, token: Token, more: bool) {
        let Some(connection) = self.connections.get_mut(token.0) else { return };
        match connection.step(&mut self.buffer) {
            // Kam weniger, als in den Puffer passt, ist unter Unix nichts mehr da; nur das
            // Ende des Stroms zeigt sich erst beim nächsten Lesen.
            Ok(true) if cfg!(unix) && !more => {}
            Ok(_) => drop(self.unfinished.insert(token)), // erst die anderen
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => drop(self.connections.remove(token.0)), // schließt den Socket
        }
    }

    /// Nimmt eine Verbindung an. Ob noch eine wartet, zeigt sich in der nächsten Runde.
    fn accept(&mut self) {
        match self.listener.accept().and_then(|(stream, _)| self.register(stream)) {
            Ok(()) => drop(self.unfinished.insert(LISTENER)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => {
                report_failed_accept(&error);
                self.retry = Some(Instant::now() + PAUSE); // `poll` sagt es nicht noch einmal
            }
        }
    }

    /// Angemeldet wird einmal, für beide Richtungen: Gemeldet wird ja nur, was sich ändert.
    fn register(&mut self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let place = self.connections.vacant_entry();
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(place.key()), both)?;
        place.insert(Connection::new(stream));
        Ok(())
    }
}
