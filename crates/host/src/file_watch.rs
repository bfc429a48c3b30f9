//! Files written by foreign programs: a change is reported once the writing has paused.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until};

use crate::system::file_watch::WriteSignals;

/// Without a further write for this time, a file is taken as written.
const QUIET: Duration = Duration::from_millis(200);
/// A file written without end is read after this time.
const MAX_BURST: Duration = Duration::from_secs(2);

/// A version of a file, without the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    modified: Option<SystemTime>,
    octets: u64,
    /// Many programs replace the old file with a new inode.
    inode: u64,
}

impl FileVersion {
    /// The present version; none if the file is missing.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(FileVersion { modified: file.modified().ok(), octets: file.len(), inode: file.ino() })
    }
}

/// Watches files, which may be missing, as long as their folders are there.
#[derive(Debug)]
pub struct FileWatch {
    paths: Vec<PathBuf>,
    signals: WriteSignals,
    versions: Vec<Option<FileVersion>>,
    burst: Option<WriteBurst>,
}

/// Writes in a row.
#[derive(Clone, Copy, Debug)]
struct WriteBurst {
    began: Instant,
    last: Instant,
}

impl FileWatch {
    /// Begins to watch; to be called on a tokio runtime, before the files are read.
    #[must_use]
    pub fn begin(paths: Vec<PathBuf>) -> Self {
        let mut signals = WriteSignals::new();
        signals.watch(&paths);
        let versions = versions(&paths);
        FileWatch { paths, signals, versions, burst: None }
    }

    /// Ends when the version of a file has changed. Safe to cancel and call again.
    pub async fn changed(&mut self) {
        loop {
            let end = self.burst.map(WriteBurst::end);
            tokio::select! {
                biased;
                () = end_of(end) => {
                    self.burst = None;
                    // A new file in the place of an old file is not watched yet.
                    self.signals.watch(&self.paths);
                    let present = versions(&self.paths);
                    if std::mem::replace(&mut self.versions, present) != self.versions {
                        return;
                    }
                }
                () = self.signals.next() => {
                    let now = Instant::now();
                    let began = self.burst.map_or(now, |burst| burst.began);
                    self.burst = Some(WriteBurst { began, last: now });
                }
            }
        }
    }
}

impl WriteBurst {
    fn end(self) -> Instant {
        (self.last + QUIET).min(self.began + MAX_BURST)
    }
}

async fn end_of(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

fn versions(paths: &[PathBuf]) -> Vec<Option<FileVersion>> {
    paths.iter().map(|path| FileVersion::of(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for any machine; a report that does not come fails the test.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn is_reported(watch: &mut FileWatch) {
        tokio::time::timeout(PATIENCE, watch.changed()).await.expect("the change is reported");
    }

    #[tokio::test]
    async fn a_file_is_reported_when_made_written_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("leases"), folder.path().join("new"));
        let mut watch = FileWatch::begin(vec![path.clone()]);
        fs::write(&path, "one").unwrap();
        is_reported(&mut watch).await;
        fs::write(&path, "in place").unwrap();
        is_reported(&mut watch).await;
        fs::write(&new, "in place").unwrap();
        fs::rename(&new, &path).unwrap();
        is_reported(&mut watch).await;
        fs::write(&path, "the new file is watched").unwrap();
        is_reported(&mut watch).await;
        fs::remove_file(&path).unwrap();
        is_reported(&mut watch).await;
    }

    #[tokio::test]
    async fn writes_in_a_row_are_one_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases");
        fs::write(&path, "").unwrap();
        let mut watch = FileWatch::begin(vec![path.clone()]);
        for length in 1..10 {
            fs::write(&path, "x".repeat(length)).unwrap();
        }
        is_reported(&mut watch).await;
        assert_eq!(watch.versions, versions(&[path]), "the last version");
        assert!(watch.burst.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_ends_after_a_pause_and_at_the_latest_after_a_while() {
        let began = Instant::now();
        let ends = |after: Duration| WriteBurst { began, last: began + after }.end() - began;
        assert_eq!(ends(Duration::ZERO), QUIET);
        assert_eq!(ends(Duration::from_secs(1)), Duration::from_secs(1) + QUIET);
        assert_eq!(ends(MAX_BURST), MAX_BURST);
    }
}
