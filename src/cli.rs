//! The command line: arguments in, one of the program's jobs started, its end turned into an exit status.
//! Everything a reader can meet here is German, also what clap would say in English.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use print::{show, tell};

use live::Limits;
use measure::c10k::Plan;
use measure::{c10k, chat, figures, herd};

/// Where the book is if this program is not started inside it.
const COMPILED_IN: &str = env!("CARGO_MANIFEST_DIR");
const HELP: &str = "{about}\n\nAufruf: {usage}\n\n{all-args}";

#[derive(Parser)]
#[command(
    bin_name = "cargo run --",
    about = "Vom Socket zum Event Loop: das Buch bauen, lesen, seine Szenen aufzeichnen und spielen, seine Programme messen.",
    after_help = "Ohne BEFEHL gilt „serve“: Ein bloßes „cargo run“ baut das Buch und öffnet es.",
    override_usage = "cargo run\n        cargo run -- [BEFEHL] [OPTIONEN]",
    help_template = "{about}\n\nAufruf: {usage}\n\n{all-args}{after-help}",
    subcommand_help_heading = "Befehle",
    args_conflicts_with_subcommands = true,
    disable_help_flag = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Baut das Buch, zeigt es im Browser und baut es nach jeder Änderung neu
    #[command(
        override_usage = "cargo run -- serve [OPTIONEN]",
        help_template = HELP,
        disable_help_flag = true
    )]
    Serve(ServeArgs),
    /// Baut das Buch als HTML in einen Ordner
    #[command(
        override_usage = "cargo run -- build [ORDNER]",
        help_template = HELP,
        disable_help_flag = true
    )]
    Build(BuildArgs),
    /// Spielt Szenen mit den echten Programmen und zeichnet ihre Abschriften auf
    #[command(
        override_usage = "cargo run -- record [SZENE …]",
        help_template = HELP,
        disable_help_flag = true
    )]
    Record(RecordArgs),
    /// Spielt eine Szene live im Terminal: eine Spalte je Programm, die Zeit am Rand
    #[command(
        override_usage = "cargo run -- play SZENE",
        help_template = HELP,
        disable_help_flag = true
    )]
    Play(PlayArgs),
    /// Misst Programme des Buchs unter gleicher Last
    #[command(
        override_usage = "cargo run --release -- measure [MESSUNG] [OPTIONEN]",
        after_help = "Ohne MESSUNG gilt „c10k“, mit diesen Optionen.",
        help_template = "{about}\n\nAufruf: {usage}\n\n{all-args}{after-help}",
        subcommand_help_heading = "Messungen",
        args_conflicts_with_subcommands = true,
        disable_help_flag = true,
        disable_help_subcommand = true
    )]
    Measure(MeasureArgs),
    /// Zeichnet die Bilder und Tabellen der aufgehobenen Messungen neu
    #[command(
        override_usage = "cargo run -- figures",
        help_template = HELP,
        disable_help_flag = true
    )]
    Figures(FiguresArgs),
}

#[derive(Subcommand)]
enum Measurement {
    /// Ein Thread je Verbindung gegen einen Event Loop, mit bis zu zehntausend Verbindungen und mehr
    #[command(
        name = "c10k",
        override_usage = "cargo run --release -- measure c10k [OPTIONEN]",
        help_template = HELP,
        disable_help_flag = true
    )]
    C10k(C10kArgs),
    /// 500 Elefanten, die zugleich schlafen: in Threads und in Tasks
    #[command(
        override_usage = "cargo run --release -- measure herd [OPTIONEN]",
        help_template = HELP,
        disable_help_flag = true
    )]
    Herd(HerdArgs),
    /// Die Chat-Server: Zustellungen je Sekunde, Speicher, Threads, Rechenzeit
    #[command(
        override_usage = "cargo run --release -- measure chat [OPTIONEN]",
        help_template = HELP,
        disable_help_flag = true
    )]
    Chat(ChatArgs),
}

#[derive(Args)]
struct ServeArgs {
    /// Der Port, auf dem das Buch liegt: 3000, wenn nichts anderes dasteht; 0 = irgendein freier
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 3000,
        hide_default_value = true,
        help_heading = "Optionen"
    )]
    port: u16,
    /// Öffnet keinen Browser
    #[arg(long, help_heading = "Optionen")]
    no_open: bool,
    #[command(flatten)]
    help: HelpFlag,
}

