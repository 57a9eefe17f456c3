//! Woher die Verbindungen kommen: Für jede braucht es einen freien Port, und davon gibt es
//! je Absenderadresse keine 30.000.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;
#[cfg(unix)]
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, Type};

/// So viele Verbindungen gehen von einer Adresse aus. Linux vergibt die Ports von 32768 bis
/// 60999, an Clients erst nur die geraden. Sind die fort, sucht es immer länger: 20.000
/// Verbindungen von einer Adresse aus brauchten fast eine Minute statt drei Sekunden.
const PER_SOURCE: usize = 10_000;

/// Öffnet Verbindungen zu einem Server.
pub struct Sources {
    server: SocketAddr,
    /// Von wo die nächste kommt, als letzte Stelle von 127.0.0.x, und wie viele von dort
    /// schon gekommen sind.
    source: u8,
    used: usize,
}

impl Sources {
    /// Die erste Verbindung zum Server gibt es schon.
    pub fn new(server: SocketAddr) -> Sources {
        Sources {
            server,
            source: 1,
            used: 1,
        }
    }

    /// Beginnt eine Verbindung, ohne auf sie zu warten.
    pub fn open(&mut self) -> io::Result<TcpStream> {
        if self.used == PER_SOURCE && self.has_another_source() {
            self.source += 1;
            self.used = 0;
        }
        self.used += 1;
        let stream = match self.source {
            1 => TcpStream::connect(self.server)?, // das System wählt den Absender
            source => connect_from(Ipv4Addr::new(127, 0, 0, source), self.server)?,
        };
        prepare(&stream)?;
        Ok(stream)
    }

    /// Unter Linux gehört der eigenen Maschine das ganze Netz 127.0.0.0/8, anderswo nur
    /// 127.0.0.1.
    fn has_another_source(&self) -> bool {
        let local = matches!(self.server.ip(), IpAddr::V4(ip) if ip.is_loopback());
        cfg!(target_os = "linux") && local && self.source < 254
    }
}

/// Wie [`TcpStream::connect`], aber von einer bestimmten Adresse aus.
fn connect_from(source: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    match socket.connect(&server.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// Eine nicht blockierende Verbindung, die noch nicht steht, meldet das als Fehler.
#[cfg(unix)]
fn is_under_way(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}

#[cfg(not(unix))]
fn is_under_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Eine Zeile geht sofort hinaus. Und am Ende wird abgebrochen statt verabschiedet: Sonst
/// hielte jede Verbindung ihren Port noch eine Minute lang fest (TIME_WAIT), und die
/// nächste Messung fände den Kernel voller alter Verbindungen.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn where_one_address_runs_out_of_ports_the_next_one_takes_over() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sources = Sources {
            used: PER_SOURCE - 1,
            ..Sources::new(listener.local_addr().unwrap())
        };
        let mut open = || sources.open().unwrap().local_addr().unwrap().ip().to_string();
        assert_eq!([open(), open()], ["127.0.0.1", "127.0.0.2"]);
        sources.used = PER_SOURCE;
        let third = sources.open().unwrap();
        assert_eq!(third.local_addr().unwrap().ip().to_string(), "127.0.0.3");
    }
}
