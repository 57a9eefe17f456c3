//! Has everything built before the reader asks for it: the listings' programs and the cells of the open pages.
//! In flows the news that the source has changed or that a page was opened, out flow the programs, the cells and how far
//! the work is. What the reader is looking at comes first; what somebody waits for comes even before that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use walkdir::WalkDir;

use super::compile;
use super::contents::{Cell, Contents, Leaf};
use super::limits::Limits;
use super::messages::{Readiness, Tally};
use super::place::Place;
use super::run::{Stop, lock};
use programs::listings::{self, Artifact, Programs};
use programs::toolbox::{self, Toolbox};

/// How soon somebody who waits for a program notices that the wait is over.
const TICK: Duration = Duration::from_millis(50);
/// So many pages are remembered as open.
const OPEN: usize = 8;

/// The work in the background.
pub struct Workshop {
    bench: Arc<Bench>,
    news: Mutex<Sender<()>>,
}

/// What the workshop and its customers share.
struct Bench {
    root: PathBuf,
    place: Place,
    stock: Mutex<Stock>,
    news: Condvar,
    ready: watch::Sender<Readiness>,
    /// Counts the changes of the source, so that work on an old state can be given up.
    changes: AtomicU64,
    closing: Arc<Stop>,
}

/// What there is.
#[derive(Default)]
struct Stock {
    /// Whether the contents have been read at all.
    known: bool,
    /// Whether nothing is left to do for the present source.
    resting: bool,
    contents: Arc<Contents>,
    /// The programs that cargo can build.
    programs: BTreeMap<String, Build>,
    /// What they were built from.
    built_from: Option<Stamps>,
    /// Programs that somebody waits for.
    wanted: BTreeSet<String>,
    /// Pages that were opened, the last one at the end.
    open: Vec<String>,
    /// What cargo is building now, and how to make it give up.
    building: Option<(BTreeSet<String>, Arc<AtomicBool>)>,
    toolbox: Option<Arc<Toolbox>>,
    /// The keys of the cells that are compiled.
    built_cells: BTreeSet<String>,
    /// The keys of those that cannot be, and why.
    broken_cells: BTreeMap<String, String>,
    problem: Option<String>,
}

/// What is known of a program.
enum Build {
    /// It is to be built.
    Pending,
    /// It is there.
    Done(PathBuf),
    /// It cannot be built.
    Failed,
}

