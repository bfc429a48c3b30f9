//! Names beside the name of an entry: of a new file before the rename, and of the former entry until the undo.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The name of the new file before the rename to `path`. The name is always the same, so that the leftover of a killed
/// process is found again.
pub(super) fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.zoners-new"))
}

/// The second name of a former entry. The name is always the same, so that the entry is found again after a killed process.
pub(super) fn second_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.zoners-former"))
}

/// Whether both names lead to the same inode.
pub(super) fn is_same_inode(one: &Path, other: &Path) -> bool {
    let inode = |path: &Path| fs::symlink_metadata(path).map(|about| (about.dev(), about.ino()));
    matches!((inode(one), inode(other)), (Ok(one), Ok(other)) if one == other)
}