#[derive(Args)]
struct BuildArgs {
    /// Wohin: target/book, wenn nichts anderes dasteht
    #[arg(value_name = "ORDNER", help_heading = "Argumente")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    help: HelpFlag,
}

#[derive(Args)]
struct RecordArgs {
    /// Welche Szenen, etwa „ch01-socket-basics/gespraech“: alle, wenn keine dasteht
    #[arg(value_name = "SZENE", help_heading = "Argumente")]
    scenes: Vec<String>,
    #[command(flatten)]
    help: HelpFlag,
}

#[derive(Args)]
struct PlayArgs {
    /// Welche Szene, etwa „ch01-socket-basics/gespraech“
    #[arg(value_name = "SZENE", help_heading = "Argumente")]
    scene: String,
    #[command(flatten)]
    help: HelpFlag,
}

#[derive(Args)]
struct MeasureArgs {
    #[command(subcommand)]
    measurement: Option<Measurement>,
    #[command(flatten)]
    c10k: C10kArgs,
}

#[derive(Args)]
struct C10kArgs {
    /// Wie viele Verbindungen, mehrere Zahlen durch Kommas getrennt: 1000, wenn nichts anderes dasteht
    #[arg(
        long,
        value_name = "ZAHL,…",
        value_delimiter = ',',
        default_values_t = [1000],
        hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000),
        help_heading = "Optionen"
    )]
    connections: Vec<u64>,
    /// Welche Modelle, durch Kommas getrennt: alle, die hier laufen, wenn nichts anderes dasteht
    #[arg(
        long,
        value_name = "MODELL,…",
        value_delimiter = ',',
        hide_possible_values = true,
        value_parser = PossibleValuesParser::new(c10k::models::ids()),
        help_heading = "Optionen"
    )]
    models: Vec<String>,
    /// Wie oft jedes Modell an die Reihe kommt: 5-mal, wenn nichts anderes dasteht
    #[arg(
        long,
        value_name = "ZAHL",
        default_value_t = 5,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Optionen"
    )]
    runs: u16,
    /// Hebt das vollständige Ergebnis in book/measurements auf, für das Buch
    #[arg(long, help_heading = "Optionen")]
    save: bool,
    #[command(flatten)]
    help: HelpFlag,
}

#[derive(Args)]
struct HerdArgs {
    /// Wie oft beide Herden schlafen: 5-mal, wenn nichts anderes dasteht
    #[arg(
        long,
        value_name = "ZAHL",
        default_value_t = 5,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Optionen"
    )]
    runs: u16,
    /// Hebt das Ergebnis in book/measurements auf, für das Buch
    #[arg(long, help_heading = "Optionen")]
    save: bool,
    #[command(flatten)]
    help: HelpFlag,
}

#[derive(Args)]
struct FiguresArgs {
    #[command(flatten)]
    help: HelpFlag,
}

#[derive(Args)]
struct ChatArgs {
    /// Wie viele Clients zuhören: 1000, wenn nichts anderes dasteht
    #[arg(
        long,
        value_name = "ZAHL",
        default_value_t = 1000,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Optionen"
    )]
    receivers: u16,
    /// Wie oft jeder Server an die Reihe kommt: 5-mal, wenn nichts anderes dasteht
    #[arg(
        long,
        value_name = "ZAHL",
        default_value_t = 5,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "Optionen"
    )]
    rounds: u16,
    /// Hebt das Ergebnis in book/measurements auf, für das Buch
    #[arg(long, help_heading = "Optionen")]
    save: bool,
    #[command(flatten)]
    help: HelpFlag,
}

/// clap's own flag describes itself in English, hence this one.
#[derive(Args)]
struct HelpFlag {
    /// Zeigt diese Hilfe
    #[arg(short = 'h', long = "help", action = clap::ArgAction::Help, help_heading = "Optionen")]
    help: Option<bool>,
}

/// Runs the program with `arguments`, the first of which is its own name.
///
/// The status is 0 after a normal end, 1 after an error and 2 for bad arguments; errors are told on stderr.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(refusal) if refusal.kind() == ErrorKind::DisplayHelp => {
            show(refusal);
            return ExitCode::SUCCESS;
        }
        Err(refusal) => {
            tell(format_args!("{}", in_german(&refusal)));
            tell("Was möglich ist, zeigt „cargo run -- --help“.");
            return ExitCode::from(2);
        }
    };
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => status_of(live::run(&live::Options {
            root: site::find_root(COMPILED_IN),
            port: args.port,
            open_browser: !args.no_open,
            limits: Limits::default(),
        })),
        Command::Build(args) => build(args.folder),
        Command::Record(args) => {
            status_of(scenes::record(&site::find_root(COMPILED_IN), &args.scenes))
        }
        Command::Play(args) => {
            status_of(scenes::show(&site::find_root(COMPILED_IN), &args.scene))
        }
        Command::Figures(_) => {
            let root = site::find_root(COMPILED_IN);
            status_of(figures::redraw(&root, &mut |sentence| tell(&sentence)))
        }
        Command::Measure(args) => {
            measure(args.measurement.unwrap_or(Measurement::C10k(args.c10k)))
        }
    }
}

