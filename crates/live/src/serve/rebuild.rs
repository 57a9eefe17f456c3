//! Watches the source and rebuilds the book: changes of files go in, a new [`Shown`] comes out.
//! A build that fails leaves the book as it is and publishes the problems with it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime};

use notify_debouncer_mini::notify::{self, RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use print::{german, tell};
use tokio::sync::watch;
use walkdir::WalkDir;

use super::Shown;
use super::pages::Edition;

/// So often the source is looked at even if nobody reports a change: folders of another system (`/mnt/c` under WSL, some mounts
/// of containers) report none.
const LOOK: Duration = Duration::from_secs(2);
/// So long the report of a change that is seen may still be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(500);
/// How long the source must have been quiet before it is built, so that a save of several files is one change.
const QUIET: Duration = Duration::from_millis(100);
/// The folders the book is made of.
const SOURCE_FOLDERS: [&str; 2] = ["book", "listings"];
/// The one file beside them that the book is made of.
const SOURCE_FILE: &str = "book.toml";

/// The watching and building, which goes on until [`Rebuilding::stop`].
pub struct Rebuilding {
    /// `None` if the file system cannot be watched; then it is only looked at now and then.
    watcher: Option<Debouncer<RecommendedWatcher>>,
    /// The building goes on as long as somebody might still report a change.
    changes: Sender<Vec<PathBuf>>,
    /// Closes when the building thread has ended.
    ended: Receiver<()>,
    shown: Arc<watch::Sender<Shown>>,
}

/// Builds the book of `root` into `dest` and keeps it up to date from then on.
///
/// # Errors
///
/// The operating system refuses another thread.
pub fn start(root: PathBuf, dest: PathBuf) -> io::Result<Rebuilding> {
    let (changes, pending) = mpsc::channel();
    // Watching begins before the first look at the source: what changes during the first build is not missed.
    let watcher = watch(&root, changes.clone())
        .inspect_err(|cause| {
            tell(format_args!(
                "Die Ordner lassen sich nicht beobachten ({cause})."
            ))
        })
        .ok();
    let seen = Snapshot::take(&root);
    let nothing = Shown {
        book: Arc::new(Edition::default()),
        problems: Arc::new([]),
    };
    let shown = Arc::new(watch::Sender::new(rebuild(&root, &dest, nothing)));

    let (ending, ended) = mpsc::channel();
    let published = Arc::clone(&shown);
    thread::Builder::new().name("rebuild".to_owned()).spawn(move || {
        keep_up(&root, &dest, seen, &pending, LOOK, &published);
        drop(ending);
    })?;
    Ok(Rebuilding {
        watcher,
        changes,
        ended,
        shown,
    })
}

impl Rebuilding {
    /// What is shown at present, and all that follows.
    pub fn shown(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }

    /// Ends the watching and waits at most `patience` for a build that is under way.
    pub fn stop(self, patience: Duration) {
        // Without the watcher there are no more changes, and without changes the thread ends.
        drop((self.watcher, self.changes));
        // Whether it ended or is too slow: the program ends now.
        let _ = self.ended.recv_timeout(patience);
    }
}

/// Sends the paths of changed files to `changes`; an empty list means that anything may have changed.
fn watch(
    root: &Path,
    changes: Sender<Vec<PathBuf>>,
) -> notify::Result<Debouncer<RecommendedWatcher>> {
    let mut debouncer = new_debouncer(QUIET, move |result: DebounceEventResult| {
        let events = result.unwrap_or_default();
        // It can only fail when the building has ended, and then nobody needs the news.
        let _ = changes.send(events.into_iter().map(|event| event.path).collect());
    })?;
    for folder in SOURCE_FOLDERS.map(|name| root.join(name)) {
        if folder.is_dir() {
            debouncer.watcher().watch(&folder, RecursiveMode::Recursive)?;
        }
    }
    // Not the file itself: editors replace it, and the watch would stay with the old one.
    debouncer.watcher().watch(root, RecursiveMode::NonRecursive)?;
    Ok(debouncer)
}

/// Rebuilds after every change until the senders of `pending` are gone. Every `look` without news it looks itself.
fn keep_up(
    root: &Path,
    dest: &Path,
    mut seen: Snapshot,
    pending: &Receiver<Vec<PathBuf>>,
    look: Duration,
    shown: &watch::Sender<Shown>,
) {
    let mut said = false;
    loop {
        let reported = match pending.recv_timeout(look) {
            // Merely reading files causes events as well, the building's own reading too.
            Ok(paths)
                if !paths.is_empty() && paths.iter().all(|path| seen.is_current(path)) =>
            {
                continue;
            }
            Ok(_) => true,
            Err(RecvTimeoutError::Timeout) if Snapshot::take(root) == seen => continue,
            Err(RecvTimeoutError::Timeout) => pending.recv_timeout(ON_ITS_WAY).is_ok(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let now = Snapshot::take(root);
        if now != seen {
            if !reported && !said {
                tell(
                    "Dieser Ordner meldet keine Änderungen; alle zwei Sekunden wird nachgesehen.",
                );
                said = true;
            }
            seen = now;
            let before = shown.borrow().clone();
            shown.send_replace(rebuild(root, dest, before));
        }
    }
}

/// Builds once and tells on stderr how it went. If it fails, the book of `before` (or the one in `dest`,
/// if there is none yet) stays, together with the problems.
fn rebuild(root: &Path, dest: &Path, before: Shown) -> Shown {
    tell("Das Buch wird gebaut …");
    let built =
        site::build(root, dest).and_then(|report| Ok((report, Edition::read(dest)?)));
    match built {
        Ok((report, book)) => {
            tell(&report);
            Shown {
                book: Arc::new(book),
                problems: Arc::new([]),
            }
        }
        Err(error) => {
            tell(&error);
            tell("Der letzte gute Stand bleibt zu lesen.");
            let book = if before.book.is_empty() {
                // What an earlier run built; if even that is unreadable, there is no book.
                Arc::new(Edition::read(dest).unwrap_or_default())
            } else {
                before.book
            };
            Shown {
                book,
                problems: error.lines().into_iter().map(german::spoken).collect(),
            }
        }
    }
}

/// What the source looked like at a moment: every file with its size and time of change, every folder without.
#[derive(PartialEq)]
struct Snapshot(BTreeMap<PathBuf, Option<(u64, SystemTime)>>);

impl Snapshot {
    fn take(root: &Path) -> Self {
        let parts = SOURCE_FOLDERS.into_iter().chain([SOURCE_FILE]);
        let entries = parts.flat_map(|part| {
            let below = WalkDir::new(root.join(part)).into_iter();
            below.filter_entry(|entry| !is_ignored(entry.path()))
        });
        // What vanishes meanwhile has no entry, and its own event follows.
        let paths = entries.flatten().map(walkdir::DirEntry::into_path);
        Self(paths.filter_map(|path| stamp(&path).map(|stamp| (path, stamp))).collect())
    }

    /// Whether `path` still is what it was, be it that it still does not exist.
    fn is_current(&self, path: &Path) -> bool {
        is_ignored(path) || stamp(path).as_ref() == self.0.get(path)
    }
}

/// Size and time of change of a file, `Some(None)` for a folder, `None` if there is nothing readable.
fn stamp(path: &Path) -> Option<Option<(u64, SystemTime)>> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if metadata.is_dir() {
        return Some(None);
    }
    // Every system this program runs on keeps the time of change; without it the size has to do.
    let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Some(Some((metadata.len(), changed)))
}

/// Build results, hidden files and what editors leave beside a file: none of it belongs to the book.
fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == "target" || name.starts_with(['.', '#']) || name.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(root.path().join("book")).expect("a folder");
        fs::write(root.path().join("book/kapitel.md"), "# Eins\n").expect("a file");
        root
    }

    #[test]
    fn a_changed_a_new_and_a_removed_file_make_another_snapshot() {
        let root = source();
        let chapter = root.path().join("book/kapitel.md");
        let first = Snapshot::take(root.path());
        assert!(first.is_current(&chapter));

        fs::write(&chapter, "# Eins und mehr\n").expect("a file");
        let second = Snapshot::take(root.path());
        assert!(first != second && !first.is_current(&chapter));

        let new = root.path().join("book/neu.md");
        fs::write(&new, "# Neu\n").expect("a file");
        assert!(second != Snapshot::take(root.path()) && !second.is_current(&new));

        fs::remove_file(&new).expect("the file is removed");
        fs::remove_file(&chapter).expect("the file is removed");
        assert!(second != Snapshot::take(root.path()) && !second.is_current(&chapter));
    }

    #[test]
    fn where_no_change_is_reported_it_is_seen_all_the_same() {
        let root = source();
        let (reports, pending) = mpsc::channel();
        let seen = Snapshot::take(root.path());
        let shown = watch::Sender::new(Shown {
            book: Arc::new(Edition::default()),
            problems: Arc::new([]),
        });
        let mut told = shown.subscribe();
        thread::scope(|scope| {
            let (folder, published) = (root.path(), &shown);
            scope.spawn(move || {
                let dest = folder.join("target");
                keep_up(
                    folder,
                    &dest,
                    seen,
                    &pending,
                    Duration::from_millis(1),
                    published,
                );
            });
            fs::write(root.path().join("book/kapitel.md"), "# Zwei und mehr\n")
                .expect("a file");
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build();
            let changed = async {
                tokio::time::timeout(Duration::from_secs(60), told.changed()).await
            };
            // It was tried to build it; the folder holds no whole book.
            let changed = runtime.expect("a runtime").block_on(changed);
            drop(reports);
            changed.expect("in time").expect("something is shown");
        });
        assert!(!told.borrow().problems.is_empty());
    }

    #[test]
    fn reading_and_what_editors_and_cargo_leave_behind_change_nothing() {
        let root = source();
        let first = Snapshot::take(root.path());
        fs::create_dir(root.path().join("book/target")).expect("a folder");
        for name in [
            "kapitel.md~",
            ".kapitel.md.swp",
            "#kapitel.md#",
            "target/x.html",
        ] {
            let path = root.path().join("book").join(name);
            fs::write(&path, "x").expect("a file");
        }
        fs::read(root.path().join("book/kapitel.md")).expect("the file is read");
        assert!(first == Snapshot::take(root.path()));
        assert!(
            first.is_current(&root.path().join("book/4913")),
            "what is gone again was never there"
        );
        assert!(first.is_current(&root.path().join("book")));
    }
}
