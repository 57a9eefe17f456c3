//! Files that are replaced as a whole: whoever reads meanwhile sees the old or the new content, nothing between.
//! In flow a path and its content, out flows whether the file had to be written. And where our own files go.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tempfile::NamedTempFile;

/// Makes `content` the content of the file `path`; one that has it already is left alone, with its time.
/// Missing folders are made. Returns whether it was written.
///
/// # Errors
///
/// What the operating system answers; the old content then stands as it was.
pub fn write_if_changed(path: &Path, content: impl AsRef<[u8]>) -> io::Result<bool> {
    let content = content.as_ref();
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut staged = NamedTempFile::with_prefix_in(".", folder)?;
    staged.write_all(content)?;
    readable_as_usual(&staged)?;
    staged.persist(path).map_err(|failed| failed.error)?;
    Ok(true)
}

/// [`write_if_changed`] for whoever has nothing to add to the error.
///
/// # Errors
///
/// One German sentence that names the file.
pub fn write_file(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    write_if_changed(path, content)
        .with_context(|| format!("{} ist nicht zu schreiben.", path.display()))?;
    Ok(())
}

/// A folder of an earlier run is left over when it is that old: while one is in use, nobody needs it so long.
const LEFT_OVER: Duration = Duration::from_secs(600);

/// Where what is built of the book in `root` goes: into its own `target`, or, where that cannot be written (a checkout that
/// can only be read), into cargo's, in which our program lies.
pub fn target(root: &Path) -> PathBuf {
    let usual = root.join("target");
    let is_ours =
        fs::create_dir_all(&usual).is_ok() && tempfile::tempfile_in(&usual).is_ok();
    if is_ours {
        return usual;
    }
    let program = env::current_exe().unwrap_or_default();
    // Cargo marks its folder, so that backups leave it out.
    let mut above = program.ancestors();
    let cargos = above.find(|folder| folder.join("CACHEDIR.TAG").is_file());
    cargos.map_or(usual, Path::to_owned)
}

/// Removes the folders below `folder` whose names contain `part` and that an earlier run has left because it was killed.
pub fn sweep(folder: &Path, part: &str) {
    sweep_from_age(folder, part, LEFT_OVER);
}

/// The same for folders that have not been changed for at least so long.
fn sweep_from_age(folder: &Path, part: &str, old: Duration) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_named = entry.file_name().to_string_lossy().contains(part);
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let age = changed.ok().and_then(|changed| changed.elapsed().ok());
        if is_named && age.is_some_and(|age| age >= old) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A temporary file is for its owner alone; what becomes of it is for everybody, as any other file of the book.
fn readable_as_usual(file: &NamedTempFile) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_books_own_target_cannot_be_written_it_is_cargos() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(target(folder.path()), folder.path().join("target"));
        let closed = tempfile::tempdir().unwrap();
        fs::write(closed.path().join("target"), "no folder").unwrap();
        assert!(target(closed.path()).join("CACHEDIR.TAG").is_file());
    }

    #[test]
    fn only_what_is_old_and_so_named_is_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["book-staging-1", "book-staging-2", "book"];
        for name in names {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let left = || names.map(|name| folder.path().join(name).exists());
        sweep(folder.path(), "-staging-");
        assert_eq!(left(), [true, true, true]);
        sweep_from_age(folder.path(), "-staging-", Duration::ZERO);
        assert_eq!(left(), [false, false, true]);
    }

    #[test]
    fn a_file_is_written_once_and_then_only_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("neu/eins.txt");
        assert!(write_if_changed(&path, "eins").unwrap());
        assert!(!write_if_changed(&path, "eins").unwrap());
        assert!(write_if_changed(&path, "zwei").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "zwei");
        let entries = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(entries, 1, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ordner");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("drin"), "").unwrap();
        assert!(write_if_changed(&path, "eins").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
