//! Faults of servers.

use serde::{Deserialize, Serialize};

/// A fault of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum ServerFault {
    /// No reply came in time.
    Timeout = 1,
    /// The port is closed, or the server closed the connection.
    Refused,
    /// Unreachable: ICMP unreachable, no route, or address family not available.
    Unreachable,
    /// Lame: the server does not serve the zone (REFUSED, NOTAUTH, or a referral elsewhere).
    Lame,
    /// SERVFAIL, or another RCODE that says nothing about the name.
    ServFail,
    /// FORMERR, or a malformed reply.
    FormErr,
    /// A reply that failed validation.
    Bogus,
    /// The server did not prove its identity: no query was sent.
    Untrusted,
    /// TLS failed otherwise.
    Handshake,
    /// The server over HTTPS sent no DNS message.
    Http,
}

impl ServerFault {
    /// All faults.
    pub const ALL: [ServerFault; 10] = [
        ServerFault::Timeout,
        ServerFault::Refused,
        ServerFault::Unreachable,
        ServerFault::Lame,
        ServerFault::ServFail,
        ServerFault::FormErr,
        ServerFault::Bogus,
        ServerFault::Untrusted,
        ServerFault::Handshake,
        ServerFault::Http,
    ];

    /// Whether the server sent no DNS message at all.
    #[must_use]
    pub const fn is_silence(self) -> bool {
        match self {
            ServerFault::Timeout
            | ServerFault::Refused
            | ServerFault::Unreachable
            | ServerFault::Untrusted
            | ServerFault::Handshake
            | ServerFault::Http => true,
            ServerFault::Lame
            | ServerFault::ServFail
            | ServerFault::FormErr
            | ServerFault::Bogus => false,
        }
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
