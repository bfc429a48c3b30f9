//! Putting a file in the place of another as a whole: a reader finds the one or the other, even after
//! a power cut.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tempfile::Builder;

use crate::own;

/// Letters of a temporary name that are drawn by lot.
const DRAWN: usize = 16;
/// What temporary names end with.
const SUFFIX: &str = ".new";

/// Lets `fill` write a file beside the one at `path`, for those whom `mode` and the umask let read it,
/// and puts it in its place once it is on the disk.
///
/// The file beside has a name drawn by lot and is made anew (`O_EXCL`), so no link is followed there. A
/// link at `path` itself is replaced, not followed; what is neither a file nor a link is left alone.
///
/// # Errors
/// It cannot be written there; the file before stays.
pub fn replace<T>(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<T> {
    can_be_replaced(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy();
    let prefix = format!(".{name}.");
    sweep(folder, &prefix);
    let beside = Builder::new()
        .prefix(&prefix)
        .suffix(SUFFIX)
        .rand_bytes(DRAWN)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    // Held until it is in its place, so that it is not taken for a leftover; where the file system
    // knows no locks, nothing is.
    let _ = beside.as_file().lock();
    let mut out = BufWriter::new(beside.as_file().try_clone()?);
    let filled = fill(&mut out)?;
    out.flush()?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()?;
    Ok(filled)
}

/// A device or a pipe would be lost by a file in its place.
fn can_be_replaced(path: &Path) -> io::Result<()> {
    let is_other = |kind: fs::FileType| !kind.is_file() && !kind.is_symlink();
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if is_other(there.file_type()) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "what is there is no plain file"))
        }
        _ => Ok(()),
    }
}

/// Removes what a process that was killed left behind: a file of our own that nobody holds.
fn sweep(folder: &Path, prefix: &str) {
    let own = rustix::process::geteuid().as_raw();
    let length = prefix.len() + DRAWN + SUFFIX.len();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.len() != length || !name.starts_with(prefix) || !name.ends_with(SUFFIX) {
            continue;
        }
        let is_left = |file: &File| {
            file.metadata().is_ok_and(|file| file.uid() == own) && file.try_lock().is_ok()
        };
        if own::open(&entry.path()).is_ok_and(|file| is_left(&file)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_cannot_be_written_leaves_the_file_before_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, 0o600, |out| out.write_all(b"first")).unwrap();
        let torn = replace(&path, 0o600, |out| {
            out.write_all(b"sec")?;
            io::Result::<()>::Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(torn.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["file"]);
        assert!(replace(&folder.path().join("no/file"), 0o600, |_| Ok(())).is_err());
    }

    #[test]
    fn links_that_were_planted_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let (path, precious) = (folder.path().join("file"), folder.path().join("precious"));
        fs::write(&precious, "keep").unwrap();
        // The name that was written to once, and the target itself.
        symlink(&precious, folder.path().join("file.new")).unwrap();
        symlink(&precious, &path).unwrap();
        replace(&path, 0o600, |out| out.write_all(b"own")).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read(&path).unwrap(), b"own");
        // A second name of a file elsewhere is given up, and what has the first stays.
        fs::remove_file(&path).unwrap();
        fs::hard_link(&precious, &path).unwrap();
        replace(&path, 0o600, |out| out.write_all(b"own")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"own");
        assert_eq!(fs::read(&precious).unwrap(), b"keep");
    }

    #[test]
    fn a_link_put_beside_meanwhile_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (path, precious) = (folder.path().join("file"), folder.path().join("precious"));
        fs::write(&precious, "keep").unwrap();
        replace(&path, 0o600, |out| {
            let beside = names(folder.path()).into_iter().find(|name| name.starts_with('.'));
            let beside = folder.path().join(beside.unwrap());
            fs::remove_file(&beside)?;
            symlink(&precious, &beside)?;
            out.write_all(b"own")
        })
        .unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"keep");
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        let socket = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        for other in ["pipe", "socket", "folder"] {
            assert!(replace(&folder.path().join(other), 0o600, |_| Ok(())).is_err(), "{other}");
        }
        assert_eq!(names(folder.path()), ["folder", "pipe", "socket"]);
    }

    #[test]
    fn the_mode_is_that_of_the_call_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        for mode in [0o600, 0o644] {
            replace(&path, mode, |_| Ok(())).unwrap();
            // The umask may take more away.
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777 & !mode, 0);
        }
    }

    #[test]
    fn leftovers_are_swept_and_what_is_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let named = |drawn: &str| folder.path().join(format!(".file.{drawn}.new"));
        let (left, held) = (named("abcdefghijklmnop"), named("ponmlkjihgfedcba"));
        fs::write(&left, "half").unwrap();
        let holder = File::create(&held).unwrap();
        holder.lock().unwrap();
        fs::write(folder.path().join(".file.mine.new"), "").unwrap();
        replace(&path, 0o600, |_| Ok(())).unwrap();
        assert_eq!(names(folder.path()), [".file.mine.new", ".file.ponmlkjihgfedcba.new", "file"]);
    }
}
