//! Serves the book on this machine and rebuilds it on change: source in, pages over HTTP out.
//! `guard` decides who is answered, `pages` what is answered, `live` keeps open pages up to date,
//! `rebuild` watches the source and publishes a new [`State`] after every change.

mod guard;
mod live;
mod pages;
mod rebuild;

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::middleware;
use axum::routing::any;
use tokio::sync::watch;

use crate::site;
use guard::OwnAddress;
use pages::Book;

/// How many ports after the wanted one are tried if it is taken.
const MORE_PORTS: u16 = 20;
/// How long the end waits for a build that is under way, so that nothing half done stays behind.
const PATIENCE_AT_END: Duration = Duration::from_secs(2);

/// How the book is to be served.
pub struct Options {
    /// The folder with `book.toml`.
    pub root: PathBuf,
    /// The wanted port; 0 = any free one.
    pub port: u16,
    /// Whether the book is opened in the browser once it is there.
    pub open_browser: bool,
}

/// What the server shows at a moment.
#[derive(Clone)]
struct State {
    /// The last book that could be built.
    book: Arc<Book>,
    /// Why the present source cannot be built; empty if `book` is built from it.
    problems: Arc<[String]>,
}

/// What every request handler can reach.
#[derive(Clone)]
struct Shared {
    own: Arc<OwnAddress>,
    state: watch::Receiver<State>,
}

/// Builds the book and serves it until Ctrl-C.
///
/// The address is printed as one plain line on stdout once the book can be read there; all else goes to stderr.
///
/// # Errors
///
/// No port is free, or the server cannot run at all. A book that cannot be built is not an error here:
/// the last good one is served, together with the problems.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("Der Server lässt sich nicht starten")?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Options) -> anyhow::Result<()> {
    let listener = bind(options.port)?;
    let port = listener.local_addr()?.port();
    let listener = tokio::net::TcpListener::from_std(listener)?;

    let root = std::path::absolute(&options.root)?;
    let dest = site::default_destination(&root);
    let rebuilding = tokio::task::spawn_blocking(|| rebuild::start(root, dest)).await??;

    let shared = Shared {
        own: Arc::new(OwnAddress::new(port)),
        state: rebuilding.state(),
    };
    let address = shared.own.url();
    println!("{address}");
    io::stdout().flush()?;
    eprintln!("Strg+C beendet das Programm.");
    if options.open_browser {
        open_browser(address);
    }

    tokio::select! {
        ended = async { axum::serve(listener, router(shared)).await } => ended.context("Der Server ist abgebrochen")?,
        interrupted = tokio::signal::ctrl_c() => interrupted.context("Auf Strg+C lässt sich nicht warten")?,
    }
    tokio::task::spawn_blocking(move || rebuilding.stop(PATIENCE_AT_END)).await?;
    Ok(())
}

/// Every route, behind the guard: no answer leaves without having passed it.
fn router(shared: Shared) -> Router {
    Router::new()
        .route("/-/live", any(live::connect))
        .route("/-/live.js", any(live::script))
        .fallback(pages::answer)
        .layer(middleware::from_fn_with_state(shared.clone(), guard::admit))
        .with_state(shared)
}

/// Binds 127.0.0.1, never another address, at `wanted` or at the next free port after it.
fn bind(wanted: u16) -> anyhow::Result<std::net::TcpListener> {
    let last = wanted.saturating_add(MORE_PORTS);
    for port in wanted..=last {
        match std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => {
                if port != wanted {
                    eprintln!("Port {wanted} ist belegt, das Buch liegt auf Port {port}.");
                }
                listener.set_nonblocking(true)?;
                return Ok(listener);
            }
            Err(cause) if cause.kind() == io::ErrorKind::AddrInUse && wanted != 0 => {}
            Err(cause) => {
                return Err(cause).context(format!("Port {port} lässt sich nicht öffnen"));
            }
        }
    }
    anyhow::bail!("Die Ports {wanted} bis {last} sind alle belegt.")
}

/// Opens `address` in the reader's browser, on a thread of its own because that can take a while.
fn open_browser(address: String) {
    let opening = std::thread::Builder::new().spawn(move || {
        if open::that_detached(&address).is_err() {
            eprintln!(
                "Der Browser ließ sich nicht öffnen: Rufen Sie die Adresse selbst auf."
            );
        }
    });
    // Without the thread the reader opens the address, which is printed anyway.
    drop(opening);
}
