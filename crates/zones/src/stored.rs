//! A version of a zone that lies on the disk alone: for a zone whose names nobody asks for, as a policy list.
//!
//! Only the SOA record is in memory. The records are read from the [`RecordPlace`] when a list is made of them, or when
//! differences are applied ([`StoredDraft`]). A version never changes: the next version has a place of its own.

mod draft;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use zoners_dns::{Name, Rtype, ZoneRecord};

use crate::records::{END_OCTETS, RecordReader, read_end};
use crate::zone::Soa;
pub use draft::{MAX_DIFFERENCE_OCTETS, StoredDraft};

/// The octets behind a version of a zone. A [`File`] is read with `pread`, and lives on when its name is taken by the next
/// version.
pub trait RecordPlace: fmt::Debug + Send + Sync {
    /// Reads octets from `offset` on; 0 at the end.
    ///
    /// # Errors
    /// The system reports an error.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The number of octets.
    ///
    /// # Errors
    /// The system reports an error.
    fn octets(&self) -> io::Result<u64>;
}

impl RecordPlace for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn octets(&self) -> io::Result<u64> {
        self.metadata().map(|about| about.len())
    }
}

impl RecordPlace for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        self.get(from..).unwrap_or_default().read(buffer)
    }

    fn octets(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// A version of a zone on the disk.
#[derive(Clone, Debug)]
pub struct StoredZone {
    apex: Name,
    soa: Soa,
    soa_rdata: Box<[u8]>,
    records: u64,
    place: Arc<dyn RecordPlace>,
}

impl StoredZone {
    /// Opens a version; the records between the first and the end are not looked at.
    ///
    /// # Errors
    /// The octets are torn, of another zone or another format, or cannot be read.
    pub fn open(apex: &Name, place: Arc<dyn RecordPlace>) -> io::Result<Self> {
        let records = last_count(&*place)?;
        let first = reader(apex, &place)?.next().transpose()?;
        let soa = first.filter(|first| first.rtype == Rtype::SOA && first.owner == *apex);
        let rdata = soa.map(|soa| soa.rdata).unwrap_or_default();
        let soa =
            Soa::read(&rdata).ok_or_else(|| io::Error::other("the file has no SOA record"))?;
        Ok(StoredZone { apex: apex.clone(), soa, soa_rdata: rdata, records, place })
    }

    /// The apex.
    #[must_use]
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// The numbers of the SOA record.
    #[must_use]
    pub fn soa(&self) -> Soa {
        self.soa
    }

    /// The RDATA of the SOA record.
    #[must_use]
    pub fn soa_rdata(&self) -> &[u8] {
        &self.soa_rdata
    }

    /// The number of records.
    #[must_use]
    pub fn record_count(&self) -> u64 {
        self.records
    }

    /// The records from the disk, the SOA record first.
    ///
    /// # Errors
    /// The octets cannot be read.
    pub fn records(&self) -> io::Result<impl Iterator<Item = io::Result<ZoneRecord>>> {
        reader(&self.apex, &self.place)
    }
}

/// The number of records at the end.
fn last_count(place: &dyn RecordPlace) -> io::Result<u64> {
    let mut end = [0; END_OCTETS];
    let offset = place.octets()?.saturating_sub(END_OCTETS as u64);
    // A short read leaves no mark.
    place.read_at(&mut end, offset)?;
    read_end(end).ok_or_else(|| io::Error::other("the file is torn"))
}

fn reader(
    apex: &Name,
    place: &Arc<dyn RecordPlace>,
) -> io::Result<RecordReader<BufReader<PlaceReader>>> {
    let input = PlaceReader { place: place.clone(), offset: 0 };
    RecordReader::begin(apex, BufReader::new(input))
}

/// Reads a place from the beginning on.
#[derive(Debug)]
struct PlaceReader {
    place: Arc<dyn RecordPlace>,
    offset: u64,
}

impl Read for PlaceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.place.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
