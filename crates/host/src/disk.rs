//! Whether a folder can be written by its owner.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// The condition of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderCondition {
    /// The file system takes no writes.
    pub is_read_only: bool,
    /// Free octets for users other than root.
    pub free_octets: u64,
    /// The mode forbids the owner to write.
    pub is_locked: bool,
}

/// The condition of a folder; `None` if it does not exist or cannot be examined.
#[must_use]
pub fn condition(folder: &Path) -> Option<FolderCondition> {
    const OWNER_WRITES: u32 = 0o300;
    let metadata = fs::metadata(folder).ok()?;
    let system = statvfs(folder).ok()?;
    Some(FolderCondition {
        is_read_only: system.f_flag.contains(StatVfsMountFlags::RDONLY),
        free_octets: system.f_bavail.saturating_mul(system.f_frsize),
        is_locked: metadata.mode() & OWNER_WRITES != OWNER_WRITES,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_locked_by_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        assert!(condition(folder.path()).is_some_and(|found| !found.is_locked));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
        assert!(condition(folder.path()).is_some_and(|found| found.is_locked));
        assert_eq!(condition(&folder.path().join("missing")), None);
    }
}
