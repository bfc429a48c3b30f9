//! Folders whose entries no foreign user can replace.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::OnceLock;

use crate::{GROUP_OR_WORLD_WRITE, foreign_owner, refused};

/// The sticky bit: every user may create entries, but only the owner of an entry may remove the
/// entry.
const STICKY_BIT: u32 = 0o1000;
const GROUP_WRITE: u32 = 0o020;

/// Creates `folder` and missing parents, accessible to the user of this process only, and checks
/// the folder (see [`check_folder`]).
///
/// # Errors
/// The folder cannot be created, or does not pass the check.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    check_folder(folder)
}

/// Checks that `folder` belongs to the user of this process or to root, and that foreign users
/// cannot rename or remove entries. In a process of root, which could be misled to any place, each
/// parent folder is checked too.
///
/// # Errors
/// The folder does not pass the check; the error gives the reason.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    check_path(folder, None)
}

/// The same check, in which root accepts the future user `future_user` as owner.
pub(crate) fn check_path(folder: &Path, future_user: Option<u32>) -> io::Result<()> {
    let whole = fs::canonicalize(folder)?;
    let above = if is_root_of_the_machine() { usize::MAX } else { 1 };
    for folder in whole.ancestors().take(above) {
        check(&fs::metadata(folder)?, future_user)
            .map_err(|why| refused(format!("the folder {} {why}", folder.display())))?;
    }
    Ok(())
}

/// Whether this process is root of the machine and not only of a user namespace, in which parent
/// folders may belong to unmapped users. Read once, because a sandbox may hide the answer later.
fn is_root_of_the_machine() -> bool {
    static WHOLE: OnceLock<bool> = OnceLock::new();
    let is_whole = || match fs::read_to_string("/proc/self/uid_map") {
        Ok(map) => map.split_whitespace().eq(["0", "0", "4294967295"]),
        // Not Linux, or /proc is not readable.
        Err(_) => true,
    };
    rustix::process::geteuid().is_root() && *WHOLE.get_or_init(is_whole)
}

/// Groups of the system whose only member is root, so that their right to write gives nothing: macOS lets the group
/// `daemon` write to `/var/run`.
const GROUPS_OF_ROOT: &[u32] = if cfg!(target_os = "macos") { &[1] } else { &[] };

fn check(folder: &Metadata, future_user: Option<u32>) -> Result<(), String> {
    if let Some(owner) = foreign_owner(folder, future_user) {
        return Err(format!("belongs to user {owner}"));
    }
    match mode_for_others(folder.mode(), folder.gid(), GROUPS_OF_ROOT) {
        mode if mode & GROUP_OR_WORLD_WRITE != 0 && mode & STICKY_BIT == 0 => {
            Err(format!("may be written by others (mode {:o})", mode & 0o7777))
        }
        _ => Ok(()),
    }
}

/// The mode without the rights of a group that is root's.
fn mode_for_others(mode: u32, group: u32, of_root: &[u32]) -> u32 {
    if of_root.contains(&group) { mode & !GROUP_WRITE } else { mode }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown};

    #[test]
    fn a_group_of_root_may_write() {
        // As /var/run of macOS, which the group `daemon` may write.
        assert_eq!(mode_for_others(0o775, 1, &[1]), 0o755);
        assert_eq!(mode_for_others(0o777, 1, &[1]), 0o757);
        assert_eq!(mode_for_others(0o775, 20, &[1]), 0o775);
        assert_eq!(mode_for_others(0o775, 1, &[]), 0o775);
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused_without_the_sticky_bit() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("a/b");
        make_folder(&own).unwrap();
        assert_eq!(fs::metadata(&own).unwrap().mode() & 0o777, 0o700);
        let with = |mode: u32| {
            fs::set_permissions(&own, Permissions::from_mode(mode)).unwrap();
            make_folder(&own).map_err(|error| error.to_string())
        };
        assert_eq!(with(0o755), Ok(()));
        assert_eq!(with(0o1777), Ok(()));
        for mode in [0o777, 0o775, 0o757] {
            assert!(with(mode).unwrap_err().contains(&format!("mode {mode:o}")));
        }
        assert!(make_folder(Path::new("/proc/none")).is_err());
    }

    #[test]
    fn a_foreign_folder_is_refused_and_for_root_a_foreign_parent() {
        let folder = tempfile::tempdir().unwrap();
        let (theirs, own) = (folder.path().join("theirs"), folder.path().join("theirs/own"));
        fs::create_dir_all(&own).unwrap();
        if rustix::process::geteuid().is_root() && chown(&theirs, Some(65_533), None).is_ok() {
            assert!(check_folder(&theirs).unwrap_err().to_string().contains("user 65533"));
            assert!(check_folder(&own).unwrap_err().to_string().contains("theirs belongs to"));
        }
    }
}
