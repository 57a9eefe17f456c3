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

/// Ein Schalter mit einer Zahl, den nur ein einzelnes Programm kennt.
pub struct Number {
    /// Der Schalter ohne `--`.
    pub name: &'static str,
    /// Was die Zahl zählt, so wie die Hilfe es nennt: `BYTES`.
    pub unit: &'static str,
    /// Wozu der Schalter gut ist.
    pub help: &'static str,
    /// Was ohne den Schalter gilt; die Zahl ist mindestens 1.
    pub default: usize,
}

/// Liest die Schalter dieses Prozesses; `about` ist der erste Satz der Hilfe.
///
/// Beendet den Prozess nach `--help` mit Status 0, nach einem Fehler mit Status 2.
pub fn args(about: &str) -> Args {
    args_with(about, &[]).0
}

/// Wie [`args`], mit weiteren Schaltern; ihre Zahlen kommen in derselben Reihenfolge zurück.
pub fn args_with<const N: usize>(about: &str, numbers: &[Number; N]) -> (Args, [usize; N]) {
    let mut lines = vec![
        (
            "--host ADRESSE".to_string(),
            "Adresse des Servers (sonst 127.0.0.1)".to_string(),
        ),
        (
            "--port NUMMER".into(),
            "Port des Servers (sonst 5000; 0 beim Server: irgendein freier)".into(),
        ),
    ];
    for Number {
        name,
        unit,
        help,
        default,
    } in numbers
    {
        lines.push((
            format!("--{name} {unit}"),
            format!("{help} (sonst {default})"),
        ));
    }
    read_or_exit(parse(lexopt::Parser::from_env(), numbers), about, &lines)
}

/// Gibt zurück, was gelesen wurde, oder beendet den Prozess: mit der Hilfe und
/// Status 0, wenn nach ihr gefragt war (`None`), sonst mit dem Fehler und Status 2.
pub fn read_or_exit<T>(
    parsed: Result<Option<T>, String>,
    about: &str,
    switches: &[(String, String)],
) -> T {
    match parsed {
        Ok(Some(args)) => args,
        Ok(None) => {
            let help = ("--help".to_string(), "diese Hilfe".to_string());
            let lines = switches.iter().chain([&help]);
            let width = lines.clone().map(|(switch, _)| switch.len()).max().unwrap_or(0);
            let lines = lines.map(|(switch, text)| format!("\n  {switch:width$}  {text}"));
            say(format!("{about}\n{}", lines.collect::<String>()));
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
fn parse<const N: usize>(
    mut parser: lexopt::Parser,
    numbers: &[Number; N],
) -> Result<Option<(Args, [usize; N])>, String> {
    let mut args = Args {
        host: "127.0.0.1".into(),
        port: 5000,
    };
    let mut counts = numbers.each_ref().map(|number| number.default);
    while let Some(arg) = parser.next().map_err(in_german)? {
        if let Long(name) = arg
            && let Some(index) = numbers.iter().position(|number| number.name == name)
        {
            counts[index] = count(&mut parser, numbers[index].name)?;
            continue;
        }
        match arg {
            Long("host") => args.host = text(&mut parser)?,
            Long("port") => args.port = port(&mut parser)?,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(in_german(other.unexpected())),
        }
    }
    Ok(Some((args, counts)))
}

/// Der Wert hinter einem Schalter, als Text.
pub fn text(parser: &mut lexopt::Parser) -> Result<String, String> {
    let value = parser.value().and_then(|value| value.string());
    value.map_err(in_german)
}

/// Der Wert hinter einem Schalter, als Portnummer.
pub fn port(parser: &mut lexopt::Parser) -> Result<u16, String> {
    let value = parser.value().map_err(in_german)?;
    value.parse().map_err(|_| {
        let value = value.display();
        format!("Der Port muss eine Zahl von 0 bis 65535 sein, nicht „{value}“.")
    })
}

/// Der Wert hinter dem Schalter `name`, als Anzahl.
fn count(parser: &mut lexopt::Parser, name: &str) -> Result<usize, String> {
    let value = parser.value().map_err(in_german)?;
    value.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
        let value = value.display();
        format!("Hinter --{name} gehört eine Zahl ab 1, nicht „{value}“.")
    })
}

/// Was an den Schaltern nicht zu verstehen ist, in einem deutschen Satz.
pub fn in_german(error: lexopt::Error) -> String {
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

    const NUMBERS: [Number; 2] = [
        Number {
            name: "queue",
            unit: "BYTES",
            help: "Länge der Schlange",
            default: 7,
        },
        Number {
            name: "threads",
            unit: "ANZAHL",
            help: "so viele Threads",
            default: 1,
        },
    ];

    fn parse_words(words: &[&str]) -> Result<Option<Args>, String> {
        let parsed = parse(lexopt::Parser::from_args(words), &[])?;
        Ok(parsed.map(|(args, [])| args))
    }

    fn numbers_in(words: &[&str]) -> Result<[usize; 2], String> {
        let parsed = parse(lexopt::Parser::from_args(words), &NUMBERS)?;
        Ok(parsed.expect("niemand hat nach der Hilfe gefragt").1)
    }

    #[test]
    fn a_program_may_have_numbers_of_its_own() {
        assert_eq!(numbers_in(&[]), Ok([7, 1]));
        assert_eq!(numbers_in(&["--queue", "64", "--port", "0"]), Ok([64, 1]));
        assert_eq!(numbers_in(&["--threads=2", "--queue", "64"]), Ok([64, 2]));
        for bad in ["0", "-1", "viele"] {
            let sentence = format!("Hinter --queue gehört eine Zahl ab 1, nicht „{bad}“.");
            assert_eq!(numbers_in(&["--queue", bad]), Err(sentence));
        }
        let missing = "Nach --threads fehlt ein Wert.";
        assert_eq!(numbers_in(&["--threads"]), Err(missing.into()));
        let unknown = "Den Schalter --queue gibt es nicht; siehe --help.";
        assert_eq!(parse_words(&["--queue", "1"]), Err(unknown.into()));
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
