//! Rows: a query in some fifty octets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_api::QueryOutcome;
use zoners_dns::Transport;

/// Octets of a row before the address: the length (2), seconds since the begin of the segment (4), milliseconds that the
/// answer took (4), type (2), RCODE (2), EDE (2), outcome and flags.
const HEAD_OCTETS: usize = 18;
/// The RCODE of a query without a response, and the EDE of a response without one.
const NONE: u16 = u16::MAX;

/// The RCODE of a failure (RFC 1035 section 4.1.1).
const SERVFAIL: u16 = 2;

/// Bit 0 of the transport number. Bits 1 to 4 stand from bit 4 of the flags on, as old rows had one bit.
const TRANSPORT_LOW: u8 = 1;
/// The flag of a client with an IPv6 address.
const IPV6: u8 = 2;
/// The flag of a query with a readable question.
const HAS_QUESTION: u8 = 4;
/// The flag of a row without a client.
const NO_CLIENT: u8 = 8;
/// The place of bits 1 to 4 of the transport number.
const TRANSPORT_SHIFT: u8 = 4;

/// A query in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRow<'a> {
    /// When the query was received, in seconds since 1970.
    pub received_s: u64,
    /// The client; `None` if clients are not logged.
    pub client: Option<IpAddr>,
    /// The transport of the query.
    pub transport: Transport,
    /// The name in question in wire format, and the type; `None` without a readable question.
    pub question: Option<(&'a [u8], u16)>,
    /// How the query ended.
    pub outcome: QueryOutcome,
    /// The RCODE of the response; `None` without a response.
    pub rcode: Option<u16>,
    /// The code of the Extended DNS Error.
    pub ede: Option<u16>,
    /// Milliseconds from the query to the response.
    pub took_ms: u32,
}

/// How much of a client's address is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogClient {
    /// The address.
    #[default]
    Address,
    /// The network: 24 bits of an IPv4 address, 48 of an IPv6 address.
    Network,
    /// Nothing.
    Hidden,
}

impl LogClient {
    /// The part of the address that is logged.
    #[must_use]
    pub fn logged(self, client: IpAddr) -> Option<IpAddr> {
        match (self, client.to_canonical()) {
            (LogClient::Hidden, _) => None,
            (LogClient::Address, client) => Some(client),
            (LogClient::Network, IpAddr::V4(client)) => {
                Some(Ipv4Addr::from_bits(client.to_bits() & !0xFF).into())
            }
            (LogClient::Network, IpAddr::V6(client)) => {
                Some(Ipv6Addr::from_bits(client.to_bits() >> 80 << 80).into())
            }
        }
    }
}

impl<'a> LogRow<'a> {
    /// Whether the client got no answer, or SERVFAIL.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.outcome.is_answered() || self.rcode == Some(SERVFAIL)
    }

    /// Appends the row to the octets of a segment that begins at this second.
    pub fn put(&self, segment_s: u64, out: &mut Vec<u8>) {
        let begin = out.len();
        let since = u32::try_from(self.received_s.saturating_sub(segment_s)).unwrap_or(u32::MAX);
        let (name, rtype) = self.question.unwrap_or_default();
        let flags = [
            (matches!(self.client, Some(IpAddr::V6(_))), IPV6),
            (self.question.is_some(), HAS_QUESTION),
            (self.client.is_none(), NO_CLIENT),
        ];
        let flags = flags.iter().filter(|(on, _)| *on);
        let flags = flags.fold(transport_bits(self.transport), |flags, (_, flag)| flags | flag);
        out.extend([0, 0]);
        out.extend(since.to_le_bytes());
        out.extend(self.took_ms.to_le_bytes());
        out.extend(rtype.to_le_bytes());
        out.extend(self.rcode.unwrap_or(NONE).to_le_bytes());
        out.extend(self.ede.unwrap_or(NONE).to_le_bytes());
        out.extend([octet_of(self.outcome), flags]);
        match self.client {
            Some(IpAddr::V4(client)) => out.extend(client.octets()),
            Some(IpAddr::V6(client)) => out.extend(client.octets()),
            None => {}
        }
        out.extend(name);
        let length = ((out.len() - begin) as u16).to_le_bytes();
        if let Some(place) = out.get_mut(begin..begin + 2) {
            place.copy_from_slice(&length);
        }
    }

    /// Takes the next row from the octets of a segment that begins at this second; none if the row is cut or invalid.
    #[must_use]
    pub fn take(segment_s: u64, octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = u16::from_le_bytes(*octets.first_chunk::<2>()?);
        let (row, rest) = octets.split_at_checked(usize::from(length))?;
        let (head, tail) = row.split_first_chunk::<HEAD_OCTETS>()?;
        let short = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let long =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let flags = head[17];
        let (client, name) = match flags {
            flags if flags & NO_CLIENT != 0 => (None, tail),
            flags if flags & IPV6 != 0 => {
                let (client, name) = tail.split_first_chunk::<16>()?;
                (Some(Ipv6Addr::from(*client).into()), name)
            }
            _ => {
                let (client, name) = tail.split_first_chunk::<4>()?;
                (Some(Ipv4Addr::from(*client).into()), name)
            }
        };
        let some = |number: u16| Some(number).filter(|number| *number != NONE);
        let row = LogRow {
            received_s: segment_s + u64::from(long(2)),
            client,
            transport: transport_of(flags)?,
            question: (flags & HAS_QUESTION != 0).then_some((name, short(10))),
            outcome: outcome_of(head[16])?,
            rcode: some(short(12)),
            ede: some(short(14)),
            took_ms: long(6),
        };
        Some((row, rest))
    }
}

