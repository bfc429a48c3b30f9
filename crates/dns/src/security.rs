//! The security status of RRsets.

use serde::{Deserialize, Serialize};

/// The security status of data (RFC 4035 section 4.3), in ascending order. The status of several
/// RRsets is the least status among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Security {
    /// Not validated: the client set CD, validation is off, or validation has not run yet.
    #[default]
    Unchecked,
    /// Proven to lie below an insecure delegation.
    Insecure,
    /// A chain of trust reaches a trust anchor.
    Secure,
}

impl Security {
    /// The status as one octet, for storage.
    #[must_use]
    pub fn to_octet(self) -> u8 {
        self as u8
    }

    /// The status of an octet from [`Security::to_octet`].
    #[must_use]
    pub fn from_octet(octet: u8) -> Self {
        match octet {
            1 => Security::Insecure,
            2 => Security::Secure,
            _ => Security::Unchecked,
        }
    }
}
