//! Was alle Programme des Buchs an der Befehlszeile gemeinsam haben: Schalter lesen, drucken,
//! enden. Diese Datei ist in allen Listings gleich; jedes bleibt so für sich lauffähig.

use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::process::{self, ExitCode};

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, Command};

/// Wo ein Server lauscht und ein Client ihn sucht.
#[derive(clap::Args)]
pub struct Address {
    /// Adresse des Servers
    #[arg(long, value_name = "ADRESSE", default_value = "127.0.0.1")]
    pub host: String,
    /// Port des Servers; 0 beim Server: irgendein freier
    #[arg(long, value_name = "NUMMER", default_value = "5000", value_parser = port)]
    pub port: u16,
}

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port), // so schreibt man IPv6
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Liest die Schalter, die `T` nennt; `about` ist der erste Satz der Hilfe. Beendet
/// den Prozess nach `--help` mit Status 0, nach einem Fehler mit Status 2.
pub fn parse<T: clap::Args>(about: &'static str) -> T {
    let help = Arg::new("help").short('h').long("help").help("diese Hilfe");
    let command = T::augment_args(Command::new("chat"))
        .about(about)
        .help_template("{about}\n\n{options}")
        .disable_help_flag(true)
        .arg(help.action(ArgAction::Help))
        .allow_negative_numbers(true) // „-1“ ist ein Wert, wenn auch ein falscher
        .args_override_self(true); // steht einer zweimal da, gilt der letzte
    let parsed = command.try_get_matches().and_then(|found| T::from_arg_matches(&found));
    parsed.unwrap_or_else(|error| {
        if error.kind() == ErrorKind::DisplayHelp {
            say(error.to_string().replace("[default: ", "[sonst ").trim_end());
            process::exit(0)
        }
        eprintln!("{}", in_german(&error));
        process::exit(2)
    })
}

/// Was an den Schaltern nicht stimmt, in einem Satz.
fn in_german(error: &clap::Error) -> String {
    use ErrorKind::*;
    let part = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let (switch, value) = (
        part(ContextKind::InvalidArg),
        part(ContextKind::InvalidValue),
    );
    let switch = switch.split(" <").next().unwrap_or_default(); // ohne den Namen des Werts
    match (error.kind(), error.source().map(ToString::to_string)) {
        (UnknownArgument, _) => {
            format!("Den Schalter {switch} gibt es nicht; siehe --help.")
        }
        (MissingRequiredArgument, _) => format!("Es fehlt {switch}; siehe --help."),
        (InvalidValue, _) => format!("Nach {switch} fehlt ein Wert."),
        (_, Some(reason)) if reason.ends_with('.') => reason,
        (_, Some(wanted)) => format!("Hinter {switch} gehört {wanted}, nicht „{value}“."),
        _ => "Die Schalter sind nicht zu verstehen; siehe --help.".into(),
    }
}

/// Liest eine Portnummer; der Fehler ist ein ganzer Satz.
pub fn port(value: &str) -> Result<u16, String> {
    let sentence = "Der Port muss eine Zahl von 0 bis 65535 sein, nicht";
    value.parse().map_err(|_| format!("{sentence} „{value}“."))
}

/// Liest eine Anzahl; der Fehler nennt nur, was hinter den Schalter gehört.
pub fn count(value: &str) -> Result<usize, &'static str> {
    value.parse().ok().filter(|count| *count > 0).ok_or("eine Zahl ab 1")
}

/// Druckt eine Zeile. Ist der Bildschirm fort (etwa eine Pipe, aus der niemand
/// mehr liest), hat das Programm keinen Sinn mehr und endet mit Status 1.
pub fn say(line: impl Display) {
    if writeln!(io::stdout(), "{line}").is_err() {
        let _ = writeln!(io::stderr(), "Die Ausgabe nimmt nichts mehr an.");
        process::exit(1)
    }
}

/// Schreibt eine Zahl für Menschen, mit Komma: Aus `0.25` wird `0,25`.
pub fn decimal(number: impl Display) -> String {
    number.to_string().replace('.', ",")
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
