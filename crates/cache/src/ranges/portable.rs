//! Export and import of ranges; see [`crate::portable`].

use std::ops::Bound;

use bytes::BufMut;
use zoners_dns::{Moment, Name, RRset};

use super::{NameKey, OwnerHash, ProvenRange, Ranges, ZoneRanges};
use crate::codec::{ValueReader, put_bytes, put_rrset};

/// The progress of an export.
#[derive(Clone, Debug, Default)]
pub(crate) struct RangeProgress {
    zone: Option<NameKey>,
    names: Option<NameKey>,
    hashes: Option<OwnerHash>,
}

impl Ranges {
    /// Calls `take` with the next ranges, about `max_octets` octets, in the format of [`Ranges::import`].
    /// False after the last range.
    pub(crate) fn export(
        &self,
        progress: &mut RangeProgress,
        max_octets: usize,
        now: Moment,
        mut take: impl FnMut(&Name, &[u8], Moment),
    ) -> bool {
        let zones = self.zones.lock();
        let from = progress.zone.as_deref().map_or(Bound::Unbounded, Bound::Included);
        let Some((place, zone)) = zones.of.range::<[u8], _>((from, Bound::Unbounded)).next() else {
            return false;
        };
        // The zone may have been evicted since the last call.
        if progress.zone.as_ref() != Some(place) {
            *progress = RangeProgress { zone: Some(place.clone()), ..RangeProgress::default() };
        }
        let mut octets = 0;
        let mut give = |value: Vec<u8>, range: &ProvenRange| {
            octets += value.len();
            if range.expires > now {
                take(&zone.apex, &value, range.expires);
            }
            octets < max_octets
        };
        let from = progress.names.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        for (name, range) in zone.names.range::<[u8], _>((from, Bound::Unbounded)) {
            progress.names = Some(name.clone());
            if !give(of_name(range), range) {
                return true;
            }
        }
        let from = progress.hashes.map_or(Bound::Unbounded, Bound::Excluded);
        for (hash, range) in zone.hashes.range((from, Bound::Unbounded)) {
            progress.hashes = Some(*hash);
            if !give(of_hash(zone, hash, range), range) {
                return true;
            }
        }
        // The first possible key after the key of the zone.
        let behind = [place, &[0][..]].concat().into();
        *progress = RangeProgress { zone: Some(behind), ..RangeProgress::default() };
        true
    }

    /// Imports a range of `zone`; `None` if the value is malformed.
    pub(crate) fn import(&self, zone: &Name, value: &[u8], expires: Moment) -> Option<()> {
        let mut value = ValueReader(value);
        match value.u8()? {
            0 => {
                let (next, set) = (value.slice()?, sound(&mut value)?);
                self.insert_place(zone, ProvenRange::new(&set, next, expires)?);
            }
            1 => {
                let (hash, iterations, salt) = (value.octets()?, value.u16()?, value.slice()?);
                let set = sound(&mut value)?;
                let range = ProvenRange::new(&set, &[], expires)?;
                self.insert_place_of_hash(zone, hash, (iterations, salt), range);
            }
            _ => return None,
        }
        Some(())
    }
}

fn of_name(range: &ProvenRange) -> Vec<u8> {
    let mut out = vec![0];
    put_bytes(&mut out, &range.next);
    put_rrset(&mut out, &range.set);
    out
}

fn of_hash(zone: &ZoneRanges, hash: &OwnerHash, range: &ProvenRange) -> Vec<u8> {
    let mut out = vec![1];
    out.put_slice(hash);
    out.put_u16(zone.parameters.0);
    put_bytes(&mut out, &zone.parameters.1);
    put_rrset(&mut out, &range.set);
    out
}

fn sound(value: &mut ValueReader<'_>) -> Option<RRset> {
    value.rrset().filter(|set| set.is_sound() && value.0.is_empty())
}
