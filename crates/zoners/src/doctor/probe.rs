//! One query to one server, with every end told apart: the effects of a firewall, a router and a dead line.
//!
//! `zoners_net` treats these ends alike for the resolver: here the probes have plain sockets of their own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};
use tokio::time::timeout;
use zoners_dns::query::{QueryOpt, QueryOptions, query_with};
use zoners_dns::{Message, Question, Random};
use zoners_doctor::ProbeCounts;
use zoners_host::hops::expire_after;

/// NSID (RFC 5001): an option without a value asks for the name of the server.
const NSID: [u8; 4] = [0, 3, 0, 0];

/// A query and its wrapping.
#[derive(Clone, Debug)]
pub(super) struct DnsProbe {
    pub(super) question: Question,
    pub(super) recursion_desired: bool,
    /// The offered UDP payload size.
    pub(super) offered: u16,
    /// The number of routers after which the packet expires.
    pub(super) hops: Option<u8>,
    pub(super) limit: Duration,
}

/// The end of a probe.
#[derive(Clone, Debug)]
pub(super) enum ProbeEnd {
    Replied {
        message: Box<Message>,
        took: Duration,
        /// The name in the NSID option.
        identity: Option<String>,
    },
    Refused,
    Unreachable,
    Forbidden,
    Silent,
}

impl ProbeEnd {
    pub(super) fn message(&self) -> Option<&Message> {
        match self {
            ProbeEnd::Replied { message, .. } => Some(message),
            _ => None,
        }
    }

    /// The name of the server in the NSID option.
    pub(super) fn identity(&self) -> Option<&str> {
        match self {
            ProbeEnd::Replied { identity, .. } => identity.as_deref(),
            _ => None,
        }
    }

    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe => ProbeEnd::Refused,
            io::ErrorKind::PermissionDenied => ProbeEnd::Forbidden,
            io::ErrorKind::TimedOut => ProbeEnd::Silent,
            _ => ProbeEnd::Unreachable,
        }
    }
}

impl DnsProbe {
    /// The query, over UDP.
    pub(super) async fn over_udp(&self, to: SocketAddr, random: &Random) -> ProbeEnd {
        self.ended(self.udp(to, random)).await
    }

    /// The query, over TCP.
    pub(super) async fn over_tcp(&self, to: SocketAddr, random: &Random) -> ProbeEnd {
        self.ended(self.tcp(to, random)).await
    }

    async fn ended(&self, exchange: impl Future<Output = io::Result<ProbeEnd>>) -> ProbeEnd {
        match timeout(self.limit, exchange).await {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => ProbeEnd::of(&error),
            Err(_) => ProbeEnd::Silent,
        }
    }

    async fn udp(&self, to: SocketAddr, random: &Random) -> io::Result<ProbeEnd> {
        let own: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((own, 0)).await?;
        if let Some(hops) = self.hops {
            expire_after(&socket, to.is_ipv4(), hops)?;
        }
        socket.connect(to).await?;
        let id = random.id();
        let (began, query) = (Instant::now(), self.compose(id));
        socket.send(&query).await?;
        let mut octets = vec![0; usize::from(u16::MAX)];
        loop {
            let length = socket.recv(&mut octets).await?;
            if let Some(end) = self.read(octets.get(..length).unwrap_or_default(), id, began) {
                return Ok(end);
            }
        }
    }

    async fn tcp(&self, to: SocketAddr, random: &Random) -> io::Result<ProbeEnd> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(hops) = self.hops {
            expire_after(&socket, to.is_ipv4(), hops)?;
        }
        let began = Instant::now();
        let mut stream = socket.connect(to).await?;
        let id = random.id();
        let query = self.compose(id);
        let length = (query.len() as u16).to_be_bytes();
        stream.write_all(&[&length[..], &query].concat()).await?;
        loop {
            let mut octets = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut octets).await?;
            if let Some(end) = self.read(&octets, id, began) {
                return Ok(end);
            }
        }
    }

    fn compose(&self, id: u16) -> Bytes {
        let options = QueryOptions { id, recursion_desired: self.recursion_desired, edns: true };
        let opt = QueryOpt { udp_payload_size: self.offered, ..QueryOpt::default() };
        let mut query = query_with(&self.question, options, opt).to_vec();
        // The OPT record is the last one, and its last field the length of the options, of which there are none yet.
        if let Some(length) = query.last_mut() {
            *length = NSID.len() as u8;
            query.extend(NSID);
        }
        query.into()
    }

    /// The reply to the query of this ID; `None` for a foreign message.
    fn read(&self, octets: &[u8], id: u16, began: Instant) -> Option<ProbeEnd> {
        let octets = Bytes::copy_from_slice(octets);
        let message = Message::parse(&octets).ok()?;
        let question = message.question.as_ref();
        let fits = question.is_none_or(|question| *question == self.question);
        let is_reply = message.header.id() == id && message.header.qr() && fits;
        let identity = identity(&octets);
        is_reply.then(|| ProbeEnd::Replied {
            message: Box::new(message),
            took: began.elapsed(),
            identity,
        })
    }
}

