//! What root makes for the user that it is about to become.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown, lchown};
use std::path::Path;

use rustix::fs::OFlags;

use crate::folder::check_whole;
use crate::refused;

/// Folders on the way to one that is made: its user must come through.
const ABOVE: u32 = 0o755;

/// A user that a process of root becomes, and its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceUser {
    /// The number of the user.
    pub user: u32,
    /// The number of its group.
    pub group: u32,
}

impl ServiceUser {
    /// Makes `folder` for the heir, with this mode, and those above it, where they are not there. What is
    /// there may be used under the terms of [`crate::check_folder`], and may be the heir's.
    ///
    /// # Errors
    /// It cannot be made, or may not be used.
    pub fn make_folder(self, folder: &Path, mode: u32) -> io::Result<()> {
        if folder.is_dir() {
            return self.check_folder(folder);
        }
        if let Some(above) = folder.parent().filter(|above| !above.is_dir()) {
            DirBuilder::new().recursive(true).mode(ABOVE).create(above)?;
        }
        DirBuilder::new().mode(mode).create(folder)?;
        self.check_folder(folder)?;
        self.give(open_folder(folder)?)
    }

    /// Whether `folder` may be used: see [`crate::check_folder`]; it and those on the way may be the heir's.
    ///
    /// # Errors
    /// It may not be used, and why.
    pub fn check_folder(self, folder: &Path) -> io::Result<()> {
        check_whole(folder, Some(self.user))
    }

    /// Gives the heir a folder of root's with all that is in it, if that is nothing but files that are
    /// `ours` by name: another folder is not root's by mistake.
    ///
    /// # Errors
    /// There is something else in it, or it cannot be given away.
    pub fn take_over(self, folder: &Path, ours: impl Fn(&str) -> bool) -> io::Result<()> {
        let folder = fs::canonicalize(folder)?;
        let open = open_folder(&folder)?;
        if open.metadata()?.uid() == self.user {
            return Ok(());
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() || !ours(&name) {
                let shown = folder.display();
                return Err(refused(format!(
                    "the folder {shown} is root's and has {name:?} in it; chown it to user {}",
                    self.user
                )));
            }
            files.push(entry.path());
        }
        // Root alone can put anything there meanwhile.
        for file in files {
            self.give_path(&file)?;
        }
        self.give(open)
    }

    /// Gives the heir an open file, folder or socket.
    ///
    /// # Errors
    /// The system refuses.
    pub fn give(self, file: impl AsFd) -> io::Result<()> {
        fchown(file, Some(self.user), Some(self.group))
    }

    /// Gives the heir what is at `path`, not what a link there leads to.
    ///
    /// # Errors
    /// The system refuses.
    pub fn give_path(self, path: &Path) -> io::Result<()> {
        lchown(path, Some(self.user), Some(self.group))
    }
}

/// Opens a folder, and no link to one.
fn open_folder(folder: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::DIRECTORY).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const HEIR: ServiceUser = ServiceUser { user: 65_533, group: 65_533 };

    /// A folder to try in, if this process is root, which alone can give anything away.
    fn as_root() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        let root = rustix::process::geteuid().is_root();
        (root && lchown(folder.path(), Some(0), Some(HEIR.group)).is_ok()).then_some(folder)
    }

    fn owner(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().uid()
    }

    #[test]
    fn a_folder_is_made_for_the_heir_and_those_above_it_let_it_through() {
        let Some(folder) = as_root() else { return };
        let (above, own) = (folder.path().join("a"), folder.path().join("a/b"));
        for _ in 0..2 {
            HEIR.make_folder(&own, 0o700).unwrap();
            assert_eq!((owner(&above), owner(&own)), (0, HEIR.user));
            assert_eq!(fs::metadata(&own).unwrap().mode() & 0o777, 0o700);
            assert_eq!(fs::metadata(&above).unwrap().mode() & 0o777 & 0o555, 0o555);
        }
        fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(HEIR.make_folder(&own, 0o700).is_err(), "others may write it");
    }

    #[test]
    fn what_root_has_left_is_taken_over_and_nothing_that_is_not_ours() {
        let Some(folder) = as_root() else { return };
        let own = folder.path().join("own");
        fs::create_dir(&own).unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "keep").unwrap();
        fs::write(own.join("cache"), "").unwrap();
        symlink(&precious, own.join("lock")).unwrap();
        fs::write(own.join("other"), "").unwrap();
        let take = || HEIR.take_over(&own, |name| ["cache", "lock"].contains(&name));
        let told = take().unwrap_err().to_string();
        assert!(told.contains("\"other\"") && told.contains("65533"), "{told}");
        assert_eq!((owner(&own), owner(&own.join("cache"))), (0, 0));
        fs::remove_file(own.join("other")).unwrap();
        take().unwrap();
        assert_eq!((owner(&own), owner(&own.join("cache"))), (HEIR.user, HEIR.user));
        assert_eq!(owner(&precious), 0, "a link is not followed");
        fs::write(own.join("other"), "").unwrap();
        take().unwrap();
        assert_eq!(
            owner(&own.join("other")),
            0,
            "once it is the heir's, nothing is given any more"
        );
    }
}
