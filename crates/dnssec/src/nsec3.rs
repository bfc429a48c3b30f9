//! NSEC3 records (RFC 5155): the hashes of the names of a zone in order, each with the next hash.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use bytes::Bytes;
use zoners_dns::{Name, RRset, Rtype, name};

use crate::nsec::TypeBitmap;
use crate::reason::BogusReason;

/// The most iterations that are computed. A zone with more is treated as insecure (RFC 9276 section
/// 3.2).
pub const MAX_ITERATIONS: u16 = 50;
/// NSEC3 records read of a reply.
pub const MAX_RECORDS: usize = 10;

/// The only hash algorithm (RFC 5155 section 11).
const SHA1_ALGORITHM: u8 = 1;
const OPT_OUT_FLAG: u8 = 1;
/// Octets of a hash.
const HASH_OCTETS: usize = 20;
/// Octets of a SHA-1 block, and of the shortest padding of a message.
const SHA1_BLOCK_OCTETS: usize = 64;
const SHA1_MIN_PADDING_OCTETS: usize = 9;

/// A hashed name.
pub type Nsec3Hash = [u8; HASH_OCTETS];

/// An NSEC3 record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec3 {
    owner: Nsec3Hash,
    next: Nsec3Hash,
    /// Unsigned delegations may lie between owner and next (opt-out).
    pub opt_out: bool,
    /// The types at the owner.
    pub types: TypeBitmap,
}

/// The NSEC3 records of one chain of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec3Chain {
    zone: Name,
    iterations: u16,
    salt: Bytes,
    records: Vec<Nsec3>,
}

/// The closest encloser of a name, and whether the proof relies on opt-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosestEncloser {
    /// The longest ancestor that exists.
    pub name: Name,
    /// Whether an unsigned delegation may exist below the encloser, on the way to the name.
    pub opt_out: bool,
}

impl Nsec3Chain {
    /// Reads the NSEC3 records among `sets` of `zone`. Only records with the parameters of the
    /// first readable record are kept.
    #[must_use]
    pub fn read<'a>(sets: impl Iterator<Item = &'a RRset>, zone: &Name) -> Option<Self> {
        let mut chain: Option<Nsec3Chain> = None;
        for set in sets.filter(|set| set.rtype == Rtype::NSEC3).take(MAX_RECORDS) {
            let Some((iterations, salt, record)) = read(set, zone) else { continue };
            let chain = chain.get_or_insert_with(|| Nsec3Chain {
                zone: zone.clone(),
                iterations,
                salt: salt.clone(),
                records: Vec::new(),
            });
            if chain.iterations == iterations && chain.salt == salt {
                chain.records.push(record);
            }
        }
        chain
    }

    /// Iterations of the hash after the first.
    #[must_use]
    pub fn iterations(&self) -> u16 {
        self.iterations
    }

    /// The record whose owner is the hash of `name`.
    ///
    /// # Errors
    /// `blocks` is used up.
    pub fn matching(&self, name: &Name, blocks: &mut u32) -> Result<Option<&Nsec3>, BogusReason> {
        let hash = self.hash(name, blocks)?;
        Ok(self.records.iter().find(|record| record.owner == hash))
    }

    /// The record that covers the hash of `name`, and so proves that `name` does not exist.
    ///
    /// # Errors
    /// `blocks` is used up.
    pub fn covering(&self, name: &Name, blocks: &mut u32) -> Result<Option<&Nsec3>, BogusReason> {
        let hash = self.hash(name, blocks)?;
        Ok(self.records.iter().find(|record| record.covers(&hash)))
    }

    /// The closest encloser of `name`, with its proof (RFC 5155 section 8.3).
    ///
    /// # Errors
    /// The records do not prove a closest encloser, or `blocks` is used up.
    pub fn closest_encloser(
        &self,
        name: &Name,
        blocks: &mut u32,
    ) -> Result<ClosestEncloser, BogusReason> {
        let mut next_closer = name.clone();
        while name::is_below(&next_closer, &self.zone) {
            let candidate = next_closer.parent().unwrap_or_else(name::root);
            if let Some(record) = self.matching(&candidate, blocks)? {
                // The zone says nothing about names below a delegation or a DNAME.
                if record.types.delegates() || record.types.has(Rtype::DNAME) {
                    return Err(BogusReason::NoProof);
                }
                let covering = self.covering(&next_closer, blocks)?.ok_or(BogusReason::NoProof)?;
                return Ok(ClosestEncloser { name: candidate, opt_out: covering.opt_out });
            }
            next_closer = candidate;
        }
        Err(BogusReason::NoProof)
    }

    /// The hash of a name (RFC 5155 section 5); each SHA-1 block is charged to `blocks`.
    fn hash(&self, name: &Name, blocks: &mut u32) -> Result<Nsec3Hash, BogusReason> {
        let lower = name::lowercase(name);
        let rounds = u32::from(self.iterations);
        let cost = blocks_of(lower.len() + self.salt.len())
            + rounds * blocks_of(HASH_OCTETS + self.salt.len());
        *blocks = blocks.checked_sub(cost).ok_or(BogusReason::TooMuchWork)?;
        Ok(nsec3_hash(&lower, &self.salt, self.iterations))
    }
}

