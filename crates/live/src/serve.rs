//! Serves the book on this machine and rebuilds it on change: source in, pages over HTTP out.
//! `guard` decides who is answered, `pages` what is answered, `door` lets open pages speak with the
//! [`Notebook`], `rebuild` watches the source and publishes a new [`Shown`] after every change.

mod door;
mod guard;
mod pages;
mod rebuild;

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::middleware;
use axum::routing::any;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use print::{files, show, tell};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::notebook::{Limits, Notebook, Redirect, ToPage};
use guard::OwnAddress;
use pages::Edition;
use rebuild::Rebuilding;

/// How many ports after the wanted one are tried if it is taken.
const MORE_PORTS: u16 = 20;
/// The head of a request has at most so many bytes; cookies are in it that other servers of this machine have left.
const LONGEST_HEAD: usize = 64 * 1024;
/// How long the end waits for a build that is under way, so that nothing half done stays behind.
const PATIENCE_AT_END: Duration = Duration::from_secs(2);
/// How long the end waits for the programs it ends; they are killed after two seconds.
const PATIENCE_WITH_PROGRAMS: Duration = Duration::from_secs(3);

/// How the book is to be served.
pub struct Options {
    /// The folder with `book.toml`.
    pub root: PathBuf,
    /// The wanted port; 0 = any free one.
    pub port: u16,
    /// Whether the book is opened in the browser once it is there.
    pub open_browser: bool,
    /// How much a page may ask for.
    pub limits: Limits,
}

/// What the server shows at a moment.
#[derive(Clone)]
struct Shown {
    /// The last book that could be built.
    book: Arc<Edition>,
    /// Why the present source cannot be built; empty if `book` is built from it.
    problems: Arc<[String]>,
}

impl Shown {
    /// What open pages are told.
    fn message(&self) -> ToPage {
        ToPage::Book {
            version: self.book.version.clone(),
            problems: self.problems.to_vec(),
        }
    }
}

/// What every request handler can reach.
#[derive(Clone)]
struct Shared {
    own: Arc<OwnAddress>,
    shown: watch::Receiver<Shown>,
    notebook: Arc<Notebook>,
}

/// A server that is running. Dropping it ends it, with everything it has started.
pub struct Serving {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    rebuilding: Option<Rebuilding>,
    notebook: Arc<Notebook>,
    /// The address of the book's first page.
    url: String,
}

/// Builds the book and serves it until Ctrl-C.
///
/// The address is printed as one plain line on stdout once the book can be read there; all else goes to stderr.
/// The address holds the token and is written down nowhere else.
///
/// # Errors
///
/// No port is free, or the server cannot run at all. A book that cannot be built is not an error here:
/// the last good one is served, together with the problems.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let serving = start(options)?;
    // Ctrl-C is listened for before anybody can know that the book is there.
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let first_look = std::future::poll_fn(|context| {
        Poll::Ready(interrupted.as_mut().poll(context).is_ready())
    });
    let already = serving.runtime().block_on(first_look);
    show(format_args!("{}\n", serving.address()));
    tell("Strg+C beendet das Programm.");
    // Lives as long as the server: a browser may take its time.
    let redirect = options.open_browser.then(|| open_browser(&options.root, &serving));
    let waited = if already {
        Ok(())
    } else {
        serving.runtime().block_on(interrupted)
    };
    drop(serving);
    drop(redirect);
    waited.context("Auf Strg+C lässt sich nicht warten")
}

