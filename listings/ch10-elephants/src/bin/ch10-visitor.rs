//! Fragt den Elefantendienst nach einigen Elefanten: erst nacheinander, dann zugleich.

use std::process::ExitCode;

use ch10_elephants::cli::{self, say};
use ch10_elephants::cloud::NAMES;
use ch10_elephants::timed::timed;
use ch10_elephants::visitor::{Service, ask};
use futures::future::try_join_all;

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    service: cli::Address,
    /// nach wem er fragt
    #[arg(long, value_name = "NAME,NAME,…", value_delimiter = ',', default_values = NAMES)]
    #[arg(value_parser = name)]
    names: Vec<String>,
}

/// Jeder Name wird eine Zeile: Er darf nicht leer sein und kein Zeilenende haben.
fn name(value: &str) -> Result<String, &'static str> {
    let name = value.trim();
    if name.is_empty() || name.contains(char::is_control) {
        return Err("Hinter --names gehören Namen, mit Kommas dazwischen.");
    }
    Ok(name.into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::finish(run().await)
}

// ANCHOR: visitor
async fn run() -> Result<(), String> {
    let args: Args = cli::parse("Besucher des Elefantendienstes aus Kapitel 10.");
    let service = Service::find(&args.service).await?;
    let one_after_another = async {
        for name in &args.names {
            ask(&service, name).await?;
        }
        Ok::<(), String>(())
    };
    timed("nacheinander", one_after_another).await?;

    let questions = args.names.iter().map(|name| ask(&service, name));
    for answer in timed("zugleich", try_join_all(questions)).await? {
        say(answer);
    }
    Ok(())
}
// ANCHOR_END: visitor
