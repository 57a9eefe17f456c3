//! Die Schalter des Lastgenerators.

use std::time::Duration;

use lexopt::prelude::*;

use crate::cli::{self, in_german, port, read_or_exit, text};
use crate::load::line::MAX_CONNECTIONS;

/// Welchen Server er belastet, womit, und wer ihn bedient.
#[derive(Debug, PartialEq)]
pub struct Args {
    pub server: cli::Args,
    pub connections: usize,
    /// So lange reden erst alle, dann eine von hundert.
    pub time: Duration,
    /// Ein Programm bedient ihn: Befehle auf stdin, JSON auf stdout.
    pub json: bool,
}

/// Liest die Schalter; `about` ist der erste Satz der Hilfe.
///
/// Beendet den Prozess nach `--help` mit Status 0, nach einem Fehler mit Status 2.
pub fn load(about: &str) -> Args {
    let switches = [
        ("--host ADRESSE", "Adresse des Servers (sonst 127.0.0.1)"),
        ("--port NUMMER", "Port des Servers (sonst 5000)"),
        ("--connections ANZAHL", "so viele Verbindungen (sonst 1000)"),
        (
            "--seconds ZAHL",
            "so lange reden erst alle, dann eine von hundert (sonst 2)",
        ),
        (
            "--json",
            "für Programme: auf stdin „all 0.2“ oder „few 0.2“, auf stdout JSON",
        ),
    ];
    let switches = switches.map(|(switch, text)| (switch.to_string(), text.to_string()));
    read_or_exit(parse(lexopt::Parser::from_env()), about, &switches)
}

/// `Ok(None)` heißt: Es wurde nach der Hilfe gefragt.
fn parse(mut parser: lexopt::Parser) -> Result<Option<Args>, String> {
    let mut args = Args {
        server: cli::Args {
            host: "127.0.0.1".into(),
            port: 5000,
        },
        connections: 1000,
        time: Duration::from_secs(2),
        json: false,
    };
    while let Some(arg) = parser.next().map_err(in_german)? {
        match arg {
            Long("host") => args.server.host = text(&mut parser)?,
            Long("port") => args.server.port = port(&mut parser)?,
            Long("connections") => args.connections = connections(&text(&mut parser)?)?,
            Long("seconds") => args.time = time(&text(&mut parser)?)?,
            Long("json") => args.json = true,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(in_german(other.unexpected())),
        }
    }
    Ok(Some(args))
}

fn connections(word: &str) -> Result<usize, String> {
    let count = word.parse().ok().filter(|count| (1..=MAX_CONNECTIONS).contains(count));
    count.ok_or_else(|| {
        format!(
            "Hinter --connections gehört eine Zahl von 1 bis {MAX_CONNECTIONS}, \
             nicht „{word}“."
        )
    })
}

/// Eine Dauer in Sekunden: mehr als nichts und höchstens eine Stunde.
pub fn time(word: &str) -> Result<Duration, String> {
    let seconds = word.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 3600.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        format!(
            "Die Dauer muss eine Zahl von Sekunden über 0 und bis 3600 sein, \
             nicht „{word}“."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Option<Args>, String> {
        parse(lexopt::Parser::from_args(words))
    }

    #[test]
    fn all_switches_are_understood() {
        let words = "--host ::1 --port 7 --connections=10000 --seconds 0.2 --json";
        let expected = Args {
            server: cli::Args {
                host: "::1".into(),
                port: 7,
            },
            connections: 10_000,
            time: Duration::from_millis(200),
            json: true,
        };
        let words: Vec<&str> = words.split(' ').collect();
        assert_eq!(parse_words(&words), Ok(Some(expected)));
    }

    #[test]
    fn without_switches_a_thousand_connections_talk_for_two_seconds() {
        let args = parse_words(&[]).unwrap().unwrap();
        assert_eq!(args.server.to_string(), "127.0.0.1:5000");
        assert_eq!((args.connections, args.time.as_secs()), (1000, 2));
        assert!(!args.json);
    }

    #[test]
    fn bad_numbers_get_one_german_sentence() {
        for bad in ["0", "-1", "1000000", "viele", ""] {
            let sentence = format!(
                "Hinter --connections gehört eine Zahl von 1 bis 999999, \
                 nicht „{bad}“."
            );
            assert_eq!(parse_words(&["--connections", bad]), Err(sentence));
        }
        for bad in ["0", "-1", "NaN", "inf", "3601", "lange", "1,5"] {
            let sentence = format!(
                "Die Dauer muss eine Zahl von Sekunden über 0 und bis 3600 sein, \
                 nicht „{bad}“."
            );
            assert_eq!(parse_words(&["--seconds", bad]), Err(sentence));
        }
    }
}
