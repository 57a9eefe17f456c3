//! Lässt eine Herde zugleich schlafen, erst in Threads, dann in Tasks, und zeigt, was
//! das kostet. Jedes Modell läuft in einem eigenen Prozess: So mischt sich nichts.

use std::env;
use std::process::{Command, ExitCode, Stdio};

use ch10_elephants::cloud::DELAY;
use ch10_elephants::herd::{HEAD, Model, Row};
use ch10_elephants::{args, cli};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let (elephants, model) = args::herd("Eine Herde in Threads und in Tasks.", 500);
    if let Some(model) = model {
        return measure(model, elephants);
    }
    let seconds = DELAY.as_secs();
    cli::say(format!(
        "{elephants} Elefanten schlafen zugleich, {seconds} s lang."
    ));
    cli::say(HEAD);
    for model in Model::ALL {
        in_own_process(model, elephants)?;
    }
    Ok(())
}

fn measure(model: Model, elephants: usize) -> Result<(), String> {
    let measured = model.measure(elephants).map_err(|error| {
        let title = model.title();
        format!("{elephants} {title} sind zu viele: Das System meldet „{error}“.")
    })?;
    cli::say(Row {
        model,
        elephants,
        measured,
    });
    Ok(())
}

/// Startet dieses Programm noch einmal, für ein Modell; dessen Zeile druckt der
/// Kindprozess selbst.
fn in_own_process(model: Model, elephants: usize) -> Result<(), String> {
    let title = model.title();
    let child = env::current_exe().and_then(|program| {
        Command::new(program)
            .args(["--model", model.name()])
            .args(["--elephants", &elephants.to_string()])
            .stdout(Stdio::inherit())
            .output() // wartet auf das Ende und liest mit, was auf stderr steht
    });
    let child = child.map_err(|error| {
        format!(
            "Kein Prozess für {title} zu starten: {}.",
            cli::reason(&error)
        )
    })?;
    if child.status.success() {
        return Ok(());
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
