//! Has everything built before the reader asks for it: the listings' programs and the book's cells.
//! In flows the news that the source has changed, out flow the programs, the cells and how far the work is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::cells::{self, Cell};
use super::limits::Limits;
use super::messages::{Progress, Ready};
use super::run::{Stop, lock};
use super::toolbox::{Place, Toolbox};
use programs::listings::{self, Programs};
use source;

/// How soon somebody who waits for a program notices that the wait is over.
const TICK: Duration = Duration::from_millis(50);

/// The work in the background.
pub struct Workshop {
    bench: Arc<Bench>,
    changes: Mutex<Sender<()>>,
}

/// What the workshop and its customers share.
struct Bench {
    root: PathBuf,
    place: Place,
    stock: Mutex<Stock>,
    news: Condvar,
    ready: watch::Sender<Ready>,
    /// Counts the changes, so that work on an old state can be given up.
    changes: AtomicU64,
    closing: Arc<Stop>,
}

/// What there is.
#[derive(Default)]
struct Stock {
    /// Whether the tables below have been filled at all.
    known: bool,
    /// Whether nothing is left to do for the present source.
    resting: bool,
    /// The programs each scene needs.
    scenes: Vec<Vec<String>>,
    programs: BTreeMap<String, PathBuf>,
    /// Whether cargo has said everything about the programs of the present source.
    programs_done: bool,
    programs_problem: Option<String>,
    /// What the programs were built from.
    built_from: Option<Stamps>,
    /// In the order of the book.
    cells: Vec<Arc<Cell>>,
    built_cells: BTreeSet<String>,
    toolbox: Option<Arc<Toolbox>>,
    toolbox_problem: Option<String>,
}

impl Workshop {
    /// Opens it; nothing is built before the first [`Workshop::renew`].
    ///
    /// # Errors
    ///
    /// The operating system refuses another thread.
    pub fn open(root: PathBuf) -> anyhow::Result<Workshop> {
        let bench = Arc::new(Bench {
            place: Place::below(&root),
            root,
            stock: Mutex::default(),
            news: Condvar::new(),
            ready: watch::Sender::new(Ready::default()),
            changes: AtomicU64::new(0),
            closing: Arc::default(),
        });
        let (changes, pending) = channel();
        let worker = Arc::clone(&bench);
        thread::Builder::new()
            .name("workshop".to_owned())
            .spawn(move || worker.work(&pending))?;
        Ok(Workshop {
            bench,
            changes: Mutex::new(changes),
        })
    }

    /// Where cells are kept and run.
    pub fn place(&self) -> &Place {
        &self.bench.place
    }

    /// The source has changed.
    pub fn renew(&self) {
        self.bench.changes.fetch_add(1, Ordering::Relaxed);
        // Nobody is there any more after a panic only, and then everything stays as it is.
        let _ = lock(&self.changes).send(());
    }

    /// Gives up whatever is being built.
    pub fn close(&self) {
        self.bench.closing.stop(None);
    }

    /// How far the work is.
    pub fn ready(&self) -> watch::Receiver<Ready> {
        self.bench.ready.subscribe()
    }

    /// Where these programs are. Waits until they are built, and says so.
    pub fn programs(
        &self,
        names: &[&str],
        stop: &Stop,
        note: &dyn Fn(String),
    ) -> Result<Programs, String> {
        let waiting = "Die Programme werden noch gebaut; gleich geht es los.";
        self.bench.wait(stop, note, waiting, |stock| {
            let all = names.iter().all(|name| stock.programs.contains_key(*name));
            if all {
                return Some(Ok(Programs::from(stock.programs.clone())));
            }
            let nothing = "Die Programme dieser Szene lassen sich nicht bauen; cargo sagt im Terminal, warum.";
            stock.programs_done.then(|| Err(nothing.to_owned()))
        })
    }

    /// Waits until nothing is being built, and says so.
    pub fn rest(&self, stop: &Stop, note: &dyn Fn(String)) -> Result<(), String> {
        let waiting = "Im Hintergrund wird noch gebaut; gemessen wird danach.";
        let resting = |stock: &Stock| stock.resting.then_some(Ok(()));
        self.bench.wait(stop, note, waiting, resting)
    }

    /// The cell of that name.
    pub fn cell(
        &self,
        id: &str,
        stop: &Stop,
        note: &dyn Fn(String),
    ) -> Result<Arc<Cell>, String> {
        let waiting = "Das Buch wird noch gelesen; gleich geht es los.";
        self.bench.wait(stop, note, waiting, |stock| {
            let unknown = "Diesen Schnipsel gibt es nicht (mehr); laden Sie die Seite neu.";
            let find = || stock.cells.iter().find(|cell| cell.id == id).cloned();
            stock.known.then(|| find().ok_or(unknown.to_owned()))
        })
    }

    /// What compiles cells. Waits until it is there, and says so.
    pub fn toolbox(
        &self,
        stop: &Stop,
        note: &dyn Fn(String),
    ) -> Result<Arc<Toolbox>, String> {
        let waiting = "Was die Schnipsel benutzen, wird noch gebaut; gleich geht es los.";
        self.bench.wait(stop, note, waiting, |stock| {
            let there = stock.toolbox.clone().map(Ok);
            there.or_else(|| stock.toolbox_problem.clone().map(Err))
        })
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.close();
    }
}

