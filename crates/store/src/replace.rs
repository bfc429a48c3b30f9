//! Putting a file in the place of another as a whole: whoever reads finds the one or the other, even
//! after a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Lets `fill` write a file beside the one at `path`, `.new` behind its name, for those whom `mode` and
/// the umask let read it, and puts it in its place once it is on the disk.
///
/// # Errors
/// It cannot be written there; the file before stays.
pub fn replace<T>(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<T> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let write = || {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        let mut out = BufWriter::new(file);
        let filled = fill(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&beside, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(filled)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("no/file"), 0o600, |_| Ok(())).is_err());
    }
}
