//! Lässt eine Herde zugleich schlafen, erst in Threads, dann in Tasks, und zeigt, was
//! das kostet. Jedes Modell läuft in einem eigenen Prozess: So mischt sich nichts.

use std::env;
use std::process::{Command, ExitCode};
use std::time::Duration;

use ch10_elephants::cli;
use ch10_elephants::cloud::DELAY;
use ch10_elephants::herd::{HEAD, Model, Row};
use ch10_elephants::net;

#[derive(clap::Args)]
struct Args {
    /// so viele schlafen zugleich
    #[arg(long, value_name = "ANZAHL", default_value_t = 500, value_parser = cli::count)]
    elephants: usize,
    /// so lange schläft jeder
    #[arg(long, value_name = "SEKUNDEN", default_value_t = DELAY.as_secs() as usize, value_parser = cli::count)]
    seconds: usize,
    /// für Programme: alle Zahlen genau, als ein Stück JSON
    #[arg(long)]
    json: bool,
    // Steht in keiner Hilfe: Damit startet sich das Programm selbst.
    #[arg(long, hide = true, value_parser = Model::named)]
    model: Option<Model>,
}

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args = cli::parse("Eine Herde in Threads und in Tasks.");
    if let Some(model) = args.model {
        return measure(model, &args);
    }
    if args.json {
        let threads = in_own_process(Model::Threads, &args)?;
        let tasks = in_own_process(Model::Tasks, &args)?;
        cli::say(format!(r#"{{"threads":{threads},"tasks":{tasks}}}"#));
        return Ok(());
    }
    let (elephants, seconds) = (args.elephants, args.seconds);
    cli::say(format!(
        "{elephants} Elefanten schlafen zugleich, {seconds} s lang."
    ));
    cli::say(HEAD);
    for model in Model::ALL {
        cli::say(in_own_process(model, &args)?);
    }
    Ok(())
}

/// Was der Kindprozess tut.
fn measure(model: Model, args: &Args) -> Result<(), String> {
    let elephants = args.elephants;
    let nap = Duration::from_secs(args.seconds as u64);
    let measured = model.measure(elephants, nap).map_err(|_| {
        let title = model.title();
        format!("{elephants} {title} sind zu viele: Das System gibt nicht mehr her.")
    })?;
    match args.json {
        true => cli::say(measured.json()),
        false => cli::say(Row {
            model,
            elephants,
            measured,
        }),
    }
    Ok(())
}

/// Startet dieses Programm noch einmal, für ein Modell, und gibt zurück, was es gedruckt hat.
fn in_own_process(model: Model, args: &Args) -> Result<String, String> {
    let (elephants, title) = (args.elephants, model.title());
    let child = env::current_exe().and_then(|program| {
        Command::new(program)
            .args(["--model", model.name()])
            .args(["--elephants", &elephants.to_string()])
            .args(["--seconds", &args.seconds.to_string()])
            .args(args.json.then_some("--json"))
            .output() // wartet auf das Ende und liest mit
    });
    let child = child.map_err(|error| {
        format!(
            "Kein Prozess für {title} zu starten: {}.",
            net::reason(&error)
        )
    })?;
    if child.status.success() {
        return Ok(String::from_utf8_lossy(&child.stdout).trim_end().into());
    }
    // Wer abbricht, hat keinen Status, unter Windows einen negativen.
    let aborted = child.status.code().is_none_or(|code| code < 0);
    let too_many = format!("{elephants} {title} sind zu viele:");
    let complaints = String::from_utf8_lossy(&child.stderr);
    // Dort steht vielleicht noch mehr: Threads, die nicht zustande kamen, klagen auch.
    let sentence = complaints.lines().find(|line| line.starts_with(&too_many));
    let last = complaints.lines().last().filter(|_| !aborted);
    Err(match sentence.or(last) {
        Some(sentence) => sentence.into(),
        None => format!("{too_many} Der Prozess ist abgebrochen."),
    })
}
