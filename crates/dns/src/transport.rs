//! The transports of messages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The transport of a message.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// A stream, reused for several queries (RFC 7766).
    Tcp,
    /// A stream within TLS (RFC 7858). A configuration names encrypted transports by addresses that begin so.
    #[serde(skip_deserializing)]
    Tls,
    /// Requests of HTTP within TLS, a query each (RFC 8484).
    #[serde(skip_deserializing)]
    Https,
    /// Streams of QUIC, a query each (RFC 9250).
    #[serde(skip_deserializing)]
    Quic,
}

impl Transport {
    /// All transports.
    pub const ALL: [Transport; 5] =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Https, Transport::Quic];

    /// Whether messages come in a stream: no message is too long, and TC has no use.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        match self {
            Transport::Udp => false,
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => true,
        }
    }

    /// Whether the socket takes datagrams, and so shares no port with a stream.
    #[must_use]
    pub const fn has_datagrams(self) -> bool {
        match self {
            Transport::Udp | Transport::Quic => true,
            Transport::Tcp | Transport::Tls | Transport::Https => false,
        }
    }

    /// Whether nobody on the path can read messages.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        match self {
            Transport::Udp | Transport::Tcp => false,
            Transport::Tls | Transport::Https | Transport::Quic => true,
        }
    }

    /// Whether the peer has shown that packets reach its address, by a handshake.
    #[must_use]
    pub const fn verifies_address(self) -> bool {
        match self {
            Transport::Udp => false,
            Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => true,
        }
    }

    /// The octet of the transport in keys; never another transport's.
    #[must_use]
    pub const fn to_octet(self) -> u8 {
        match self {
            Transport::Udp => 0,
            Transport::Tcp => 1,
            Transport::Tls => 2,
            Transport::Https => 3,
            Transport::Quic => 4,
        }
    }

    /// The transport of an octet in a key, if there is one.
    #[must_use]
    pub fn from_octet(octet: u8) -> Option<Self> {
        Transport::ALL.into_iter().find(|transport| transport.to_octet() == octet)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Https => "https",
            Transport::Quic => "quic",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transport_has_an_octet_of_its_own() {
        for transport in Transport::ALL {
            assert_eq!(Transport::from_octet(transport.to_octet()), Some(transport));
        }
        assert_eq!(Transport::from_octet(u8::MAX), None);
    }
}
