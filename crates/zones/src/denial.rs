//! The proofs of a signed zone: NSEC (RFC 4035 section 3.1.3) and NSEC3 (RFC 5155 section 7.2).

use std::ops::Bound;

use zoners_dns::{Name, RRset, Rtype, SortKey, name};
use zoners_dnssec::nsec3::{Nsec3Hash, nsec3_hash};

use crate::zone::{AuthoritativeZone, DenialMethod, next_closer, wildcard_key};

/// Names without an NSEC record, as of glue, passed over on the way to the NSEC record before a name.
const MAX_UNSIGNED_NAMES: usize = 1024;

impl AuthoritativeZone {
    /// Proves that a name lacks a type, as an empty non-terminal lacks each.
    pub(crate) fn prove_no_type(&self, at: &Name) -> Vec<RRset> {
        match &self.denial {
            DenialMethod::Unsigned => Vec::new(),
            // The record of the name, or the record that spans an empty non-terminal.
            DenialMethod::Nsec => self.nsec_at_or_before(&key_of(at)).into_iter().collect(),
            DenialMethod::Nsec3 { .. } => match self.nsec3_at(at) {
                Some(own) => vec![own],
                // A name within an opt-out range.
                None => self.prove_closest_encloser(at).0,
            },
        }
    }

    /// Proves that a name does not exist, and no wildcard in its place.
    pub(crate) fn prove_no_name(&self, at: &Name, encloser: &Name) -> Vec<RRset> {
        match &self.denial {
            DenialMethod::Unsigned => Vec::new(),
            DenialMethod::Nsec => {
                let keys = [key_of(at), wildcard_key(encloser)];
                distinct(keys.iter().filter_map(|key| self.nsec_at_or_before(key)))
            }
            DenialMethod::Nsec3 { .. } => {
                let (closest, provable) = self.prove_closest_encloser(at);
                let wildcard = wildcard(&provable).and_then(|name| self.nsec3_over(&name));
                distinct(closest.into_iter().chain(wildcard))
            }
        }
    }

    /// Proves that a name does not exist, and the wildcard below the encloser counts.
    pub(crate) fn prove_expansion(&self, at: &Name, encloser: &Name) -> Vec<RRset> {
        let proof = match &self.denial {
            DenialMethod::Unsigned => None,
            DenialMethod::Nsec => self.nsec_at_or_before(&key_of(at)),
            DenialMethod::Nsec3 { .. } => self.nsec3_over(&next_closer(at, encloser)),
        };
        proof.into_iter().collect()
    }

    /// Proves that the wildcard in the place of a name lacks a type.
    pub(crate) fn prove_no_type_of_wildcard(&self, at: &Name, encloser: &Name) -> Vec<RRset> {
        match &self.denial {
            DenialMethod::Unsigned => Vec::new(),
            DenialMethod::Nsec => self.prove_no_name(at, encloser),
            DenialMethod::Nsec3 { .. } => {
                let (closest, _) = self.prove_closest_encloser(at);
                let wildcard = wildcard(encloser).and_then(|name| self.nsec3_at(&name));
                distinct(closest.into_iter().chain(wildcard))
            }
        }
    }

    /// Proves that a delegation has no DS records.
    pub(crate) fn prove_no_ds(&self, cut: &Name) -> Vec<RRset> {
        self.prove_no_type(cut)
    }

    /// The NSEC record at a name, or the last NSEC record before.
    fn nsec_at_or_before(&self, key: &[u8]) -> Option<RRset> {
        let names = self.until_key(key).take(MAX_UNSIGNED_NAMES);
        names.into_iter().find_map(|node| node.get(Rtype::NSEC)).cloned()
    }

    /// Proves the closest encloser with an NSEC3 record, and the absence of the name one label longer (RFC 5155 section
    /// 7.2.1). Also returns the encloser: an empty non-terminal above unsigned delegations may have no record.
    fn prove_closest_encloser(&self, at: &Name) -> (Vec<RRset>, Name) {
        let depth = name::depth(self.apex());
        let ancestors = name::with_ancestors(at).skip(1);
        let within = ancestors.take_while(|ancestor| name::depth(ancestor) >= depth);
        let closest = within.into_iter().find_map(|name| Some((self.nsec3_at(&name)?, name)));
        let Some((own, encloser)) = closest else { return (Vec::new(), self.apex().clone()) };
        let next = self.nsec3_over(&next_closer(at, &encloser));
        (distinct([own].into_iter().chain(next)), encloser)
    }

    /// The NSEC3 record of a name.
    fn nsec3_at(&self, name: &Name) -> Option<RRset> {
        self.nsec3.get(&self.hash(name)?).cloned()
    }

    /// The NSEC3 record whose range has the hash of a name: the last record before, or the last of the zone.
    fn nsec3_over(&self, name: &Name) -> Option<RRset> {
        let hash = self.hash(name)?;
        let mut before = self.nsec3.range((Bound::Unbounded, Bound::Included(hash)));
        let found = before.next_back().or_else(|| self.nsec3.last_key_value());
        found.map(|(_, set)| set.clone())
    }

    fn hash(&self, name: &Name) -> Option<Nsec3Hash> {
        match &self.denial {
            DenialMethod::Nsec3 { iterations, salt } => Some(nsec3_hash(name, salt, *iterations)),
            DenialMethod::Nsec | DenialMethod::Unsigned => None,
        }
    }
}

fn key_of(name: &Name) -> Vec<u8> {
    SortKey::of(name.for_slice()).as_slice().to_vec()
}

/// The wildcard below a name; `None` if the name would be too long.
fn wildcard(encloser: &Name) -> Option<Name> {
    zoners_dnssec::signed_data::wildcard(encloser)
}

/// Each RRset once.
fn distinct(sets: impl Iterator<Item = RRset>) -> Vec<RRset> {
    let mut distinct: Vec<RRset> = Vec::new();
    for set in sets {
        if !distinct.iter().any(|known| known.owner == set.owner) {
            distinct.push(set);
        }
    }
    distinct
}

#[cfg(test)]
mod tests;
