//! NSEC records (RFC 4034 section 4): the names of a zone in canonical order, each with the next
//! name.

use bytes::Bytes;
use zoners_dns::{Name, RRset, Rtype, SortKey, name};

/// A type that only occurs in bitmaps: the owner of the NSEC record does not exist (RFC 9824
/// section 3.2). Zones have no records of the type, and queries may not ask for the type.
pub const NXNAME: Rtype = Rtype::from_int(128);

/// An NSEC record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec {
    /// A name that exists.
    pub owner: Name,
    /// The next name that exists; after the last name, the apex.
    pub next: Name,
    /// The types at the owner.
    pub types: TypeBitmap,
}

/// A set of types, in the format of NSEC and NSEC3 records (RFC 4034 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeBitmap(pub(crate) Bytes);

impl TypeBitmap {
    /// The type bitmap of an NSEC RRset. `None` for another type, or if the RDATA is truncated.
    #[must_use]
    pub fn of(set: &RRset) -> Option<Self> {
        let rdata = set.records.slices().next().filter(|_| set.rtype == Rtype::NSEC)?;
        let bitmap = rdata.get(end_of_next(rdata)?..)?;
        Some(TypeBitmap(set.records.as_bytes().slice_ref(bitmap)))
    }

    /// Whether the bitmap contains `rtype`.
    #[must_use]
    pub fn has(&self, rtype: Rtype) -> bool {
        let [window, low] = rtype.to_int().to_be_bytes();
        let mut rest = &self.0[..];
        while let [number, length, tail @ ..] = rest {
            let Some((bits, after)) = tail.split_at_checked(usize::from(*length)) else { break };
            if *number == window {
                let octet = bits.get(usize::from(low / 8)).copied().unwrap_or(0);
                return octet & (0x80 >> (low % 8)) != 0;
            }
            rest = after;
        }
        false
    }

    /// Whether the owner name does not exist: NXNAME, with no type but NSEC and RRSIG beside (RFC
    /// 9824 section 3.2). A bitmap with NXNAME and data types contradicts itself; then the data
    /// types count.
    #[must_use]
    pub fn deny_owner_name(&self) -> bool {
        let expected = [NXNAME, Rtype::NSEC, Rtype::RRSIG];
        self.has(NXNAME) && self.count() == expected.iter().filter(|own| self.has(**own)).count()
    }

    /// The number of types in the bitmap.
    fn count(&self) -> usize {
        let (mut rest, mut count) = (&self.0[..], 0);
        while let [_, length, tail @ ..] = rest {
            let Some((bits, after)) = tail.split_at_checked(usize::from(*length)) else { break };
            count += bits.iter().map(|octet| octet.count_ones() as usize).sum::<usize>();
            rest = after;
        }
        count
    }

    /// Whether the owner is a delegation, as the parent zone sees the name.
    #[must_use]
    pub fn delegates(&self) -> bool {
        self.has(Rtype::NS) && !self.has(Rtype::SOA)
    }

    /// Whether the zone says nothing about names below the owner (RFC 6840 section 4.1): a
    /// delegation or a DNAME.
    #[must_use]
    pub fn hide_names_below(&self) -> bool {
        self.delegates() || self.has(Rtype::DNAME)
    }
}

impl Nsec {
    /// Reads the NSEC record of an RRset of `zone`. `None` if the RDATA is truncated, a name lies
    /// outside the zone, or the next name sorts before the owner without being the apex (RFC 4034
    /// section 4.1.1).
    #[must_use]
    pub fn read(set: &RRset, zone: &Name) -> Option<Self> {
        let rdata = set.records.first().filter(|_| set.rtype == Rtype::NSEC)?;
        let end = end_of_next(&rdata)?;
        let next = Name::from_octets(rdata.slice(..end)).ok()?;
        let types = TypeBitmap(rdata.slice(end..));
        let inside = name::is_within(&set.owner, zone) && name::is_within(&next, zone);
        let forward = next > set.owner || next == *zone;
        (inside && forward).then(|| Nsec { owner: set.owner.clone(), next, types })
    }

    /// Whether the record proves that `name` does not exist or is an empty non-terminal.
    ///
    /// The zone says nothing about names below a delegation or a DNAME (RFC 6840 section 4.1). A
    /// record with NXNAME denies its owner alone: the server made up the next name, and the names
    /// in between may exist (RFC 9824 section 3.1). `place` is the sort key of `name`.
    #[must_use]
    pub fn covers(&self, name: &Name, place: &SortKey) -> bool {
        if self.types.deny_owner_name() {
            return false;
        }
        if self.types.hide_names_below() && name::is_below(name, &self.owner) {
            return false;
        }
        let key = |name: &Name| SortKey::of(name.for_slice());
        let (owner, next) = (key(&self.owner), key(&self.next));
        let (owner, name, next) = (owner.as_slice(), place.as_slice(), next.as_slice());
        // The last NSEC record of a zone points back to the apex.
        owner < name && (name < next || next <= owner)
    }

    /// Whether `name`, which the record covers, is an empty non-terminal: the next name lies below
    /// `name`.
    #[must_use]
    pub fn is_above_next(&self, name: &Name) -> bool {
        name::is_below(&self.next, name)
    }

    /// The closest encloser of `name`, which the record covers: the longest ancestor of `name` that
    /// is also an ancestor of the owner or of the next name.
    #[must_use]
    pub fn closest_encloser(&self, name: &Name) -> Name {
        let exists = |ancestor: &Name| {
            name::is_within(&self.owner, ancestor) || name::is_within(&self.next, ancestor)
        };
        name::with_ancestors(name).skip(1).find(exists).unwrap_or_else(name::root)
    }
}

/// The owner of the first NSEC RRset with NXNAME in `sets`. The record denies this name, and no
/// name below (RFC 9824 section 3.2).
#[must_use]
pub fn denied_owner(sets: &[RRset]) -> Option<&Name> {
    let denies = |set: &&RRset| TypeBitmap::of(set).is_some_and(|types| types.deny_owner_name());
    sets.iter().find(denies).map(|set| &set.owner)
}

/// The offset in the RDATA at which the next name ends.
fn end_of_next(rdata: &[u8]) -> Option<usize> {
    let mut end = 0;
    loop {
        let length = usize::from(*rdata.get(end)?);
        end += 1 + length;
        if length == 0 {
            return (end <= rdata.len()).then_some(end);
        }
    }
}
