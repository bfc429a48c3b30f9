//! The search: segments from the first to the last, or the newest rows alone from the last segment on.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::filter::LogFilter;
use crate::row::LogRow;
use crate::segment::{Segment, segments};
use crate::writer::{MAGIC, MAX_SEGMENT_OCTETS};

/// Octets of a segment that are read at most: a segment ends with the first row beyond [`MAX_SEGMENT_OCTETS`].
const MAX_READ_OCTETS: u64 = MAX_SEGMENT_OCTETS + 4096;

/// How far a log has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition {
    /// The begin of the segment, in seconds since 1970.
    segment_s: u64,
    /// The octets read of the segment.
    octets: u64,
}

/// Calls `found` for each row of the log in `folder` that the filter admits, until `found` returns false. Returns how far
/// the log has been read.
///
/// # Errors
/// The folder or a segment cannot be read.
pub fn search(
    folder: &Path,
    filter: &LogFilter,
    found: impl FnMut(&LogRow<'_>) -> bool,
) -> io::Result<LogPosition> {
    search_from(folder, LogPosition::default(), filter, found)
}

/// As [`search()`], from a position on.
///
/// # Errors
/// The folder or a segment cannot be read.
pub fn search_from(
    folder: &Path,
    from: LogPosition,
    filter: &LogFilter,
    mut found: impl FnMut(&LogRow<'_>) -> bool,
) -> io::Result<LogPosition> {
    let segments = segments(folder)?;
    let mut position = from;
    let mut octets = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        // No row of a segment is later than the begin of the next segment, if the clock went on.
        let next_s = segments.get(at + 1).map(|next| next.begin_s);
        let is_before = next_s.is_some_and(|next_s| next_s < filter.since_s);
        if is_before || segment.begin_s < from.segment_s {
            continue;
        }
        let begin = if segment.begin_s == from.segment_s { from.octets } else { 0 };
        let end = match read(segment, begin, &mut octets) {
            // Retention may remove a segment meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read?,
        };
        position = LogPosition { segment_s: segment.begin_s, octets: end };
        let Some(mut rest) = rows(begin, &octets) else { continue };
        let before = rest.len();
        while let Some((row, next)) = LogRow::take(segment.begin_s, rest) {
            rest = next;
            if filter.admits(&row) && !found(&row) {
                position.octets = end - rest.len() as u64;
                return Ok(position);
            }
        }
        // A part of a row is read again once the rest is there.
        position.octets = if before == 0 { end } else { end - rest.len() as u64 };
    }
    Ok(position)
}

/// The newest admitted rows, mapped by `take`, newest first, at most `most`; rows mapped to `None` do not count. A segment
/// is read only if a row is needed.
///
/// # Errors
/// The folder or a segment cannot be read.
pub fn newest<T>(
    folder: &Path,
    filter: &LogFilter,
    most: usize,
    mut take: impl FnMut(&LogRow<'_>) -> Option<T>,
) -> io::Result<Vec<T>> {
    let mut found = Vec::new();
    let (mut octets, mut next_s) = (Vec::new(), None);
    for segment in segments(folder)?.iter().rev() {
        // No row of a segment is later than the begin of the next segment, if the clock went on.
        let is_before = next_s.is_some_and(|next_s| next_s < filter.since_s);
        if is_before || found.len() >= most {
            break;
        }
        next_s = Some(segment.begin_s);
        // Every row of a segment is at or after the beginning of the segment.
        if filter.until_s.is_some_and(|until_s| segment.begin_s > until_s) {
            continue;
        }
        match read(segment, 0, &mut octets) {
            // Retention may remove a segment meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read?,
        };
        let mut rest = rows(0, &octets).unwrap_or_default();
        let mut newest = VecDeque::new();
        while let Some((row, next)) = LogRow::take(segment.begin_s, rest) {
            rest = next;
            let Some(value) = Some(row).filter(|row| filter.admits(row)).and_then(|row| take(&row))
            else {
                continue;
            };
            if newest.len() >= most - found.len() {
                newest.pop_front();
            }
            newest.push_back(value);
        }
        found.extend(newest.into_iter().rev());
    }
    Ok(found)
}

/// Reads the octets of a segment from `begin` on; returns where they end.
fn read(segment: &Segment, begin: u64, octets: &mut Vec<u8>) -> io::Result<u64> {
    octets.clear();
    let mut file = File::open(&segment.path)?;
    file.seek(SeekFrom::Start(begin))?;
    let read = file.take(MAX_READ_OCTETS).read_to_end(octets)?;
    Ok(begin + read as u64)
}

/// The rows among the octets from `begin` on; none without the first line of a segment.
fn rows(begin: u64, octets: &[u8]) -> Option<&[u8]> {
    if begin == 0 { octets.strip_prefix(MAGIC) } else { Some(octets) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use zoners_api::QueryOutcome;
    use zoners_dns::Transport;

    use super::*;
    use crate::segment::Retention;
    use crate::writer::LogWriter;

    const FOREVER: Retention = Retention { age_s: u64::MAX, octets: u64::MAX };

    fn row(received_s: u64) -> LogRow<'static> {
        LogRow {
            received_s,
            client: None,
            transport: Transport::Tcp,
            question: None,
            outcome: QueryOutcome::Dropped,
            rcode: None,
            ede: None,
            took_ms: 0,
        }
    }

    fn found(folder: &Path, from: LogPosition, since_s: u64) -> (Vec<u64>, LogPosition) {
        let mut seconds = Vec::new();
        let filter = LogFilter { since_s, ..LogFilter::default() };
        let position = search_from(folder, from, &filter, |row| {
            seconds.push(row.received_s);
            true
        });
        (seconds, position.unwrap())
    }

    #[test]
    fn a_reader_goes_on_where_it_has_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
        let mut add = |seconds: &[u64]| {
            seconds.iter().for_each(|second| writer.add(&row(*second)).unwrap());
            writer.write().unwrap();
        };
        add(&[100, 101]);
        let (seconds, position) = found(folder.path(), LogPosition::default(), 0);
        assert_eq!(seconds, [100, 101]);
        assert_eq!(found(folder.path(), position, 0), (vec![], position));
        add(&[102, 9000]);
        let (seconds, position) = found(folder.path(), position, 0);
        assert_eq!(seconds, [102, 9000]);
        // A row that is being written.
        let path = segments(folder.path()).unwrap().pop().unwrap().path;
        let whole = fs::read(&path).unwrap();
        add(&[9001]);
        let longer = fs::read(&path).unwrap();
        fs::write(&path, &longer[..longer.len() - 3]).unwrap();
        let (seconds, there) = found(folder.path(), position, 0);
        assert_eq!((seconds, there), (vec![], position));
        assert!(whole.len() < longer.len());
        fs::write(&path, &longer).unwrap();
        assert_eq!(found(folder.path(), there, 0).0, [9001]);
    }

    #[test]
    fn segments_from_before_are_not_read_and_files_of_other_kinds_have_no_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
        for second in [100, 9000, 20_000, 20_001] {
            writer.add(&row(second)).unwrap();
        }
        writer.write().unwrap();
        assert_eq!(found(folder.path(), LogPosition::default(), 9000).0, [9000, 20_000, 20_001]);
        assert_eq!(found(folder.path(), LogPosition::default(), 20_001).0, [20_001]);
        let first = segments(folder.path()).unwrap().remove(0);
        fs::write(first.path, b"something else").unwrap();
        assert_eq!(found(folder.path(), LogPosition::default(), 0).0, [9000, 20_000, 20_001]);
    }

    #[test]
    fn the_newest_rows_are_found_without_older_segments() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
        for second in [100, 101, 9000, 9001, 9002, 20_000, 20_001] {
            writer.add(&row(second)).unwrap();
        }
        writer.write().unwrap();
        let newest = |most, since_s, until_s: u64| {
            let filter = LogFilter { since_s, until_s: Some(until_s), ..LogFilter::default() };
            let mut looked = 0;
            let found = newest(folder.path(), &filter, most, |row| {
                looked += 1;
                (row.received_s != 9001).then_some(row.received_s)
            });
            (found.unwrap(), looked)
        };
        assert_eq!(newest(9, 0, u64::MAX), (vec![20_001, 20_000, 9002, 9000, 101, 100], 7));
        assert_eq!(newest(2, 0, u64::MAX), (vec![20_001, 20_000], 2), "one segment");
        assert_eq!(newest(3, 0, u64::MAX), (vec![20_001, 20_000, 9002], 5), "two segments");
        assert_eq!(newest(4, 0, u64::MAX).0, [20_001, 20_000, 9002, 9000], "the limit");
        assert_eq!(newest(0, 0, u64::MAX), (vec![], 0));
        assert_eq!(newest(9, 9001, 20_000).0, [20_000, 9002]);
        assert_eq!(newest(9, 101, 9000).0, [9000, 101]);
        assert_eq!(newest(9, 30_000, u64::MAX).0, [0; 0]);
    }

    #[test]
    fn a_search_ends_when_enough_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(folder.path(), FOREVER).unwrap();
        (1..9).for_each(|second| writer.add(&row(second)).unwrap());
        writer.write().unwrap();
        let mut count = 0;
        let all = LogFilter::default();
        let position = search(folder.path(), &all, |_| {
            count += 1;
            count < 3
        });
        assert_eq!(found(folder.path(), position.unwrap(), 0).0, [4, 5, 6, 7, 8]);
    }
}
