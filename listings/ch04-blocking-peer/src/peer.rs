//! Ein Peer: Server und Client zugleich. Auf der Verbindung, die er selbst aufbaut,
//! spricht er; auf der, die der andere aufbaut, hört er zu.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs,
};
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::cli::{self, decimal, say};
use crate::lines::{MAX_LINE, MAX_TYPED, read_line};
use crate::net;
use crate::net::{printable, reason};

/// Pause nach dem ersten vergeblichen Versuch; jede weitere ist doppelt so lang.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// So schnell muss seinen Namen nennen, wer sich verbindet.
const GREETING: Duration = Duration::from_secs(2);

// ANCHOR: link
/// Zwei Peers, die sich gefunden haben.
pub struct Link {
    /// Hierhin wird gesprochen.
    outgoing: TcpStream,
    /// Von hier wird gehört.
    incoming: BufReader<TcpStream>,
    /// Wie der andere heißt.
    peer_name: String,
    /// Ob der eigene Endpunkt der kleinere ist; beim anderen Peer ist es umgekehrt.
    pub is_smaller: bool,
}

impl Link {
    /// Lauscht, verbindet sich mit dem anderen Peer und wartet, bis er sich ebenso
    /// verbunden hat.
    pub fn establish(args: &Args) -> Result<Link, String> {
        let peer = address_of(args)?;
        let listener = listen(args, peer.ip())?;
        let mut outgoing = call(peer, args)?;
        let (incoming, peer_name) = accept_peer(&listener, peer);
        if is_gone(&outgoing) {
            outgoing = call(peer, args)?; // der andere ist inzwischen neu gestartet
        }
        say(format!(
            "Verbunden mit {peer_name}. Zeile tippen und Enter; bye beendet."
        ));
        let own = local_ip(&outgoing)?;
        Ok(Link {
            outgoing,
            incoming,
            peer_name,
            is_smaller: (own, args.listen_port) < (peer.ip(), peer.port()),
        })
    }
}
// ANCHOR_END: link

// ANCHOR: converse
impl Link {
    /// Redet abwechselnd mit dem anderen, bis einer von beiden geht.
    pub fn converse(mut self, speaks_first: bool, mut keyboard: impl BufRead) {
        let mut my_turn = speaks_first;
        loop {
            let goes_on = match my_turn {
                true => self.speak(&mut keyboard),
                false => self.listen(),
            };
            if !goes_on.unwrap_or_else(|error| self.lost(&error)) {
                return;
            }
            my_turn = !my_turn;
        }
    }

    /// Eine Zeile von der Tastatur geht an den anderen; `false` nach dem letzten Wort.
    fn speak(&mut self, keyboard: &mut impl BufRead) -> io::Result<bool> {
        say("Sie sind an der Reihe.");
        let Some(line) = read_line(keyboard, MAX_TYPED)? else {
            return Ok(false);
        };
        self.outgoing.write_all(format!("{line}\n").as_bytes())?;
        Ok(line != "bye")
    }

    /// Eine Zeile vom anderen kommt auf den Bildschirm; `false` nach dem letzten Wort.
    fn listen(&mut self) -> io::Result<bool> {
        let name = &self.peer_name;
        let Some(line) = read_line(&mut self.incoming, MAX_LINE)? else {
            say(format!("{name} hat aufgelegt."));
            return Ok(false);
        };
        say(format!("{name}: {}", printable(&line)));
        Ok(line != "bye")
    }

    fn lost(&self, error: &io::Error) -> bool {
        say(format!(
            "{} ist nicht mehr da: {}.",
            self.peer_name,
            reason(error)
        ));
        false
    }
}
// ANCHOR_END: converse

fn address_of(args: &Args) -> Result<SocketAddr, String> {
    let Args {
        peer_ip, peer_port, ..
    } = args;
    let found = (peer_ip.as_str(), *peer_port).to_socket_addrs().ok();
    let address = found.and_then(|mut addresses| addresses.next());
    address.ok_or_else(|| format!("Zu „{peer_ip}“ ist keine Adresse zu finden."))
}

