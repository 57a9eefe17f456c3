//! Die Schalter der Programme, die mehr oder weniger kennen als `--host` und `--port`.

use lexopt::prelude::*;

use crate::cli::{self, in_german, port, read_or_exit, text};
use crate::cloud::NAMES;
use crate::herd::Model;

/// Für Programme ohne Schalter: `--help` gibt es, alles andere ist ein Fehler.
pub fn none(about: &str) {
    read_or_exit(parse_none(lexopt::Parser::from_env()), about, &[]);
}

fn parse_none(mut parser: lexopt::Parser) -> Result<Option<()>, String> {
    match parser.next().map_err(in_german)? {
        None => Ok(Some(())),
        Some(Long("help") | Short('h')) => Ok(None),
        Some(other) => Err(in_german(other.unexpected())),
    }
}

/// Wo der Besucher den Dienst findet und nach wem er fragt.
pub fn visitor(about: &str) -> (cli::Args, Vec<String>) {
    let switches = [
        ("--host ADRESSE", "Adresse des Servers (sonst 127.0.0.1)"),
        ("--port NUMMER", "Port des Servers (sonst 5000)"),
        (
            "--names NAME,NAME,…",
            "nach wem er fragt (sonst Mia,Benno,Tonga)",
        ),
    ]
    .map(|(switch, text)| (switch.to_string(), text.to_string()));
    read_or_exit(parse_visitor(lexopt::Parser::from_env()), about, &switches)
}

fn parse_visitor(
    mut parser: lexopt::Parser,
) -> Result<Option<(cli::Args, Vec<String>)>, String> {
    let mut service = cli::Args {
        host: "127.0.0.1".into(),
        port: 5000,
    };
    let mut names = NAMES.map(String::from).to_vec();
    while let Some(arg) = parser.next().map_err(in_german)? {
        match arg {
            Long("host") => service.host = text(&mut parser)?,
            Long("port") => service.port = port(&mut parser)?,
            Long("names") => names = list(&text(&mut parser)?)?,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(in_german(other.unexpected())),
        }
    }
    Ok(Some((service, names)))
}

/// Jeder Name wird eine Zeile: Er darf nicht leer sein und kein Zeilenende haben.
fn list(names: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = names.split(',').map(|name| name.trim().into()).collect();
    let broken = |name: &String| name.is_empty() || name.contains(char::is_control);
    match names.iter().any(broken) {
        true => Err("Hinter --names gehören Namen, mit Kommas dazwischen.".into()),
        false => Ok(names),
    }
}

/// Wie groß die Herde ist und, im Kindprozess, nach welchem Modell sie schläft.
pub fn herd(about: &str, usual: usize) -> (usize, Option<Model>) {
    let switches = [(
        "--elephants ANZAHL".to_string(),
        format!("so viele schlafen zugleich (sonst {usual})"),
    )];
    read_or_exit(
        parse_herd(lexopt::Parser::from_env(), usual),
        about,
        &switches,
    )
}

fn parse_herd(
    mut parser: lexopt::Parser,
    usual: usize,
) -> Result<Option<(usize, Option<Model>)>, String> {
    let (mut elephants, mut model) = (usual, None);
    while let Some(arg) = parser.next().map_err(in_german)? {
        match arg {
            Long("elephants") => elephants = count(&text(&mut parser)?)?,
            // Steht in keiner Hilfe: Damit startet sich das Programm selbst.
            Long("model") => model = Some(Model::named(&text(&mut parser)?)?),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(in_german(other.unexpected())),
        }
    }
    Ok(Some((elephants, model)))
}

fn count(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
        format!("Hinter --elephants gehört eine Zahl ab 1, nicht „{value}“.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser(words: &[&str]) -> lexopt::Parser {
        lexopt::Parser::from_args(words)
    }

    #[test]
    fn without_switches_nothing_but_help_is_understood() {
        assert_eq!(parse_none(parser(&[])), Ok(Some(())));
        assert_eq!(parse_none(parser(&["--help"])), Ok(None));
        let unknown = "Den Schalter --port gibt es nicht; siehe --help.";
        assert_eq!(parse_none(parser(&["--port", "1"])), Err(unknown.into()));
    }

    #[test]
    fn the_visitor_asks_about_the_three_or_whom_it_is_told() {
        let (service, names) = parse_visitor(parser(&["--port", "1"])).unwrap().unwrap();
        assert_eq!(service.to_string(), "127.0.0.1:1");
        assert_eq!(names, NAMES);
        let words = ["--names", "Mia, Jumbo", "--host", "::1"];
        let (service, names) = parse_visitor(parser(&words)).unwrap().unwrap();
        assert_eq!(service.to_string(), "[::1]:5000");
        assert_eq!(names, ["Mia", "Jumbo"]);
        for bad in ["", "Mia,,Benno", "Mia\nBenno"] {
            let sentence = "Hinter --names gehören Namen, mit Kommas dazwischen.";
            let refused = parse_visitor(parser(&["--names", bad]));
            assert_eq!(refused, Err(sentence.into()), "{bad:?}");
        }
    }

    #[test]
    fn the_herd_has_a_size_and_in_the_child_a_model() {
        assert_eq!(parse_herd(parser(&[]), 500), Ok(Some((500, None))));
        let words = ["--elephants", "3", "--model", "tasks"];
        let expected = Ok(Some((3, Some(Model::Tasks))));
        assert_eq!(parse_herd(parser(&words), 500), expected);
        for bad in ["0", "-1", "viele"] {
            let sentence =
                format!("Hinter --elephants gehört eine Zahl ab 1, nicht „{bad}“.");
            assert_eq!(parse_herd(parser(&["--elephants", bad]), 1), Err(sentence));
        }
        assert!(parse_herd(parser(&["--model", "x"]), 1).is_err());
    }
}
