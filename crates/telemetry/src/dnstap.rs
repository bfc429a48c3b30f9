//! dnstap: messages of DNS with their circumstances (`dnstap.proto` of github.com/dnstap/dnstap.pb), and the frames in
//! which they travel ([`frames`]).
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::UNIX_EPOCH;
//!
//! use zoners_telemetry::dnstap::{DnstapKind, DnstapMessage, DnstapProtocol, DnstapSender};
//!
//! let sender = DnstapSender { identity: "ns1".into(), version: "zoners 0.1".into() };
//! let message = DnstapMessage {
//!     kind: DnstapKind::ClientQuery,
//!     protocol: DnstapProtocol::Udp,
//!     query_from: Some("192.0.2.7:4000".parse::<SocketAddr>().unwrap()),
//!     query_to: None,
//!     at: UNIX_EPOCH,
//!     octets: &[0; 12],
//! };
//! assert_eq!(sender.octets(&message)[..5], *b"\x0A\x03ns1");
//! ```

pub mod frames;

use std::net::{IpAddr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::protobuf::ProtobufMessage;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnstapKind {
    /// A query of a resolver to a server.
    ResolverQuery = 3,
    /// The reply of the server.
    ResolverResponse = 4,
    /// A query of a client to the resolver.
    ClientQuery = 5,
    /// The response to the client.
    ClientResponse = 6,
}

/// `SocketProtocol`: how a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnstapProtocol {
    /// DNS over UDP.
    Udp = 1,
    /// DNS over TCP.
    Tcp = 2,
    /// DNS over TLS (RFC 7858).
    Dot = 3,
    /// DNS over HTTPS (RFC 8484).
    Doh = 4,
    /// DNS over QUIC (RFC 9250).
    Doq = 7,
}

/// A message of DNS with its circumstances.
#[derive(Clone, Copy, Debug)]
pub struct DnstapMessage<'a> {
    /// What the message is.
    pub kind: DnstapKind,
    /// How the message came.
    pub protocol: DnstapProtocol,
    /// The address from which the query came, or comes: of the client, or of the resolver.
    pub query_from: Option<SocketAddr>,
    /// The address to which the query went.
    pub query_to: Option<SocketAddr>,
    /// When the message was sent or received.
    pub at: SystemTime,
    /// The message in wire format.
    pub octets: &'a [u8],
}

/// The program that reports messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnstapSender {
    /// The name of the server; empty for none.
    pub identity: String,
    /// The program and its version.
    pub version: String,
}

impl DnstapKind {
    const fn is_query(self) -> bool {
        match self {
            DnstapKind::ResolverQuery | DnstapKind::ClientQuery => true,
            DnstapKind::ResolverResponse | DnstapKind::ClientResponse => false,
        }
    }
}

impl DnstapSender {
    /// A message as a frame's content.
    #[must_use]
    pub fn octets(&self, message: &DnstapMessage<'_>) -> Vec<u8> {
        let mut dnstap = ProtobufMessage::default();
        if !self.identity.is_empty() {
            dnstap.put_octets(1, self.identity.as_bytes());
        }
        dnstap.put_octets(2, self.version.as_bytes());
        dnstap.put_message(14, &circumstances(message));
        dnstap.put_unsigned(15, TYPE_MESSAGE);
        dnstap.into_octets()
    }
}

/// `Dnstap.Type.MESSAGE`.
const TYPE_MESSAGE: u64 = 1;

/// The nested message `Message`.
fn circumstances(message: &DnstapMessage<'_>) -> ProtobufMessage {
    let DnstapMessage { kind, protocol, query_from, query_to, at, octets } = message;
    let mut nested = ProtobufMessage::default();
    nested.put_unsigned(1, *kind as u64);
    if let Some(end) = query_from.or(*query_to) {
        nested.put_unsigned(2, if end.ip().to_canonical().is_ipv4() { 1 } else { 2 });
    }
    nested.put_unsigned(3, *protocol as u64);
    for (end, address_field, port_field) in [(query_from, 4, 6), (query_to, 5, 7)] {
        if let Some(end) = end {
            match end.ip().to_canonical() {
                IpAddr::V4(ip) => nested.put_octets(address_field, &ip.octets()),
                IpAddr::V6(ip) => nested.put_octets(address_field, &ip.octets()),
            }
            nested.put_unsigned(port_field, end.port().into());
        }
    }
    let (seconds_field, octets_field) = if kind.is_query() { (8, 10) } else { (12, 14) };
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    nested.put_unsigned(seconds_field, since.as_secs());
    nested.put_fixed32(seconds_field + 1, since.subsec_nanos());
    nested.put_octets(octets_field, octets);
    nested
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_message_has_its_ends_its_time_and_its_octets() {
        let message = DnstapMessage {
            kind: DnstapKind::ResolverResponse,
            protocol: DnstapProtocol::Tcp,
            query_from: None,
            query_to: Some("[::ffff:192.0.2.1]:53".parse().unwrap()),
            at: UNIX_EPOCH + Duration::from_nanos(1_000_000_002),
            octets: b"DNS",
        };
        let nested: &[&[u8]] = &[
            b"\x08\x04\x10\x01\x18\x02",
            b"\x2A\x04\xC0\x00\x02\x01\x38\x35",
            b"\x60\x01\x6D\x02\0\0\0\x72\x03DNS",
        ];
        let nested = nested.concat();
        let outer = [b"\x12\x01v\x72", &[nested.len() as u8][..], &nested, b"\x78\x01"].concat();
        let sender = DnstapSender { identity: String::new(), version: "v".to_owned() };
        assert_eq!(sender.octets(&message), outer);
    }
}
