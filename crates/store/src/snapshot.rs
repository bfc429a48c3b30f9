//! The cache in a file, which is loaded when the process starts again.
//!
//! | octets | content |
//! |---|---|
//! | 12 | `zoners-cache` |
//! | 2 | version of the format |
//! | 1 | 1 if the file is sealed with a secret |
//! | 16 | a nonce, which binds the pieces to the file |
//! | 8, 8, 16 | the clocks: wall clock in seconds since 1970, `Moment`, and the boot identifier |
//! | 32, 32 | fingerprints of the sources of answers, and of the validation rules |
//! | 2 | the number of trust anchors |
//! | 16 each | fingerprints of the trust anchors |
//! | 16 | the seal over the head |
//!
//! Pieces follow: the length in four octets, the entries, and a seal over the nonce, the number of the
//! piece and the entries. A piece without entries is the last. A file is written under a temporary
//! name and replaces the previous file by a rename.

mod fingerprints;
mod header;
mod read;
mod refusal;
mod write;

pub use fingerprints::Fingerprints;
pub use header::Boot;
pub use read::{Loaded, read, read_from};
pub use refusal::Refusal;
pub use write::{write, write_to};

use zoners_dns::ClockReading;

use crate::Seal;

/// The clocks, and the boot that they count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The clocks.
    pub reading: ClockReading,
    /// The boot of the machine.
    pub boot: Boot,
}

/// The seal and the fingerprints of a file.
#[derive(Debug)]
pub struct SnapshotOptions<'a> {
    /// The seal; without a secret the file has only a checksum.
    pub seal: Option<&'a Seal>,
    /// The sources and the validation of the answers.
    pub fingerprints: Fingerprints,
}

impl SnapshotOptions<'_> {
    /// The seal over one piece.
    fn seal_piece(&self, nonce: &[u8], number: u64, entries: &[u8], sealed: bool) -> [u8; 16] {
        let nobody = Seal::without_secret();
        let seal = self.seal.filter(|_| sealed).unwrap_or(&nobody);
        seal.over(&[nonce, &number.to_be_bytes(), entries])
    }
}

#[cfg(test)]
mod tests;
