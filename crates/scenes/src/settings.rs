//! How a scene is played, and who is told of it while it goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::recording::EventKind;
use crate::script::Script;
use programs::ports;

/// How a scene is played.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The number behind each placeholder.
    pub ports: BTreeMap<String, u16>,
    /// Whether `pause` steps take their time.
    pub pauses: bool,
    /// How long a step waits for what must come.
    pub deadline: Duration,
    /// Set from outside to give up.
    pub cancelled: Arc<AtomicBool>,
    /// Where every program's system calls are written down, by `strace`, if anywhere.
    pub traces: Option<PathBuf>,
    /// Told of everything at the moment it happens; a play that is watched ends its programs gently.
    pub watcher: Option<Watcher>,
}

impl Settings {
    /// With the script's own ports and all pauses.
    pub fn for_recording(script: &Script) -> Settings {
        Settings {
            ports: script.ports.clone(),
            pauses: true,
            deadline: Duration::from_secs(10),
            cancelled: Arc::default(),
            traces: None,
            watcher: None,
        }
    }

    /// With free ports and without pauses. Fails if no port is free.
    pub fn for_replay(script: &Script) -> io::Result<Settings> {
        let mut settings = Settings::for_recording(script);
        settings.pauses = false;
        let of_the_book: Vec<u16> = script.ports.values().copied().collect();
        settings.ports = ports::choose(&script.ports, |port| !of_the_book.contains(&port))?;
        Ok(settings)
    }

    /// Whether somebody has given up.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// What happens to a process, at the moment it happens.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// The number of its column.
    pub column: usize,
    /// The name of its column.
    pub process: String,
    /// What.
    pub kind: EventKind,
    /// The line as it is, with the ports that are really used; or why the process waits.
    pub text: Option<String>,
    /// How it ended, as a shell reports it.
    pub status: Option<i32>,
}

/// Who is told of a play while it goes on.
#[derive(Clone)]
pub struct Watcher(pub Arc<dyn Fn(Seen) + Send + Sync>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
