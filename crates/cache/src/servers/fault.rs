//! Faults of servers.

use serde::{Deserialize, Serialize};

/// A fault of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum ServerFault {
    /// It did not answer in time.
    Timeout = 1,
    /// The host says that the port is closed, or closes the connection.
    Refused,
    /// No way there: ICMP unreachable, no route, family not available.
    Unreachable,
    /// It does not serve a zone that it was asked for: REFUSED, NOTAUTH, or refers elsewhere.
    Lame,
    /// SERVFAIL, or another RCODE that says nothing of the name.
    ServFail,
    /// FORMERR, or what it sends cannot be read.
    FormErr,
    /// What it said could not be proven.
    Bogus,
}

impl ServerFault {
    /// All of them.
    pub const ALL: [ServerFault; 7] = [
        ServerFault::Timeout,
        ServerFault::Refused,
        ServerFault::Unreachable,
        ServerFault::Lame,
        ServerFault::ServFail,
        ServerFault::FormErr,
        ServerFault::Bogus,
    ];

    /// Whether it means that nothing came back from the server.
    #[must_use]
    pub const fn is_silence(self) -> bool {
        matches!(self, ServerFault::Timeout | ServerFault::Refused | ServerFault::Unreachable)
    }

    pub(super) fn read(octet: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|trouble| *trouble as u8 == octet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_read_back() {
        for trouble in ServerFault::ALL {
            assert_eq!(ServerFault::read(trouble as u8), Some(trouble));
        }
        assert_eq!(ServerFault::read(0), None);
    }
}
