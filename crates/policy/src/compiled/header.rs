//! The header of a compiled file, written last: a torn file has no header.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::suffixes::HashKey;

/// Octets of the header.
pub(crate) const HEADER_OCTETS: usize = 128;
/// The last number is the version of the format.
const MAGIC: &[u8; 16] = b"zoners-policy 1\n";
/// Octets of the digest of the sources.
pub const DIGEST_OCTETS: usize = 32;

/// The parts of a compiled file, in this order after the header: records, buckets, filter, manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompiledHeader {
    /// The caller's digest of the sources.
    pub(crate) sources: [u8; DIGEST_OCTETS],
    pub(crate) key: HashKey,
    pub(crate) names: u64,
    pub(crate) record_octets: u64,
    pub(crate) buckets: u64,
    pub(crate) filter_words: u64,
    pub(crate) manifest_octets: u64,
    /// Of buckets, filter and manifest.
    pub(crate) checksum: u64,
}

impl CompiledHeader {
    pub(crate) fn octets(&self) -> [u8; HEADER_OCTETS] {
        let mut octets = Vec::with_capacity(HEADER_OCTETS);
        octets.extend(MAGIC);
        octets.extend(self.sources);
        for number in [
            self.key[0],
            self.key[1],
            self.names,
            self.record_octets,
            self.buckets,
            self.filter_words,
            self.manifest_octets,
            self.checksum,
        ] {
            octets.extend(number.to_be_bytes());
        }
        octets.resize(HEADER_OCTETS - 8, 0);
        octets.extend(checksum(&octets).to_be_bytes());
        octets.try_into().unwrap_or([0; HEADER_OCTETS])
    }

    /// Reads a header; `None` if the octets are none of this version.
    pub(crate) fn read(octets: &[u8; HEADER_OCTETS]) -> Option<Self> {
        let (content, sum) = octets.split_last_chunk::<8>()?;
        if u64::from_be_bytes(*sum) != checksum(content) {
            return None;
        }
        let (sources, mut rest) = content.strip_prefix(MAGIC)?.split_first_chunk()?;
        let mut number = || {
            let (octets, after) = rest.split_first_chunk::<8>()?;
            rest = after;
            Some(u64::from_be_bytes(*octets))
        };
        Some(CompiledHeader {
            sources: *sources,
            key: [number()?, number()?],
            names: number()?,
            record_octets: number()?,
            buckets: number()?,
            filter_words: number()?,
            manifest_octets: number()?,
            checksum: number()?,
        })
    }
}

/// A checksum of octets, against torn writes and not against forgers.
fn checksum(octets: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(octets);
    hasher.finish()
}
