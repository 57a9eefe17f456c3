//! Der Event Loop noch einmal, so knapp es unter Linux geht: die Systemaufrufe selbst. Eine
//! Verbindung steht an der Stelle, die ihr Dateideskriptor nennt.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use crate::connection::Connection;
use crate::echo::{BUFFER, EVENTS, PAUSE, report_failed_accept};

pub struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    /// Den Platz bestimmt der Dateideskriptor; das Betriebssystem vergibt immer den kleinsten.
    connections: Vec<Option<Connection<TcpStream>>>,
    /// Dann wieder `accept` versuchen.
    retry: Option<Instant>,
    buffer: [u8; BUFFER],
}

impl Server {
    pub fn new(listener: TcpListener) -> io::Result<Server> {
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            data(listener.as_raw_fd()),
            EventFlags::IN,
        )?;
        Ok(Server {
            epoll,
            listener,
            connections: Vec::new(),
            retry: None,
            buffer: [0; BUFFER],
        })
    }

    /// Der Event Loop: warten, bis etwas geschieht; tun, was daraus folgt; von vorn.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        let listener = self.listener.as_raw_fd() as u64;
        loop {
            match epoll::wait(
                &self.epoll,
                spare_capacity(&mut events),
                self.patience().as_ref(),
            ) {
                Err(error) if error != Errno::INTR => return Err(error.into()),
                _ => {}
            }
            for event in events.drain(..) {
                match event.data.u64() {
                    descriptor if descriptor == listener => self.accept()?,
                    descriptor => self.step(descriptor as usize)?,
                }
            }
            if self.retry.is_some_and(|retry| retry <= Instant::now()) {
                self.retry = None;
                self.listen_for(EventFlags::IN)?;
            }
        }
    }

    /// So lange darf `wait` warten: bis zum nächsten `accept` oder beliebig lange.
    fn patience(&self) -> Option<Timespec> {
        let left = self.retry?.saturating_duration_since(Instant::now());
        left.try_into().ok()
    }

    fn listen_for(&self, flags: EventFlags) -> io::Result<()> {
        Ok(epoll::modify(
            &self.epoll,
            &self.listener,
            data(self.listener.as_raw_fd()),
            flags,
        )?)
    }

    /// Ein Schritt einer Verbindung. Bleibt danach etwas zu tun, meldet `wait` sie wieder.
    fn step(&mut self, descriptor: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[descriptor] else { return Ok(()) };
        let was_full = connection.is_full();
        match connection.step(&mut self.buffer) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                self.connections[descriptor] = None; // schließt den Socket; `epoll` vergisst ihn
            }
            _ if connection.is_full() == was_full => {}
            _ => {
                let wanted = match was_full {
                    true => EventFlags::IN,
                    false => EventFlags::OUT,
                };
                epoll::modify(
                    &self.epoll,
                    &connection.stream,
                    data(descriptor as RawFd),
                    wanted,
                )?;
            }
        }
        Ok(())
    }

    /// Nimmt eine Verbindung an. Wartet noch eine, meldet `wait` es wieder.
    fn accept(&mut self) -> io::Result<()> {
        match self.listener.accept().and_then(|(stream, _)| self.register(stream)) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                report_failed_accept(&error);
                self.listen_for(EventFlags::empty())?; // sonst käme derselbe Fehler sofort wieder
                self.retry = Some(Instant::now() + PAUSE);
            }
            _ => {}
        }
        Ok(())
    }

    fn register(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let descriptor = stream.as_raw_fd();
        epoll::add(&self.epoll, &stream, data(descriptor), EventFlags::IN)?;
        let place = descriptor as usize;
        if self.connections.len() <= place {
            self.connections.resize_with(place + 1, || None);
        }
        self.connections[place] = Some(Connection::new(stream));
        Ok(())
    }
}

fn data(descriptor: RawFd) -> EventData {
    EventData::new_u64(descriptor as u64)
}
