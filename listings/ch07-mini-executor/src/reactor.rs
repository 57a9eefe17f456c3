//! Derselbe Executor, aber er wartet auf Sockets: Der Reactor weiß, welche Task zu wecken
//! ist, wenn sich an einem etwas tut.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Token};

use crate::wait::{Bell, Wait};

/// Unter dieser Nummer klingelt es aus anderen Threads.
const BELL: Token = Token(0);

// ANCHOR: reactor
/// Wartet für alle Tasks zugleich auf alle Sockets.
pub struct Reactor {
    poll: RefCell<mio::Poll>,
    events: RefCell<Events>,
    bell: Arc<mio::Waker>,
    last_token: Cell<Token>,
    /// Wer auf welchen Socket wartet, und worauf: höchstens einer, denn `read` und `write_all`
    /// leihen ihn sich ganz (`&mut`).
    waiting: RefCell<BTreeMap<(Token, Interest), Waker>>,
}

impl Wait for Rc<Reactor> {
    fn wait(&mut self, patience: Option<Duration>) -> io::Result<()> {
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, patience) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &*events {
            let readable = event.is_readable().then_some(Interest::READABLE);
            let writable = event.is_writable().then_some(Interest::WRITABLE);
            for interest in readable.into_iter().chain(writable) {
                let waker = self.waiting.borrow_mut().remove(&(event.token(), interest));
                waker.into_iter().for_each(Waker::wake);
            }
        }
        Ok(())
    }

    fn bell(&self) -> Bell {
        let bell = self.bell.clone();
        Box::new(move || bell.wake().expect("die Klingel gibt es, solange es uns gibt"))
    }
}
// ANCHOR_END: reactor

impl Reactor {
    pub fn new() -> io::Result<Rc<Reactor>> {
        let poll = mio::Poll::new()?;
        let bell = mio::Waker::new(poll.registry(), BELL)?;
        Ok(Rc::new(Reactor {
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(1024)),
            bell: Arc::new(bell),
            last_token: Cell::new(BELL),
            waiting: RefCell::default(),
        }))
    }

    fn register(&self, socket: &mut impl Source) -> io::Result<Token> {
        let token = Token(self.last_token.get().0 + 1);
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.borrow().registry().register(socket, token, both)?;
        self.last_token.set(token);
        Ok(token)
    }

    // ANCHOR: readiness
    /// Macht aus `WouldBlock` ein „noch nicht“ und merkt sich, wer zu wecken ist.
    fn or_wait<T>(
        &self,
        attempt: io::Result<T>,
        token: Token,
        interest: Interest,
        context: &mut Context,
    ) -> Poll<io::Result<T>> {
        match attempt {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let waker = context.waker().clone();
                self.waiting.borrow_mut().insert((token, interest), waker);
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }
    // ANCHOR_END: readiness
}

/// Eine Verbindung.
pub struct Stream {
    socket: TcpStream,
    token: Token,
    reactor: Rc<Reactor>,
}

impl Stream {
    fn new(mut socket: TcpStream, reactor: &Rc<Reactor>) -> io::Result<Stream> {
        socket.set_nodelay(true)?;
        Ok(Stream {
            token: reactor.register(&mut socket)?,
            socket,
            reactor: reactor.clone(),
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut waiting = self.reactor.waiting.borrow_mut();
        for interest in [Interest::READABLE, Interest::WRITABLE] {
            waiting.remove(&(self.token, interest));
        }
    }
}

// ANCHOR: read
impl Stream {
    /// Liest, sobald etwas da ist; 0 ist das Ende des Stroms.
    pub fn read<'a>(&'a mut self, buffer: &'a mut [u8]) -> Read<'a> {
        Read {
            stream: self,
            buffer,
        }
    }
}

pub struct Read<'a> {
    stream: &'a mut Stream,
    buffer: &'a mut [u8],
}

impl Future for Read<'_> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<usize>> {
        let Read { stream, buffer } = &mut *self;
        let attempt = stream.socket.read(buffer); // wartet nicht
        stream.reactor.or_wait(attempt, stream.token, Interest::READABLE, context)
    }
}
// ANCHOR_END: read

impl Stream {
    /// Schreibt alles, Stück für Stück, sobald wieder Platz ist.
    pub fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> WriteAll<'a> {
        WriteAll {
            stream: self,
            rest: bytes,
        }
    }
}

pub struct WriteAll<'a> {
    stream: &'a mut Stream,
    rest: &'a [u8],
}

impl Future for WriteAll<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        let WriteAll { stream, rest } = &mut *self;
        while !rest.is_empty() {
            let attempt = stream.socket.write(rest);
            let (token, interest) = (stream.token, Interest::WRITABLE);
            let count = ready!(stream.reactor.or_wait(attempt, token, interest, context))?;
            if count == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            *rest = &rest[count..]; // vielleicht nur ein Teil
        }
        Poll::Ready(Ok(()))
    }
}

/// Ein lauschender Socket.
pub struct Listener {
    socket: TcpListener,
    token: Token,
    reactor: Rc<Reactor>,
}

impl Listener {
    pub fn new(
        listener: std::net::TcpListener,
        reactor: &Rc<Reactor>,
    ) -> io::Result<Listener> {
        listener.set_nonblocking(true)?;
        let mut socket = TcpListener::from_std(listener);
        Ok(Listener {
            token: reactor.register(&mut socket)?,
            socket,
            reactor: reactor.clone(),
        })
    }

    /// Nimmt die nächste Verbindung an.
    pub fn accept(&mut self) -> Accept<'_> {
        Accept { listener: self }
    }
}

pub struct Accept<'a> {
    listener: &'a mut Listener,
}

impl Future for Accept<'_> {
    type Output = io::Result<(Stream, SocketAddr)>;

    fn poll(self: Pin<&mut Self>, context: &mut Context) -> Poll<Self::Output> {
        let Listener {
            socket,
            token,
            reactor,
        } = &*self.listener;
        let attempt = socket.accept();
        let interest = Interest::READABLE;
        let (stream, address) =
            ready!(reactor.or_wait(attempt, *token, interest, context))?;
        Poll::Ready(Ok((Stream::new(stream, reactor)?, address)))
    }
}
