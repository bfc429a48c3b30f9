//! Logs kept short, where the service manager appends the output of a job to a file and never cuts it (launchd).
//!
//! newsyslog(8) renames a log and makes a new one, but the job goes on writing to the old one: it has the open file of
//! launchd. So the content is copied, and the file is cut to nothing. launchd has opened the file for appending.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// A longer log is cut.
const MAX_OCTETS: u64 = 8 << 20;

/// Cuts each long log (`NAME.log`) of a folder that only root may write; the former content is in `NAME.log.0`. Lines
/// written between the copy and the cut are lost.
///
/// # Errors
/// The folder cannot be read, or a file cannot be copied.
pub fn cut_long_logs(folder: &Path) -> io::Result<()> {
    cut_logs_over(folder, MAX_OCTETS)
}

fn cut_logs_over(folder: &Path, octets: u64) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_log = path.extension().is_some_and(|end| end == "log");
        if is_log && path.symlink_metadata()?.len() > octets {
            fs::copy(&path, path.with_extension("log.0"))?;
            OpenOptions::new().write(true).open(&path)?.set_len(0)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_long_log_begins_anew_for_a_process_that_appends() {
        let folder = tempfile::tempdir().unwrap();
        let (long, short) = (folder.path().join("zoners.log"), folder.path().join("other.log"));
        let mut job = OpenOptions::new().append(true).create(true).open(&long).unwrap();
        job.write_all(b"0123456789").unwrap();
        fs::write(&short, "01").unwrap();
        cut_logs_over(folder.path(), 5).unwrap();
        job.write_all(b"ab").unwrap();
        assert_eq!(fs::read_to_string(&long).unwrap(), "ab");
        assert_eq!(fs::read_to_string(folder.path().join("zoners.log.0")).unwrap(), "0123456789");
        assert_eq!(fs::read_to_string(&short).unwrap(), "01");
        assert!(!folder.path().join("other.log.0").exists());
    }
}
