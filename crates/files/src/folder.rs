//! Folders whose entries nobody else can swap.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::OnceLock;

use crate::{OTHERS_WRITE, refused, stranger};

/// A folder in which everyone may make entries, but nobody remove another's.
const STICKY: u32 = 0o1000;

/// Makes `folder` and those above it, for this process's user alone, where they are not there, and
/// looks at what is there (see [`check_folder`]).
///
/// # Errors
/// It cannot be made, or may not be used.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    check_folder(folder)
}

/// Whether `folder` may be used: it belongs to this process's user or to root, and others cannot rename
/// or remove what is in it. For a process of root, which can be led anywhere, the same holds for every
/// folder on the way there.
///
/// # Errors
/// It may not be used, and why.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    check_whole(folder, None)
}

/// The same, where root is about to become `heir`.
pub(crate) fn check_whole(folder: &Path, heir: Option<u32>) -> io::Result<()> {
    let whole = fs::canonicalize(folder)?;
    let above = if is_root_of_all() { usize::MAX } else { 1 };
    for folder in whole.ancestors().take(above) {
        check(&fs::metadata(folder)?, heir)
            .map_err(|why| refused(format!("the folder {} {why}", folder.display())))?;
    }
    Ok(())
}

/// Whether this process is root of the machine and not only of a user namespace, in which folders on the
/// way may belong to users that it does not have. Asked once: a sandbox may hide the answer later.
fn is_root_of_all() -> bool {
    static WHOLE: OnceLock<bool> = OnceLock::new();
    let is_whole = || match fs::read_to_string("/proc/self/uid_map") {
        Ok(map) => map.split_whitespace().eq(["0", "0", "4294967295"]),
        // Not Linux, or nothing is known of it.
        Err(_) => true,
    };
    rustix::process::geteuid().is_root() && *WHOLE.get_or_init(is_whole)
}

fn check(folder: &Metadata, heir: Option<u32>) -> Result<(), String> {
    if let Some(owner) = stranger(folder, heir) {
        return Err(format!("belongs to user {owner}"));
    }
    match folder.mode() {
        mode if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 => {
            Err(format!("may be written by others (mode {:o})", mode & 0o7777))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown};

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
    fn a_folder_of_another_is_refused_and_for_root_one_on_the_way_too() {
        let folder = tempfile::tempdir().unwrap();
        let (theirs, own) = (folder.path().join("theirs"), folder.path().join("theirs/own"));
        fs::create_dir_all(&own).unwrap();
        if rustix::process::geteuid().is_root() && chown(&theirs, Some(65_533), None).is_ok() {
            assert!(check_folder(&theirs).unwrap_err().to_string().contains("user 65533"));
            assert!(check_folder(&own).unwrap_err().to_string().contains("theirs belongs to"));
        }
    }
}
