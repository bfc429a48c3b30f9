//! The line by one address family: probes of root servers, side by side.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zoners_dns::{Question, Random, Rtype, name};
use zoners_doctor::{FamilyObservation, IpFamily, RouterPassage, ServerProbe, SizeProbe};

use super::probe::{DnsProbe, ProbeEnd, counted};
use super::replies;
use super::router::{self, RouterAddress};
use super::within;

/// The most servers asked.
pub(super) const MAX_SERVERS: usize = 5;
/// Queries to each server over UDP: with forty queries, a loss of one in ten shows in 98 of 100 examinations.
const ROUNDS: u32 = 8;
/// The pause between two rounds; within a round, servers are asked in turn, so that a short gap hits few probes.
const ROUND_PAUSE: Duration = Duration::from_millis(450);
/// Queries for long replies, for each size: on a line with a loss of one in four, four are seldom lost by chance.
const SIZE_TRIES: usize = 4;
/// The sizes that are offered; Zoners itself offers the middle one (RFC 9715).
const SIZES: [u16; 3] = [512, 1232, 4096];
/// The longest wait for a reply; a satellite takes 0.7 s.
const LIMIT: Duration = Duration::from_millis(2000);
/// Addresses for documentation (RFC 5737, RFC 3849), where no server is.
const DARK: (IpAddr, IpAddr) = (
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 53)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x53)),
);
/// The first port of traceroute(8), which filters seldom stop.
const TRACEROUTE_PORT: u16 = 33434;
/// Hops to live of a packet to the router alone, and of a packet to the next hop.
const TO_ROUTER: u8 = 1;
const BEHIND_ROUTER: u8 = 2;

/// A line to be probed.
#[derive(Clone, Debug)]
pub(super) struct LineProbe {
    pub(super) family: IpFamily,
    /// The address from which packets to far away leave.
    pub(super) source: Option<IpAddr>,
    pub(super) router: Option<RouterAddress>,
    /// Root servers of the family.
    pub(super) servers: Vec<SocketAddr>,
    /// When probes under way are given up.
    pub(super) deadline: Instant,
    pub(super) random: Random,
}

/// The observations of a family, and the time by its signatures.
#[derive(Debug)]
pub(super) struct LineReport {
    pub(super) seen: FamilyObservation,
    /// Inception and expiration of signatures, in seconds since 1970.
    pub(super) windows: Vec<(i64, i64)>,
}

impl LineProbe {
    /// Probes the line, which takes some six seconds.
    pub(super) async fn examine(self) -> LineReport {
        let mut seen = FamilyObservation {
            family: self.family,
            source: self.source,
            ..FamilyObservation::default()
        };
        if self.source.is_none() || self.servers.is_empty() {
            return LineReport { seen, windows: Vec::new() };
        }
        let router = async {
            match &self.router {
                Some(router) => Some(router::examine(router).await),
                None => None,
            }
        };
        let (udp, tcp, sizes, identities, random_names, dark, first_hop, passage, echo, router) = tokio::join!(
            within(self.deadline, self.udp()),
            within(self.deadline, self.tcp()),
            within(self.deadline, self.sizes()),
            within(self.deadline, self.identities()),
            within(self.deadline, self.random_names()),
            within(self.deadline, self.is_answered(self.dark_address(), None)),
            within(self.deadline, self.is_answered(self.first_server(), Some(TO_ROUTER))),
            within(self.deadline, self.passage()),
            within(self.deadline, router::echo_of_servers(&self.servers)),
            within(self.deadline, router),
        );
        seen.traits = replies::traits(&udp, &tcp, identities, random_names);
        let messages = udp.iter().flatten().chain(&tcp).filter_map(ProbeEnd::message);
        let windows = messages.flat_map(replies::windows).collect();
        let counts = |(address, ends): (&SocketAddr, &Vec<ProbeEnd>)| ServerProbe {
            address: address.ip(),
            counts: counted(ends),
        };
        seen.servers = self.servers.iter().zip(&udp).map(counts).collect();
        seen.tcp = counted(&tcp);
        (seen.sizes, seen.passage, seen.echo, seen.router) = (sizes, passage, echo, router);
        (seen.dark_address_replied, seen.first_hop_replied) = (dark, first_hop);
        LineReport { seen, windows }
    }

    fn probe(&self, question: Question) -> DnsProbe {
        DnsProbe { question, recursion_desired: false, offered: 1232, hops: None, limit: LIMIT }
    }

    fn soa(&self) -> DnsProbe {
        self.probe(Question::new(name::root(), Rtype::SOA))
    }

    fn first_server(&self) -> SocketAddr {
        self.servers.first().copied().unwrap_or(SocketAddr::new(DARK.0, 53))
    }

    fn dark_address(&self) -> SocketAddr {
        let ip = if self.family == IpFamily::Ipv4 { DARK.0 } else { DARK.1 };
        SocketAddr::new(ip, self.first_server().port())
    }

