//! DNSKEY records (RFC 4034 section 2).

use bytes::Bytes;

/// The Zone Key flag.
const ZONE_FLAG: u16 = 0x0100;
/// The REVOKE flag (RFC 5011 section 3).
const REVOKE_FLAG: u16 = 0x0080;
/// The Secure Entry Point flag.
const SEP_FLAG: u16 = 0x0001;
/// The only protocol value that is valid.
const PROTOCOL: u8 = 3;

/// The RDATA of a DNSKEY record, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dnskey {
    /// The flags.
    pub flags: u16,
    /// The protocol; 3.
    pub protocol: u8,
    /// The number of the algorithm.
    pub algorithm: u8,
    /// The public key, in the format of the algorithm.
    pub key: Bytes,
    /// The key tag (RFC 4034 appendix B).
    pub tag: u16,
    /// The whole RDATA, over which the digest of a DS record is computed.
    pub rdata: Bytes,
}

impl Dnskey {
    /// Parses RDATA. `None` if the RDATA is truncated.
    #[must_use]
    pub fn read(rdata: &Bytes) -> Option<Self> {
        let [f0, f1, protocol, algorithm] = *rdata.first_chunk::<4>()?;
        Some(Dnskey {
            flags: u16::from_be_bytes([f0, f1]),
            protocol,
            algorithm,
            key: rdata.slice(4..),
            tag: key_tag(rdata),
            rdata: rdata.clone(),
        })
    }

    /// Whether the key may sign records of its zone: a zone key, not revoked.
    #[must_use]
    pub fn may_sign_zone(&self) -> bool {
        self.flags & ZONE_FLAG != 0 && self.protocol == PROTOCOL && !self.is_revoked()
    }

    /// Whether the key is meant as an entry point: a key-signing key (RFC 4034 section 2.1.1).
    #[must_use]
    pub fn is_entry_point(&self) -> bool {
        self.flags & SEP_FLAG != 0 && self.flags & ZONE_FLAG != 0 && self.protocol == PROTOCOL
    }

    /// Whether the operator of the zone has revoked the key.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.flags & REVOKE_FLAG != 0
    }
}

/// The key tag: a checksum (RFC 4034 appendix B).
fn key_tag(rdata: &[u8]) -> u16 {
    let sum: u32 = rdata
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    ((sum + (sum >> 16)) & 0xFFFF) as u16
}