impl Nsec3 {
    fn covers(&self, hash: &Nsec3Hash) -> bool {
        match self.owner < self.next {
            true => self.owner < *hash && *hash < self.next,
            // The last record of the chain, or the only record.
            false => self.owner < *hash || *hash < self.next,
        }
    }
}

/// The hash of a name (RFC 5155 section 5).
#[must_use]
pub fn nsec3_hash(name: &Name, salt: &[u8], iterations: u16) -> Nsec3Hash {
    let mut hash = sha1(name::lowercase(name).as_slice(), salt);
    for _ in 0..iterations {
        hash = sha1(&hash, salt);
    }
    hash
}

/// The owner hash of an NSEC3 RRset of `zone`, with iterations and salt of its chain, if the record
/// may deny further names (RFC 8198): without opt-out, and with at most [`MAX_ITERATIONS`].
#[must_use]
pub fn usable_for_synthesis(set: &RRset, zone: &Name) -> Option<(Nsec3Hash, u16, Bytes)> {
    let (iterations, salt, record) = read(set, zone)?;
    (!record.opt_out && iterations <= MAX_ITERATIONS).then_some((record.owner, iterations, salt))
}

fn blocks_of(octets: usize) -> u32 {
    (octets + SHA1_MIN_PADDING_OCTETS).div_ceil(SHA1_BLOCK_OCTETS) as u32
}

fn sha1(value: &[u8], salt: &[u8]) -> Nsec3Hash {
    let mut context = digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(value);
    context.update(salt);
    let mut hash = [0; HASH_OCTETS];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Iterations, salt and record of an NSEC3 RRset whose owner lies directly below the apex of
/// `zone`.
fn read(set: &RRset, zone: &Name) -> Option<(u16, Bytes, Nsec3)> {
    if set.owner.parent().as_ref() != Some(zone) {
        return None;
    }
    let owner = owner_hash(&set.owner)?;
    let rdata = set.records.first()?;
    let [algorithm, flags, i0, i1, salt_length] = *rdata.first_chunk::<5>()?;
    if algorithm != SHA1_ALGORITHM || flags & !OPT_OUT_FLAG != 0 {
        return None;
    }
    let mut rest = rdata.slice(5..);
    let mut take = |length: usize| (rest.len() >= length).then(|| rest.split_to(length));
    let salt = take(salt_length.into())?;
    let length = *take(1)?.first()?;
    let next = *take(length.into())?
        .first_chunk::<HASH_OCTETS>()
        .filter(|_| length == HASH_OCTETS as u8)?;
    let opt_out = flags & OPT_OUT_FLAG != 0;
    Some((
        u16::from_be_bytes([i0, i1]),
        salt,
        Nsec3 { owner, next, opt_out, types: TypeBitmap(rest) },
    ))
}

/// The hash that the owner name of an NSEC3 record begins with.
#[must_use]
pub fn owner_hash(owner: &Name) -> Option<Nsec3Hash> {
    base32hex(owner.first().as_slice())
}

/// Reads base32 with the extended hex alphabet (RFC 4648 section 7): 32 digits of five bits.
fn base32hex(label: &[u8]) -> Option<Nsec3Hash> {
    if label.len() != 32 {
        return None;
    }
    let mut hash = [0; HASH_OCTETS];
    for (digits, octets) in label.chunks(8).zip(hash.chunks_mut(5)) {
        let mut bits = 0u64;
        for digit in digits {
            let value = match digit.to_ascii_lowercase() {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'a'..=b'v' => digit - b'a' + 10,
                _ => return None,
            };
            bits = bits << 5 | u64::from(value);
        }
        octets.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes of RFC 5155 appendix A.
    #[test]
    fn names_hash_as_rfc_5155_shows() {
        let zone = name::parse("example").unwrap();
        let salt = Bytes::from_static(&[0xAA, 0xBB, 0xCC, 0xDD]);
        let chain = Nsec3Chain { zone, iterations: 12, salt, records: vec![] };
        for (text, hash) in [
            ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
            ("*.w.EXAMPLE", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ] {
            let mut blocks = 100;
            let hashed = chain.hash(&name::parse(text).unwrap(), &mut blocks).unwrap();
            assert_eq!(Some(hashed), base32hex(hash.as_bytes()));
            assert_eq!(blocks, 87, "one block an iteration");
        }
        let mut few = 12;
        let hashed = chain.hash(&name::root(), &mut few);
        assert_eq!((hashed, few), (Err(BogusReason::TooMuchWork), 12));
    }

    #[test]
    fn a_chain_is_a_circle() {
        let record = |owner: u8, next: u8| Nsec3 {
            owner: [owner; HASH_OCTETS],
            next: [next; HASH_OCTETS],
            opt_out: false,
            types: TypeBitmap(Bytes::new()),
        };
        let hash = |octet: u8| [octet; HASH_OCTETS];
        assert!(record(2, 5).covers(&hash(3)) && !record(2, 5).covers(&hash(5)));
        assert!(!record(2, 5).covers(&hash(2)) && !record(2, 5).covers(&hash(1)));
        assert!(record(9, 2).covers(&hash(1)) && record(9, 2).covers(&hash(10)));
        assert!(!record(9, 2).covers(&hash(5)));
        assert!(record(7, 7).covers(&hash(1)) && !record(7, 7).covers(&hash(7)), "the only one");
    }
}