/// Builds the book and serves it until the returned value is dropped.
///
/// # Errors
///
/// See [`run`].
pub fn start(options: &Options) -> anyhow::Result<Serving> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("Der Server lässt sich nicht starten")?;
    let listener = bind(options.port)?;
    let own = OwnAddress::new(listener.local_addr()?.port());
    let url = own.url();
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };

    let root = std::path::absolute(&options.root)?;
    let dest = site::default_destination(&root);
    let patience = options.limits.request;
    let notebook = Arc::new(Notebook::open(root.clone(), options.limits.clone())?);
    let rebuilding = rebuild::start(root, dest)?;
    let shown = rebuilding.shown();
    notebook.tell(shown.borrow().message());
    let shared = Shared {
        own: Arc::new(own),
        shown: shown.clone(),
        notebook: Arc::clone(&notebook),
    };
    runtime.spawn(pass_on_changes(shown, Arc::clone(&notebook)));
    runtime.spawn(receive(listener, router(shared), patience));
    Ok(Serving {
        runtime: Some(runtime),
        rebuilding: Some(rebuilding),
        notebook,
        url,
    })
}

impl Serving {
    /// The address of the book's first page, with the token: whoever opens it is the reader.
    pub fn address(&self) -> String {
        format!("{}#token={}", self.url, self.notebook.token().secret())
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until the end")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.notebook.close(PATIENCE_WITH_PROGRAMS);
        if let Some(runtime) = self.runtime.take() {
            // Open pages may not hold it.
            runtime.shutdown_background();
        }
        if let Some(rebuilding) = self.rebuilding.take() {
            rebuilding.stop(PATIENCE_AT_END);
        }
    }
}

/// Open pages, programs and cells follow the source.
async fn pass_on_changes(mut shown: watch::Receiver<Shown>, notebook: Arc<Notebook>) {
    while shown.changed().await.is_ok() {
        let message = shown.borrow_and_update().message();
        notebook.tell(message);
        notebook.renew();
    }
}

/// Serves whoever connects. Who has not said within `patience` what he wants, be it at first or after an answer, goes: else
/// a few silent ones would take all the places there are.
async fn receive(listener: TcpListener, router: Router, patience: Duration) {
    let mut listener = listener;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(LONGEST_HEAD);
    loop {
        let (stream, _) = Listener::accept(&mut listener).await;
        // A line of output is a small message, and no message waits for the next one. Refused, everything is merely slower.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection =
            http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        // How it ends is the other side's affair.
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// Every route, behind the guard: no answer leaves without having passed it.
fn router(shared: Shared) -> Router {
    Router::new()
        .route("/-/live", any(door::connect))
        .route("/-/live.js", any(door::script))
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
                    tell(format_args!(
                        "Port {wanted} ist belegt, das Buch liegt auf Port {port}."
                    ));
                }
                listener.set_nonblocking(true)?;
                return Ok(listener);
            }
            Err(cause) if cause.kind() == io::ErrorKind::AddrInUse && wanted != 0 => {}
            Err(cause) => {
                let sentence =
                    "lässt sich nicht öffnen; mit --port nehmen Sie einen anderen";
                return Err(cause).context(format!("Port {port} {sentence}"));
            }
        }
    }
    anyhow::bail!(
        "Die Ports {wanted} bis {last} sind alle belegt; mit --port nehmen Sie einen anderen."
    )
}

/// Opens the book in the reader's browser, on a thread of its own because that can take a while. The token reaches it by
/// a private file, which the returned value keeps.
fn open_browser(root: &Path, serving: &Serving) -> Option<Redirect> {
    let folder = files::target(root);
    files::sweep(&folder, "oeffnen-");
    let redirect = Redirect::to(&serving.address(), &folder)
        .inspect_err(|cause| {
            tell(format_args!(
                "Der Browser lässt sich so nicht öffnen ({cause}): Rufen Sie die Adresse selbst auf."
            ));
        })
        .ok()?;
    let path = redirect.path();
    let opening = std::thread::Builder::new().spawn(move || {
        if open::that_detached(&path).is_err() {
            tell("Der Browser ließ sich nicht öffnen: Rufen Sie die Adresse selbst auf.");
        }
    });
    // Without the thread the reader opens the address, which is printed anyway.
    drop(opening);
    Some(redirect)
}
