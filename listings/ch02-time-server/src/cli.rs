//! Was alle Programme des Buchs an der Befehlszeile gemeinsam haben:
//! `--host` und `--port` lesen, lauschen, verbinden, Fehler auf Deutsch sagen.
//! Diese Datei ist in allen Listings gleich; jedes bleibt so für sich lauffähig.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
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

impl Display for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Args { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}") // so schreibt man IPv6
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// Liest die Schalter dieses Prozesses; `about` ist der erste Satz der Hilfe.
///
/// Beendet den Prozess nach `--help` mit Status 0, nach einem Fehler mit Status 2.
pub fn args(about: &str) -> Args {
    match parse(lexopt::Parser::from_env()) {
        Ok(Some(args)) => args,
        Ok(None) => {
            say(format!(
                "{about}\n\n  --host ADRESSE  Adresse des Servers (sonst 127.0.0.1)\n  \
                 --port NUMMER   Port des Servers (sonst 5000; 0 beim Server: irgendein freier)\n  \
                 --help          diese Hilfe"
            ));
            process::exit(0)
        }
        Err(message) => {
            eprintln!("{message}");
            process::exit(2)
        }
    }
}

/// Druckt eine Zeile. Ist der Bildschirm fort (etwa eine Pipe, aus der niemand
/// mehr liest), hat das Programm keinen Sinn mehr und endet mit Status 1.
pub fn say(line: impl Display) {
    if writeln!(io::stdout(), "{line}").is_err() {
        let _ = writeln!(io::stderr(), "Die Ausgabe nimmt nichts mehr an.");
        process::exit(1)
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
    TcpListener::bind(&*addresses(args)?).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let Args { host, port } = args;
            format!("Port {port} auf {host} ist schon belegt: Läuft der Server bereits?")
        }
        _ => format!(
            "Auf {args} kann der Server nicht lauschen: {}.",
            reason(&error)
        ),
    })
}

/// Meldet, dass der Server bereit ist und unter welcher Adresse.
pub fn announce(listener: &TcpListener) {
    let address = listener.local_addr().expect("der Socket ist gebunden");
    say(format!("Server lauscht auf {address}"));
}

/// Verbindet sich mit dem Server; der Fehler ist ein deutscher Satz.
pub fn connect(args: &Args) -> Result<TcpStream, String> {
    TcpStream::connect(&*addresses(args)?).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("Keine Verbindung zu {args}: Läuft der Server?")
        }
        _ => format!("Keine Verbindung zu {args}: {}.", reason(&error)),
    })
}

/// Ein Name kann für mehrere Adressen stehen; probiert werden sie der Reihe nach.
fn addresses(args: &Args) -> Result<Vec<SocketAddr>, String> {
    match (args.host.as_str(), args.port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(_) => Err(format!("Zu „{}“ ist keine Adresse zu finden.", args.host)),
    }
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
        AddrNotAvailable => "diese Adresse ist hier nicht zu haben".into(),
        NetworkUnreachable | HostUnreachable => "dorthin führt kein Weg".into(),
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
    fn an_ipv6_address_is_written_in_brackets() {
        let args = Args {
            host: "::1".into(),
            port: 9,
        };
        assert_eq!(args.to_string(), "[::1]:9");
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