impl Bench {
    /// Waits until `look` finds an answer or the run is to end; says so once if it takes a moment.
    fn wait<T>(
        &self,
        stop: &Stop,
        note: &dyn Fn(String),
        waiting: &str,
        look: impl Fn(&Stock) -> Option<Result<T, String>>,
    ) -> Result<T, String> {
        let mut said = false;
        let mut stock = lock(&self.stock);
        loop {
            if let Some(answer) = look(&stock) {
                return answer;
            }
            if stop.is_wished() {
                return Err("Beendet, bevor es losging.".to_owned());
            }
            if !said {
                drop(stock);
                note(waiting.to_owned());
                said = true;
                stock = lock(&self.stock);
                continue;
            }
            let waited = self.news.wait_timeout(stock, TICK);
            stock = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn work(&self, changes: &Receiver<()>) {
        while changes.recv().is_ok() {
            while changes.try_recv().is_ok() {}
            let change = self.changes.load(Ordering::Relaxed);
            lock(&self.stock).resting = false;
            self.take_stock();
            self.fetch_toolbox();
            self.build_programs();
            self.build_cells(change);
            self.update(|stock| stock.resting = true);
            if self.closing.is_wished() {
                return;
            }
        }
    }

    /// Changes the stock and tells everybody.
    fn update(&self, change: impl FnOnce(&mut Stock)) {
        let mut stock = lock(&self.stock);
        change(&mut stock);
        let is_there = |needed: &&Vec<String>| {
            needed.iter().all(|name| stock.programs.contains_key(name))
        };
        let is_built = |cell: &&Arc<Cell>| stock.built_cells.contains(&cell.key);
        let problems = [&stock.programs_problem, &stock.toolbox_problem];
        let problem = problems.into_iter().flatten().next().cloned();
        let ready = Ready {
            scenes: Progress {
                done: stock.scenes.iter().filter(is_there).count(),
                of: stock.scenes.len(),
            },
            cells: Progress {
                done: stock.cells.iter().filter(is_built).count(),
                of: stock.cells.len(),
            },
            problem,
        };
        drop(stock);
        self.news.notify_all();
        self.ready.send_if_modified(|old| {
            let changed = *old != ready;
            *old = ready;
            changed
        });
    }

    /// Reads which scenes and cells the book has.
    fn take_stock(&self) {
        let mut scenes = Vec::new();
        for id in scenes::all(&self.root) {
            // A script with a fault is the book's problem, and told there.
            if let Ok(script) = scenes::load_script(&self.root, &id)
                && script.is_playable_here()
            {
                let names = script.processes.iter().map(|process| process.program.clone());
                scenes.push(names.collect());
            }
        }
        let (source, _) = source::check(&self.root);
        let cells = cells::table(&self.root, &source);
        let stamps = Stamps::take(&self.root);
        self.update(|stock| {
            stock.known = true;
            stock.scenes = scenes;
            stock.cells = cells.into_iter().map(Arc::new).collect();
            if stock.built_from.as_ref() != Some(&stamps) {
                stock.built_from = Some(stamps);
                stock.programs.clear();
                stock.programs_done = stock.scenes.is_empty();
                stock.programs_problem = None;
            }
        });
    }

    fn build_programs(&self) {
        if lock(&self.stock).programs_done || self.closing.is_wished() {
            return;
        }
        let built = listings::build_in_background(
            &self.root,
            &self.closing.flag(),
            &mut |name, path| {
                self.update(|stock| {
                    stock.programs.insert(name, path);
                });
            },
        );
        self.update(|stock| {
            stock.programs_done = true;
            stock.programs_problem = built.err().map(|error| format!("{error:#}"));
        });
    }

    fn fetch_toolbox(&self) {
        let needed = {
            let stock = lock(&self.stock);
            stock.toolbox.is_none() && !stock.cells.is_empty()
        };
        if !needed || self.closing.is_wished() {
            return;
        }
        let fetched = Toolbox::fetch(&self.root, &self.place);
        self.update(|stock| match fetched {
            Ok(toolbox) => {
                stock.toolbox = Some(Arc::new(toolbox));
                stock.toolbox_problem = None;
            }
            Err(error) => stock.toolbox_problem = Some(format!("{error:#}")),
        });
    }

    /// Compiles every cell that is not there yet, in the order of the book, while nothing has changed.
    fn build_cells(&self, change: u64) {
        let (toolbox, cells) = {
            let stock = lock(&self.stock);
            let Some(toolbox) = stock.toolbox.clone() else {
                return;
            };
            (toolbox, stock.cells.clone())
        };
        let keys: BTreeSet<&str> = cells.iter().map(|cell| cell.key.as_str()).collect();
        self.place.tidy(&keys);
        let mut built = BTreeSet::new();
        for cell in &cells {
            if self.place.has(&cell.key) {
                built.insert(cell.key.clone());
            }
        }
        self.update(|stock| stock.built_cells = built);
        for cell in cells {
            if self.closing.is_wished() || self.changes.load(Ordering::Relaxed) != change {
                return;
            }
            if self.place.has(&cell.key)
                || cells::prepare(
                    &self.place,
                    &toolbox,
                    &cell,
                    &self.closing,
                    &Limits::default(),
                )
                .is_ok()
            {
                self.update(|stock| {
                    stock.built_cells.insert(cell.key.clone());
                });
            }
        }
    }
}

/// What the programs are built from, at a moment: every file of the listings with its size and time of change.
#[derive(PartialEq)]
struct Stamps(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Stamps {
    fn take(root: &Path) -> Stamps {
        let mut stamps = BTreeMap::new();
        let mut open = vec![root.join("listings"), root.join("Cargo.toml")];
        while let Some(path) = open.pop() {
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            if metadata.is_dir() {
                let is_ours =
                    |path: &PathBuf| !path.ends_with("target") && !path.ends_with("scenes");
                let entries = fs::read_dir(&path).into_iter().flatten().flatten();
                open.extend(entries.map(|entry| entry.path()).filter(is_ours));
            } else {
                stamps.insert(path, (metadata.len(), metadata.modified().ok()));
            }
        }
        Stamps(stamps)
    }
}
