//! Every change of a file system by a plan: one function a system call.
//!
//! A test may watch each call and make the call fail, like a full disk or a sudden end of the process.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, OFlags, Timespec, Timestamps, linkat, utimensat};

use super::entry_state::FileAttributes;
use crate::system;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskChange {
    /// A file, link or folder appears; takes room on the disk.
    Create,
    /// EntryOctets are written; takes room on the disk.
    Write,
    /// Octets are overwritten; takes no room within the last block of the file.
    Overwrite,
    /// A file or folder goes, or a file becomes shorter.
    Remove,
    /// A name, an attribute or a synchronisation: takes no room.
    Other,
}

/// Called before each change, with the number of octets of a write; returns the number of octets to be written.
type BeforeChange = Box<dyn FnMut(DiskChange, usize) -> io::Result<usize>>;

/// The changes of a file system.
#[derive(Default)]
pub struct Disk {
    before: Option<BeforeChange>,
}

impl Disk {
    /// A disk with a call of `before` ahead of each change. Nothing is synchronised, as no power is cut in a test.
    #[cfg(test)]
    pub(super) fn watched(
        before: impl FnMut(DiskChange, usize) -> io::Result<usize> + 'static,
    ) -> Self {
        Disk { before: Some(Box::new(before)) }
    }

    fn begin(&mut self, change: DiskChange) -> io::Result<()> {
        self.before.as_mut().map_or(Ok(()), |before| before(change, 0).map(|_| ()))
    }

    /// Makes a new file, accessible to the user of this process alone. A link at the place is not followed.
    pub(super) fn create(&mut self, path: &Path) -> io::Result<File> {
        self.begin(DiskChange::Create)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
    }

    /// Writes octets at the current place of the file.
    pub(super) fn write(&mut self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        self.write_as(DiskChange::Write, file, octets)
    }

    /// Overwrites the octets at the current place of the file.
    pub(super) fn overwrite(&mut self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        self.write_as(DiskChange::Overwrite, file, octets)
    }

    fn write_as(&mut self, change: DiskChange, file: &mut File, octets: &[u8]) -> io::Result<()> {
        let allowed = match &mut self.before {
            None => octets.len(),
            Some(before) => before(change, octets.len())?,
        };
        file.write_all(octets.get(..allowed).unwrap_or(octets))?;
        match allowed < octets.len() {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        }
    }

    /// Cuts a file to a length.
    pub(super) fn cut(&mut self, file: &File, length: u64) -> io::Result<()> {
        self.begin(DiskChange::Remove)?;
        file.set_len(length)
    }

    /// Waits until content and attributes of a file are on the disk.
    pub(super) fn sync(&mut self, file: &File) -> io::Result<()> {
        self.begin(DiskChange::Other)?;
        if self.before.is_some() { Ok(()) } else { file.sync_all() }
    }

    /// Waits until the entries of the folder around `path` are on the disk.
    pub(super) fn sync_folder_of(&mut self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let folder = File::open(folder)?;
        self.sync(&folder)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.begin(DiskChange::Other)?;
        fs::rename(from, to)
    }

    /// Gives an entry a second name. A link is not followed.
    pub(super) fn hard_link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.begin(DiskChange::Create)?;
        Ok(linkat(CWD, from, CWD, to, AtFlags::empty())?)
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.begin(DiskChange::Remove)?;
        fs::remove_file(path)
    }

    pub(super) fn make_folder(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        self.begin(DiskChange::Create)?;
        DirBuilder::new().mode(mode & 0o700).create(path)?;
        // The umask does not count.
        self.begin(DiskChange::Other)?;
        fs::set_permissions(path, Permissions::from_mode(mode))
    }

    pub(super) fn remove_folder(&mut self, path: &Path) -> io::Result<()> {
        self.begin(DiskChange::Remove)?;
        fs::remove_dir(path)
    }

    /// Removes a folder with the content. Links in the folder are not followed.
    pub(super) fn remove_tree(&mut self, path: &Path) -> io::Result<()> {
        self.begin(DiskChange::Remove)?;
        fs::remove_dir_all(path)
    }

    pub(super) fn link(&mut self, target: &OsStr, path: &Path) -> io::Result<()> {
        self.begin(DiskChange::Create)?;
        symlink(target, path)
    }

    /// Sets owner, mode, extended attributes and times, in this order: a change of the owner clears bits of the mode.
    /// Flags are set by [`Disk::set_flags`], since an immutable file cannot be renamed.
    pub(super) fn set_attributes(
        &mut self,
        path: &Path,
        wanted: &FileAttributes,
        is_link: bool,
    ) -> io::Result<()> {
        self.begin(DiskChange::Other)?;
        lchown(path, Some(wanted.owner), Some(wanted.group))?;
        if !is_link {
            self.begin(DiskChange::Other)?;
            fs::set_permissions(path, Permissions::from_mode(wanted.mode))?;
        }
        for (name, value) in &wanted.extended {
            self.begin(DiskChange::Other)?;
            system::attributes::set_extended(path, &name.0, &value.0)?;
        }
        self.begin(DiskChange::Other)?;
        let time = |(seconds, nanoseconds)| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let times = Timestamps {
            last_access: time(wanted.accessed),
            last_modification: time(wanted.modified),
        };
        Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Sets the flags of chattr(1) within reach of a user; further flags stay.
    pub(super) fn set_flags(&mut self, path: &Path, flags: u32) -> io::Result<()> {
        if system::attributes::flags(path)? == flags {
            return Ok(());
        }
        self.begin(DiskChange::Other)?;
        system::attributes::set_flags(path, flags)
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("watched", &self.before.is_some()).finish()
    }
}