/// The name in the NSID option of a message. The search begins at the end, as the OPT record is the last record.
fn identity(octets: &[u8]) -> Option<String> {
    const OPT_HEAD: usize = 11;
    let heads = octets.windows(OPT_HEAD).enumerate().rev();
    let (at, _) = heads.into_iter().find(|(at, head)| {
        let length = usize::from(u16::from_be_bytes([head[9], head[10]]));
        head.starts_with(&[0, 0, 41]) && at + OPT_HEAD + length == octets.len()
    })?;
    let mut options = octets.get(at + OPT_HEAD..)?;
    while let [code_high, code, length_high, length, rest @ ..] = options {
        let length = usize::from(u16::from_be_bytes([*length_high, *length]));
        let (value, rest) = rest.split_at_checked(length)?;
        if [*code_high, *code] == [NSID[0], NSID[1]] && !value.is_empty() {
            return Some(readable(value));
        }
        options = rest;
    }
    None
}

/// The octets as text, or in hexadecimal digits.
pub(super) fn readable(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) if text.chars().all(|letter| !letter.is_control()) => text.to_owned(),
        _ => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}

/// Ends as counts, with the median round-trip time.
pub(super) fn counted<'a>(ends: impl IntoIterator<Item = &'a ProbeEnd>) -> ProbeCounts {
    let (mut counts, mut times) = (ProbeCounts::default(), Vec::new());
    for end in ends {
        counts.sent += 1;
        match end {
            ProbeEnd::Replied { took, .. } => {
                counts.replied += 1;
                times.push(took.as_secs_f64() * 1000.0);
            }
            ProbeEnd::Refused => counts.refused += 1,
            ProbeEnd::Unreachable => counts.unreachable += 1,
            ProbeEnd::Forbidden => counts.forbidden += 1,
            ProbeEnd::Silent => {}
        }
    }
    counts.median_ms = median(times);
    counts
}

/// The median of some times.
pub(super) fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use zoners_dns::{Rtype, name};

    use super::*;

    fn probe() -> DnsProbe {
        DnsProbe {
            question: Question::new(name::root(), Rtype::SOA),
            recursion_desired: false,
            offered: 1232,
            hops: None,
            limit: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_query_asks_for_the_name_of_the_server() {
        let query = probe().compose(7);
        let message = Message::parse(&query).unwrap();
        assert!(message.edns.is_some_and(|edns| edns.dnssec_ok && edns.udp_payload_size == 1232));
        assert_eq!(identity(&query), None);
        let mut reply = query.to_vec();
        reply.truncate(reply.len() - 4 - 2);
        reply.extend([0, 9, 0, 3, 0, 5, b'l', b'h', b'r', b'-', b'1']);
        assert_eq!(identity(&reply).as_deref(), Some("lhr-1"));
        assert_eq!(readable(&[1, 0xAB]), "01ab");
    }

    #[test]
    fn ends_are_told_apart() {
        let end = |kind: io::ErrorKind| ProbeEnd::of(&io::Error::from(kind));
        let ends = [
            end(io::ErrorKind::ConnectionRefused),
            end(io::ErrorKind::HostUnreachable),
            end(io::ErrorKind::PermissionDenied),
            end(io::ErrorKind::TimedOut),
        ];
        let counts = counted(&ends);
        assert_eq!((counts.sent, counts.replied, counts.refused), (4, 0, 1));
        assert_eq!((counts.unreachable, counts.forbidden, counts.median_ms), (1, 1, None));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    }
}
