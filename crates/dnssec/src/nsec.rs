//! NSEC records (RFC 4034 section 4): the names of a zone in canonical order, each with the next.

use bytes::Bytes;
use zoners_dns::{Name, RRset, Rtype, SortKey, name};

/// The type that only bitmaps have: the owner of the NSEC record does not exist (RFC 9824 section
/// 3.2). Zones have no records of the type, and queries may not ask for the type.
pub const NXNAME: Rtype = Rtype::from_int(128);

/// An NSEC record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec {
    /// A name that exists.
    pub owner: Name,
    /// The next one that does; of the last name the zone's apex.
    pub next: Name,
    /// The types at the owner.
    pub types: TypeBitmap,
}

/// A set of types, as NSEC and NSEC3 write it (RFC 4034 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeBitmap(pub(crate) Bytes);

impl TypeBitmap {
    /// The types of an NSEC RRset. `None` if it is torn.
    #[must_use]
    pub fn of(set: &RRset) -> Option<Self> {
        let rdata = set.records.first().filter(|_| set.rtype == Rtype::NSEC)?;
        let end = end_of_next(&rdata)?;
        Some(TypeBitmap(rdata.slice(end..)))
    }

    /// Whether `rtype` is among them.
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

    /// Whether the owner itself does not exist: NXNAME, with NSEC and RRSIG at most beside it (RFC
    /// 9824 section 3.2). A bitmap with NXNAME and types of data contradicts itself: the data
    /// count.
    #[must_use]
    pub fn deny_owner_name(&self) -> bool {
        let expected = [NXNAME, Rtype::NSEC, Rtype::RRSIG];
        self.has(NXNAME) && self.count() == expected.iter().filter(|own| self.has(**own)).count()
    }

    /// How many types they are.
    fn count(&self) -> usize {
        let (mut rest, mut count) = (&self.0[..], 0);
        while let [_, length, tail @ ..] = rest {
            let Some((bits, after)) = tail.split_at_checked(usize::from(*length)) else { break };
            count += bits.iter().map(|octet| octet.count_ones() as usize).sum::<usize>();
            rest = after;
        }
        count
    }

    /// Whether the owner is a delegation, seen from its parent.
    #[must_use]
    pub fn delegates(&self) -> bool {
        self.has(Rtype::NS) && !self.has(Rtype::SOA)
    }

    /// Whether the zone knows nothing of the names below (RFC 6840 section 4.1).
    #[must_use]
    pub fn hide_names_below(&self) -> bool {
        self.delegates() || self.has(Rtype::DNAME)
    }
}

impl Nsec {
    /// Reads the NSEC record of an RRset of `zone`. `None` if it is torn, speaks of names outside
    /// the zone, or turns back elsewhere than to the apex (RFC 4034 section 4.1.1).
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

    /// Whether it says that `name` does not exist, or is an empty non-terminal.
    ///
    /// Of names below a delegation or a DNAME the zone knows nothing (RFC 6840 section 4.1). A
    /// record with NXNAME denies its owner alone: the server made up the next name, and knows
    /// nothing of the names in between (RFC 9824 section 3.1). `place` is that of `name`.
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
        // Behind the last one lies the apex again.
        owner < name && (name < next || next <= owner)
    }

    /// Whether a name that it covers is an empty non-terminal: the next name lies below it.
    #[must_use]
    pub fn is_above_next(&self, name: &Name) -> bool {
        name::is_below(&self.next, name)
    }

    /// The closest encloser of a name that it covers: what the name has in common with one of the
    /// two that exist.
    #[must_use]
    pub fn closest_encloser(&self, name: &Name) -> Name {
        let exists = |ancestor: &Name| {
            name::is_within(&self.owner, ancestor) || name::is_within(&self.next, ancestor)
        };
        name::with_ancestors(name).skip(1).find(exists).unwrap_or_else(name::root)
    }
}

/// The owner of the first of `sets` with NXNAME: the record denies this name, and no name below it
/// (RFC 9824 section 3.2).
#[must_use]
pub fn denied_owner(sets: &[RRset]) -> Option<&Name> {
    let denies = |set: &&RRset| TypeBitmap::of(set).is_some_and(|types| types.deny_owner_name());
    sets.iter().find(denies).map(|set| &set.owner)
}

/// Where the name of the next owner ends in the RDATA, and may end.
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