fn measure(measurement: Measurement) -> ExitCode {
    let root = site::find_root(COMPILED_IN);
    match measurement {
        Measurement::C10k(args) => {
            let plan = Plan::quick(args.connections, args.models, args.runs.into());
            status_of(c10k::run(&root, &plan, args.save))
        }
        Measurement::Herd(args) => status_of(herd::run(&root, args.runs.into(), args.save)),
        Measurement::Chat(args) => {
            let (receivers, rounds) = (args.receivers.into(), args.rounds.into());
            status_of(chat::run(&root, receivers, rounds, args.save))
        }
    }
}

/// Builds the book once, into `folder` or where it usually goes.
fn build(folder: Option<PathBuf>) -> ExitCode {
    let root = site::find_root(COMPILED_IN);
    let folder = folder.unwrap_or_else(|| site::default_destination(&root));
    tell("Das Buch wird gebaut …");
    let built = site::build(&root, &folder);
    if let Ok(report) = &built {
        tell(report);
    }
    status_of(built.map_err(anyhow::Error::new))
}

/// 0 for a success; 1 for an error, which is told on stderr with its causes.
fn status_of<T>(outcome: anyhow::Result<T>) -> ExitCode {
    match outcome {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What clap refused, as one German sentence.
fn in_german(refusal: &clap::Error) -> String {
    let context = |kind| refusal.get(kind).and_then(text_of);
    let argument = context(ContextKind::InvalidArg);
    // clap names an option with its value: „--port <PORT>“.
    let option = argument.map(|argument| argument.split(' ').next().unwrap_or(argument));
    match (refusal.kind(), option, context(ContextKind::InvalidValue)) {
        (ErrorKind::UnknownArgument, Some(option), _) => {
            refuse("Das Argument", option, "gibt es hier nicht.")
        }
        (ErrorKind::InvalidSubcommand, _, _) => {
            match context(ContextKind::InvalidSubcommand) {
                Some(command) => refuse("Den Befehl", command, "gibt es nicht."),
                None => "Diesen Befehl gibt es nicht.".to_owned(),
            }
        }
        (ErrorKind::InvalidValue, Some(option), None | Some("")) => {
            refuse("Nach", option, "fehlt der Wert.")
        }
        (
            ErrorKind::ValueValidation | ErrorKind::InvalidValue,
            Some("--port"),
            Some(value),
        ) => refuse(
            "Als Port taugt",
            value,
            "nicht: Er ist eine Zahl von 0 bis 65535.",
        ),
        (ErrorKind::InvalidValue, Some("--models"), Some(value)) => {
            c10k::models::unknown(value)
        }
        (
            ErrorKind::ValueValidation | ErrorKind::InvalidValue,
            Some(option),
            Some(value),
        ) => {
            format!("„{value}“ passt nicht zu „{option}“.")
        }
        (ErrorKind::TooManyValues, Some(option), _) => {
            refuse("Zu", option, "gehört kein Wert.")
        }
        (ErrorKind::ArgumentConflict, Some(option), _) => refuse(
            "Das Argument",
            option,
            "steht doppelt da oder verträgt sich nicht mit dem Befehl.",
        ),
        (ErrorKind::MissingRequiredArgument, _, _) => {
            "Welche Szene gespielt werden soll, fehlt: cargo run -- play ch01-socket-basics/gespraech"
                .to_owned()
        }
        (ErrorKind::InvalidUtf8, _, _) => {
            "Ein Argument ist kein gültiges UTF-8.".to_owned()
        }
        _ => "Diese Argumente passen nicht zusammen.".to_owned(),
    }
}

/// A sentence about a quoted word.
fn refuse(before: &str, word: impl Display, after: &str) -> String {
    format!("{before} „{word}“ {after}")
}

/// The text in a piece of clap's error context, if it is one.
fn text_of(value: &ContextValue) -> Option<&str> {
    match value {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}