/// The bits of a transport among the flags: the lowest one, and those from the fifth on.
fn transport_bits(transport: Transport) -> u8 {
    let octet = transport.to_octet();
    octet & TRANSPORT_LOW | octet >> 1 << TRANSPORT_SHIFT
}

/// The transport among the flags.
fn transport_of(flags: u8) -> Option<Transport> {
    Transport::from_octet(flags & TRANSPORT_LOW | flags >> TRANSPORT_SHIFT << 1)
}

/// The octet of an outcome, which never changes.
const fn octet_of(outcome: QueryOutcome) -> u8 {
    match outcome {
        QueryOutcome::Local => 0,
        QueryOutcome::Policy => 1,
        QueryOutcome::Cached => 2,
        QueryOutcome::Recursed => 3,
        QueryOutcome::Stale => 4,
        QueryOutcome::Failed => 5,
        QueryOutcome::Refused => 6,
        QueryOutcome::RateLimited => 7,
        QueryOutcome::Late => 8,
        QueryOutcome::Dropped => 9,
        QueryOutcome::ErrorsLimited => 10,
    }
}

fn outcome_of(octet: u8) -> Option<QueryOutcome> {
    QueryOutcome::ALL.into_iter().find(|outcome| octet_of(*outcome) == octet)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = (LogRow<'static>, Option<(Vec<u8>, u16)>)> {
        let question =
            proptest::option::of((proptest::collection::vec(any::<u8>(), 0..255), any::<u16>()));
        let code = || proptest::option::of(0..NONE);
        let outcome = proptest::sample::select(QueryOutcome::ALL.to_vec());
        let transport = proptest::sample::select(Transport::ALL.to_vec());
        let rest = (any::<Option<IpAddr>>(), transport, outcome, code(), code(), any::<u32>());
        (question, 0..u32::MAX, rest).prop_map(|(question, since, rest)| {
            let (client, transport, outcome, rcode, ede, took_ms) = rest;
            let received_s = 1000 + u64::from(since);
            let question_of_row = None;
            let row = LogRow {
                received_s,
                client,
                transport,
                question: question_of_row,
                outcome,
                rcode,
                ede,
                took_ms,
            };
            (row, question)
        })
    }

    proptest! {
        #[test]
        fn rows_are_read_as_written((row, question) in row(), more in any::<[u8; 3]>()) {
            let question = question.as_ref().map(|(name, rtype)| (&**name, *rtype));
            let row = LogRow { question, ..row };
            let mut octets = Vec::new();
            row.put(1000, &mut octets);
            prop_assert!(octets.len() <= HEAD_OCTETS + 16 + 255);
            let whole = octets.len();
            octets.extend(more);
            prop_assert_eq!(LogRow::take(1000, &octets), Some((row, &more[..])));
            for cut in 0..whole {
                prop_assert_eq!(LogRow::take(1000, &octets[..cut]), None);
            }
        }

        #[test]
        fn no_octets_are_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = LogRow::take(0, &octets);
        }
    }

    #[test]
    fn a_client_is_logged_as_far_as_wanted() {
        let logged = |mode: LogClient, client: &str| {
            mode.logged(client.parse().unwrap()).map(|client| client.to_string())
        };
        let (v4, v6) = ("::ffff:192.0.2.77", "2001:db8:1:2:3::4");
        assert_eq!(logged(LogClient::Address, v4).unwrap(), "192.0.2.77");
        assert_eq!(logged(LogClient::Network, v4).unwrap(), "192.0.2.0");
        assert_eq!(logged(LogClient::Network, v6).unwrap(), "2001:db8:1::");
        assert_eq!(logged(LogClient::Hidden, v6), None);
    }
}
