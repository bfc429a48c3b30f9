//! What is known of an RRset's authenticity.

use serde::{Deserialize, Serialize};

/// The security status of data (RFC 4035 section 4.3), the least that is known first: the status of
/// several is the least of theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Security {
    /// Nobody has looked yet, or nobody will: asked with CD, or validation is off.
    #[default]
    Unchecked,
    /// Proven to lie below an unsigned delegation.
    Insecure,
    /// A chain of signatures reaches a trust anchor.
    Secure,
}

impl Security {
    /// One octet for storage.
    #[must_use]
    pub fn to_octet(self) -> u8 {
        self as u8
    }

    /// The status that [`Security::to_octet`] wrote.
    #[must_use]
    pub fn from_octet(octet: u8) -> Self {
        match octet {
            1 => Security::Insecure,
            2 => Security::Secure,
            _ => Security::Unchecked,
        }
    }
}
