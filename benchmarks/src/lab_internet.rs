//! An Internet that the lab's generator wrote, in virtual time: its servers, and its zones signed anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::sync::Arc;
use std::time::Duration;

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Counters, Delegation, Question, Random, Rtype, name, zonefile};
use zoners_dnssec::chain::Ds;
use zoners_resolver::{Anchor, Resolver, Settings, Shared};
use zoners_sim::sign::{Denying, Signing};
use zoners_sim::{Link, Manner, SimClock, SimNetwork, TlsManner};

/// The layer of the providers' servers.
const PROVIDERS: &str = "2";
/// Record types that signing makes.
const DNSSEC: [&str; 6] = ["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS"];

/// A resolver with an empty cache. `SEED` changes its randomness, and `TLS=off` its opportunistic encryption.
///
/// # Panics
/// A file is not what the generator writes.
#[must_use]
pub fn resolver(directory: &str, net: &SimNetwork, anchor: Anchor) -> Resolver<SimNetwork> {
    let hints = zonefile::root_hints(&read_to_string(format!("{directory}/hints")).unwrap());
    let mut settings = Settings::new(Delegation::from_hints(&hints.unwrap()).unwrap());
    settings.anchors = vec![anchor];
    settings.opportunistic_tls = std::env::var("TLS").map_or(true, |tls| tls != "off");
    let cache = Cache::new(256 << 20, TtlLimits::default(), [3, 4]);
    let seed = std::env::var("SEED").map_or(99, |seed| seed.parse().unwrap());
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(seed));
    Resolver::new(shared, net.clone(), Arc::new(settings), Arc::new(Counters::default()))
}

/// With `WARM` set, the resolver learns the delegations and keys of the top-level domains, before anything is measured.
///
/// # Panics
/// A file is not what the generator writes.
pub async fn warm(directory: &str, resolver: &Resolver<SimNetwork>, net: &SimNetwork) {
    if std::env::var("WARM").is_err() {
        return;
    }
    for zone in read_to_string(format!("{directory}/knot1.conf")).unwrap().lines() {
        let Some(origin) = zone.trim().strip_prefix("- domain: ") else { continue };
        for rtype in [Rtype::NS, Rtype::DNSKEY] {
            let question = Question::new(name::parse(origin).unwrap(), rtype);
            // A top-level domain that gives no answer stays cold.
            let _ = resolver.resolve(&question, None).await;
        }
    }
    net.forget_sent();
}

/// The servers and zones of `directory`, signed anew, on a line that loses a share of the round
/// trips: half one by one, half in outages. With `OFFERING=SECONDS`, every third of the providers' servers speaks TLS
/// too, and keeps an idle connection so long.
///
/// # Panics
/// A file is not what the generator writes.
#[must_use]
pub fn internet(directory: &str, loss: f64) -> (SimNetwork, Anchor) {
    let net = SimNetwork::new(7);
    let layers = servers(&net, directory, loss);
    let mut zones = Vec::new();
    for (layer, addresses) in layers.iter().enumerate() {
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let config = read_to_string(format!("{directory}/knot{layer}.conf")).unwrap();
        let mut lines = config.lines();
        while let Some(line) = lines.next() {
            let Some(origin) = line.trim().strip_prefix("- domain: ") else { continue };
            let file = lines.next().unwrap().trim().strip_prefix("file: ").unwrap();
            let zone = ZoneFile::read(origin, &format!("{directory}/l{layer}/{file}"));
            net.zone(origin, &addresses, &zone.data);
            zones.push(zone);
        }
    }
    // Children before parents.
    zones.sort_by_key(|zone| std::cmp::Reverse(name::depth(&name::parse(&zone.origin).unwrap())));
    let delegated: Vec<&String> = zones.iter().flat_map(|zone| &zone.signed_children).collect();
    let mut anchor = None;
    for zone in &zones {
        let Some(denying) = zone.denying else { continue };
        let signing = Signing { denying, ..Signing::default() };
        anchor = Some(net.sign(&[&zone.origin], &signing));
        // An island of security: signed, but its parent does not say so.
        if zone.origin != "." && !delegated.contains(&&zone.origin) {
            let (_, parent) = zone.origin.split_once('.').unwrap();
            let apex = name::parse(&zone.origin).unwrap();
            net.change(parent, |parent| parent.remove(&apex, Rtype::DS));
        }
    }
    let ds = anchor.unwrap().records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    (net, Anchor { zone: name::root(), ds, keys: vec![] })
}

