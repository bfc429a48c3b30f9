//! The head of a file: format, times, and fingerprints of the answers' origin.

use std::io::Read;

use bytes::{Buf, BufMut};
use zoners_dns::{ClockReading, Moment};

use super::Times;
use super::fingerprints::{ANCHOR_LENGTH, Fingerprints, MAX_ANCHORS};
use super::refusal::Refusal;
use crate::Seal;
use crate::seal;

const MAGIC: &[u8; 12] = b"zoners-cache";
/// Raised with every change of the format of the file or of an entry.
const VERSION: u16 = 3;
/// Octets of a head before the trust anchors; the last two count the trust anchors.
const FIXED_LENGTH: usize = 12 + 2 + 1 + 16 + 8 + 8 + 16 + 32 + 32 + 2;

/// The boot identifier of the machine, if the system has one. Moments of one boot can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boot(pub Option<[u8; 16]>);

/// The head of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sealed: bool,
    pub(super) nonce: [u8; 16],
    pub(super) times: Times,
    pub(super) fingerprints: Fingerprints,
}

impl Header {
    pub(super) fn write(&self, seal: &Seal) -> Vec<u8> {
        let Fingerprints { sources, rules, anchors } = &self.fingerprints;
        let mut out = Vec::with_capacity(FIXED_LENGTH);
        out.put_slice(MAGIC);
        out.put_u16(VERSION);
        out.put_u8(self.sealed.into());
        out.put_slice(&self.nonce);
        out.put_u64(self.times.reading.wall_seconds);
        out.put_u64(self.times.reading.now.as_millis());
        // No boot identifier is zero.
        out.put_slice(&self.times.boot.0.unwrap_or_default());
        out.put_slice(sources);
        out.put_slice(rules);
        out.put_u16(anchors.len() as u16);
        out.put_slice(anchors.as_flattened());
        let over = seal.over(&[&out]);
        out.put_slice(&over);
        out
    }

    /// Reads a head, and leaves `file` at the first piece. `seal` verifies sealed files.
    ///
    /// # Errors
    /// The file is unusable.
    pub(super) fn read(file: &mut impl Read, seal: Option<&Seal>) -> Result<Self, Refusal> {
        let (mut head, mut over) = (vec![0; FIXED_LENGTH], [0; seal::LENGTH]);
        file.read_exact(&mut head)?;
        let anchors = count_of_anchors(&head)?;
        head.resize(FIXED_LENGTH + anchors * ANCHOR_LENGTH, 0);
        file.read_exact(&mut head[FIXED_LENGTH..])?;
        file.read_exact(&mut over)?;
        let mut rest = &head[MAGIC.len() + size_of_val(&VERSION)..];
        let sealed = rest.get_u8() == 1;
        let nobody = Seal::without_secret();
        let seal = match sealed {
            true => {
                seal.ok_or(Refusal::Foreign("sealed, and there is no secret to verify the seal"))?
            }
            false => &nobody,
        };
        if !seal.fits(&[&head], &over) {
            return Err(Refusal::Foreign("seal invalid: changed, or written with another secret"));
        }
        let nonce = array(&mut rest);
        let (wall_seconds, now) = (rest.get_u64(), Moment::from_millis(rest.get_u64()));
        let boot = Boot(Some(array(&mut rest)).filter(|boot| *boot != [0; 16]));
        let (sources, rules) = (array(&mut rest), array(&mut rest));
        rest.advance(size_of::<u16>());
        let anchors = (0..anchors).map(|_| array(&mut rest)).collect();
        let times = Times { reading: ClockReading { now, wall_seconds }, boot };
        let fingerprints = Fingerprints { sources, rules, anchors };
        Ok(Header { sealed, nonce, times, fingerprints })
    }
}

/// The number of trust anchors after the fixed part of a head.
fn count_of_anchors(mut head: &[u8]) -> Result<usize, Refusal> {
    if !head.starts_with(MAGIC) {
        return Err(Refusal::Foreign("not a cache file of Zoners"));
    }
    head.advance(MAGIC.len());
    match head.get_u16() {
        VERSION => {}
        ..VERSION => return Err(Refusal::Outdated("a former version wrote the file")),
        _ => return Err(Refusal::Foreign("another format version")),
    }
    head.advance(head.len() - size_of::<u16>());
    match usize::from(head.get_u16()) {
        anchors @ ..=MAX_ANCHORS => Ok(anchors),
        _ => Err(Refusal::Foreign("too many trust anchors: changed")),
    }
}

fn array<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut octets = [0; N];
    rest.copy_to_slice(&mut octets);
    octets
}
