//! Files of the disk behind a compiled policy.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use zoners_policy::Storage;

/// A file, read with `pread` and written with `pwrite`.
#[derive(Debug)]
pub(super) struct DiskStorage(pub(super) File);

impl Storage for DiskStorage {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(octets, offset)
    }

    fn octets(&self) -> io::Result<u64> {
        self.0.metadata().map(|about| about.len())
    }
}
