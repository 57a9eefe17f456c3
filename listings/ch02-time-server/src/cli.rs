//! Was alle Programme des Buchs an der Befehlszeile gemeinsam haben:
//! `--host` und `--port` lesen, lauschen, verbinden, Fehler auf Deutsch sagen.
//! Diese Datei ist in allen Listings gleich; jedes bleibt so für sich lauffähig.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{self, ExitCode};

use lexopt::prelude::*;

/// Adresse, unter der ein Server lauscht und ein Client ihn sucht.
#[derive(Debug, PartialEq)]
pub struct Args {
    /// Name oder IP-Adresse; ohne `--host` ist es `127.0.0.1`.
    pub host: String,
    /// Portnummer; ohne `--port` ist es 5000. Bei einem Server heißt 0: irgendein freier.
    pub port: u16,
}

/// Liest die Schalter dieses Prozesses; `about` ist der erste Satz der Hilfe.
///
/// Beendet den Prozess nach `--help` mit Status 0, nach einem Fehler mit Status 2.
pub fn args(about: &str) -> Args {
    match parse(lexopt::Parser::from_env()) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!(
                "{about}\n\n  --host ADRESSE  Adresse des Servers (sonst 127.0.0.1)\n  \
                 --port NUMMER   Port des Servers (sonst 5000; 0 beim Server: irgendein freier)\n  \
                 --help          diese Hilfe"
            );
            process::exit(0)
        }
        Err(message) => {
            eprintln!("{message}");
            process::exit(2)
        }
    }
}

/// `Ok(None)` heißt: Es wurde nach der Hilfe gefragt.
fn parse(mut parser: lexopt::Parser) -> Result<Option<Args>, String> {
    let mut args = Args {
        host: "127.0.0.1".into(),
        port: 5000,
    };
    while let Some(arg) = parser.next().map_err(in_german)? {
        match arg {
            Long("host") => {
                args.host = parser
                    .value()
                    .and_then(|value| value.string())
                    .map_err(in_german)?;
            }
            Long("port") => {
                let value = parser.value().map_err(in_german)?;
                args.port = value.parse().map_err(|_| {
                    format!(
                        "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „{}“.",
                        value.display()
                    )
                })?;
            }
            Long("help") | Short('h') => return Ok(None),
            other => return Err(in_german(other.unexpected())),
        }
    }
    Ok(Some(args))
}

fn in_german(error: lexopt::Error) -> String {
    use lexopt::Error::*;
    match error {
        MissingValue {
            option: Some(option),
        } => format!("Nach {option} fehlt ein Wert."),
        UnexpectedOption(option) => {
            format!("Den Schalter {option} gibt es nicht; siehe --help.")
        }
        UnexpectedArgument(value) => {
            format!(
                "Mit „{}“ ist hier nichts anzufangen; siehe --help.",
                value.display()
            )
        }
        NonUnicodeValue(value) => format!("„{}“ ist kein gültiger Text.", value.display()),
        other => format!("Die Schalter sind nicht zu verstehen ({other}); siehe --help."),
    }
}

/// Bindet und lauscht; der Fehler ist ein deutscher Satz.
pub fn listen(args: &Args) -> Result<TcpListener, String> {
    let Args { host, port } = args;
    TcpListener::bind((host.as_str(), *port)).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("Port {port} auf {host} ist schon belegt: Läuft der Server bereits?")
        }
        _ => format!(
            "Auf {host}:{port} kann der Server nicht lauschen: {}.",
            reason(&error)
        ),
    })
}

/// Meldet auf dem Bildschirm, dass der Server bereit ist und unter welcher Adresse.
pub fn announce(listener: &TcpListener) -> Result<(), String> {
    let ready = |address| {
        let mut screen = io::stdout();
        writeln!(screen, "Server lauscht auf {address}")?;
        screen.flush()
    };
    listener
        .local_addr()
        .and_then(ready)
        .map_err(|error| format!("Der Server kann sich nicht melden: {}.", reason(&error)))
}

/// Verbindet sich mit dem Server; der Fehler ist ein deutscher Satz.
pub fn connect(args: &Args) -> Result<TcpStream, String> {
    let Args { host, port } = args;
    TcpStream::connect((host.as_str(), *port)).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("Keine Verbindung zu {host}:{port}: Läuft der Server?")
        }
        _ => format!("Keine Verbindung zu {host}:{port}: {}.", reason(&error)),
    })
}

/// Sagt auf Deutsch, was das Betriebssystem gemeldet hat.
pub fn reason(error: &io::Error) -> String {
    use io::ErrorKind::*;
    match error.kind() {
        ConnectionReset | ConnectionAborted => {
            "die Gegenseite hat die Verbindung abgebrochen".into()
        }
        BrokenPipe => "die Gegenseite nimmt nichts mehr an".into(),
        TimedOut | WouldBlock => "die Wartezeit ist abgelaufen".into(),
        PermissionDenied => "dafür fehlt die Berechtigung".into(),
        AddrNotAvailable => "diese Adresse gehört nicht zu diesem Rechner".into(),
        _ => format!("das Betriebssystem meldet „{error}“"),
    }
}

/// Status 0 nach einem guten Ende, sonst der Satz auf stderr und Status 1.
pub fn finish(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Strg+C beendet den Prozess ordentlich, mit Status 0.
pub fn end_on_ctrl_c() {
    ctrlc::set_handler(|| process::exit(0)).expect("der Handler wird nur einmal gesetzt");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Option<Args>, String> {
        parse(lexopt::Parser::from_args(words))
    }

    #[test]
    fn without_switches_the_defaults_hold() {
        let expected = Args {
            host: "127.0.0.1".into(),
            port: 5000,
        };
        assert_eq!(parse_words(&[]), Ok(Some(expected)));
    }

    #[test]
    fn both_spellings_of_a_value_are_understood() {
        let expected = Args {
            host: "localhost".into(),
            port: 0,
        };
        assert_eq!(
            parse_words(&["--host", "localhost", "--port=0"]),
            Ok(Some(expected))
        );
    }

    #[test]
    fn bad_switches_get_one_german_sentence() {
        for (words, sentence) in [
            (
                &["--port", "70000"][..],
                "Der Port muss eine Zahl von 0 bis 65535 sein, nicht „70000“.",
            ),
            (&["--port"], "Nach --port fehlt ein Wert."),
            (
                &["--prot", "1"],
                "Den Schalter --prot gibt es nicht; siehe --help.",
            ),
            (
                &["5000"],
                "Mit „5000“ ist hier nichts anzufangen; siehe --help.",
            ),
        ] {
            assert_eq!(parse_words(words), Err(sentence.to_string()));
        }
    }
}
