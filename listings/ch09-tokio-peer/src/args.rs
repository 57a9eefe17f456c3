//! Die Schalter eines Peers: wo er lauscht und wo er den anderen findet.

use lexopt::prelude::*;

use crate::cli::{in_german, port, read_or_exit, text};

/// Wo dieser Peer lauscht, wo der andere lauscht, und wie er heißt.
#[derive(Debug, PartialEq)]
pub struct Args {
    pub listen_port: u16,
    pub peer_ip: String,
    pub peer_port: u16,
    pub name: String,
}

/// Liest die Schalter; `about` ist der erste Satz der Hilfe.
///
/// Beendet den Prozess nach `--help` mit Status 0, nach einem Fehler mit Status 2.
pub fn args(about: &str) -> Args {
    let switches = [
        ("--listen-port NUMMER", "Port, auf dem dieser Peer lauscht"),
        (
            "--peer-ip ADRESSE",
            "Adresse des anderen Peers (sonst 127.0.0.1)",
        ),
        (
            "--peer-port NUMMER",
            "Port, auf dem der andere Peer lauscht",
        ),
        (
            "--name NAME",
            "wie Sie beim anderen heißen (sonst Peer und Ihr Port)",
        ),
    ];
    let switches = switches.map(|(switch, text)| (switch.to_string(), text.to_string()));
    read_or_exit(parse(lexopt::Parser::from_env()), about, &switches)
}

/// `Ok(None)` heißt: Es wurde nach der Hilfe gefragt.
fn parse(mut parser: lexopt::Parser) -> Result<Option<Args>, String> {
    let (mut listen_port, mut peer_port, mut name) = (None, None, None);
    let mut peer_ip = "127.0.0.1".to_string();
    while let Some(arg) = parser.next().map_err(in_german)? {
        match arg {
            Long("listen-port") => listen_port = Some(fixed_port(&mut parser)?),
            Long("peer-ip") => peer_ip = text(&mut parser)?,
            Long("peer-port") => peer_port = Some(fixed_port(&mut parser)?),
            Long("name") => name = Some(one_line(&text(&mut parser)?)?),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(in_german(other.unexpected())),
        }
    }
    let listen_port =
        listen_port.ok_or("Es fehlt --listen-port: der Port, auf dem Sie lauschen.")?;
    let peer_port =
        peer_port.ok_or("Es fehlt --peer-port: der Port, auf dem der andere lauscht.")?;
    let name = name.unwrap_or_else(|| format!("Peer {listen_port}"));
    Ok(Some(Args {
        listen_port,
        peer_ip,
        peer_port,
        name,
    }))
}

/// Ein Port, den der andere kennen kann: „irgendein freier“ genügt hier nicht.
fn fixed_port(parser: &mut lexopt::Parser) -> Result<u16, String> {
    match port(parser)? {
        0 => Err("Ein Peer braucht einen festen Port, nicht 0.".into()),
        port => Ok(port),
    }
}

/// Der Name ist die erste Zeile, die der andere bekommt: Er darf nicht leer sein und
/// kein Zeilenende haben.
fn one_line(name: &str) -> Result<String, String> {
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_control) {
        return Err("Der Name hinter --name ist leer oder hat Steuerzeichen.".into());
    }
    Ok(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &str) -> Result<Option<Args>, String> {
        parse(lexopt::Parser::from_args(words.split(' ')))
    }

    #[test]
    fn all_four_switches_are_understood() {
        let words = "--listen-port 5002 --peer-ip ::1 --peer-port=5003 --name Anna";
        let expected = Args {
            listen_port: 5002,
            peer_ip: "::1".into(),
            peer_port: 5003,
            name: "Anna".into(),
        };
        assert_eq!(parse_words(words), Ok(Some(expected)));
    }

    #[test]
    fn address_and_name_may_be_left_out_but_no_port() {
        let args = parse_words("--listen-port 5002 --peer-port 5003").unwrap().unwrap();
        assert_eq!(
            (args.peer_ip.as_str(), args.name.as_str()),
            ("127.0.0.1", "Peer 5002")
        );
        for (words, sentence) in [
            (
                "--peer-port 1",
                "Es fehlt --listen-port: der Port, auf dem Sie lauschen.",
            ),
            (
                "--listen-port 1",
                "Es fehlt --peer-port: der Port, auf dem der andere lauscht.",
            ),
            (
                "--name \t",
                "Der Name hinter --name ist leer oder hat Steuerzeichen.",
            ),
            (
                "--port 1",
                "Den Schalter --port gibt es nicht; siehe --help.",
            ),
        ] {
            assert_eq!(parse_words(words), Err(sentence.into()));
        }
    }
}
