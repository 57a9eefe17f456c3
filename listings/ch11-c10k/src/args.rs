//! Die Schalter des Lastgenerators.

use std::time::Duration;

use crate::cli;
use crate::load::line::MAX_CONNECTIONS;

/// Welchen Server er belastet, womit, und wer ihn bedient.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub server: cli::Address,
    /// so viele Verbindungen
    #[arg(long, value_name = "ANZAHL", default_value = "1000", value_parser = connections)]
    pub connections: usize,
    /// so lange reden erst alle, dann eine von hundert
    #[arg(long = "seconds", value_name = "ZAHL", default_value = "2", value_parser = time)]
    pub time: Duration,
    /// für Programme: auf stdin „all 0.2“ oder „few 0.2“, auf stdout JSON
    #[arg(long)]
    pub json: bool,
}

fn connections(value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|count| (1..=MAX_CONNECTIONS).contains(count));
    count.ok_or_else(|| format!("eine Zahl von 1 bis {MAX_CONNECTIONS}"))
}

/// Eine Dauer in Sekunden: mehr als nichts und höchstens eine Stunde.
pub fn time(value: &str) -> Result<Duration, String> {
    let seconds = value.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 3600.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        format!(
            "Die Dauer muss eine Zahl von Sekunden über 0 und bis 3600 sein, \
             nicht „{value}“."
        )
    })
}
