//! How much a page may ask for. Nothing goes in; out come the numbers everyone else keeps to.

use std::time::Duration;

use super::messages::Longest;
use programs::listings::Profile;

/// The longest message a page may send, in bytes.
pub const LONGEST_MESSAGE: usize = 64 * 1024;

/// What is told to the reader, in German, when it is reached.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Within this time whoever connects has to make a request.
    pub request: Duration,
    /// Within this time a page has to show its token.
    pub hello: Duration,
    /// A page that answers nothing for so long is gone, and its programs end.
    pub silence: Duration,
    /// So many programs a group has at most at a time.
    pub processes: usize,
    /// So many groups there are at most, over all pages.
    pub groups: usize,
    /// A scene ends after so long.
    pub scene: Duration,
    /// A cell ends after so long.
    pub cell: Duration,
    /// The compiler has so long.
    pub compiler: Duration,
    /// So many lines of a program are shown in one run.
    pub lines: usize,
    /// So many bytes of a program are shown in one run.
    pub bytes: usize,
    /// The longest line that can be typed, in bytes.
    pub input: usize,
    /// The longest cell, in bytes.
    pub source: usize,
    /// How the programs are compiled that a page measures.
    pub measured: Profile,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            request: Duration::from_secs(10),
            hello: Duration::from_secs(2),
            silence: Duration::from_millis(2500),
            processes: 8,
            groups: 16,
            scene: Duration::from_secs(10 * 60),
            cell: Duration::from_secs(30),
            compiler: Duration::from_secs(60),
            lines: 2_000,
            bytes: 1024 * 1024,
            input: 8 * 1024,
            source: 32 * 1024,
            // Whoever only wants to see that it is measured, as tests do, need not compile everything once more.
            measured: match std::env::var_os("CHATBUCH_OHNE_RELEASE") {
                Some(_) => Profile::Dev,
                None => Profile::Release,
            },
        }
    }
}

impl Limits {
    /// What a page has to know of it.
    pub fn longest(&self) -> Longest {
        Longest {
            input: self.input,
            source: self.source,
        }
    }
}

/// A span of time in German: „30 Sekunden“, „10 Minuten“.
pub fn in_words(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{} Millisekunden", span.as_millis()),
        1 => "1 Sekunde".to_owned(),
        seconds if seconds % 60 == 0 && seconds > 60 => format!("{} Minuten", seconds / 60),
        seconds => format!("{seconds} Sekunden"),
    }
}
