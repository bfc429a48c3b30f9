//! The next version of a stored zone while a transfer comes in.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bytes::Bytes;
use zoners_dns::{Name, Rtype, ZoneRecord};

use super::StoredZone;
use crate::records::RecordWriter;
use crate::transfer::{TransferFault, VersionDraft};

/// The memory of the differences of one transfer, by a generous count; for more, the whole zone is transferred.
pub const MAX_DIFFERENCE_OCTETS: usize = 8 << 20;
/// Octets of memory of a difference beside its record.
const DIFFERENCE_OCTETS: usize = 96;
/// Octets of type and length of the owner at the end of a record's identity.
const TAIL_OCTETS: usize = 3;

/// A version being written: a whole zone goes to the disk record by record, and differences are kept in memory until the
/// version at hand is copied.
#[derive(Debug)]
pub struct StoredDraft<W> {
    out: RecordWriter<W>,
    max_octets: u64,
    differences: Option<StoredDifferences>,
}

/// Differences from a version at hand.
#[derive(Debug)]
struct StoredDifferences {
    base: StoredZone,
    by_record: BTreeMap<Box<[u8]>, RecordDifference>,
    octets: usize,
    max_octets: usize,
}

/// What has become of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RecordDifference {
    /// The first difference took the record away: the version at hand has it.
    must_exist: bool,
    /// The TTL of the record in the new version, if that has the record.
    ttl: Option<u32>,
}

impl<W: Write> StoredDraft<W> {
    /// A whole zone, which may take `max_octets` on the disk.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn whole(apex: &Name, out: W, max_octets: u64) -> Result<Self, TransferFault> {
        let out = RecordWriter::begin(apex, out).map_err(not_written)?;
        Ok(StoredDraft { out, max_octets, differences: None })
    }

    /// The records of a version at hand, to be changed.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn of(base: &StoredZone, out: W, max_octets: u64) -> Result<Self, TransferFault> {
        let differences = StoredDifferences {
            base: base.clone(),
            by_record: BTreeMap::new(),
            octets: 0,
            max_octets: MAX_DIFFERENCE_OCTETS,
        };
        let draft = StoredDraft::whole(base.apex(), out, max_octets)?;
        Ok(StoredDraft { differences: Some(differences), ..draft })
    }

    fn write(&mut self, record: &ZoneRecord) -> Result<(), TransferFault> {
        self.out.write(record).map_err(not_written)?;
        match self.out.octets() > self.max_octets {
            true => {
                let what = format!("the zone takes more than {} octets", self.max_octets);
                Err(TransferFault::Zone(what))
            }
            false => Ok(()),
        }
    }

    /// Copies the version at hand with its differences, the SOA record first.
    fn merge(&mut self, differences: StoredDifferences) -> Result<(), TransferFault> {
        let StoredDifferences { base, mut by_record, .. } = differences;
        let apex = base.apex().clone();
        let is_soa = |record: &ZoneRecord| is_soa_of(&apex, record);
        let soas: Vec<ZoneRecord> = added(&by_record).filter(is_soa).collect();
        let [soa] = &*soas else { return Err(TransferFault::Diverges) };
        self.write(soa)?;
        for record in base.records().map_err(not_read)? {
            let record = record.map_err(not_read)?;
            match by_record.get_mut(&*identity(&record)) {
                Some(difference) => difference.must_exist = false,
                None => self.write(&record)?,
            }
        }
        if by_record.values().any(|difference| difference.must_exist) {
            return Err(TransferFault::Diverges);
        }
        let mut others = added(&by_record).filter(|record| !is_soa(record));
        others.try_for_each(|record| self.write(&record))
    }
}

impl<W: Write> VersionDraft for StoredDraft<W> {
    type Version = W;

    fn add(&mut self, record: ZoneRecord) -> Result<(), TransferFault> {
        match &mut self.differences {
            None => self.write(&record),
            Some(differences) => {
                differences.of(&record)?.0.ttl = Some(record.ttl);
                Ok(())
            }
        }
    }

    fn remove(&mut self, record: &ZoneRecord) -> Result<(), TransferFault> {
        // A whole zone takes nothing away.
        let differences = self.differences.as_mut().ok_or(TransferFault::Diverges)?;
        let (difference, is_first) = differences.of(record)?;
        if is_first {
            difference.must_exist = true;
            return Ok(());
        }
        // A record that is away cannot be taken away again.
        difference.ttl.take().map(drop).ok_or(TransferFault::Diverges)
    }

    fn finish(mut self) -> Result<W, TransferFault> {
        if let Some(differences) = self.differences.take() {
            self.merge(differences)?;
        }
        self.out.end().map_err(not_written)
    }
}

impl StoredDifferences {
    /// What has become of a record, and whether nothing had become of it before.
    fn of(&mut self, record: &ZoneRecord) -> Result<(&mut RecordDifference, bool), TransferFault> {
        let key = identity(record);
        let is_first = !self.by_record.contains_key(&*key);
        if is_first {
            self.octets += octets_of(record);
        }
        if self.octets > self.max_octets {
            let max_octets = self.max_octets;
            let what = format!("the differences take more than {max_octets} octets of memory");
            return Err(TransferFault::Zone(what));
        }
        Ok((self.by_record.entry(key).or_default(), is_first))
    }
}

/// Octets of memory of a difference.
pub(super) fn octets_of(record: &ZoneRecord) -> usize {
    record.owner.len() + record.rdata.len() + TAIL_OCTETS + DIFFERENCE_OCTETS
}

/// The records that the differences have added and not taken away.
fn added(by_record: &BTreeMap<Box<[u8]>, RecordDifference>) -> impl Iterator<Item = ZoneRecord> {
    by_record.iter().filter_map(|(key, difference)| {
        let (owner, rtype, rdata) = split_identity(key)?;
        Some(ZoneRecord { owner, rtype, ttl: difference.ttl?, rdata })
    })
}

fn is_soa_of(apex: &Name, record: &ZoneRecord) -> bool {
    record.rtype == Rtype::SOA && record.owner == *apex
}

/// A record without its TTL: owner in lower case, RDATA, type and length of the owner.
fn identity(record: &ZoneRecord) -> Box<[u8]> {
    let owner = record.owner.as_slice().to_ascii_lowercase();
    let rtype = record.rtype.to_int().to_be_bytes();
    [&*owner, &record.rdata, &rtype, &[owner.len() as u8]].concat().into()
}

fn split_identity(key: &[u8]) -> Option<(Name, Rtype, Box<[u8]>)> {
    let (front, [t0, t1, length]) = key.split_last_chunk::<TAIL_OCTETS>()?;
    let (owner, rdata) = front.split_at_checked(usize::from(*length))?;
    let owner = Name::from_octets(Bytes::copy_from_slice(owner)).ok()?;
    Some((owner, Rtype::from_int(u16::from_be_bytes([*t0, *t1])), rdata.into()))
}

fn not_written(error: io::Error) -> TransferFault {
    TransferFault::Zone(format!("the zone is not written to the disk: {error}"))
}

fn not_read(error: io::Error) -> TransferFault {
    TransferFault::Zone(format!("the version at hand is not read from the disk: {error}"))
}
