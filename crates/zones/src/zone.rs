//! A finished zone.

use std::collections::BTreeMap;
use std::ops::Bound;

use zoners_dns::{Name, RRset, Rtype, SortKey, ZoneRecord, name};
use zoners_dnssec::nsec3::{MAX_ITERATIONS, Nsec3Hash, owner_hash};

/// A zone that answers questions. The value never changes: a new version is a new value.
#[derive(Debug)]
pub struct AuthoritativeZone {
    apex: Name,
    /// The names with records, by sort key: so a name stands directly before the names below.
    nodes: BTreeMap<Box<[u8]>, ZoneNode>,
    /// The NSEC3 records, which have no names of the zone as owners (RFC 5155 section 7.2.8).
    pub(crate) nsec3: BTreeMap<Nsec3Hash, RRset>,
    pub(crate) denial: DenialMethod,
    soa: Soa,
    octets: usize,
}

/// The RRsets of a name, in the order of their types.
#[derive(Debug)]
pub(crate) struct ZoneNode {
    pub(crate) sets: Box<[RRset]>,
}

/// How a zone proves that a name or a type does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DenialMethod {
    /// Not at all: the zone is not signed.
    Unsigned,
    /// By NSEC records.
    Nsec,
    /// By NSEC3 records.
    Nsec3 {
        /// Hash iterations after the first.
        iterations: u16,
        /// The salt of the hash.
        salt: Box<[u8]>,
    },
}

/// The numbers of an SOA record (RFC 1035 section 3.3.13), times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soa {
    /// The version of the zone.
    pub serial: u32,
    /// The time between two looks at the primary's serial.
    pub refresh: u32,
    /// The time between two looks while the primary does not respond.
    pub retry: u32,
    /// The time after which a copy expires without a refresh.
    pub expire: u32,
    /// The greatest TTL of a denial (RFC 2308 section 4).
    pub minimum: u32,
}

impl Soa {
    /// Reads RDATA, whose last five fields are the numbers. `None` if the RDATA is truncated.
    #[must_use]
    pub fn read(rdata: &[u8]) -> Option<Self> {
        let numbers = rdata.last_chunk::<20>()?;
        let mut numbers = numbers.chunks(4).filter_map(|number| number.first_chunk().copied());
        let mut next = || numbers.next().map(u32::from_be_bytes);
        let (serial, refresh, retry) = (next()?, next()?, next()?);
        Some(Soa { serial, refresh, retry, expire: next()?, minimum: next()? })
    }
}

impl ZoneNode {
    /// The RRset of a type.
    pub(crate) fn get(&self, rtype: Rtype) -> Option<&RRset> {
        self.sets.iter().find(|set| set.rtype == rtype)
    }
}

