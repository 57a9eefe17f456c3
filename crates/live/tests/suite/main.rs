//! ▶ in the page, by the rules that stand in the room's lib.rs: who is not the reader gets nothing, and whatever was started ends.
//! The server runs in this process, on the real book or on a small one where any book would do. Pages are played by
//! real WebSockets. What has to be seen from outside, such as the end of the whole program, is tested in the
//! root's tests/server.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod access;
mod cells;
mod changes;
#[path = "../../../measure/tests/suite/fixture.rs"]
mod fixture;
mod idlers;
mod limits;
mod measuring;
mod scenes;
mod wrong_ways;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use live::{Limits, Options, Serving};
use testing::book;
use testing::reader::Reader;

/// After so long nothing that was started may be left. On a quiet machine it takes two seconds at most, where KILL is needed.
const GONE_WITHIN: Duration = Duration::from_secs(10);
const TALK: &str = "ch01-socket-basics/gespraech";

/// Where the real book is.
fn root() -> &'static Path {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    above.expect("crates/live is below it")
}

/// A folder of these tests that stays from run to run.
fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The book with one scene and one cell, as it is everywhere the same.
fn small_book() -> &'static Path {
    static BOOK: OnceLock<book::Book> = OnceLock::new();
    BOOK.get_or_init(|| book::chat(temporary("small-book"))).root()
}

/// A server in this process.
struct Server {
    _serving: Mutex<Serving>,
    reader: Reader,
}

/// The one on the real book that most tests share.
fn real_book() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| {
        let limits = Limits {
            cell: Duration::from_secs(2),
            // A test reads its page when it has time to.
            silence: Duration::from_secs(30),
            ..Limits::default()
        };
        serve(root(), limits)
    })
}

fn serve(root: &Path, limits: Limits) -> Server {
    // Two builds of one process would meet in the same folder.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let serving = live::start(&Options {
        root: root.to_owned(),
        port: 0,
        open_browser: false,
        limits,
    });
    let serving = serving.expect("the server starts");
    Server {
        reader: Reader::of(&serving.address()),
        _serving: Mutex::new(serving),
    }
}

/// The programs of a scene on this port are gone in time.
fn assert_gone(port: u16) {
    #[cfg(target_os = "linux")]
    testing::wait_until("no program is left", GONE_WITHIN, || {
        let named = format!("--port {port}");
        testing::processes::commands(|command| command.contains(&named)).is_empty()
    });
    #[cfg(not(target_os = "linux"))]
    testing::wait_until("the server is gone", GONE_WITHIN, || {
        std::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).is_err()
    });
}
