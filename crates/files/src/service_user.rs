//! Creation of files by root for the service user, before the process becomes the service user.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown, lchown};
use std::path::Path;

use rustix::fs::OFlags;

use crate::folder::check_path;
use crate::refused;

/// The mode of created parent folders, which the user must be able to enter.
const PARENT_MODE: u32 = 0o755;

/// The user (and group) that a process of root becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceUser {
    /// The user ID.
    pub user: u32,
    /// The group ID.
    pub group: u32,
}

impl ServiceUser {
    /// Creates `folder` with `mode` and missing parents, and gives the folder to the user. An
    /// existing folder must pass the check of [`crate::check_folder`], and may belong to the user.
    ///
    /// # Errors
    /// The folder cannot be created, or does not pass the check.
    pub fn make_folder(self, folder: &Path, mode: u32) -> io::Result<()> {
        if folder.is_dir() {
            return self.check_folder(folder);
        }
        if let Some(above) = folder.parent().filter(|above| !above.is_dir()) {
            DirBuilder::new().recursive(true).mode(PARENT_MODE).create(above)?;
        }
        DirBuilder::new().mode(mode).create(folder)?;
        self.check_folder(folder)?;
        self.give(open_folder(folder)?)
    }

    /// Checks a folder as [`crate::check_folder`] does. The folder and its parents may also belong
    /// to the user.
    ///
    /// # Errors
    /// The folder does not pass the check; the error gives the reason.
    pub fn check_folder(self, folder: &Path) -> io::Result<()> {
        check_path(folder, Some(self.user))
    }

    /// Gives a folder of root with its files to the user, if `ours` accepts the name of every
    /// entry. A folder with foreign entries may be root's on purpose.
    ///
    /// # Errors
    /// The folder has a foreign entry, or the owner cannot be changed.
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
        // Only root can create further entries meanwhile.
        for file in files {
            self.give_path(&file)?;
        }
        self.give(open)
    }

    /// Gives an open file, folder or socket to the user.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn give(self, file: impl AsFd) -> io::Result<()> {
        fchown(file, Some(self.user), Some(self.group))
    }

    /// Gives the entry at `path` to the user, without following a link.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn give_path(self, path: &Path) -> io::Result<()> {
        lchown(path, Some(self.user), Some(self.group))
    }
}

/// Opens a folder, without following a link.
fn open_folder(folder: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::DIRECTORY).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const USER: ServiceUser = ServiceUser { user: 65_533, group: 65_533 };

    /// A temporary folder, if this process is root, as only root can change owners.
    fn as_root() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        let root = rustix::process::geteuid().is_root();
        (root && lchown(folder.path(), Some(0), Some(USER.group)).is_ok()).then_some(folder)
    }

    fn owner(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().uid()
    }

    #[test]
    fn a_folder_is_created_for_the_user_and_its_parents_can_be_entered() {
        let Some(folder) = as_root() else { return };
        let (above, own) = (folder.path().join("a"), folder.path().join("a/b"));
        for _ in 0..2 {
            USER.make_folder(&own, 0o700).unwrap();
            assert_eq!((owner(&above), owner(&own)), (0, USER.user));
            assert_eq!(fs::metadata(&own).unwrap().mode() & 0o777, 0o700);
            assert_eq!(fs::metadata(&above).unwrap().mode() & 0o777 & 0o555, 0o555);
        }
        fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(USER.make_folder(&own, 0o700).is_err(), "others may write it");
    }

    #[test]
    fn files_of_root_are_given_to_the_user_unless_a_foreign_entry_is_there() {
        let Some(folder) = as_root() else { return };
        let own = folder.path().join("own");
        fs::create_dir(&own).unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "keep").unwrap();
        fs::write(own.join("cache"), "").unwrap();
        symlink(&precious, own.join("lock")).unwrap();
        fs::write(own.join("other"), "").unwrap();
        let take = || USER.take_over(&own, |name| ["cache", "lock"].contains(&name));
        let told = take().unwrap_err().to_string();
        assert!(told.contains("\"other\"") && told.contains("65533"), "{told}");
        assert_eq!((owner(&own), owner(&own.join("cache"))), (0, 0));
        fs::remove_file(own.join("other")).unwrap();
        take().unwrap();
        assert_eq!((owner(&own), owner(&own.join("cache"))), (USER.user, USER.user));
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
