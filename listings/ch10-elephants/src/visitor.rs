//! Ein Besucher des Elefantendienstes.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::{self, reason, say};
use crate::lines::MAX_LINE;

/// Länger wartet der Besucher auf keine Antwort.
const PATIENCE: Duration = Duration::from_secs(10);

// ANCHOR: ask
/// Fragt den Dienst nach einem Elefanten, über eine eigene Verbindung.
pub async fn ask(service: &cli::Args, name: &str) -> Result<String, String> {
    say(format!("{name}: gefragt"));
    let answer = match timeout(PATIENCE, fetch(service, name)).await {
        Ok(answer) => answer.map_err(|error| in_german(service, &error))?,
        Err(_) => return Err(format!("Von {service} kommt keine Antwort.")),
    };
    say(format!("{name}: da"));
    Ok(answer)
}

/// Schickt eine Zeile und liest eine.
async fn fetch(service: &cli::Args, name: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect((service.host.as_str(), service.port)).await?;
    stream.write_all(format!("{name}\n").as_bytes()).await?;
    let mut answer = String::new();
    let mut stream = BufReader::new(stream).take(MAX_LINE as u64);
    match stream.read_line(&mut answer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(answer.trim_end().replace(char::is_control, "?")),
    }
}
// ANCHOR_END: ask

fn in_german(service: &cli::Args, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("Keine Verbindung zu {service}: Läuft der Server?")
        }
        io::ErrorKind::UnexpectedEof => {
            format!("{service} hat aufgelegt, ohne zu antworten.")
        }
        io::ErrorKind::InvalidData => {
            format!("Die Antwort von {service} ist kein gültiges UTF-8.")
        }
        _ => format!("Keine Antwort von {service}: {}.", reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_a_service_that_says_nothing() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // nimmt nie jemanden an
        let service = cli::Args {
            host: "127.0.0.1".into(),
            port: silent.local_addr().unwrap().port(),
        };
        let start = Instant::now();
        let answer = ask(&service, "Mia").await;
        assert_eq!(answer, Err(format!("Von {service} kommt keine Antwort.")));
        // Die angehaltene Uhr springt zur Frist, sobald alle warten.
        assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
    }
}
