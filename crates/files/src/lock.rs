//! Lock files, held by a single process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::ServiceUser;

/// The most octets read of the holder's note.
const MAX_NOTE_OCTETS: u64 = 4096;
/// Only the user of the holder may read and write the file.
const MODE: u32 = 0o600;

/// A lock file that this process holds until the value is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// The result of an attempt to take a lock.
#[derive(Debug)]
pub enum LockAttempt {
    /// This process holds it.
    Held(Lock),
    /// Another process holds the lock; the text is the note of the holder.
    HeldElsewhere(String),
}

impl Lock {
    /// Tries to lock the file at `path`, which is created if missing.
    ///
    /// # Errors
    /// The file cannot be opened, or the file system does not support locks
    /// ([`io::ErrorKind::Unsupported`]).
    pub fn take(path: &Path) -> io::Result<LockAttempt> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(MODE);
        let mut file = options.custom_flags(flags).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(LockAttempt::Held(Lock { file })),
            Err(TryLockError::WouldBlock) => {
                let mut text = Vec::new();
                (&mut file).take(MAX_NOTE_OCTETS).read_to_end(&mut text)?;
                Ok(LockAttempt::HeldElsewhere(String::from_utf8_lossy(&text).into_owned()))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock of the file at `path` in the hands of a different process, which passed `held` on: both processes hold
    /// the lock until both have closed the file. None if `held` is a different file.
    #[must_use]
    pub fn adopt(path: &Path, held: &File) -> Option<Lock> {
        let (there, own) = (path.symlink_metadata().ok()?, held.metadata().ok()?);
        let is_same = (there.dev(), there.ino()) == (own.dev(), own.ino());
        let file = held.try_clone().ok().filter(|_| is_same)?;
        file.try_lock().is_ok().then_some(Lock { file })
    }

    /// Makes the future user of this process the owner of the file.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn give_to(&self, user: ServiceUser) -> io::Result<()> {
        user.give(&self.file)
    }

    /// Replaces the content of the file by a note of the holder, for other processes to read.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn one_process_holds_the_lock_and_its_note_is_read() {
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
        assert_eq!(taken().unwrap_err().len() as u64, MAX_NOTE_OCTETS);
        drop(lock);
        assert!(taken().is_ok(), "whatever is in it");
    }

    #[test]
    fn a_lock_is_passed_on_without_a_moment_in_which_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let LockAttempt::Held(old) = Lock::take(&path).unwrap() else { panic!("it is free") };
        let is_held = || matches!(Lock::take(&path).unwrap(), LockAttempt::HeldElsewhere(_));
        let passed = File::from(old.as_fd().try_clone_to_owned().unwrap());
        let mut new = Lock::adopt(&path, &passed).unwrap();
        drop((old, passed));
        assert!(is_held());
        new.note("8").unwrap();
        let foreign = File::open(folder.path()).unwrap();
        assert!(Lock::adopt(&path, &foreign).is_none(), "a different file");
        drop(new);
        assert!(!is_held());
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, precious) = (folder.path().join("lock"), folder.path().join("precious"));
        std::fs::write(&precious, "keep").unwrap();
        symlink(&precious, &path).unwrap();
        assert!(Lock::take(&path).is_err());
        assert_eq!(std::fs::read(&precious).unwrap(), b"keep");
    }
}
