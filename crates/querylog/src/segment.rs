//! Segments: the files of a log, and how long they stay.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The end of the name of a segment; the first part is the second of the begin.
const ENDING: &str = ".queries";

/// A file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The begin, in seconds since 1970.
    pub begin_s: u64,
    /// The octets of the file.
    pub octets: u64,
    /// The file.
    pub path: PathBuf,
}

/// How long rows stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Seconds for which a row stays.
    pub age_s: u64,
    /// Octets of the log.
    pub octets: u64,
}

/// The file of a segment.
pub(crate) fn path(folder: &Path, begin_s: u64) -> PathBuf {
    // As many digits for each, so that names are in the order of time.
    folder.join(format!("{begin_s:012}{ENDING}"))
}

/// Whether a segment may have this file name.
#[must_use]
pub fn is_segment_name(name: &str) -> bool {
    begin_of(name).is_some()
}

/// The begin in the name of a segment.
fn begin_of(name: &str) -> Option<u64> {
    name.strip_suffix(ENDING)?.parse().ok()
}

/// The segments in a folder, the oldest first.
///
/// # Errors
/// The folder cannot be read.
pub fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(begin_s) = entry.file_name().to_str().and_then(begin_of) else { continue };
        let about = entry.metadata()?;
        if about.is_file() {
            segments.push(Segment { begin_s, octets: about.len(), path: entry.path() });
        }
    }
    segments.sort_by_key(|segment| segment.begin_s);
    Ok(segments)
}

impl Retention {
    /// How many of the oldest segments have to go. A segment goes with its last row, which is older than the begin of the
    /// next segment. The newest segment, which is being written, stays.
    #[must_use]
    pub fn expired(&self, segments: &[Segment], now_s: u64) -> usize {
        let oldest_s = now_s.saturating_sub(self.age_s);
        let too_old = segments.windows(2).take_while(|pair| pair[1].begin_s < oldest_s).count();
        let mut octets: u64 = segments.iter().map(|segment| segment.octets).sum();
        let mut too_large = 0;
        for segment in segments.iter().take(segments.len().saturating_sub(1)) {
            if octets <= self.octets {
                break;
            }
            octets -= segment.octets;
            too_large += 1;
        }
        too_old.max(too_large)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_segments_go_by_age_and_by_size() {
        let segment = |begin_s| Segment { begin_s, octets: 10, path: PathBuf::new() };
        let all: Vec<Segment> = [100, 200, 300, 400].map(segment).into();
        let expired = |age_s, octets| Retention { age_s, octets }.expired(&all, 500);
        assert_eq!(expired(1000, 1000), 0);
        assert_eq!(expired(250, 1000), 1, "the second has rows up to the 300th second");
        assert_eq!(expired(150, 1000), 2);
        assert_eq!(expired(0, 1000), 3, "the newest stays");
        assert_eq!(expired(1000, 30), 1);
        assert_eq!(expired(1000, 0), 3);
        assert_eq!(Retention { age_s: 0, octets: 0 }.expired(&[], 500), 0);
    }

    #[test]
    fn only_segments_are_listed_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        for begin_s in [2000, 1000] {
            fs::write(path(folder.path(), begin_s), b"12").unwrap();
        }
        fs::write(folder.path().join("notes.txt"), b"").unwrap();
        fs::create_dir(path(folder.path(), 3000)).unwrap();
        let found = segments(folder.path()).unwrap();
        let found: Vec<(u64, u64)> = found.iter().map(|it| (it.begin_s, it.octets)).collect();
        assert_eq!(found, [(1000, 2), (2000, 2)]);
        assert!(is_segment_name("000000001000.queries") && !is_segment_name("notes.queries"));
    }
}
