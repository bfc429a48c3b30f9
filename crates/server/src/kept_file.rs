//! A file in the state folder with settings of the operator that cannot be derived, such as rules and tokens. A file that
//! could not be read at the start, because of damage or a newer version, is never overwritten: the operator would lose
//! the content.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use zoners_files::replace;

/// The permissions of the file.
const MODE: u32 = 0o600;

/// A file, and why the file must not be replaced.
#[derive(Debug)]
pub(crate) struct KeptFile {
    path: PathBuf,
    fault: Mutex<Option<String>>,
}

impl KeptFile {
    /// The file with the content that `read` gives. No content if the file is absent or has a fault; a fault is logged
    /// under the name of the `subsystem`.
    pub(crate) fn open<T>(
        path: PathBuf,
        subsystem: &str,
        read: impl FnOnce(&Path) -> io::Result<T>,
    ) -> (Self, Option<T>) {
        match read(&path) {
            Ok(content) => (KeptFile::with_fault(path, None), Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (KeptFile::with_fault(path, None), None)
            }
            Err(error) => {
                let fault = format!("{}: {error}", path.display());
                tracing::error!("{subsystem}: not in force, and not overwritten: {fault}");
                (KeptFile::with_fault(path, Some(fault)), None)
            }
        }
    }

    /// The file with a fault, if there is one; the text begins with the path. The caller logs the fault with the
    /// consequence.
    pub(crate) fn with_fault(path: PathBuf, fault: Option<String>) -> Self {
        KeptFile { path, fault: Mutex::new(fault) }
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file by what `fill` writes.
    ///
    /// # Errors
    /// The file that is there had a fault at the start, or the file cannot be written.
    pub(crate) fn replace(
        &self,
        fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut fault = self.fault.lock();
        if let Some(fault) = fault.as_ref().filter(|_| self.is_there()) {
            let advice = "repair the file and restart, or move the file away";
            let text = format!(
                "the file could not be read at the start, and is not overwritten: {fault}; {advice}"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        replace(&self.path, MODE, fill)?;
        *fault = None;
        Ok(())
    }

    /// Whether there is a file, or something that cannot be looked at.
    fn is_there(&self) -> bool {
        let looked = self.path.symlink_metadata();
        looked.err().is_none_or(|error| error.kind() != io::ErrorKind::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_could_not_be_read_is_replaced_only_once_moved_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "damaged").unwrap();
        let damaged = |_: &Path| Err::<(), _>(io::Error::other("no JSON"));
        let (file, content) = KeptFile::open(path.clone(), "test", damaged);
        let write = || file.replace(|out| out.write_all(b"new"));
        assert_eq!(content, None);
        let told = write().unwrap_err().to_string();
        assert!(told.contains(&format!("{}: no JSON", path.display())), "{told}");
        // A file that was repaired has content which this daemon has not read.
        std::fs::write(&path, "repaired").unwrap();
        assert!(write().is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"repaired");
        std::fs::remove_file(&path).unwrap();
        write().unwrap();
        write().unwrap();
        let (file, content) = KeptFile::open(path, "test", |path| std::fs::read(path));
        assert_eq!(content.unwrap(), b"new");
        file.replace(|out| out.write_all(b"newer")).unwrap();
    }
}
