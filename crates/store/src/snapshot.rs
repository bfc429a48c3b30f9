//! The cache in a file, to be read back when the process is started again.
//!
//! | octets | what |
//! |---|---|
//! | 12 | `zoners-cache` |
//! | 2 | version of the format |
//! | 1 | 1 if it is sealed with a secret |
//! | 16 | a random number, which ties the pieces together |
//! | 8, 8, 16 | what the clocks showed: wall clock in seconds since 1970, `Moment`, and which start of the machine it counts from |
//! | 32, 32 | fingerprints: of where the answers come from, and of how they were proven |
//! | 16 | the seal over all this |
//!
//! Then pieces: their length in four octets, entries, a seal over the random number, the piece's
//! number and the entries. One without entries is the last. A file is written beside the one before
//! and takes its place as a whole.

mod header;
mod read;
mod write;

pub use header::{Boot, Fingerprints};
pub use read::{Loaded, Refusal, read, read_from};
pub use write::{write, write_to};

use zoners_dns::ClockReading;

use crate::Seal;

/// What the clocks show, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The clocks.
    pub reading: ClockReading,
    /// The start of the machine.
    pub boot: Boot,
}

/// With what and of what a file is made.
#[derive(Debug)]
pub struct Terms<'a> {
    /// The seal; without one it says no more than that the file is whole.
    pub seal: Option<&'a Seal>,
    /// What its answers rest on.
    pub fingerprints: Fingerprints,
}

impl Terms<'_> {
    /// The seal over a piece.
    fn seal_piece(&self, nonce: &[u8], number: u64, entries: &[u8], sealed: bool) -> [u8; 16] {
        let nobody = Seal::of_nobody();
        let seal = self.seal.filter(|_| sealed).unwrap_or(&nobody);
        seal.over(&[nonce, &number.to_be_bytes(), entries])
    }
}

#[cfg(test)]
mod tests;
