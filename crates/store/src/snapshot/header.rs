//! The head of a file: format, times, and fingerprints of the answers' origin.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Buf, BufMut};
use zoners_dns::{ClockReading, Moment};

use super::Times;
use crate::Seal;
use crate::seal;

const MAGIC: &[u8; 12] = b"zoners-cache";
/// Raised with every change of the format of the file or of an entry.
const VERSION: u16 = 2;
/// Octets of a head.
pub(super) const LENGTH: usize = 12 + 2 + 1 + 16 + 8 + 8 + 16 + 32 + 32 + seal::LENGTH;

/// The boot identifier of the machine, if the system has one. Moments of one boot can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boot(pub Option<[u8; 16]>);

/// The origin of the answers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// Hash of the configured sources; answers of other sources may differ.
    pub sources: [u8; 32],
    /// Hash of the validation rules; under other rules the DNSSEC status may differ.
    pub proofs: [u8; 32],
}

impl Fingerprints {
    /// The fingerprints of two texts that describe sources and validation.
    #[must_use]
    pub fn of(sources: &str, proofs: &str) -> Self {
        let hash = |text: &str| {
            let hash = digest(&SHA256, text.as_bytes());
            hash.as_ref().try_into().unwrap_or_default()
        };
        Fingerprints { sources: hash(sources), proofs: hash(proofs) }
    }
}

/// The head of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sealed: bool,
    pub(super) nonce: [u8; 16],
    pub(super) times: Times,
    pub(super) fingerprints: Fingerprints,
}

impl Header {
    pub(super) fn write(&self, seal: &Seal) -> Vec<u8> {
        let mut out = Vec::with_capacity(LENGTH);
        out.put_slice(MAGIC);
        out.put_u16(VERSION);
        out.put_u8(self.sealed.into());
        out.put_slice(&self.nonce);
        out.put_u64(self.times.reading.wall_seconds);
        out.put_u64(self.times.reading.now.as_millis());
        // No boot identifier is zero.
        out.put_slice(&self.times.boot.0.unwrap_or_default());
        out.put_slice(&self.fingerprints.sources);
        out.put_slice(&self.fingerprints.proofs);
        let over = seal.over(&[&out]);
        out.put_slice(&over);
        out
    }

    /// Parses a head, or says why the file is unusable. `seal` verifies sealed files.
    pub(super) fn read(octets: &[u8; LENGTH], seal: Option<&Seal>) -> Result<Self, &'static str> {
        let (mut rest, over) = octets.split_at(LENGTH - seal::LENGTH);
        let head = rest;
        if !rest.starts_with(MAGIC) {
            return Err("not a cache file of Zoners");
        }
        rest.advance(MAGIC.len());
        if rest.get_u16() != VERSION {
            return Err("another format version");
        }
        let sealed = rest.get_u8() == 1;
        let nobody = Seal::without_secret();
        let seal = match sealed {
            true => seal.ok_or("sealed, and there is no secret to verify the seal")?,
            false => &nobody,
        };
        if !seal.fits(&[head], over) {
            return Err("seal invalid: changed, or written with another secret");
        }
        let nonce = array(&mut rest);
        let (wall_seconds, now) = (rest.get_u64(), Moment::from_millis(rest.get_u64()));
        let boot = Boot(Some(array(&mut rest)).filter(|boot| *boot != [0; 16]));
        let (sources, proofs) = (array(&mut rest), array(&mut rest));
        let times = Times { reading: ClockReading { now, wall_seconds }, boot };
        Ok(Header { sealed, nonce, times, fingerprints: Fingerprints { sources, proofs } })
    }
}

fn array<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut octets = [0; N];
    rest.copy_to_slice(&mut octets);
    octets
}
