//! Signed zones: a chain of NSEC or NSEC3 records, and the records of the chain proving a denial
//! (RFC 4035 section 3.1.3, RFC 5155 section 7.2).

use std::collections::BTreeSet;

use bytes::{BufMut, Bytes};
use zoners_dns::{Name, RRset, Records, Rtype, name};
use zoners_dnssec::nsec3::{Nsec3Hash, nsec3_hash};

use super::Zone;
use crate::sign::{Denying, Key, Signing};

/// Of NSEC and NSEC3 records.
const TTL: u32 = 60;
const SALT: &[u8] = &[0xAB];

impl Zone {
    /// Signs the zone, in place of any signing before.
    pub fn sign(&mut self, key: &Key, signing: &Signing) {
        for node in self.nodes.values_mut() {
            node.retain(|rtype, _| {
                ![Rtype::NSEC, Rtype::NSEC3].iter().any(|proof| proof.to_int() == *rtype)
            });
        }
        self.nodes.retain(|_, node| !node.is_empty());
        self.add(key.dnskey());
        self.denying = Some(signing.denying);
        let chain = match signing.denying {
            Denying::Nsec => self.nsec_chain(),
            Denying::Compact { .. } => Vec::new(),
            Denying::Nsec3 { iterations, opt_out } => self.nsec3_chain(iterations, opt_out),
        };
        chain.into_iter().for_each(|set| self.add(set));
        let cuts = self.cuts();
        let signed = |owner: &Name, rtype: Rtype| match cuts
            .iter()
            .find(|cut| name::is_within(owner, cut))
        {
            // A delegation is the child's, but for DS and the record of the chain; glue is too.
            Some(cut) => owner == cut && matches!(rtype, Rtype::DS | Rtype::NSEC),
            None => true,
        };
        for (owner, node) in &mut self.nodes {
            for set in node.values_mut().filter(|set| signed(owner, set.rtype)) {
                key.sign(set, signing);
            }
        }
    }

    /// The delegations.
    fn cuts(&self) -> BTreeSet<Name> {
        let ns = |owner: &&Name| **owner != self.origin && self.get(owner, Rtype::NS).is_some();
        self.nodes.keys().filter(ns).cloned().collect()
    }

    /// The authoritative names of the zone, delegations included.
    fn authoritative(&self) -> BTreeSet<Name> {
        let cuts = self.cuts();
        let glue = |owner: &Name| cuts.iter().any(|cut| name::is_below(owner, cut));
        self.nodes.keys().filter(|owner| !glue(owner)).cloned().collect()
    }

    fn nsec_chain(&self) -> Vec<RRset> {
        let names: Vec<Name> = self.authoritative().into_iter().collect();
        let nexts = names.iter().cycle().skip(1);
        let record = |(owner, next): (&Name, &Name)| {
            let types = self.types(owner, &[Rtype::NSEC, Rtype::RRSIG]);
            let rdata = [next.as_slice(), &types].concat();
            RRset::new(owner.clone(), Rtype::NSEC, TTL, Records::from_iter([rdata]))
        };
        names.iter().zip(nexts).map(record).collect()
    }

    fn nsec3_chain(&self, iterations: u16, opt_out: bool) -> Vec<RRset> {
        let unsigned = |owner: &Name| {
            opt_out && self.cuts().contains(owner) && self.get(owner, Rtype::DS).is_none()
        };
        let own = self.authoritative().into_iter().filter(|owner| !unsigned(owner));
        // Empty non-terminals have a hash too.
        let names: BTreeSet<Name> = own
            .flat_map(|owner| name::with_ancestors(&owner).collect::<Vec<_>>())
            .filter(|owner| name::is_within(owner, &self.origin))
            .collect();
        let mut hashes: Vec<(Nsec3Hash, Name)> =
            names.into_iter().map(|owner| (hash(&owner, iterations), owner)).collect();
        hashes.sort();
        let nexts = hashes.iter().cycle().skip(1);
        let record = |(this, next): (&(Nsec3Hash, Name), &(Nsec3Hash, Name))| {
            let ((own, owner), (next, _)) = (this, next);
            let mut rdata = vec![1, u8::from(opt_out)];
            rdata.put_u16(iterations);
            rdata.put_u8(SALT.len() as u8);
            rdata.put_slice(SALT);
            rdata.put_u8(20);
            rdata.put_slice(next);
            rdata.put_slice(&self.types(owner, &[Rtype::RRSIG]));
            let owner = self.hashed(own);
            RRset::new(owner, Rtype::NSEC3, TTL, Records::from_iter([rdata]))
        };
        hashes.iter().zip(nexts).map(record).collect()
    }

    /// The owner of the NSEC3 record of a hash.
    fn hashed(&self, hash: &Nsec3Hash) -> Name {
        let label = [&[32][..], &base32hex(hash), self.origin.as_slice()].concat();
        Name::from_octets(Bytes::from(label)).unwrap_or_else(|_| name::root())
    }

