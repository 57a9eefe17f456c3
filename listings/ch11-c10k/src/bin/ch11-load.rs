//! Belastet einen Echo-Server mit vielen Verbindungen und misst, wie schnell er antwortet.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ch11_c10k::cli::{self, decimal};
use ch11_c10k::load::line::MAX_CONNECTIONS;
use ch11_c10k::load::{Load, PATIENCE, Talked, Who, files};
use ch11_c10k::net;

/// Welchen Server er belastet, womit, und wer ihn bedient.
#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    server: cli::Address,
    /// so viele Verbindungen
    #[arg(long, value_name = "ANZAHL", default_value = "1000", value_parser = connections)]
    connections: usize,
    /// so lange reden erst alle, dann eine von hundert
    #[arg(long = "seconds", value_name = "ZAHL", default_value = "2", value_parser = time)]
    time: Duration,
    /// für Programme: auf stdin „all 0.2“ oder „few 0.2“, auf stdout JSON
    #[arg(long)]
    json: bool,
}

fn connections(value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|count| (1..=MAX_CONNECTIONS).contains(count));
    count.ok_or_else(|| format!("eine Zahl von 1 bis {MAX_CONNECTIONS}"))
}

/// Eine Dauer in Sekunden: mehr als nichts und höchstens eine Stunde.
fn time(value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 3600.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        format!(
            "Die Dauer muss eine Zahl von Sekunden über 0 und bis 3600 sein, \
             nicht „{value}“."
        )
    })
}

fn main() -> ExitCode {
    cli::end_on_ctrl_c();
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args = cli::parse("Die Last: viele Clients in einem Thread.");
    let connections = files::affordable(args.connections)?;
    if connections < args.connections {
        eprintln!(
            "Für {} Verbindungen darf dieser Prozess zu wenig Dateien öffnen: Es werden \
             {connections}.",
            args.connections
        );
    }
    let begin = Instant::now();
    let first = net::connect(&args.server)?;
    let load = Load::gather(first, connections, PATIENCE)?;
    let elapsed = begin.elapsed();
    match args.json {
        true => obey(load, connections, elapsed),
        false => show(load, connections, elapsed, args.time),
    }
}

/// Für Menschen.
fn show(
    mut load: Load,
    connections: usize,
    elapsed: Duration,
    time: Duration,
) -> Result<(), String> {
    let seconds = decimal(format!("{:.2}", elapsed.as_secs_f64()));
    cli::say(format!(
        "{connections} Verbindungen, jede hat ihre erste Antwort, nach {seconds} s."
    ));
    for (title, who) in [("Alle reden", Who::All), ("Eine von hundert", Who::Few)] {
        let talked = load.talk(who, time)?;
        let seconds = talked.time.as_secs_f64();
        let rate = talked.exchanges as f64 / seconds;
        let [p50, p99] = [talked.p50_nanos, talked.p99_nanos]
            .map(|nanos| decimal(format!("{:.2}", nanos as f64 / 1e6)));
        let share = match talked.cpu {
            Some(cpu) => format!("{:.0} %", cpu.as_secs_f64() / seconds * 100.0),
            None => "unbekannt".into(),
        };
        cli::say(format!("{title}: {rate:.0} Antworten/s"));
        cli::say(format!("  Hälfte bis {p50} ms"));
        cli::say(format!("  99 % bis {p99} ms"));
        cli::say(format!("  eigene Last {share}"));
    }
    Ok(())
}

/// Für Programme: auf jeden Befehl ein Stück JSON. Zwischen den Befehlen ist Ruhe: Dann
/// zeigt sich, was der Server kostet, wenn niemand redet.
fn obey(mut load: Load, connections: usize, elapsed: Duration) -> Result<(), String> {
    let micros = elapsed.as_micros();
    cli::say(format!(
        r#"{{"phase":"connected","connections":{connections},"micros":{micros}}}"#
    ));
    for line in io::stdin().lines() {
        let line = line.map_err(|error| {
            format!("Die Befehle sind nicht zu lesen: {}.", net::reason(&error))
        })?;
        let (name, who, time) = command(&line)?;
        let talked = load.talk(who, time)?;
        cli::say(json(name, &talked));
    }
    load.expect_silence()
}

fn command(line: &str) -> Result<(&'static str, Who, Duration), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["all", seconds] => Ok(("all", Who::All, time(seconds)?)),
        ["few", seconds] => Ok(("few", Who::Few, time(seconds)?)),
        _ => Err(format!(
            "Befehle sind „all SEKUNDEN“ und „few SEKUNDEN“, nicht „{line}“."
        )),
    }
}

fn json(phase: &str, talked: &Talked) -> String {
    let Talked {
        exchanges,
        time,
        p50_nanos,
        p99_nanos,
        cpu,
    } = talked;
    let micros = time.as_micros();
    let cpu = cpu.map_or("null".into(), |cpu| cpu.as_micros().to_string());
    let counted = format!(r#""phase":"{phase}","exchanges":{exchanges},"micros":{micros}"#);
    let latency = format!(r#""p50_nanos":{p50_nanos},"p99_nanos":{p99_nanos}"#);
    format!(r#"{{{counted},{latency},"cpu_micros":{cpu}}}"#)
}
