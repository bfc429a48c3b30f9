//! Attributes of files beyond mode and owner: extended attributes, flags of chattr(1), mounts.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, IFlags, OFlags, StatxAttributes, StatxFlags, XattrFlags, ioctl_getflags,
    ioctl_setflags, lgetxattr, llistxattr, lsetxattr, statx,
};
use rustix::io::Errno;

use crate::resolvers::RESOLV_CONF;

/// Octets of a list of names and of a value, at most (xattr(7)).
const MAX_EXTENDED: usize = 65_536;

/// All extended attributes, by name; none where the file system has none.
pub(crate) fn extended(path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut names = vec![0; MAX_EXTENDED];
    let length = match llistxattr(path, &mut names) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()),
        length => length?,
    };
    let names = names.get(..length).unwrap_or_default().split(|octet| *octet == 0);
    let mut all = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        let mut value = vec![0; MAX_EXTENDED];
        let length = lgetxattr(path, name, &mut value)?;
        value.truncate(length);
        all.push((name.to_owned(), value));
    }
    all.sort_unstable();
    Ok(all)
}

/// Sets an extended attribute, unless the value is there: a label of a security module may only be read.
pub(crate) fn set_extended(path: &Path, name: &[u8], value: &[u8]) -> io::Result<()> {
    let mut present = vec![0; MAX_EXTENDED];
    let length = lgetxattr(path, name, &mut present).ok();
    if length.and_then(|length| present.get(..length)) == Some(value) {
        return Ok(());
    }
    Ok(lsetxattr(path, name, value, XattrFlags::empty())?)
}

/// Flags within reach of a user; further flags belong to the file system.
fn settable() -> IFlags {
    IFlags::IMMUTABLE | IFlags::APPEND | IFlags::NODUMP | IFlags::NOATIME | IFlags::SYNC
}

/// The flag of an immutable file (`chattr +i`).
pub(crate) fn immutable_flag() -> u32 {
    IFlags::IMMUTABLE.bits()
}

/// The settable flags of a file; 0 where the file system has none.
pub(crate) fn flags(path: &Path) -> io::Result<u32> {
    match ioctl_getflags(open(path)?) {
        Ok(flags) => Ok((flags & settable()).bits()),
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Sets the settable flags of a file.
pub(crate) fn set_flags(path: &Path, flags: u32) -> io::Result<()> {
    let file = open(path)?;
    let fixed = ioctl_getflags(&file)? - settable();
    let wanted = IFlags::from_bits_retain(flags) & settable();
    Ok(ioctl_setflags(file, fixed | wanted)?)
}

/// Whether something is mounted at this very path (Linux 5.8 tells), for this process or for a confined service.
///
/// Debian starts dhcpcd with `ReadWritePaths=/etc/resolv.conf`, which is a mount in the namespace of dhcpcd. A file
/// renamed over the path would end that mount, and dhcpcd could write no servers until the next start.
pub(crate) fn is_mounted(path: &Path) -> bool {
    let about = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS);
    about.is_ok_and(|about| about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
        || path == Path::new(RESOLV_CONF) && is_mounted_for_a_service(path)
}

fn is_mounted_for_a_service(path: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut tables = processes
        .filter_map(|process| std::fs::read_to_string(process.path().join("mountinfo")).ok());
    tables.any(|table| has_mount(&table, path))
}

/// Whether a table of mounts has this mount point (the fifth field; proc_pid_mountinfo(5)).
fn has_mount(table: &str, path: &Path) -> bool {
    let point = |line: &str| line.split(' ').nth(4).map(|point| Path::new(point) == path);
    table.lines().any(|line| point(line) == Some(true))
}

fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_of_a_service_is_found() {
        let table = "\
36 35 98:0 / / rw,noatime - ext4 /dev/root rw
41 36 98:0 /etc/resolv.conf /etc/resolv.conf rw,relatime shared:9 - ext4 /dev/root rw
";
        assert!(has_mount(table, Path::new("/etc/resolv.conf")));
        assert!(!has_mount(table, Path::new("/etc")) && has_mount(table, Path::new("/")));
    }

    #[test]
    fn attributes_are_read_as_they_were_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "").unwrap();
        assert!(!is_mounted(&path) && is_mounted(Path::new("/")));
        // Some file systems have neither attributes nor flags.
        if set_extended(&path, b"user.note", b"\xff\x00").is_ok() {
            let note = (b"user.note".to_vec(), b"\xff\x00".to_vec());
            assert_eq!(extended(&path).unwrap(), [note]);
        }
        // Only root may do so.
        if set_flags(&path, immutable_flag()).is_ok() {
            assert_eq!(flags(&path).unwrap(), immutable_flag());
            assert!(std::fs::write(&path, "x").is_err());
            set_flags(&path, 0).unwrap();
        }
        assert_eq!(flags(&path).unwrap(), 0);
        std::fs::write(&path, "x").unwrap();
    }
}