impl AuthoritativeZone {
    /// A zone of these names, and the octets of memory.
    pub(crate) fn new(
        apex: Name,
        mut nodes: BTreeMap<Box<[u8]>, ZoneNode>,
        octets: usize,
    ) -> Result<Self, String> {
        let nsec3 = take_nsec3(&mut nodes);
        let key = SortKey::of(apex.for_slice());
        let top = nodes.get(key.as_slice());
        let soa = top.and_then(|node| node.get(Rtype::SOA));
        let shown = apex.fmt_with_dot().to_string();
        let soa = soa.ok_or_else(|| format!("the zone {shown} has no SOA record"))?;
        if soa.records.len() > 1 {
            return Err(format!("the zone {shown} has more than one SOA record"));
        }
        let soa = soa.records.first().and_then(|rdata| Soa::read(&rdata));
        let soa = soa.ok_or_else(|| format!("the SOA record of the zone {shown} is malformed"))?;
        let denial = top.map_or(DenialMethod::Unsigned, DenialMethod::of);
        Ok(AuthoritativeZone { apex, nodes, nsec3, denial, soa, octets })
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

    /// Octets of memory, by a generous count.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// How many names have records.
    #[must_use]
    pub fn names(&self) -> usize {
        self.nodes.len()
    }

    /// Every record: the names in canonical order and NSEC3 records at the end; of a name the types in their order, each
    /// with its signatures after it.
    pub fn records(&self) -> impl Iterator<Item = ZoneRecord> {
        self.rrsets().flat_map(|set| {
            let record = |rtype, rdata: bytes::Bytes| ZoneRecord {
                owner: set.owner.clone(),
                rtype,
                ttl: set.ttl,
                rdata: rdata.to_vec().into(),
            };
            let data = set.records.iter().map(move |rdata| record(set.rtype, rdata));
            data.chain(set.signatures.iter().map(move |rdata| record(Rtype::RRSIG, rdata)))
        })
    }

    /// Every RRset, in the order of [`AuthoritativeZone::records`].
    pub fn rrsets(&self) -> impl Iterator<Item = &RRset> {
        self.nodes.values().flat_map(|node| &node.sets).chain(self.nsec3.values())
    }

    /// An RRset at a name.
    #[must_use]
    pub fn rrset(&self, owner: &Name, rtype: Rtype) -> Option<&RRset> {
        self.node(SortKey::of(owner.for_slice()).as_slice())?.get(rtype)
    }

    pub(crate) fn node(&self, key: &[u8]) -> Option<&ZoneNode> {
        self.nodes.get(key)
    }

    /// The first name at a key or behind.
    pub(crate) fn first_from(&self, key: &[u8]) -> Option<(&[u8], &ZoneNode)> {
        let mut range = self.nodes.range::<[u8], _>((Bound::Included(key), Bound::Unbounded));
        range.next().map(|(key, node)| (&**key, node))
    }

    /// The names up to a key, in reverse order.
    pub(crate) fn until_key(&self, key: &[u8]) -> impl Iterator<Item = &ZoneNode> {
        let range = self.nodes.range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        range.rev().map(|(_, node)| node)
    }

    /// The SOA record of a denial, with the TTL of the denial (RFC 2308 section 3).
    pub(crate) fn negative_soa(&self) -> Option<RRset> {
        let soa = self.rrset(&self.apex, Rtype::SOA)?;
        Some(RRset { ttl: soa.ttl.min(self.soa.minimum), ..soa.clone() })
    }
}

impl DenialMethod {
    /// The method of a zone by its apex. More iterations than validators compute (RFC 9276 section 3.2) would cost each
    /// denial dear and prove nothing.
    fn of(apex: &ZoneNode) -> Self {
        if apex.get(Rtype::NSEC).is_some() {
            return DenialMethod::Nsec;
        }
        let params = apex.get(Rtype::NSEC3PARAM).into_iter().flat_map(|set| set.records.iter());
        let method = params.filter_map(|rdata| {
            // Algorithm SHA-1 and no flags (RFC 5155 section 4.1).
            let [1, 0, i0, i1, length, salt @ ..] = &*rdata else { return None };
            let iterations = u16::from_be_bytes([*i0, *i1]);
            let salt = salt.get(..usize::from(*length))?.into();
            (iterations <= MAX_ITERATIONS).then_some(DenialMethod::Nsec3 { iterations, salt })
        });
        method.into_iter().next().unwrap_or(DenialMethod::Unsigned)
    }
}

/// Takes the NSEC3 records out of the names.
fn take_nsec3(nodes: &mut BTreeMap<Box<[u8]>, ZoneNode>) -> BTreeMap<Nsec3Hash, RRset> {
    let mut hashed = BTreeMap::new();
    nodes.retain(|_, node| {
        let Some(set) = node.get(Rtype::NSEC3) else { return true };
        let Some(hash) = owner_hash(&set.owner) else { return true };
        hashed.insert(hash, set.clone());
        let rest: Vec<RRset> =
            node.sets.iter().filter(|set| set.rtype != Rtype::NSEC3).cloned().collect();
        node.sets = rest.into();
        !node.sets.is_empty()
    });
    hashed
}

/// The wildcard below a name, as a sort key.
pub(crate) fn wildcard_key(encloser: &Name) -> Vec<u8> {
    [SortKey::of(encloser.for_slice()).as_slice(), b"*\0"].concat()
}

/// The ancestor of a name that is directly below `encloser`.
pub(crate) fn next_closer(asked: &Name, encloser: &Name) -> Name {
    name::ancestor(asked, name::depth(encloser) + 1)
}
