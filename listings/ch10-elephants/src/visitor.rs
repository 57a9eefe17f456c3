//! Ein Besucher des Elefantendienstes.

use std::fmt::{self, Display};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::cli::{Address, say};
use crate::lines::MAX_LINE;
use crate::net::{printable, reason};

/// Länger wartet der Besucher auf keine Antwort.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ein Dienst und wo er zu finden ist; ein Name kann für mehrere Adressen stehen.
pub struct Service {
    name: String,
    addresses: Vec<SocketAddr>,
}

impl Service {
    /// Schlägt nach, unter welchen Adressen der Dienst zu finden ist.
    pub async fn find(address: &Address) -> Result<Service, String> {
        match lookup_host((address.host.as_str(), address.port)).await {
            Ok(addresses) => Ok(Service {
                name: address.to_string(),
                addresses: addresses.collect(),
            }),
            Err(_) => Err(format!(
                "Zu „{}“ ist keine Adresse zu finden.",
                address.host
            )),
        }
    }
}

impl Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.name)
    }
}

// ANCHOR: ask
/// Fragt den Dienst nach einem Elefanten, über eine eigene Verbindung.
pub async fn ask(service: &Service, name: &str) -> Result<String, String> {
    say(format!("{name}: gefragt"));
    let answer = match timeout(PATIENCE, fetch(service, name)).await {
        Ok(Ok(line)) => whole_answer(service, &line)?,
        Ok(Err(error)) => return Err(in_german(service, &error)),
        Err(_) => return Err(format!("Von {service} kommt keine Antwort.")),
    };
    say(format!("{name}: da"));
    Ok(answer)
}

/// Schickt eine Zeile und liest eine.
async fn fetch(service: &Service, name: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(&*service.addresses).await?;
    stream.write_all(format!("{name}\n").as_bytes()).await?;
    let mut line = Vec::new();
    let mut stream = BufReader::new(stream).take(MAX_LINE as u64 + 1); // mit Zeilenende
    stream.read_until(b'\n', &mut line).await?;
    Ok(line)
}
// ANCHOR_END: ask

/// Ohne Zeilenende ist die Antwort nicht zu Ende.
fn whole_answer(service: &Service, line: &[u8]) -> Result<String, String> {
    match line.strip_suffix(b"\n").map(str::from_utf8) {
        Some(Ok(answer)) => Ok(printable(answer.trim_end())),
        Some(Err(_)) => Err(format!(
            "Die Antwort von {service} ist kein gültiges UTF-8."
        )),
        None if line.is_empty() => {
            Err(format!("{service} hat aufgelegt, ohne zu antworten."))
        }
        None => Err(format!("{service} hat mitten in der Antwort aufgelegt.")),
    }
}

fn in_german(service: &Service, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("Keine Verbindung zu {service}: Läuft der Server?")
        }
        _ => format!("Keine Antwort von {service}: {}.", reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use tokio::time::Instant;

    /// Der Dienst, der hier lauscht.
    async fn service(listener: &TcpListener) -> Service {
        let address = Address {
            host: "127.0.0.1".into(),
            port: listener.local_addr().unwrap().port(),
        };
        Service::find(&address).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_a_service_that_says_nothing() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // nimmt nie jemanden an
        let service = service(&silent).await;
        let start = Instant::now();
        let answer = ask(&service, "Mia").await;
        assert_eq!(answer, Err(format!("Von {service} kommt keine Antwort.")));
        // Die angehaltene Uhr springt zur Frist, sobald alle warten.
        assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
    }

    #[tokio::test]
    async fn the_longest_line_is_an_answer_and_a_longer_one_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = service(&listener).await;
        let answering = thread::spawn(move || {
            for length in [MAX_LINE, MAX_LINE + 1] {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut [0; 4]).unwrap(); // „Mia“ und das Zeilenende
                stream.write_all(&[&vec![b'x'; length][..], b"\n"].concat()).unwrap();
            }
        });
        assert_eq!(ask(&service, "Mia").await, Ok("x".repeat(MAX_LINE)));
        let cut = format!("{service} hat mitten in der Antwort aufgelegt.");
        assert_eq!(ask(&service, "Mia").await, Err(cut));
        answering.join().unwrap();
    }
}
