//! Reading files belonging to the daemon.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::{GROUP_OR_WORLD_WRITE, foreign_owner, refused};

/// The mode bits for any access by group or world.
const GROUP_OR_WORLD_ACCESS: u32 = 0o077;

/// Opens a regular file, and no link, that only the user of this process or root can have written.
///
/// # Errors
/// The file cannot be opened, or a foreign user could have written the file.
pub fn open_own(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    let about = file.metadata()?;
    if let Some(owner) = foreign_owner(&about, None) {
        return Err(refused(format!("it belongs to user {owner}")));
    }
    if about.mode() & GROUP_OR_WORLD_WRITE != 0 {
        return Err(refused("others may write it"));
    }
    Ok(file)
}

/// Opens a file of the daemon that no foreign user may read.
///
/// # Errors
/// As [`open_own`]; or foreign users may read the file.
pub fn open_secret(path: &Path) -> io::Result<File> {
    let file = open_own(path)?;
    match file.metadata()?.mode() & GROUP_OR_WORLD_ACCESS {
        0 => Ok(file),
        _ => Err(refused("others may read it")),
    }
}

/// Reads a file of the daemon of at most `max_octets` octets.
///
/// # Errors
/// As [`open_own`]; or the file is longer.
pub fn read_own(path: &Path, max_octets: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    open_own(path)?.take(max_octets + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > max_octets {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long"));
    }
    Ok(octets)
}

/// Opens a regular file. A named pipe is refused without waiting for a writer.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn links_pipes_and_folders_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "own").unwrap();
        fs::set_permissions(at("file"), Permissions::from_mode(0o600)).unwrap();
        symlink(at("file"), at("link")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        crate::tests::make_pipe(&at("pipe"));
        assert_eq!(read_own(&at("file"), 3).unwrap(), b"own");
        assert_eq!(read_own(&at("file"), 2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        for other in ["link", "folder", "pipe", "nothing"] {
            assert!(open_own(&at(other)).is_err(), "{other}");
        }
    }

    #[test]
    fn a_file_writable_by_others_is_refused_and_a_secret_must_be_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "own").unwrap();
        let with = |mode: u32| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            (open_own(&path).is_ok(), open_secret(&path).is_ok())
        };
        assert_eq!(with(0o600), (true, true));
        assert_eq!(with(0o644), (true, false));
        assert_eq!(with(0o640), (true, false));
        assert_eq!(with(0o620), (false, false));
        assert_eq!(with(0o602), (false, false));
    }

    #[test]
    fn a_file_of_another_user_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "planted").unwrap();
        // Only root can create a file for a foreign user.
        if chown(&path, Some(65_533), None).is_ok() && rustix::process::geteuid().is_root() {
            assert!(open_own(&path).unwrap_err().to_string().contains("65533"));
        }
    }
}
