//! The NAT64 of the network: prefix, and passage of packets.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::task::JoinSet;
use zoners_dns::nat64::{DISCOVERY_NAME, Nat64Prefix};
use zoners_dns::{Prefix, Question, Random, Rtype, name};
use zoners_doctor::Nat64Observation;
use zoners_host::networks::NetworkFacts;

use super::probe::{DnsProbe, counted};

/// The longest wait for a resolver of the network, and for a root server.
const LIMIT: Duration = Duration::from_millis(2000);
/// Root servers asked through the NAT64.
const MAX_SERVERS: usize = 3;

/// Prefixes of router advertisements and of `ipv4only.arpa`, asked of the network's resolvers (RFC 7050), and probes
/// of IPv4 `servers` through the first prefix.
pub(super) async fn examine(
    facts: &NetworkFacts,
    resolvers: &[SocketAddr],
    servers: &[SocketAddr],
    random: &Random,
) -> Nat64Observation {
    let advertised = facts.links.iter().flat_map(|link| link.nat64_prefixes());
    let mut prefixes: Vec<Nat64Prefix> = advertised
        .filter_map(|(prefix, bits)| Nat64Prefix::new(Prefix::of(prefix.into(), bits)))
        .collect();
    for prefix in discover(resolvers, random).await {
        if !prefixes.contains(&prefix) {
            prefixes.push(prefix);
        }
    }
    let Some(first) = prefixes.first() else { return Nat64Observation::default() };
    let embed = |server: &SocketAddr| match server.ip() {
        IpAddr::V4(ip) => Some(SocketAddr::new(first.embed(ip).into(), server.port())),
        IpAddr::V6(_) => None,
    };
    let translated: Vec<SocketAddr> = servers.iter().filter_map(embed).take(MAX_SERVERS).collect();
    let ends = ask_each(&translated, Question::new(name::root(), Rtype::SOA), false, random).await;
    Nat64Observation {
        prefixes: prefixes.iter().map(ToString::to_string).collect(),
        translated: Some(counted(&ends)),
    }
}

async fn discover(resolvers: &[SocketAddr], random: &Random) -> Vec<Nat64Prefix> {
    let Ok(name) = name::parse(DISCOVERY_NAME) else { return Vec::new() };
    let ends = ask_each(resolvers, Question::new(name, Rtype::AAAA), true, random).await;
    let messages = ends.iter().filter_map(|end| end.message());
    let prefix = |message: &zoners_dns::Message| {
        let addresses = message.answer.iter().flat_map(|set| set.addresses());
        let wide = |address: IpAddr| match address {
            IpAddr::V6(ip) => Some(ip),
            IpAddr::V4(_) => None,
        };
        Nat64Prefix::discovered(addresses.filter_map(wide).collect::<Vec<Ipv6Addr>>())
    };
    messages.filter_map(prefix).collect()
}

/// Asks all servers at once, each once more after a silence.
async fn ask_each(
    servers: &[SocketAddr],
    question: Question,
    recursion_desired: bool,
    random: &Random,
) -> Vec<super::probe::ProbeEnd> {
    let mut tasks = JoinSet::new();
    for server in servers.iter().copied() {
        let limit = LIMIT / 2;
        let question = question.clone();
        let probe = DnsProbe { question, recursion_desired, offered: 1232, hops: None, limit };
        let random = random.clone();
        tasks.spawn(async move {
            match probe.over_udp(server, &random).await {
                super::probe::ProbeEnd::Silent => probe.over_udp(server, &random).await,
                end => end,
            }
        });
    }
    tasks.join_all().await
}
