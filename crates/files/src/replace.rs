//! Atomic replacement of a file: a reader finds the old content or the new, even after a power
//! failure.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::own;

/// Random letters in a temporary name.
const RANDOM_LETTERS: usize = 16;
/// The end of temporary names.
const SUFFIX: &str = ".new";

/// Lets `fill` write a temporary file in the same folder, with the permissions `mode` (less the
/// umask), and renames the file to `path` once its content is on the disk.
///
/// The temporary file has a random name and is created exclusively (`O_EXCL`), so no link at that
/// name is followed. A link at `path` is replaced and not followed. An entry at `path` that is
/// neither a file nor a link is left alone.
///
/// # Errors
/// The file cannot be written; the previous file stays.
pub fn replace<T>(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<T> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy();
    can_be_replaced(path)?;
    let mut draft = Draft::begin(folder, &name, mode)?;
    let filled = fill(&mut draft.out)?;
    draft.commit(path)?;
    Ok(filled)
}

/// A temporary file that is written piece by piece and then renamed; removed if dropped before.
#[derive(Debug)]
pub struct Draft {
    beside: NamedTempFile,
    out: BufWriter<File>,
}

impl Draft {
    /// Creates a temporary file in `folder` with the permissions `mode` (less the umask). The file is named after `name`
    /// and a random text, and created exclusively, so that no link is followed. Temporary files of this name that killed
    /// processes have left are removed.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn begin(folder: &Path, name: &str, mode: u32) -> io::Result<Self> {
        let prefix = format!(".{name}.");
        sweep(folder, &prefix);
        let beside = Builder::new()
            .prefix(&prefix)
            .suffix(SUFFIX)
            .rand_bytes(RANDOM_LETTERS)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)?;
        // Locked until renamed, so that `sweep` in a parallel process does not remove the file. Without
        // locks in the file system, no file is removed.
        let _ = beside.as_file().lock();
        let out = BufWriter::new(beside.as_file().try_clone()?);
        Ok(Draft { beside, out })
    }

    /// Renames the file to `path`, in the same folder, once its content is on the disk. A link at `path` is replaced and
    /// not followed.
    ///
    /// # Errors
    /// The file cannot be written or renamed; the previous file stays.
    pub fn commit(mut self, path: &Path) -> io::Result<()> {
        can_be_replaced(path)?;
        self.out.flush()?;
        self.beside.as_file().sync_all()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        self.beside.persist(path).map_err(|error| error.error)?;
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Write for Draft {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.out.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Replacing a device or a named pipe by a file would destroy the device or the pipe.
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

/// Removes temporary files of killed processes: files of this user that no process has locked.
fn sweep(folder: &Path, prefix: &str) {
    let own = rustix::process::geteuid().as_raw();
    let length = prefix.len() + RANDOM_LETTERS + SUFFIX.len();
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
    fn a_failed_write_leaves_the_previous_file_and_no_temporary_file() {
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
    fn a_draft_is_renamed_when_whole_and_removed_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text-1");
        let mut draft = Draft::begin(folder.path(), "text", 0o600).unwrap();
        draft.write_all(b"whole").unwrap();
        // A second draft leaves the first alone, which is locked.
        drop(Draft::begin(folder.path(), "text", 0o600).unwrap());
        assert_eq!(names(folder.path()).len(), 1);
        draft.commit(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(folder.path()), ["text-1"]);
    }

    #[test]
    fn planted_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, precious) = (folder.path().join("file"), folder.path().join("precious"));
        fs::write(&precious, "keep").unwrap();
        // The temporary name of an early version, and the target itself.
        symlink(&precious, folder.path().join("file.new")).unwrap();
        symlink(&precious, &path).unwrap();
        replace(&path, 0o600, |out| out.write_all(b"own")).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read(&path).unwrap(), b"own");
        // A hard link is replaced; the content under the other name stays.
        fs::remove_file(&path).unwrap();
        fs::hard_link(&precious, &path).unwrap();
        replace(&path, 0o600, |out| out.write_all(b"own")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"own");
        assert_eq!(fs::read(&precious).unwrap(), b"keep");
    }

    #[test]
    fn a_link_planted_during_the_write_is_not_followed() {
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
    fn devices_pipes_and_folders_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        crate::tests::make_pipe(&pipe);
        let socket = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        for other in ["pipe", "socket", "folder"] {
            assert!(replace(&folder.path().join(other), 0o600, |_| Ok(())).is_err(), "{other}");
        }
        assert_eq!(names(folder.path()), ["folder", "pipe", "socket"]);
    }

    #[test]
    fn the_mode_is_the_argument_and_not_the_previous_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        for mode in [0o600, 0o644] {
            replace(&path, mode, |_| Ok(())).unwrap();
            // The umask may clear further bits.
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777 & !mode, 0);
        }
    }

    #[test]
    fn leftovers_are_removed_unless_locked() {
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
