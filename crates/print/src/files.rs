//! Files that are replaced as a whole: whoever reads meanwhile sees the old or the new content, nothing between.
//! In flow a path and its content, out flows whether the file had to be written.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

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