/// What is to be done next.
enum Job {
    Build(BTreeSet<String>),
    Compile(Arc<Cell>, Arc<Toolbox>),
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
            ready: watch::Sender::new(Readiness::default()),
            changes: AtomicU64::new(0),
            closing: Arc::default(),
        });
        let (news, pending) = channel();
        let worker = Arc::clone(&bench);
        thread::Builder::new()
            .name("workshop".to_owned())
            .spawn(move || worker.work(&pending))?;
        Ok(Workshop {
            bench,
            news: Mutex::new(news),
        })
    }

    /// Where cells are kept and run.
    pub fn place(&self) -> &Place {
        &self.bench.place
    }

    /// The source has changed.
    pub fn renew(&self) {
        self.bench.changes.fetch_add(1, Ordering::Relaxed);
        self.wake();
    }

    /// A reader looks at the page with this path in its address.
    pub fn look_at(&self, path: &str) {
        let mut stock = lock(&self.bench.stock);
        stock.open.retain(|other| other != path);
        stock.open.push(path.to_owned());
        let surplus = stock.open.len().saturating_sub(OPEN);
        stock.open.drain(..surplus);
        let needed = stock.leaf_at(path).map(|leaf| stock.missing(&leaf.programs));
        stock.make_way_for(&needed.unwrap_or_default());
        drop(stock);
        self.bench.update(|_| {});
        self.wake();
    }

    fn wake(&self) {
        // Nobody is there any more after a panic only, and then everything stays as it is.
        let _ = lock(&self.news).send(());
    }

    /// Gives up whatever is being built.
    pub fn close(&self) {
        self.bench.closing.stop(None);
        if let Some((_, give_up)) = &lock(&self.bench.stock).building {
            give_up.store(true, Ordering::Relaxed);
        }
    }

    /// How far the work is.
    pub fn ready(&self) -> watch::Receiver<Readiness> {
        self.bench.ready.subscribe()
    }

    /// The cells of the page with this path; `None` as long as the book is being read.
    pub fn cells_of(&self, path: &str) -> Option<Vec<Arc<Cell>>> {
        let stock = lock(&self.bench.stock);
        let cells = || stock.leaf_at(path).map(|leaf| leaf.cells.clone());
        stock.known.then(|| cells().unwrap_or_default())
    }

    /// Where these programs are. Waits until they are built, and says so.
    pub fn programs(
        &self,
        names: &BTreeSet<String>,
        stop: &Stop,
        note: &dyn Fn(String),
    ) -> Result<Programs, String> {
        let waiting = "Die Programme werden noch gebaut; gleich geht es los.";
        self.forget_what_is_gone();
        self.wait(stop, note, waiting, names, |stock| {
            let mut paths = BTreeMap::new();
            for name in names {
                match stock.programs.get(name) {
                    Some(Build::Done(path)) => {
                        paths.insert(name.clone(), path.clone());
                    }
                    Some(Build::Pending) => return None,
                    Some(Build::Failed) => {
                        return Some(Err("Die Programme dieser Szene lassen sich nicht bauen; cargo sagt im Terminal, warum.".to_owned()));
                    }
                    None if !stock.known => return None,
                    None => {
                        return Some(Err(format!("Kein Listing hat ein Programm namens „{name}“.")));
                    }
                }
            }
            Some(Ok(Programs::from(paths)))
        })
    }

    /// After „cargo clean“ in another terminal nothing is there any more: then all of it is to be built again.
    fn forget_what_is_gone(&self) {
        let mut stock = lock(&self.bench.stock);
        let is_gone = |build: &Build| matches!(build, Build::Done(path) if !path.as_os_str().is_empty() && !path.exists());
        if !stock.programs.values().any(is_gone) {
            return;
        }
        for build in stock.programs.values_mut() {
            *build = Build::Pending;
        }
        stock.toolbox = None;
        stock.built_cells.retain(|key| self.bench.place.has(key));
        stock.broken_cells.clear();
        stock.problem = None;
        drop(stock);
        self.wake();
    }

    /// Waits until nothing is being built, and says so.
    pub fn rest(&self, stop: &Stop, note: &dyn Fn(String)) -> Result<(), String> {
        let waiting = "Im Hintergrund wird noch gebaut; gemessen wird danach.";
        self.wait(stop, note, waiting, &BTreeSet::new(), |stock| {
            stock.resting.then_some(Ok(()))
        })
    }

    /// The cell of that name.
    pub fn cell(
        &self,
        id: &str,
        stop: &Stop,
        note: &dyn Fn(String),
    ) -> Result<Arc<Cell>, String> {
        let waiting = "Das Buch wird noch gelesen; gleich geht es los.";
        let unknown = "Diesen Schnipsel gibt es nicht (mehr); laden Sie die Seite neu.";
        self.wait(stop, note, waiting, &BTreeSet::new(), |stock| {
            let find = || stock.contents.cell(id).cloned();
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
        let needed = BTreeSet::from([toolbox::PROGRAM.to_owned()]);
        self.forget_what_is_gone();
        self.wait(stop, note, waiting, &needed, |stock| {
            let there = stock.toolbox.clone().map(Ok);
            let broken =
                matches!(stock.programs.get(toolbox::PROGRAM), Some(Build::Failed));
            let problem = || Err(stock.problem.clone().unwrap_or_default());
            there.or_else(|| broken.then(problem))
        })
    }

    /// Waits until `look` finds an answer or the run is to end; says so once if it takes a moment. What is
    /// needed for the answer is built before all else.
    fn wait<T>(
        &self,
        stop: &Stop,
        note: &dyn Fn(String),
        waiting: &str,
        needed: &BTreeSet<String>,
        look: impl Fn(&Stock) -> Option<Result<T, String>>,
    ) -> Result<T, String> {
        let bench = &self.bench;
        let mut said = false;
        let mut stock = lock(&bench.stock);
        loop {
            if let Some(answer) = look(&stock) {
                return answer;
            }
            if stop.is_wished() {
                return Err("Beendet, bevor es losging.".to_owned());
            }
            if !said {
                stock.wanted.extend(needed.iter().cloned());
                stock.make_way_for(needed);
                drop(stock);
                self.wake();
                note(waiting.to_owned());
                said = true;
                stock = lock(&bench.stock);
                continue;
            }
            let waited = bench.news.wait_timeout(stock, TICK);
            stock = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.close();
    }
}

impl Stock {
    /// What can run on the page with this path.
    fn leaf_at(&self, path: &str) -> Option<&Leaf> {
        self.contents.number_of(path).map(|number| &self.contents.leaves[number])
    }

    /// Those of them that are still to be built.
    fn missing(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let is_missing =
            |name: &&String| matches!(self.programs.get(*name), Some(Build::Pending));
        names.iter().filter(is_missing).cloned().collect()
    }

    /// Has cargo give up what it is building if it is something else.
    fn make_way_for(&self, needed: &BTreeSet<String>) {
        if let Some((names, give_up)) = &self.building
            && !needed.is_subset(names)
        {
            give_up.store(true, Ordering::Relaxed);
        }
    }

    /// The cells of the pages that were opened, those of the last one first.
    fn cells(&self) -> impl Iterator<Item = &Arc<Cell>> {
        let leaves = self.open.iter().rev().filter_map(|path| self.leaf_at(path));
        leaves.flat_map(|leaf| &leaf.cells)
    }

    /// What is to be done first.
    fn next_job(&self) -> Option<Job> {
        let build = |names: &BTreeSet<String>| {
            let missing = self.missing(names);
            (!missing.is_empty()).then_some(Job::Build(missing))
        };
        if let Some(job) = build(&self.wanted) {
            return Some(job);
        }
        for leaf in self.open.iter().rev().filter_map(|path| self.leaf_at(path)) {
            if let Some(job) = build(&leaf.programs) {
                return Some(job);
            }
            let is_to_do = |cell: &&Arc<Cell>| {
                !self.built_cells.contains(&cell.key)
                    && !self.broken_cells.contains_key(&cell.key)
            };
            if let Some(toolbox) = &self.toolbox
                && let Some(cell) = leaf.cells.iter().find(is_to_do)
            {
                return Some(Job::Compile(Arc::clone(cell), Arc::clone(toolbox)));
            }
        }
        self.contents.leaves.iter().find_map(|leaf| build(&leaf.programs))
    }

    /// How far the work is.
    fn ready(&self) -> Readiness {
        let is_there =
            |name: &String| matches!(self.programs.get(name), Some(Build::Done(_)));
        let scenes = &self.contents.scenes;
        let cells: BTreeSet<&str> = self.cells().map(|cell| cell.key.as_str()).collect();
        Readiness {
            scenes: Tally {
                done: scenes
                    .iter()
                    .filter(|programs| programs.iter().all(is_there))
                    .count(),
                of: scenes.len(),
            },
            cells: Tally {
                done: cells.iter().filter(|key| self.built_cells.contains(**key)).count(),
                of: cells.len(),
            },
            problem: self.problem.clone().or_else(|| {
                cells.iter().find_map(|key| self.broken_cells.get(*key)).cloned()
            }),
        }
    }
}

impl Bench {
    fn work(&self, news: &Receiver<()>) {
        let mut seen = 0;
        while news.recv().is_ok() {
            loop {
                while news.try_recv().is_ok() {}
                let change = self.changes.load(Ordering::Relaxed);
                if change != seen {
                    seen = change;
                    lock(&self.stock).resting = false;
                    self.take_stock();
                }
                if self.closing.is_wished() {
                    return;
                }
                let job = {
                    let mut stock = lock(&self.stock);
                    let job = stock.next_job();
                    stock.resting &= job.is_none();
                    job
                };
                match job {
                    Some(Job::Build(programs)) => self.build(programs),
                    Some(Job::Compile(cell, toolbox)) => self.compile(&cell, &toolbox),
                    None => break,
                }
            }
            self.update(|stock| {
                stock.wanted.clear();
                stock.resting = true;
            });
        }
    }

    /// Changes the stock and tells everybody.
    fn update(&self, change: impl FnOnce(&mut Stock)) {
        let mut stock = lock(&self.stock);
        change(&mut stock);
        let ready = stock.ready();
        drop(stock);
        self.news.notify_all();
        self.ready.send_if_modified(|old| {
            let changed = *old != ready;
            *old = ready;
            changed
        });
    }

    /// Reads what the book has, and what of it is still to be built.
    fn take_stock(&self) {
        let contents = Contents::read(&self.root);
        let stamps = Stamps::take(&self.root);
        let is_current = lock(&self.stock).built_from.as_ref() == Some(&stamps);
        let programs = (!is_current).then(|| {
            let listings = catalog::listings(&self.root);
            let bins =
                listings.iter().flat_map(|listing| catalog::bins_of(&self.root, listing));
            let all = bins.chain([toolbox::PROGRAM.to_owned()]);
            all.map(|name| (name, Build::Pending)).collect()
        });
        let cells = contents.leaves.iter().flat_map(|leaf| &leaf.cells);
        let keys: BTreeSet<&str> = cells.map(|cell| cell.key.as_str()).collect();
        self.place.tidy(&keys);
        let built =
            keys.iter().filter(|key| self.place.has(key)).map(|key| (*key).to_owned());
        let built = built.collect();
        self.update(|stock| {
            stock.known = true;
            stock.contents = Arc::new(contents);
            stock.built_cells = built;
            stock.broken_cells.clear();
            if let Some(programs) = programs {
                stock.built_from = Some(stamps);
                stock.programs = programs;
                stock.problem = None;
            }
        });
    }

    /// Builds these programs, unless others become more urgent.
    fn build(&self, programs: BTreeSet<String>) {
        let give_up = Arc::new(AtomicBool::new(false));
        self.update(|stock| {
            stock.building = Some((programs.clone(), Arc::clone(&give_up)));
        });
        // The workshop may have closed just before it could know what is to be given up.
        give_up.fetch_or(self.closing.is_wished(), Ordering::Relaxed);
        let mut artifacts = Vec::new();
        let mut toolbox = None;
        let built = listings::build_in_background(
            &self.root,
            &programs,
            &give_up,
            &mut |artifact| {
                let is_toolbox = artifact.target.name == toolbox::PROGRAM;
                match &artifact.executable {
                    Some(_) if is_toolbox => {
                        toolbox = Some(self.fetch_toolbox(&artifacts));
                    }
                    Some(path) => {
                        let (name, path) = (artifact.target.name.clone(), path.clone());
                        self.update(|stock| {
                            stock.programs.insert(name, Build::Done(path));
                        });
                    }
                    None => artifacts.push(artifact),
                }
            },
        );
        let gave_up = give_up.load(Ordering::Relaxed);
        self.update(|stock| {
            stock.building = None;
            let problem = match (built, toolbox) {
                (Err(error), _) | (_, Some(Err(error))) => Some(format!("{error:#}")),
                (Ok(false), _) if !gave_up => Some("Nicht alle Programme der Listings lassen sich bauen; cargo sagt im Terminal, warum.".to_owned()),
                _ => None,
            };
            if problem.is_some() {
                stock.problem = problem;
            }
            if !gave_up {
                for name in stock.missing(&programs) {
                    stock.programs.insert(name, Build::Failed);
                }
            }
        });
    }

    /// Everything that a snippet may use has been built.
    fn fetch_toolbox(&self, artifacts: &[Artifact]) -> anyhow::Result<()> {
        let toolbox = Toolbox::new(&self.root, artifacts)?;
        self.update(|stock| {
            stock.toolbox = Some(Arc::new(toolbox));
            let name = toolbox::PROGRAM.to_owned();
            stock.programs.insert(name, Build::Done(PathBuf::new()));
        });
        Ok(())
    }

    fn compile(&self, cell: &Cell, toolbox: &Toolbox) {
        let limits = Limits::default();
        let compiled = compile::prepare(&self.place, toolbox, cell, &self.closing, &limits);
        self.update(|stock| {
            let key = cell.key.clone();
            match compiled {
                Ok(()) => drop(stock.built_cells.insert(key)),
                // All of it is told to the one who runs it.
                Err(cause) => {
                    let cause = format!("{cause:#}");
                    let first = cause.lines().next().unwrap_or_default();
                    let sentence = format!(
                        "Der Schnipsel {} lässt sich nicht übersetzen: {first}",
                        cell.id
                    );
                    stock.broken_cells.insert(key, sentence);
                }
            }
        });
    }
}

/// What the programs are built from, at a moment: every file with its size and time of change.
#[derive(PartialEq)]
struct Stamps(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Stamps {
    fn take(root: &Path) -> Stamps {
        let parts = ["listings", "crates/snippets", "Cargo.toml"];
        let is_ours = |entry: &walkdir::DirEntry| {
            !["target", "scenes"].iter().any(|name| entry.file_name() == *name)
        };
        let files = parts
            .iter()
            .flat_map(|part| {
                WalkDir::new(root.join(part)).into_iter().filter_entry(is_ours)
            })
            // What vanishes while we look is gone.
            .flatten()
            .filter(|entry| !entry.file_type().is_dir());
        let stamp = |entry: walkdir::DirEntry| {
            let metadata = entry.metadata().ok()?;
            Some((
                entry.into_path(),
                (metadata.len(), metadata.modified().ok()),
            ))
        };
        Stamps(files.filter_map(stamp).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A book of the pages `eins` and `zwei`, which need a program each; the second one has a cell.
    fn stock() -> Stock {
        let leaf = |name: &str, programs: &[&str], cells: &[&str]| Leaf {
            name: name.to_owned(),
            programs: programs.iter().map(|name| (*name).to_owned()).collect(),
            cells: cells
                .iter()
                .map(|id| {
                    let (id, program, key) =
                        ((*id).to_owned(), String::new(), (*id).to_owned());
                    Arc::new(Cell { id, program, key })
                })
                .collect(),
        };
        let leaves = vec![
            leaf("eins", &["a"], &[]),
            leaf("zwei", &["b", toolbox::PROGRAM], &["zwei#1"]),
            leaf("", &["c"], &[]),
        ];
        let programs = ["a", "b", "c", toolbox::PROGRAM];
        Stock {
            contents: Arc::new(Contents {
                leaves,
                scenes: Vec::new(),
            }),
            programs: programs.map(|name| (name.to_owned(), Build::Pending)).into(),
            ..Stock::default()
        }
    }

    /// The programs that are built next, and at the end the cell that is compiled.
    fn order(stock: &mut Stock) -> Vec<String> {
        let mut order = Vec::new();
        while let Some(job) = stock.next_job() {
            match job {
                Job::Build(names) => {
                    order.push(Vec::from_iter(names.clone()).join(" "));
                    let built = |name| (name, Build::Done(PathBuf::new()));
                    stock.programs.extend(names.into_iter().map(built));
                }
                Job::Compile(cell, _) => {
                    order.push(cell.id.clone());
                    stock.built_cells.insert(cell.key.clone());
                }
            }
        }
        order
    }

    #[test]
    fn without_an_open_page_programs_are_built_in_the_order_of_the_book_and_no_cell() {
        let mut stock = stock();
        stock.toolbox = Some(Arc::default());
        assert_eq!(order(&mut stock), ["a", "b chatbuch-snippets", "c"]);
    }

    #[test]
    fn the_open_page_comes_first_and_before_it_what_somebody_waits_for() {
        let mut stock = stock();
        stock.open = vec!["/".to_owned(), "/zwei.html".to_owned()];
        stock.wanted = BTreeSet::from(["c".to_owned(), "nirgends".to_owned()]);
        stock.toolbox = Some(Arc::default());
        assert_eq!(
            order(&mut stock),
            ["c", "b chatbuch-snippets", "zwei#1", "a"]
        );
        let ready = stock.ready();
        assert_eq!((ready.cells.done, ready.cells.of), (1, 1));
    }

    #[test]
    fn a_cell_that_cannot_be_compiled_is_said_and_holds_up_no_other() {
        let mut stock = stock();
        stock.open = vec!["/zwei.html".to_owned()];
        stock.toolbox = Some(Arc::default());
        assert_eq!(stock.ready().problem, None);
        stock.broken_cells.insert("zwei#1".to_owned(), "zwei#1 nicht.".to_owned());
        assert_eq!(stock.ready().problem.as_deref(), Some("zwei#1 nicht."));
        assert_eq!(order(&mut stock), ["b chatbuch-snippets", "a", "c"]);
    }

    #[test]
    fn cargo_gives_up_only_what_is_not_needed_now() {
        let mut stock = stock();
        let give_up = Arc::new(AtomicBool::new(false));
        stock.building = Some((BTreeSet::from(["a".to_owned()]), Arc::clone(&give_up)));
        stock.make_way_for(&BTreeSet::new());
        stock.make_way_for(&BTreeSet::from(["a".to_owned()]));
        assert!(!give_up.load(Ordering::Relaxed));
        stock.make_way_for(&BTreeSet::from(["b".to_owned()]));
        assert!(give_up.load(Ordering::Relaxed));
    }

    #[test]
    fn a_page_is_found_by_the_path_in_its_address() {
        let contents = stock().contents;
        for (path, number) in [
            ("/", Some(0)),
            ("/index.html", Some(0)),
            ("/eins.html", Some(0)),
            ("/zw%65i.html", Some(1)),
            ("/zwei", Some(1)),
            ("", None),
            ("zwei.html", None),
            ("/../zwei.html", None),
            ("/%ff", None),
        ] {
            assert_eq!(contents.number_of(path), number, "{path}");
        }
    }
}
