//! Startet den Client des Zeitservers aus Kapitel 2.

use std::io;
use std::process::ExitCode;

use ch02_time_server::{cli, client::TimeClient};

fn main() -> ExitCode {
    cli::finish(run())
}

// ANCHOR: run
fn run() -> Result<(), String> {
    let args =
        cli::args("Client des Zeitservers: schickt jede getippte Zeile als Anfrage.");
    let mut client = TimeClient::new(cli::connect(&args)?);
    println!("Verbunden. Anfrage tippen: time oder send time; Ende der Eingabe beendet.");
    for line in io::stdin().lines() {
        let answer = line.and_then(|request| client.ask(&request));
        match answer.map_err(|error| format!("Keine Antwort: {}.", cli::reason(&error)))? {
            Some(answer) => println!("{answer}"),
            None => return Err("Der Server hat aufgelegt.".into()),
        }
    }
    Ok(())
}
// ANCHOR_END: run
