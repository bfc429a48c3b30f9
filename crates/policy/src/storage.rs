//! The files behind a compiled policy, as the caller opens them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

/// A file read and written at offsets.
///
/// A [`File`] is read with `pread` and written with `pwrite`. A mapping of the file would take `unsafe`, and a truncated
/// file would be a signal; a read of a truncated file is an error.
pub trait Storage: Send + Sync {
    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// The file is shorter, or the system reports an error.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes `octets` from `offset` on; the file grows as needed.
    ///
    /// # Errors
    /// The system reports an error.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;

    /// The length of the file in octets.
    ///
    /// # Errors
    /// The system reports an error.
    fn octets(&self) -> io::Result<u64>;
}

impl Storage for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(octets, offset)
    }

    fn octets(&self) -> io::Result<u64> {
        self.metadata().map(|about| about.len())
    }
}

/// A file in memory, for tests and for programs without files.
#[derive(Debug, Default)]
pub struct MemoryStorage(Mutex<Vec<u8>>);

impl MemoryStorage {
    /// A file with this content.
    #[must_use]
    pub fn new(octets: Vec<u8>) -> Self {
        MemoryStorage(Mutex::new(octets))
    }

    /// A copy of the content.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Storage for MemoryStorage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let range = file.get(from..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let end = from + octets.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[from..end].copy_from_slice(octets);
        Ok(())
    }

    fn octets(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }
}

/// Writes a file from an offset on, in pieces.
pub(crate) struct SequentialWriter<'a> {
    storage: &'a dyn Storage,
    waiting: Vec<u8>,
    written: u64,
}

/// Octets gathered for a write.
const WRITE_OCTETS: usize = 64 * 1024;

impl<'a> SequentialWriter<'a> {
    pub(crate) fn new(storage: &'a dyn Storage, offset: u64) -> Self {
        SequentialWriter { storage, waiting: Vec::with_capacity(WRITE_OCTETS), written: offset }
    }

    pub(crate) fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.waiting.len() + octets.len() > WRITE_OCTETS {
            self.flush()?;
        }
        self.waiting.extend_from_slice(octets);
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.storage.write_at(&self.waiting, self.written)?;
        self.written += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Where the next octet goes.
    pub(crate) fn offset(&self) -> u64 {
        self.written + self.waiting.len() as u64
    }
}

/// Reads a range of a file from the beginning on, in pieces.
pub(crate) struct SequentialReader<'a> {
    storage: &'a dyn Storage,
    buffer: Vec<u8>,
    /// Where the unconsumed part of the buffer begins.
    at: usize,
    next: u64,
    end: u64,
    piece: usize,
}

impl<'a> SequentialReader<'a> {
    pub(crate) fn new(storage: &'a dyn Storage, from: u64, end: u64, piece: usize) -> Self {
        SequentialReader { storage, buffer: Vec::new(), at: 0, next: from, end, piece }
    }

    /// The next octets, at least `least` unless the range ends before.
    pub(crate) fn peek(&mut self, least: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.at < least && self.next < self.end {
            self.buffer.drain(..self.at);
            self.at = 0;
            let room = self.piece.max(least).saturating_sub(self.buffer.len()) as u64;
            let more = room.min(self.end - self.next) as usize;
            let kept = self.buffer.len();
            self.buffer.resize(kept + more, 0);
            self.storage.read_at(&mut self.buffer[kept..], self.next)?;
            self.next += more as u64;
        }
        Ok(&self.buffer[self.at..])
    }

    pub(crate) fn consume(&mut self, octets: usize) {
        self.at = (self.at + octets).min(self.buffer.len());
    }
}
