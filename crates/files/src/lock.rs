//! A file that one process at a time holds.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::ServiceUser;

/// Octets that are read of what the holder has written.
const LONGEST: u64 = 4096;
/// The holder's user alone may read and write it.
const MODE: u32 = 0o600;

/// A file that this process holds until it drops this, or ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// What came of trying to hold a file.
#[derive(Debug)]
pub enum LockAttempt {
    /// This process holds it.
    Held(Lock),
    /// Another does, and has written this into it.
    HeldElsewhere(String),
}

impl Lock {
    /// Tries to hold the file at `path`, which is made where there is none.
    ///
    /// # Errors
    /// It cannot be opened, or the file system knows no locks ([`io::ErrorKind::Unsupported`]).
    pub fn take(path: &Path) -> io::Result<LockAttempt> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(MODE);
        let mut file = options.custom_flags(flags).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(LockAttempt::Held(Lock { file })),
            Err(TryLockError::WouldBlock) => {
                let mut text = Vec::new();
                (&mut file).take(LONGEST).read_to_end(&mut text)?;
                Ok(LockAttempt::HeldElsewhere(String::from_utf8_lossy(&text).into_owned()))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Gives the file to the user that this process becomes.
    ///
    /// # Errors
    /// The system refuses.
    pub fn give_to(&self, heir: ServiceUser) -> io::Result<()> {
        heir.give(&self.file)
    }

    /// Writes into it what others shall know of the holder, instead of what was there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn one_holds_it_at_a_time_and_tells_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let taken = || match Lock::take(&path).unwrap() {
            LockAttempt::Held(lock) => Ok(lock),
            LockAttempt::HeldElsewhere(text) => Err(text),
        };
        let mut lock = taken().unwrap();
        lock.note("a long word of the first").unwrap();
        lock.note("7").unwrap();
        assert_eq!(taken().unwrap_err(), "7");
        lock.note(&"x".repeat(5000)).unwrap();
        assert_eq!(taken().unwrap_err().len() as u64, LONGEST);
        drop(lock);
        assert!(taken().is_ok(), "whatever is in it");
    }

    #[test]
    fn a_link_that_was_planted_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, precious) = (folder.path().join("lock"), folder.path().join("precious"));
        std::fs::write(&precious, "keep").unwrap();
        symlink(&precious, &path).unwrap();
        assert!(Lock::take(&path).is_err());
        assert_eq!(std::fs::read(&precious).unwrap(), b"keep");
    }
}
