//! Builds the HTML book: checked source in, a folder of static pages out.
//! mdBook renders into a staging folder beside the destination; only what differs is then carried over,
//! so a failed build leaves the old book as it was and a page being read never disappears.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;

use source::{self, Problem};

/// The file by which a folder is recognised as one that [`build`] wrote and may therefore tidy up.
const MARKER: &str = ".chatbuch";
const MARKER_TEXT: &str = "Diesen Ordner schreibt „chatbuch build“: Was nicht zum Buch gehört, wird hier gelöscht.\n";

/// What a successful build did.
#[derive(Debug)]
pub struct BuildReport {
    /// Number of chapters in the book (mdBook's own extra pages are not counted).
    pub pages: usize,
    /// Number of files in the destination that were written because they were new or different.
    pub written: usize,
    /// Number of files in the destination that were removed because the book no longer has them.
    pub removed: usize,
    /// Wall-clock time of checking, rendering and carrying over.
    pub duration: Duration,
}

impl fmt::Display for BuildReport {
    /// One German line, such as „Fertig in 0,4 s: 6 Seiten.“
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = format!("{:.1}", self.duration.as_secs_f64()).replace('.', ",");
        let pages = if self.pages == 1 { "Seite" } else { "Seiten" };
        write!(f, "Fertig in {seconds}\u{202f}s: {} {pages}.", self.pages)
    }
}

/// Why the book was not built. In every case the destination still holds the old book.
#[derive(Debug)]
pub enum SiteError {
    /// The source breaks rules of the book.
    Problems(Vec<Problem>),
    /// mdBook could not load or render the book.
    Mdbook(anyhow::Error),
    /// The destination is a non-empty folder that was not written by [`build`].
    ForeignFolder(PathBuf),
    /// A file or folder could not be read or written.
    Io {
        /// German infinitive clause without „nicht“: what was to be done, such as „schreiben“.
        action: &'static str,
        /// What it was to be done to.
        path: PathBuf,
        /// What the operating system answered.
        cause: io::Error,
    },
}

/// Whether mdBook stopped because the disk is full. What it says about that is English.
fn is_full(cause: &anyhow::Error) -> bool {
    let mut reports = cause.chain().filter_map(|link| link.downcast_ref::<io::Error>());
    reports.any(|report| report.kind() == io::ErrorKind::StorageFull)
}

impl SiteError {
    /// The error as lines to show one below the other: a line a problem, otherwise one sentence.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Problems(problems) => problems.iter().map(Problem::to_string).collect(),
            other => vec![other.to_string()],
        }
    }
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problems(problems) => {
                write!(f, "Das Buch hat {} Fehler:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
            }
            Self::Mdbook(cause) if is_full(cause) => {
                write!(
                    f,
                    "Das Buch lässt sich nicht schreiben: Auf dem Datenträger ist kein Platz mehr."
                )
            }
            Self::Mdbook(cause) => write!(f, "mdBook kann das Buch nicht bauen: {cause:#}"),
            Self::ForeignFolder(path) => write!(
                f,
                "Der Ordner „{}“ ist nicht leer und stammt nicht von diesem Programm; er bleibt unverändert.",
                path.display()
            ),
            Self::Io {
                action,
                path,
                cause,
            } => {
                write!(f, "„{}“ lässt sich nicht {action}: {cause}", path.display())
            }
        }
    }
}

impl std::error::Error for SiteError {}

/// Turns an I/O error into a [`SiteError`] that says what was being done to which path.
fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SiteError {
    let path = path.to_owned();
    move |cause| SiteError::Io {
        action,
        path,
        cause,
    }
}

/// The folder that holds the book: the nearest one with a `book.toml`, from the current folder upwards,
/// else `otherwise`, the folder the program was compiled in.
pub fn find_root(otherwise: impl AsRef<Path>) -> PathBuf {
    let otherwise = otherwise.as_ref();
    let current = std::env::current_dir().unwrap_or_else(|_| otherwise.to_owned());
    let found = current.ancestors().find(|folder| folder.join("book.toml").is_file());
    found.unwrap_or(otherwise).to_owned()
}

/// Where the book of `root` is built to if nobody says otherwise.
pub fn default_destination(root: &Path) -> PathBuf {
    print::files::target(root).join("book")
}

/// Checks the book in `root` and builds it as static HTML into the folder `dest`, which is made if it is missing.
///
/// Files of `dest` that do not belong to the book are removed, except hidden ones at its top (such as `.git`).
///
/// # Errors
///
/// See [`SiteError`]; `dest` then still holds what it held before, except that an error while carrying over
/// ([`SiteError::Io`]) may leave it half way between the old and the new book.
pub fn build(root: &Path, dest: &Path) -> Result<BuildReport, SiteError> {
    let started = Instant::now();
    let root = std::path::absolute(root).map_err(io_error("finden", root))?;
    let dest = std::path::absolute(dest).map_err(io_error("finden", dest))?;
    refuse_foreign_folder(&root, &dest)?;

    let source = source::load(&root).map_err(SiteError::Problems)?;
    let staging = Staging::beside(&dest)?;
    render(&root, &staging.0).map_err(SiteError::Mdbook)?;
    let (written, removed) = mirror(&staging.0, &dest)?;

    Ok(BuildReport {
        pages: source.chapters.len(),
        written,
        removed,
        duration: started.elapsed(),
    })
}

