//! The records of a zone as octets on the disk, one after the other, with the SOA record first.
//!
//! A zone file would do, but the parser is slow, and some types have no text that reads back the same. The number of
//! records stands at the end, so that a torn file shows without a pass through the file.

use std::io::{self, Read, Write};

use bytes::Bytes;
use zoners_dns::{Name, Rtype, ZoneRecord};

/// The beginning, with the version of the format.
const MAGIC: &[u8; 16] = b"zoners zone   2\n";
/// Octets of type, TTL and length of a record.
const FIXED_OCTETS: usize = 8;
/// The mark of the end.
const END_MARK: [u8; 8] = *b"zone end";
/// Octets of the end: an empty owner, the number of records and the mark.
pub(crate) const END_OCTETS: usize = 1 + 8 + END_MARK.len();

/// Writes the records of a zone.
#[derive(Debug)]
pub(crate) struct RecordWriter<W> {
    out: W,
    records: u64,
    octets: u64,
}

impl<W: Write> RecordWriter<W> {
    /// Begins a zone with this apex.
    ///
    /// # Errors
    /// `out` takes no more.
    pub(crate) fn begin(apex: &Name, out: W) -> io::Result<Self> {
        let mut writer = RecordWriter { out, records: 0, octets: 0 };
        writer.put(MAGIC)?;
        writer.put(&[apex.len() as u8])?;
        writer.put(apex.as_slice())?;
        Ok(writer)
    }

    /// Writes a record; the first one is the SOA record.
    ///
    /// # Errors
    /// `out` takes no more.
    pub(crate) fn write(&mut self, record: &ZoneRecord) -> io::Result<()> {
        let ZoneRecord { owner, rtype, ttl, rdata } = record;
        self.put(&[owner.len() as u8])?;
        self.put(owner.as_slice())?;
        self.put(&rtype.to_int().to_be_bytes())?;
        self.put(&ttl.to_be_bytes())?;
        // RDATA came in a message, or in a text of this limit.
        self.put(&(rdata.len() as u16).to_be_bytes())?;
        self.put(rdata)?;
        self.records += 1;
        Ok(())
    }

    /// Octets written so far.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    /// Writes the end.
    ///
    /// # Errors
    /// `out` takes no more.
    pub(crate) fn end(mut self) -> io::Result<W> {
        let end = end_of(self.records);
        self.put(&end)?;
        Ok(self.out)
    }

    fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        self.octets += octets.len() as u64;
        self.out.write_all(octets)
    }
}

/// Reads what a [`RecordWriter`] has written: an iterator over the records, which ends after the first error.
#[derive(Debug)]
pub(crate) struct RecordReader<R> {
    input: R,
    records: u64,
    is_ended: bool,
}

impl<R: Read> RecordReader<R> {
    /// Begins to read the zone with this apex.
    ///
    /// # Errors
    /// The octets are of another zone or another format, or cannot be read.
    pub(crate) fn begin(apex: &Name, mut input: R) -> io::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).map_err(torn)?;
        if magic != *MAGIC {
            return Err(io::Error::other("the file has another format"));
        }
        if read_name(&mut input).map_err(torn)?.as_ref() != Some(apex) {
            return Err(io::Error::other("the file has another zone"));
        }
        Ok(RecordReader { input, records: 0, is_ended: false })
    }

    fn read(&mut self) -> io::Result<Option<ZoneRecord>> {
        match read_name(&mut self.input)? {
            Some(owner) => {
                self.records += 1;
                read_record(owner, &mut self.input).map(Some)
            }
            None => self.end().map(|()| None),
        }
    }

    /// Checks the number of records behind the empty owner, and that nothing follows.
    fn end(&mut self) -> io::Result<()> {
        let mut end = [0; END_OCTETS];
        self.input.read_exact(&mut end[1..])?;
        let is_end = self.input.read(&mut [0])? == 0;
        match is_end && end == end_of(self.records) {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl<R: Read> Iterator for RecordReader<R> {
    type Item = io::Result<ZoneRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_ended {
            return None;
        }
        let read = self.read().map_err(torn).transpose();
        self.is_ended = !matches!(read, Some(Ok(_)));
        read
    }
}

/// The number of records at the end, if this is an end.
pub(crate) fn read_end(end: [u8; END_OCTETS]) -> Option<u64> {
    let records = end.get(1..)?.first_chunk().map(|octets| u64::from_be_bytes(*octets))?;
    (end == end_of(records)).then_some(records)
}

fn end_of(records: u64) -> [u8; END_OCTETS] {
    let mut end = [0; END_OCTETS];
    end[1..9].copy_from_slice(&records.to_be_bytes());
    end[9..].copy_from_slice(&END_MARK);
    end
}

/// The next name behind its length; `None` for a length of 0.
fn read_name(input: &mut impl Read) -> io::Result<Option<Name>> {
    let mut length = [0];
    input.read_exact(&mut length)?;
    if length == [0] {
        return Ok(None);
    }
    let mut octets = vec![0; usize::from(length[0])];
    input.read_exact(&mut octets)?;
    let name = Name::from_octets(Bytes::from(octets));
    name.map(Some).map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

fn read_record(owner: Name, input: &mut impl Read) -> io::Result<ZoneRecord> {
    let mut fixed = [0; FIXED_OCTETS];
    input.read_exact(&mut fixed)?;
    let [t0, t1, ttl @ .., l0, l1] = fixed;
    let mut rdata = vec![0; usize::from(u16::from_be_bytes([l0, l1]))];
    input.read_exact(&mut rdata)?;
    let rtype = Rtype::from_int(u16::from_be_bytes([t0, t1]));
    Ok(ZoneRecord { owner, rtype, ttl: u32::from_be_bytes(ttl), rdata: rdata.into() })
}

/// The word for an end too early; other errors stay.
fn torn(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::other("the file is torn"),
        _ => error,
    }
}