    /// Queries to each server over UDP, in rounds.
    async fn udp(&self) -> Vec<Vec<ProbeEnd>> {
        let step = ROUND_PAUSE / self.servers.len().max(1) as u32;
        let mut tasks = tokio::task::JoinSet::new();
        for (at, server) in self.servers.iter().copied().enumerate() {
            for round in 0..ROUNDS {
                let (probe, random) = (self.soa(), self.random.clone());
                tasks.spawn(async move {
                    sleep(ROUND_PAUSE * round + step * at as u32).await;
                    (at, probe.over_udp(server, &random).await)
                });
            }
        }
        let mut ends: Vec<Vec<ProbeEnd>> = vec![Vec::new(); self.servers.len()];
        while let Some(done) = tasks.join_next().await {
            if let Ok((at, end)) = done
                && let Some(of_server) = ends.get_mut(at)
            {
                of_server.push(end);
            }
        }
        ends
    }

    /// A query to each server over TCP.
    async fn tcp(&self) -> Vec<ProbeEnd> {
        let mut tasks = tokio::task::JoinSet::new();
        for server in self.servers.iter().copied() {
            // A connection may lose its first segment, which is sent again after a second.
            let probe = DnsProbe { limit: LIMIT * 2, ..self.soa() };
            let random = self.random.clone();
            tasks.spawn(async move {
                match probe.over_tcp(server, &random).await {
                    // The router's hardware address may be asked for in vain where packets get lost.
                    ProbeEnd::Unreachable => {
                        sleep(ROUND_PAUSE * 2).await;
                        probe.over_tcp(server, &random).await
                    }
                    end => end,
                }
            });
        }
        tasks.join_all().await
    }

    /// The keys of the root, by each size.
    async fn sizes(&self) -> Vec<SizeProbe> {
        let [small, usual, large] = SIZES.map(|offered| self.size(offered));
        let (small, usual, large) = tokio::join!(small, usual, large);
        vec![small, usual, large]
    }

    /// The keys of the root, from one server after the other until one replies.
    async fn size(&self, offered: u16) -> SizeProbe {
        let mut size = SizeProbe { offered, ..SizeProbe::default() };
        for server in self.servers.iter().cycle().take(SIZE_TRIES) {
            let question = Question::new(name::root(), Rtype::DNSKEY);
            let probe = DnsProbe { offered, ..self.probe(question) };
            size.sent += 1;
            if let Some(message) = probe.over_udp(*server, &self.random).await.message() {
                size.replied += 1;
                size.octets = message.octets as u32;
                size.truncated = message.header.tc();
                break;
            }
        }
        size
    }

    /// The names of two servers in their own words (`id.server`, RFC 4892).
    async fn identities(&self) -> Vec<String> {
        let Ok(own) = name::parse("id.server") else { return Vec::new() };
        let mut found = Vec::new();
        for server in self.servers.iter().take(2) {
            let question =
                Question { class: zoners_dns::Class::CH, ..Question::new(own.clone(), Rtype::TXT) };
            let end = self.probe(question).over_udp(*server, &self.random).await;
            let record = end.message().and_then(|message| message.answer.first()?.records.first());
            // The first octet is the length of the text.
            found.extend(record.and_then(|record| Some(super::probe::readable(record.get(1..)?))));
        }
        found
    }

    /// Absent top-level names: the number of denials, and of answers.
    async fn random_names(&self) -> (u32, u32) {
        let (mut denied, mut answered) = (0, 0);
        for server in self.servers.iter().take(2) {
            let label = format!("x{:016x}", self.random.bits());
            let Ok(unknown) = name::parse(&label) else { continue };
            let probe = DnsProbe {
                recursion_desired: true,
                ..self.probe(Question::new(unknown, Rtype::A))
            };
            if let Some(message) = probe.over_udp(*server, &self.random).await.message() {
                let is_answer = !message.answer.is_empty();
                answered += u32::from(is_answer);
                denied += u32::from(!is_answer && message.rcode == zoners_dns::OptRcode::NXDOMAIN);
            }
        }
        (denied, answered)
    }

    /// Whether a query gets a reply where nothing should reply.
    async fn is_answered(&self, to: SocketAddr, hops: Option<u8>) -> bool {
        let probe = DnsProbe { recursion_desired: true, hops, ..self.soa() };
        for _ in 0..2 {
            if probe.over_udp(to, &self.random).await.message().is_some() {
                return true;
            }
        }
        false
    }

    /// Packets beyond the router: the next router reports the end of an expired packet.
    async fn passage(&self) -> RouterPassage {
        let probe = DnsProbe { hops: Some(BEHIND_ROUTER), limit: LIMIT / 2, ..self.soa() };
        let server = self.first_server();
        let elsewhere = SocketAddr::new(server.ip(), TRACEROUTE_PORT);
        let is_expired = |end: &ProbeEnd| matches!(end, ProbeEnd::Unreachable);
        let mut passage = RouterPassage::default();
        // Routers report few packets a second, and some get lost.
        for _ in 0..3 {
            let (udp, other, tcp) = tokio::join!(
                probe.over_udp(server, &self.random),
                probe.over_udp(elsewhere, &self.random),
                probe.over_tcp(server, &self.random),
            );
            passage.udp |= is_expired(&udp);
            passage.other |= is_expired(&other);
            passage.tcp |= is_expired(&tcp);
            if passage.udp && passage.other && passage.tcp {
                break;
            }
        }
        passage
    }
}
