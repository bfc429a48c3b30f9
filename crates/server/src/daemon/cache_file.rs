//! The file of the cache, which a flush erases: what the cache is to forget does not stay on the disk until the next write.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

/// The file of the cache, and how often the file was erased.
#[derive(Debug)]
pub(super) struct CacheFile {
    path: PathBuf,
    /// An earlier file that could not be read, and was put aside.
    aside: PathBuf,
    erasures: Mutex<u64>,
}

impl CacheFile {
    pub(super) fn new(path: PathBuf, aside: PathBuf) -> Self {
        CacheFile { path, aside, erasures: Mutex::default() }
    }

    /// Erases the file, and the file put aside, if there are any. A write under way has the former cache: that file is
    /// erased at the end of the write.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) fn erase(&self) -> io::Result<()> {
        let mut erasures = self.erasures.lock();
        *erasures += 1;
        self.remove()
    }

    /// Has the file written anew by `write`, unless erased meanwhile; returns the octets written.
    ///
    /// # Errors
    /// The file cannot be written, or not be removed.
    pub(super) fn write(&self, write: impl FnOnce(&Path) -> io::Result<u64>) -> io::Result<u64> {
        let before = *self.erasures.lock();
        let octets = write(&self.path);
        let erasures = self.erasures.lock();
        if *erasures != before {
            self.remove()?;
        }
        octets
    }

    fn remove(&self) -> io::Result<()> {
        remove(&self.path)?;
        remove(&self.aside)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_erases_the_file_and_the_outcome_of_a_write_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("cache"), folder.path().join("cache.bad"));
        fs::write(&aside, "earlier names").unwrap();
        let file = CacheFile::new(path.clone(), aside.clone());
        let write = |path: &Path| fs::write(path, "names").map(|()| 5);
        file.erase().unwrap();
        assert!(!aside.exists());
        assert_eq!(file.write(write).unwrap(), 5);
        assert!(path.exists());
        file.erase().unwrap();
        assert!(!path.exists());
        let flushed_meanwhile = |path: &Path| file.erase().and_then(|()| write(path));
        assert_eq!(file.write(flushed_meanwhile).unwrap(), 5);
        assert!(!path.exists());
        file.write(write).unwrap();
        assert!(path.exists());
    }
}
