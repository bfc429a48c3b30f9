//! The writer: appends rows, begins segments, and removes expired segments.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::row::LogRow;
use crate::segment::{Retention, path, segments};

/// The first octets of a segment. A change of the rows changes this line.
pub(crate) const MAGIC: &[u8] = b"zoners queries 1\n";
/// Seconds of a segment.
const SEGMENT_S: u64 = 3600;
/// Octets of a segment: less than a gigabyte an hour, and as much as a reader takes into memory at once.
pub(crate) const MAX_SEGMENT_OCTETS: u64 = 64 << 20;

/// Writes rows into the segments of a folder, which has one writer. Other files may lie there.
#[derive(Debug)]
pub struct LogWriter {
    folder: PathBuf,
    retention: Retention,
    current: Option<OpenSegment>,
    /// Rows that are not written yet.
    waiting: Vec<u8>,
}

#[derive(Debug)]
struct OpenSegment {
    begin_s: u64,
    /// Octets of the segment, with waiting rows.
    octets: u64,
    /// Octets in the file.
    written: u64,
    file: File,
}

impl LogWriter {
    /// A writer into `folder`, which is made if absent, for this user alone. Earlier segments stay as they are.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: &Path, retention: Retention) -> io::Result<Self> {
        // A sandbox may forbid to make folders.
        if !folder.is_dir() {
            DirBuilder::new().mode(0o700).create(folder)?;
        }
        segments(folder)?;
        Ok(LogWriter { folder: folder.to_owned(), retention, current: None, waiting: Vec::new() })
    }

    /// Adds a row, which is in the file after [`LogWriter::write`].
    ///
    /// # Errors
    /// The segment cannot be begun, or the former segment cannot be finished.
    pub fn add(&mut self, row: &LogRow<'_>) -> io::Result<()> {
        let is_fit = |current: &OpenSegment| {
            // The wall clock may go back: no row is from before its segment.
            (current.begin_s..current.begin_s + SEGMENT_S).contains(&row.received_s)
                && current.octets < MAX_SEGMENT_OCTETS
        };
        let begin_s = match self.current.as_ref().filter(|current| is_fit(current)) {
            Some(current) => current.begin_s,
            None => self.begin(row.received_s)?,
        };
        let before = self.waiting.len();
        row.put(begin_s, &mut self.waiting);
        let added = (self.waiting.len() - before) as u64;
        self.current.iter_mut().for_each(|current| current.octets += added);
        Ok(())
    }

    /// Writes the rows so far. The disk may make the caller wait.
    ///
    /// # Errors
    /// The rows are lost: the disk is full or faulty. The segment ends with the last whole row.
    pub fn write(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(current) = &mut self.current else { return Ok(()) };
        let outcome = current.file.write_all(&waiting);
        match outcome {
            Ok(()) => current.written = current.octets,
            Err(_) => self.cut_off(),
        }
        self.waiting = waiting;
        self.waiting.clear();
        outcome
    }

    /// Ends the segment with the last whole row; or begins another with the next row, if that cannot be done.
    fn cut_off(&mut self) {
        self.current.take_if(|current| current.file.set_len(current.written).is_err());
        self.current.iter_mut().for_each(|current| current.octets = current.written);
    }

    /// Removes the segments that have expired; returns how many.
    ///
    /// # Errors
    /// A segment cannot be removed.
    pub fn expire(&self, now_s: u64) -> io::Result<usize> {
        let segments = segments(&self.folder)?;
        let expired = self.retention.expired(&segments, now_s);
        segments.iter().take(expired).try_for_each(|segment| fs::remove_file(&segment.path))?;
        Ok(expired)
    }

    /// Begins the segment of a row; returns the second of the begin, which is earlier than the row if another segment has
    /// begun in the same second.
    fn begin(&mut self, received_s: u64) -> io::Result<u64> {
        self.write()?;
        self.current = None;
        for begin_s in (0..=received_s).rev().take(SEGMENT_S as usize) {
            let options = OpenOptions::new().append(true).create_new(true).mode(0o600).clone();
            let path = path(&self.folder, begin_s);
            let mut file = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            if let Err(error) = file.write_all(MAGIC) {
                // On a full disk, no attempt leaves a file behind.
                let _ = fs::remove_file(path);
                return Err(error);
            }
            let octets = MAGIC.len() as u64;
            self.current = Some(OpenSegment { begin_s, octets, written: octets, file });
            return Ok(begin_s);
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many segments of one hour"))
    }
}

#[cfg(test)]
mod tests;
