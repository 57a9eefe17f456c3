//! Startet den Chat-Server aus Kapitel 8: zwei Tasks je Verbindung, auf einem Thread oder
//! auf mehreren.

use std::io;
use std::process::{self, ExitCode};

use ch08_tokio_chat::{cli, net, server};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal;

/// Mehr Kerne hat kein Rechner, auf dem dies läuft; und gibt das System einen Thread nicht her,
/// bräche tokio ab.
const MOST_THREADS: usize = 1024;

#[derive(clap::Args)]
struct Args {
    #[command(flatten)]
    address: cli::Address,
    /// so viel darf sich vor einem Empfänger ansammeln
    #[arg(long, value_name = "BYTES", default_value_t = server::QUEUE)]
    #[arg(value_parser = cli::count)]
    queue: usize,
    /// so viele Threads führen die Tasks aus
    #[arg(long, value_name = "ANZAHL", default_value_t = 1, value_parser = threads)]
    threads: usize,
}

fn threads(value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|count| (1..=MOST_THREADS).contains(count));
    count.ok_or_else(|| format!("eine Zahl von 1 bis {MOST_THREADS}"))
}

fn main() -> ExitCode {
    cli::finish(run())
}

fn run() -> Result<(), String> {
    let args: Args = cli::parse(
        "Chat-Server aus Kapitel 8: zwei Tasks je Verbindung, eine Schlange je Empfänger.",
    );
    let listener = net::listen(&args.address)?;
    runtime(args.threads)
        .and_then(|runtime| runtime.block_on(chat(listener, args.queue)))
        .map_err(|error| {
            format!("Der Server kann nicht beginnen: {}.", net::reason(&error))
        })
}

// ANCHOR: runtime
/// Was die Tasks ausführt: dieser eine Thread oder so viele eigene.
fn runtime(threads: usize) -> io::Result<Runtime> {
    match threads {
        1 => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    }
}
// ANCHOR_END: runtime

// ANCHOR: chat
async fn chat(listener: std::net::TcpListener, queue: usize) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut ctrl_c = ctrl_c()?; // von hier an beendet Strg+C das Programm nicht mehr von selbst
    net::announce(&listener);
    let listener = TcpListener::from_std(listener)?;
    let shutdown = async {
        ctrl_c.recv().await;
        tokio::spawn(async move {
            ctrl_c.recv().await; // noch einmal: Jetzt hat es jemand eilig
            eprintln!("Abgebrochen, es waren noch nicht alle fort.");
            process::exit(1)
        });
    };
    server::serve(listener, queue, shutdown).await;
    Ok(())
}
// ANCHOR_END: chat

#[cfg(unix)]
fn ctrl_c() -> io::Result<signal::unix::Signal> {
    signal::unix::signal(signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn ctrl_c() -> io::Result<signal::windows::CtrlC> {
    signal::windows::ctrl_c()
}