/// Ist der andere auf demselben Rechner, lauscht der Peer nur dort, sonst auf allen
/// Netzanschlüssen.
fn listen(args: &Args, peer: IpAddr) -> Result<TcpListener, String> {
    let host: IpAddr = match peer {
        _ if peer.is_loopback() => peer,
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    if (host, args.listen_port) == (peer, args.peer_port) {
        return Err(
            "Das ist derselbe Endpunkt: Ein Peer kann nicht mit sich selbst reden.".into(),
        );
    }
    let listener = net::listen(&cli::Address {
        host: host.to_string(),
        port: args.listen_port,
    })?;
    net::announce(&listener);
    Ok(listener)
}

/// Ruft den anderen an und sagt als Erstes, wer hier ist: Port und Name.
fn call(peer: SocketAddr, args: &Args) -> Result<TcpStream, String> {
    let mut stream = connect_patiently(peer)?;
    stream
        .write_all(format!("{} {}\n", args.listen_port, args.name()).as_bytes())
        .map_err(|error| format!("Die Verbindung ist abgerissen: {}.", reason(&error)))?;
    Ok(stream)
}

/// Hat die Gegenseite schon aufgelegt? Sieht nur nach, ohne zu warten.
fn is_gone(stream: &TcpStream) -> bool {
    let look = || {
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        seen
    };
    match look() {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

// ANCHOR: connect
/// Versucht es, bis der andere lauscht, mit immer längeren Pausen.
fn connect_patiently(peer: SocketAddr) -> Result<TcpStream, String> {
    let mut pause = FIRST_PAUSE;
    loop {
        match TcpStream::connect(peer) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                let seconds = decimal(pause.as_secs_f64());
                say(format!(
                    "Auf {peer} lauscht noch niemand; neuer Versuch in {seconds} s."
                ));
            }
            Err(error) => {
                return Err(format!("Keine Verbindung zu {peer}: {}.", reason(&error)));
            }
        }
        thread::sleep(pause);
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}
// ANCHOR_END: connect

fn local_ip(stream: &TcpStream) -> Result<IpAddr, String> {
    let address = stream.local_addr();
    let address =
        address.map_err(|error| format!("Keine eigene Adresse: {}.", reason(&error)))?;
    Ok(address.ip())
}

/// Wartet, bis sich der andere Peer verbindet und sagt, wer er ist. Wer von einem
/// anderen Rechner kommt oder nicht den Port nennt, auf dem der andere lauscht, ist es
/// nicht.
fn accept_peer(listener: &TcpListener, peer: SocketAddr) -> (BufReader<TcpStream>, String) {
    loop {
        match listener.accept() {
            Ok((stream, address)) if address.ip() == peer.ip() => {
                if let Ok(Some(greeted)) = greeting(stream, peer.port()) {
                    return greeted;
                }
            }
            Ok((_, stranger)) => say(format!("{stranger} ist nicht der andere Peer.")),
            Err(error) => {
                say(format!(
                    "Eine Verbindung war nicht zu haben: {}.",
                    reason(&error)
                ));
                thread::sleep(Duration::from_millis(100)); // sonst läuft die Schleife heiß
            }
        }
    }
}

/// Als Erstes schickt der andere seinen Port und seinen Namen. `None`, wenn er etwas anderes
/// schickt oder danach gleich wieder gegangen ist.
fn greeting(
    stream: TcpStream,
    port: u16,
) -> io::Result<Option<(BufReader<TcpStream>, String)>> {
    let in_time = InTime {
        stream: &stream,
        end: Instant::now() + GREETING,
    };
    // Byte für Byte: Was hinter der Zeile kommt, bleibt für später im Socket.
    let line = read_line(&mut BufReader::with_capacity(1, in_time), MAX_LINE)?;
    stream.set_read_timeout(None)?; // danach darf der andere nachdenken
    let line = line.unwrap_or_default();
    let name = line.strip_prefix(&format!("{port} ")).filter(|_| !is_gone(&stream));
    let name = name.map(printable);
    Ok(name.map(|name| (BufReader::new(stream), name)))
}

/// Liest bis zu einem Zeitpunkt, wie viele `read` es auch werden. Mit einer Frist für jedes
/// einzelne hielte einer, der ab und zu ein Byte schickt, den Peer auf, solange er will.
struct InTime<'a> {
    stream: &'a TcpStream,
    end: Instant,
}

impl Read for InTime<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}