    /// The type bitmap of a name. Each type here is in the first window.
    fn types(&self, owner: &Name, more: &[Rtype]) -> Vec<u8> {
        let own: Vec<u16> =
            self.nodes.get(owner).into_iter().flat_map(|node| node.keys().copied()).collect();
        let more = more.iter().map(|rtype| rtype.to_int()).filter(|_| !own.is_empty());
        let mut bits = [0u8; 32];
        for rtype in own.iter().copied().chain(more).filter(|rtype| *rtype < 256) {
            bits[usize::from(rtype / 8)] |= 0x80 >> (rtype % 8);
        }
        let length = bits.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        if length == 0 { vec![] } else { [&[0, length as u8], &bits[..length]].concat() }
    }

    /// The proof of the denial of `asked`: of the name, of the type, or of a wildcard expansion.
    pub(super) fn proof(&self, asked: &Name) -> Vec<RRset> {
        let Some(denying) = self.denying else { return Vec::new() };
        let encloser = name::with_ancestors(asked)
            .find(|ancestor| self.exists(ancestor))
            .unwrap_or_else(name::root);
        let wildcard = name::parse(&format!("*.{encloser}")).unwrap_or_else(|_| name::root());
        let next_closer = name::ancestor(asked, name::depth(&encloser) + 1);
        let mut sets: Vec<RRset> = match denying {
            Denying::Compact { .. } => vec![self.compact_nsec(asked)],
            Denying::Nsec if encloser == *asked => self.nsec_of(asked).into_iter().collect(),
            Denying::Nsec => {
                [asked, &wildcard].into_iter().filter_map(|name| self.nsec_of(name)).collect()
            }
            Denying::Nsec3 { iterations, .. } => {
                let of = |name: &Name| self.nsec3_of(&hash(name, iterations));
                let own = if encloser == *asked { of(asked) } else { None };
                let exact = own.filter(|set| set.owner == self.hashed(&hash(asked, iterations)));
                match exact {
                    Some(own) => vec![own],
                    None => {
                        let upper = name::with_ancestors(&encloser).find_map(|name| {
                            let hashed = self.hashed(&hash(&name, iterations));
                            self.get(&hashed, Rtype::NSEC3).cloned()
                        });
                        upper.into_iter().chain(of(&next_closer)).chain(of(&wildcard)).collect()
                    }
                }
            }
        };
        let mut seen = BTreeSet::new();
        sets.retain(|set| seen.insert(set.owner.clone()));
        sets
    }

    /// A record made for `asked` alone, up to the next possible name (RFC 9824 section 3).
    fn compact_nsec(&self, asked: &Name) -> RRset {
        let next = Name::from_octets(Bytes::from([&[1, 0], asked.as_slice()].concat()));
        let types = match (self.nodes.contains_key(&name::lowercase(asked)), self.exists(asked)) {
            (true, _) => self.types(asked, &[Rtype::NSEC, Rtype::RRSIG]),
            // NSEC and RRSIG for an empty non-terminal; also NXNAME for a missing name.
            (false, true) => [&[0, 6], &[0, 0, 0, 0, 0, 3][..]].concat(),
            (false, false) => [&[0, 17], &[0, 0, 0, 0, 0, 3][..], &[0; 10], &[0x80]].concat(),
        };
        let next = next.unwrap_or_else(|_| asked.clone());
        let rdata = [next.as_slice(), &types].concat();
        let mut set = RRset::new(asked.clone(), Rtype::NSEC, TTL, Records::from_iter([rdata]));
        Key::new(&self.origin, 15).sign(&mut set, &Signing::default());
        set
    }

    /// The NSEC record that matches or covers a name.
    fn nsec_of(&self, asked: &Name) -> Option<RRset> {
        let names = self.nodes.iter().filter(|(_, node)| node.contains_key(&Rtype::NSEC.to_int()));
        let before = names.filter(|(owner, _)| *owner <= asked).last();
        before.and_then(|(_, node)| node.get(&Rtype::NSEC.to_int())).cloned()
    }

    /// The NSEC3 record that matches or covers a hash.
    fn nsec3_of(&self, hash: &Nsec3Hash) -> Option<RRset> {
        let asked = self.hashed(hash);
        let all = || self.nodes.values().filter_map(|node| node.get(&Rtype::NSEC3.to_int()));
        all().rfind(|set| set.owner <= asked).or_else(|| all().next_back()).cloned()
    }
}

fn hash(name: &Name, iterations: u16) -> Nsec3Hash {
    nsec3_hash(name, SALT, iterations)
}

/// Base32 with the extended hex alphabet (RFC 4648 section 7).
fn base32hex(hash: &Nsec3Hash) -> Vec<u8> {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let group = |octets: &[u8]| {
        let bits = octets.iter().fold(0u64, |bits, octet| bits << 8 | u64::from(*octet));
        (0..8).rev().map(move |at| DIGITS[(bits >> (5 * at) & 31) as usize])
    };
    hash.chunks(5).flat_map(group).collect()
}
