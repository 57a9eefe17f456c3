//! Anrufen und angerufen werden: Daraus entstehen die beiden Verbindungen eines Peers.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::select;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::args::Args;
use crate::cli::{self, decimal, say};
use crate::lines::{self, MAX_LINE};
use crate::net;
use crate::net::{printable, reason};

/// Pause nach dem ersten vergeblichen Versuch; jede weitere ist doppelt so lang.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// So lange wird gewartet, ehe dasselbe gleich wieder scheitern könnte.
const PAUSE: Duration = Duration::from_millis(100);
/// So schnell muss seinen Namen nennen, wer anruft.
const GREETING: Duration = Duration::from_secs(2);

/// Eine Verbindung und was von ihr schon gelesen, aber noch nicht gebraucht ist.
pub type Connection = BufReader<TcpStream>;

/// Wer angerufen und sich als der andere Peer vorgestellt hat.
pub struct Caller {
    pub incoming: Connection,
    pub name: String,
}

/// Wo der andere lauscht.
pub async fn address_of(args: &Args) -> Result<SocketAddr, String> {
    let Args {
        peer_ip, peer_port, ..
    } = args;
    let found = lookup_host((peer_ip.as_str(), *peer_port)).await.ok();
    let address = found.and_then(|mut addresses| addresses.next());
    address.ok_or_else(|| format!("Zu „{peer_ip}“ ist keine Adresse zu finden."))
}

/// Ruft den anderen an und sagt als Erstes, wer hier ist: Port und Name.
pub async fn call(peer: SocketAddr, args: &Args) -> Result<Connection, String> {
    let greeting = format!("{} {}\n", args.listen_port, args.name());
    loop {
        let mut stream = connect_patiently(peer).await?;
        // Sonst wartete die zweite von zwei schnellen Zeilen auf die Quittung der ersten.
        let _ = stream.set_nodelay(true);
        if stream.write_all(greeting.as_bytes()).await.is_ok() {
            return Ok(BufReader::new(stream));
        }
        sleep(PAUSE).await; // er hat gleich wieder aufgelegt: noch einmal
    }
}

// ANCHOR: connect
/// Versucht es, bis der andere lauscht, mit immer längeren Pausen.
async fn connect_patiently(peer: SocketAddr) -> Result<TcpStream, String> {
    let mut pause = FIRST_PAUSE;
    loop {
        match TcpStream::connect(peer).await {
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
        sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}
// ANCHOR_END: connect

// ANCHOR: reception
/// Nimmt Anrufe entgegen.
pub struct Reception {
    listener: TcpListener,
    peer: SocketAddr,
    /// Wer angerufen hat und sich noch vorstellen muss, jeder in einer eigenen Task: So
    /// hält niemand, der schweigt, den anderen Peer auf.
    greetings: JoinSet<Option<Caller>>,
}

impl Reception {
    /// Wartet, bis der andere Peer anruft und sagt, wer er ist. Das Warten darf jederzeit
    /// abgebrochen werden: Was angefangen ist, steht in `self`.
    pub async fn next_caller(&mut self) -> Caller {
        loop {
            select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) if address.ip() == self.peer.ip() => {
                        self.greetings.spawn(greeting(stream, self.peer.port()));
                    }
                    Ok((_, stranger)) => {
                        say(format!("{stranger} ist nicht der andere Peer."));
                    }
                    Err(error) => {
                        let reason = reason(&error);
                        say(format!("Eine Verbindung war nicht zu haben: {reason}."));
                        sleep(PAUSE).await; // sonst läuft die Schleife heiß
                    }
                },
                Some(greeted) = self.greetings.join_next() => {
                    if let Ok(Some(caller)) = greeted {
                        return caller;
                    }
                }
            }
        }
    }
}

/// Als Erstes nennt der andere seinen Port und seinen Namen. `None`, wenn jemand etwas
/// anderes sagt oder zu lange schweigt.
async fn greeting(stream: TcpStream, port: u16) -> Option<Caller> {
    let mut incoming = BufReader::new(stream);
    let line = timeout(GREETING, read_line(&mut incoming)).await.ok()?.ok()??;
    let name = printable(line.strip_prefix(&format!("{port} "))?);
    Some(Caller { incoming, name })
}
// ANCHOR_END: reception

impl Reception {
    /// Ist der andere auf demselben Rechner, lauscht der Peer nur dort, sonst auf allen
    /// Netzanschlüssen.
    pub fn open(args: &Args, peer: SocketAddr) -> Result<Reception, String> {
        let host: IpAddr = match peer.ip() {
            ip if ip.is_loopback() => ip,
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        if (host, args.listen_port) == (peer.ip(), peer.port()) {
            return Err(
                "Das ist derselbe Endpunkt: Ein Peer kann nicht mit sich selbst reden."
                    .into(),
            );
        }
        let listener = net::listen(&cli::Address {
            host: host.to_string(),
            port: args.listen_port,
        })?;
        net::announce(&listener);
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener))
            .map_err(|error| {
                format!("Der Socket taugt nicht für tokio: {}.", reason(&error))
            })?;
        Ok(Reception {
            listener,
            peer,
            greetings: JoinSet::new(),
        })
    }
}

/// Wie in Kapitel 4, nur wartet hier kein Thread. Wird das Warten abgebrochen, ist eine
/// angefangene Zeile verloren; also: nie in eine Schleife mit `select!`.
pub async fn read_line(input: &mut Connection) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line).await?;
    lines::read_line(&mut line.as_slice(), MAX_LINE) // was schon da ist, als Text
}
