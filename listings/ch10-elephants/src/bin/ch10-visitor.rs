//! Fragt den Elefantendienst nach einigen Elefanten: erst nacheinander, dann zugleich.

use std::process::ExitCode;

use ch10_elephants::args;
use ch10_elephants::cli::{self, say};
use ch10_elephants::timed::timed;
use ch10_elephants::visitor::{Service, ask};
use futures::future::try_join_all;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::finish(run().await)
}

// ANCHOR: visitor
async fn run() -> Result<(), String> {
    let (address, names) = args::visitor("Besucher des Elefantendienstes aus Kapitel 10.");
    let service = Service::find(&address).await?;
    let one_after_another = async {
        for name in &names {
            ask(&service, name).await?;
        }
        Ok::<(), String>(())
    };
    timed("nacheinander", one_after_another).await?;

    let questions = names.iter().map(|name| ask(&service, name));
    for answer in timed("zugleich", try_join_all(questions)).await? {
        say(answer);
    }
    Ok(())
}
// ANCHOR_END: visitor