/// Makes sure that `dest` may be tidied up: it is missing, empty, ours, or mdBook's usual destination,
/// which a plain `mdbook serve` fills and empties as well.
fn refuse_foreign_folder(root: &Path, dest: &Path) -> Result<(), SiteError> {
    let mut entries = match fs::read_dir(dest) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(io_error("lesen", dest)(cause)),
    };
    let ours = entries.next().is_none()
        || dest.join(MARKER).is_file()
        || dest == default_destination(root);
    if ours {
        Ok(())
    } else {
        Err(SiteError::ForeignFolder(dest.to_owned()))
    }
}

/// A folder beside the destination that is removed when it goes out of scope, whatever happened.
struct Staging(PathBuf);

impl Staging {
    /// The process number in the name keeps two programs apart that build at the same time.
    fn beside(dest: &Path) -> Result<Self, SiteError> {
        let mut name =
            dest.file_name().map_or_else(|| OsString::from("book"), OsString::from);
        name.push(format!("-staging-{}", std::process::id()));
        let folder = dest.with_file_name(name);
        print::files::sweep(dest.parent().unwrap_or(dest), "-staging-");
        fs::create_dir_all(&folder).map_err(io_error("anlegen", &folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing depends on it being gone; mdBook empties the folder before it writes.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Lets mdBook render the book of `root` into `folder`.
fn render(root: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut config = Config::from_disk(root.join("book.toml"))?;
    config.build.build_dir = folder.to_owned();
    MDBook::load_with_config(root, config)?.build()?;
    // An empty result would empty the destination.
    anyhow::ensure!(
        folder.join("index.html").is_file(),
        "Es ist keine index.html entstanden."
    );
    Ok(())
}

/// Makes `dest` equal to `staging` and returns how many files were written and removed.
///
/// Pages come after the files they refer to, and removal comes last, so that a page read meanwhile finds its files.
fn mirror(staging: &Path, dest: &Path) -> Result<(usize, usize), SiteError> {
    let mut files = files_below(staging)?;
    files.sort_by_key(|file| file.extension().is_some_and(|extension| extension == "html"));

    let mut written = 0;
    for file in &files {
        let content = read(&staging.join(file))?;
        if write_if_different(&dest.join(file), &content)? {
            written += 1;
        }
    }
    write_if_different(&dest.join(MARKER), MARKER_TEXT.as_bytes())?;

    let wanted: BTreeSet<&PathBuf> = files.iter().collect();
    let mut removed = 0;
    for file in files_below(dest)? {
        let hidden = file.to_string_lossy().starts_with('.');
        if !hidden && !wanted.contains(&file) {
            let path = dest.join(&file);
            fs::remove_file(&path).map_err(io_error("löschen", &path))?;
            remove_empty_parents(&path, dest);
            removed += 1;
        }
    }
    Ok((written, removed))
}

/// Every file below `folder`, as paths relative to it, in alphabetical order.
///
/// # Errors
///
/// [`SiteError::Io`] if a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, SiteError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(&current).map_err(io_error("lesen", &current))? {
            let entry = entry.map_err(io_error("lesen", &current))?;
            let path = entry.path();
            if entry.file_type().map_err(io_error("lesen", &path))?.is_dir() {
                folders.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                files.push(relative.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The content of the file `path`.
///
/// # Errors
///
/// [`SiteError::Io`] if it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, SiteError> {
    fs::read(path).map_err(io_error("lesen", path))
}

/// Writes `content` to `path` unless it is there already. A reader sees the old or the new content, nothing between.
fn write_if_different(path: &Path, content: &[u8]) -> Result<bool, SiteError> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(io_error("anlegen", folder))?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let unfinished = folder.join(name);
    let replaced =
        fs::write(&unfinished, content).and_then(|()| fs::rename(&unfinished, path));
    replaced.map(|()| true).map_err(|cause| {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(&unfinished);
        io_error("schreiben", path)(cause)
    })
}

/// Removes the folders above `path` that have become empty, up to but not including `top`.
fn remove_empty_parents(path: &Path, top: &Path) {
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != top) {
        // `remove_dir` refuses a folder that is not empty: then all above it stay as well.
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A book of one chapter that says `text`.
    fn book(text: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary folder");
        let source = root.path().join("book/text");
        fs::create_dir_all(&source).expect("a folder");
        fs::create_dir_all(root.path().join("listings")).expect("a folder");
        let config = "[book]\ntitle = \"Probe\"\nlanguage = \"de\"\nsrc = \"book/text\"\n";
        fs::write(root.path().join("book.toml"), config).expect("a file");
        fs::write(source.join("SUMMARY.md"), "# Inhalt\n\n- [Eins](eins.md)\n")
            .expect("a file");
        fs::write(source.join("eins.md"), format!("# Eins\n\n{text}\n")).expect("a file");
        root
    }

    fn content(path: &Path) -> String {
        fs::read_to_string(path).expect("a built page")
    }

    #[test]
    fn a_second_build_of_the_same_source_touches_no_file() {
        let root = book("Text.");
        let dest = root.path().join("aus");
        let first = build(root.path(), &dest).expect("a build");
        assert!(
            first.pages == 1 && first.written > 10 && first.removed == 0,
            "{first:?}"
        );
        let second = build(root.path(), &dest).expect("a build");
        assert_eq!((second.written, second.removed), (0, 0));
    }

    #[test]
    fn what_the_book_no_longer_has_is_removed_except_hidden_files() {
        let root = book("Text.");
        let dest = root.path().join("aus");
        build(root.path(), &dest).expect("a build");
        fs::create_dir_all(dest.join("alt/tief")).expect("a folder");
        fs::create_dir_all(dest.join(".git")).expect("a folder");
        fs::write(dest.join("alt/tief/seite.html"), "alt").expect("a file");
        fs::write(dest.join(".git/HEAD"), "x").expect("a file");
        let report = build(root.path(), &dest).expect("a build");
        assert_eq!((report.written, report.removed), (0, 1));
        assert!(!dest.join("alt").exists() && dest.join(".git/HEAD").exists());
    }

    #[test]
    fn a_full_disk_is_said_in_one_german_sentence() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let cause = anyhow::Error::from(full).context("Rendering failed");
        assert_eq!(
            SiteError::Mdbook(cause).to_string(),
            "Das Buch lässt sich nicht schreiben: Auf dem Datenträger ist kein Platz mehr."
        );
    }

    #[test]
    fn a_failed_build_leaves_the_old_book_and_no_staging_folder() {
        let root = book("Der alte Stand.");
        let dest = root.path().join("aus");
        build(root.path(), &dest).expect("a build");
        let config = root.path().join("book.toml");
        let broken = content(&config) + "\n[output.html]\ntheme = \"gibt/es/nicht\"\n";
        fs::write(&config, broken).expect("a file");
        fs::write(
            root.path().join("book/text/eins.md"),
            "# Eins\n\nDer neue Stand.\n",
        )
        .expect("a file");

        let error = build(root.path(), &dest).expect_err("mdBook misses the theme");
        assert!(matches!(error, SiteError::Mdbook(_)), "{error}");
        let sentence = error.to_string();
        assert!(
            sentence.starts_with("mdBook kann das Buch nicht bauen: ")
                && !sentence.contains('\n'),
            "{sentence}"
        );
        assert!(content(&dest.join("eins.html")).contains("Der alte Stand."));
        let names: Vec<_> = fs::read_dir(root.path())
            .expect("the folder")
            .flatten()
            .map(|e| e.file_name())
            .collect();
        assert!(
            !names.iter().any(|name| name.to_string_lossy().contains("staging")),
            "{names:?}"
        );
    }

    #[test]
    fn a_folder_that_is_not_ours_is_refused_unless_it_is_empty() {
        let root = book("Text.");
        let foreign = root.path().join("fremd");
        fs::create_dir(&foreign).expect("a folder");
        build(root.path(), &foreign).expect("an empty folder is taken");
        fs::remove_file(foreign.join(MARKER)).expect("the marker is removed");
        let error = build(root.path(), &foreign).expect_err("now it could be anybody's");
        assert!(matches!(error, SiteError::ForeignFolder(_)), "{error}");
        assert!(foreign.join("eins.html").is_file());
    }

    #[test]
    fn what_a_plain_mdbook_left_in_the_usual_place_is_taken_over() {
        let root = book("Text.");
        let dest = default_destination(root.path());
        fs::create_dir_all(&dest).expect("a folder");
        fs::write(dest.join("alt.html"), "alt").expect("a file");
        let report = build(root.path(), &dest).expect("a build");
        assert_eq!(report.removed, 1);
    }

    #[test]
    fn the_report_is_one_german_line() {
        let report = BuildReport {
            pages: 6,
            written: 1,
            removed: 0,
            duration: Duration::from_millis(420),
        };
        assert_eq!(report.to_string(), "Fertig in 0,4\u{202f}s: 6 Seiten.");
        assert_eq!(
            BuildReport { pages: 1, ..report }.to_string(),
            "Fertig in 0,4\u{202f}s: 1 Seite."
        );
    }
}
