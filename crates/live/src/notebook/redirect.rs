//! How the browser learns the token: by a private file that leads it to the book. On a shared machine everybody
//! can read the list of processes, and there only the file's name is to be seen.
//! In goes an address, out comes a file; it vanishes when the [`Redirect`] is dropped.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A file only the reader can read, in a folder only the reader can enter.
pub struct Redirect(TempDir);

impl Redirect {
    /// Writes the file that leads to `address`, below `folder`: a browser in a sandbox of its own
    /// may not see the system's folder for temporary files.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn to(address: &str, folder: &Path) -> io::Result<Redirect> {
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix("oeffnen-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let redirect = Redirect(builder.tempdir_in(folder)?);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"de\"><head><meta charset=\"utf-8\"><title>Zum Buch</title>\n\
             <meta name=\"referrer\" content=\"no-referrer\"><meta http-equiv=\"refresh\" content=\"0;url={address}\"></head>\n\
             <body><p><a href=\"{address}\">Zum Buch</a></p></body></html>\n"
        );
        options.open(redirect.path())?.write_all(page.as_bytes())?;
        Ok(redirect)
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("buch.html")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_leads_to_the_address_is_private_and_vanishes() {
        let folder = tempfile::tempdir().unwrap();
        let redirect = Redirect::to("http://x/#token=1", folder.path()).unwrap();
        let path = redirect.path();
        assert!(fs::read_to_string(&path).unwrap().contains("0;url=http://x/#token=1"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode =
                |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
        }
        drop(redirect);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
