//! What the tests of all rooms share: a running program, a made-up book, a reader of its pages.
//! Every wait has a deadline and fails with what was there instead.

pub mod book;
#[cfg(target_os = "linux")]
pub mod processes;
pub mod program;
pub mod reader;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Far more than anything takes that needs no compiler; a test that reaches it has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// The same for what waits for a compiler, counted from the last sign of its progress: two cores may be busy
/// with other tests, and one crate may take minutes then.
pub const BUILD: Duration = Duration::from_secs(600);
/// How often a state is looked at that nobody reports.
const GLANCE: Duration = Duration::from_millis(10);

/// Waits until `fulfilled`, at most so long.
///
/// # Panics
///
/// It does not happen in time.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut fulfilled: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !fulfilled() {
        assert!(Instant::now() < end, "within {limit:?}: {what}");
        thread::sleep(GLANCE);
    }
}

/// Whether a comparison can be made that needs something which may be missing on a reader's machine. If not, one line, and only one, says
/// what is left out – past libtest, which would swallow what a passing test prints. Where `CHATBUCH_INTEROP` is set
/// (as in `.ci/run`) nothing may be left out.
///
/// # Panics
///
/// It is missing where it must not be.
#[track_caller]
pub fn available(is_there: bool, otherwise: &str) -> bool {
    assert!(
        is_there || std::env::var_os("CHATBUCH_INTEROP").is_none(),
        "{otherwise}"
    );
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !is_there && said.insert(otherwise.to_owned()) {
        say(otherwise);
    }
    is_there
}

/// A line on stderr that is to be seen although the test passes.
///
/// # Panics
///
/// stderr is closed.
pub fn say(line: &str) {
    // One write, so that the lines of several tests stay apart.
    io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .expect("stderr takes a line");
}
