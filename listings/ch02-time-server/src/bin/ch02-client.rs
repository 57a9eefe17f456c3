//! Startet den Client des Zeitservers aus Kapitel 2.

use std::io::{self, BufRead};
use std::process::ExitCode;

use ch02_time_server::{cli, client::TimeClient, net};

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let address =
        cli::parse("Client des Zeitservers: schickt jede getippte Zeile als Anfrage.");
    let mut client = TimeClient::new(net::connect(&address)?);
    cli::say("Verbunden. Anfrage tippen: time oder send time; Ende der Eingabe beendet.");
    for line in io::stdin().lock().split(b'\n') {
        let answer = line.and_then(|request| client.ask(&request));
        match answer.map_err(|error| format!("Keine Antwort: {}.", net::reason(&error)))? {
            Some(answer) => cli::say(answer),
            None => return Err("Der Server hat aufgelegt, ohne zu antworten.".into()),
        }
    }
    Ok(())
}