/// The servers that speak TLS: with `OFFERING=SECONDS` every third of the providers' servers that answer. The time is
/// how long they keep an idle connection.
///
/// # Panics
/// A file is not what the generator writes.
#[must_use]
pub fn offering(directory: &str) -> (BTreeSet<String>, Duration) {
    let Ok(seconds) = std::env::var("OFFERING") else { return (BTreeSet::new(), Duration::ZERO) };
    let servers = read_to_string(format!("{directory}/servers.txt")).unwrap();
    let providers = servers.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let answers = fields[1] == PROVIDERS && fields[3].parse::<f64>().unwrap() < 100.0;
        answers.then(|| fields[0].to_owned())
    });
    (providers.step_by(3).collect(), Duration::from_secs(seconds.parse().unwrap()))
}

/// Puts the servers up; gives the addresses of each layer, whose servers all serve the same zones.
fn servers(net: &SimNetwork, directory: &str, loss: f64) -> [Vec<String>; 4] {
    let mut layers: [Vec<String>; 4] = Default::default();
    let outages = outages(loss / 2.0);
    let (offering, keeps_idle) = offering(directory);
    for line in read_to_string(format!("{directory}/servers.txt")).unwrap().lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [address, layer, rtt, lost, tail] = fields[..] else { panic!("{line}") };
        layers[layer.parse::<usize>().unwrap()].push(address.to_owned());
        let latency = Duration::from_secs_f64(rtt.parse::<f64>().unwrap() / 1000.0);
        let lost: f64 = lost.parse().unwrap();
        let manner = if lost >= 100.0 { Manner::Dead } else { Manner::Good };
        let encrypts = offering.contains(address);
        let link = Link {
            tls: if encrypts { TlsManner::Good } else { TlsManner::Closed },
            keeps_idle,
            latency,
            jitter: latency.mul_f64(0.05),
            late: if tail == "1" { 0.2 } else { 0.0 },
            loss: (lost / 100.0 + loss / 2.0).min(1.0),
            outages: outages.clone(),
            forgets: vec![],
            ..Link::default().with(manner)
        };
        net.link(address, link);
    }
    layers
}

/// Outages of some 60 ms that make up `share` of ten minutes.
fn outages(share: f64) -> Vec<std::ops::Range<Duration>> {
    let random = Random::seeded(5);
    let drawn = |mean: f64| {
        let chance = (random.below(1_000_000) + 1) as f64 / 1e6;
        Duration::from_secs_f64(mean * -chance.ln())
    };
    let (mut at, mut outages) = (Duration::ZERO, Vec::new());
    while share > 0.0 && at < Duration::from_secs(600) {
        at += drawn(0.06 / share);
        let end = at + drawn(0.06);
        outages.push(at..end);
        at = end;
    }
    outages
}

/// A zone as the generator wrote it.
struct ZoneFile {
    origin: String,
    /// Its records, without those of DNSSEC.
    data: String,
    denying: Option<Denying>,
    /// Delegations with DS records.
    signed_children: Vec<String>,
}

impl ZoneFile {
    fn read(origin: &str, path: &str) -> Self {
        let (mut data, mut signed_children) = (String::new(), Vec::new());
        let (mut signed, mut nsec3, mut opt_out) = (false, false, false);
        for line in read_to_string(path).unwrap().lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            signed |= fields[3] == "DNSKEY";
            nsec3 |= fields[3] == "NSEC3";
            opt_out |= fields[3] == "NSEC3" && fields[5] == "1";
            if fields[3] == "DS" {
                signed_children.push(fields[0].to_owned());
            }
            if !DNSSEC.contains(&fields[3]) {
                data += line;
                data.push('\n');
            }
        }
        let denying = match nsec3 {
            true => Denying::Nsec3 { iterations: 0, opt_out },
            false => Denying::Nsec,
        };
        ZoneFile {
            origin: origin.to_owned(),
            data,
            denying: signed.then_some(denying),
            signed_children,
        }
    }
}
