//! Slow and failed questions whose cause was injected, and the verdicts on them.

use std::sync::Arc;
use std::time::Duration;

use crate::lab::{ServiceLab, asked, lab_over, packet};
use tokio::task::JoinSet;
use tokio::time::sleep;
use zoners_api::{HopReport, ResolutionReport, VerdictCause};
use zoners_dns::{Rtype, Transport, name, zonefile};
use zoners_resolver::{Anchor, Settings};
use zoners_server::Client;
use zoners_server::history::{HistoryStore, WhyFilter};
use zoners_sim::sign::{Key, Signing};
use zoners_sim::world::{COM_SERVERS, HINTS, ROOT_SERVERS};
use zoners_sim::{Link, Manner, Middlebox, SimNetwork};

/// Domains with a fault, and as many that are healthy.
const DOMAINS: usize = 24;
/// Verdicts that must name the injected cause, in hundredths.
const RIGHT_PERCENT: usize = 95;
/// Slow or failed questions, at least.
const QUESTIONS: usize = 200;

/// The verdicts on the questions of all faults.
#[derive(Default)]
struct Tally {
    judged: usize,
    right: usize,
    wrong: Vec<String>,
    /// Healthy servers, zones or resolvers that were accused.
    unjust: Vec<String>,
}

/// An Internet with `d0.com` … and `h0.com` …, each on two servers of its own, and its history.
struct FaultLab {
    lab: ServiceLab,
    history: Arc<HistoryStore>,
}

/// The addresses of the servers of a domain.
fn servers(kind: char, domain: usize) -> [String; 2] {
    let network = if kind == 'd' { 45 } else { 46 };
    [1, 2].map(|server| format!("{network}.0.{domain}.{server}"))
}

fn ipv6_servers(domain: usize) -> [String; 2] {
    [1, 2].map(|server| format!("2001:db8:{domain:x}::{server}"))
}

/// The Internet; the domains with a fault have these servers.
fn internet(addresses: impl Fn(usize) -> [String; 2]) -> SimNetwork {
    let net = SimNetwork::new(5);
    let root = format!(
        "{HINTS}com. 172800 NS a.nic.com.\ncom. 172800 NS b.nic.com.\na.nic.com. A {}\nb.nic.com. A {}\n",
        COM_SERVERS[0], COM_SERVERS[1]
    );
    net.zone(".", &ROOT_SERVERS, &root);
    let mut com =
        format!("@ NS a.nic\n@ NS b.nic\na.nic A {}\nb.nic A {}\n", COM_SERVERS[0], COM_SERVERS[1]);
    let all = (0..DOMAINS)
        .flat_map(|domain| [('d', domain, addresses(domain)), ('h', domain, servers('h', domain))]);
    let all: Vec<(char, usize, [String; 2])> = all.collect();
    for (kind, domain, addresses) in &all {
        for (number, address) in addresses.iter().enumerate() {
            let rtype = if address.contains(':') { "AAAA" } else { "A" };
            com += &format!(
                "{kind}{domain} NS ns{number}.{kind}{domain}\nns{number}.{kind}{domain} {rtype} {address}\n"
            );
        }
    }
    net.zone("com", &COM_SERVERS[..2], &com);
    for (kind, domain, addresses) in &all {
        let mut text = String::new();
        for (number, address) in addresses.iter().enumerate() {
            let rtype = if address.contains(':') { "AAAA" } else { "A" };
            text += &format!("@ NS ns{number}\nns{number} {rtype} {address}\n");
        }
        for host in 0..30 {
            text += &format!("n{host} 5 A 203.0.113.{host}\n");
        }
        net.zone(&format!("{kind}{domain}.com"), &addresses.each_ref().map(String::as_str), &text);
        for address in addresses {
            net.link(address, Link::of(30 + 3 * *domain as u64));
        }
    }
    net
}

impl FaultLab {
    fn new(net: SimNetwork) -> Self {
        FaultLab::with(net, |_| {})
    }

    fn with(net: SimNetwork, change: impl FnOnce(&mut Settings)) -> Self {
        let (lab, history) = (lab_over(net, change), HistoryStore::new(4 << 20));
        history.attach(lab.service.events());
        FaultLab { lab, history }
    }

    async fn ask(&self, name: &str) {
        let packet = packet(&asked(name, Rtype::A), true);
        self.lab.send_from(&packet, Client::local(Transport::Udp)).await;
        self.history.read(self.lab.service.worker().shared());
    }

    /// Asks for names of healthy domains, which tell of the line.
    async fn ask_healthy(&self, round: usize) {
        for step in 0..4 {
            let domain = (4 * round + step) % DOMAINS;
            self.ask(&format!("n{}.h{domain}.com", round % 30)).await;
        }
    }

    /// Makes the servers of the faulty domains behave so.
    fn link(&self, link: &Link, servers: impl Fn(usize) -> Vec<String>) {
        for domain in 0..DOMAINS {
            for address in servers(domain) {
                self.lab.net.link(&address, link.clone());
            }
        }
    }

    fn link_everything(&self, link: &Link) {
        for address in ROOT_SERVERS.iter().chain(&COM_SERVERS) {
            self.lab.net.link(address, link.clone());
        }
        self.link(link, |domain| [servers('d', domain), servers('h', domain)].concat());
    }

    /// Compares the verdicts on names with the cause and, where one is at fault, the culprit.
    fn judge(
        &self,
        tally: &mut Tally,
        names: impl IntoIterator<Item = (String, Option<String>)>,
        causes: &[VerdictCause],
    ) {
        for (text, culprit) in names {
            let filter = WhyFilter { name: name::parse(&text).unwrap(), client: None, at_s: None };
            let why = self.history.why(self.lab.service.worker().shared(), &filter);
            for resolution in &why.resolutions {
                let verdict = &resolution.verdict;
                if !resolution.failed && resolution.took_ms <= 100.0 {
                    continue;
                }
                tally.judged += 1;
                let told = format!("{text}: {:?} {}", verdict.cause, verdict.text);
                match causes.contains(&verdict.cause)
                    && (culprit.is_none() || verdict.accused == culprit)
                {
                    true => tally.right += 1,
                    false => tally.wrong.push(format!("{told}\n{}", hops(resolution))),
                }
                if verdict.accused.is_some() && verdict.accused != culprit {
                    tally.unjust.push(told);
                }
            }
        }
    }
}

/// The hops in a line each.
fn hops(resolution: &ResolutionReport) -> String {
    let line = |hop: &HopReport| {
        let HopReport { at_ms, took_ms, zone, event, .. } = hop;
        format!("    {at_ms} {took_ms} {zone} {event:?}")
    };
    resolution.hops.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn faulty(host: usize) -> impl Iterator<Item = (String, Option<String>)> {
    (0..DOMAINS)
        .map(move |domain| (format!("n{host}.d{domain}.com"), Some(format!("d{domain}.com"))))
}

/// One host of each faulty domain, with healthy questions in between.
async fn ask_all(lab: &FaultLab, host: usize) {
    for domain in 0..DOMAINS {
        lab.ask_healthy(domain).await;
        lab.ask(&format!("n{host}.d{domain}.com")).await;
    }
}

async fn silent_providers(tally: &mut Tally) {
    let lab = FaultLab::new(internet(|domain| servers('d', domain)));
    lab.link(&Link::of(20).with(Manner::Dead), |domain| servers('d', domain).to_vec());
    ask_all(&lab, 0).await;
    lab.judge(tally, faulty(0), &[VerdictCause::ProviderSilent]);
}

/// One of two servers is dead: answers are late.
async fn half_silent_providers(tally: &mut Tally) {
    let lab = FaultLab::new(internet(|domain| servers('d', domain)));
    lab.link(&Link::of(20).with(Manner::Dead), |domain| servers('d', domain)[..1].to_vec());
    ask_all(&lab, 0).await;
    lab.judge(tally, faulty(0), &[VerdictCause::ProviderSilent]);
}

async fn slow_providers(tally: &mut Tally) {
    let lab = FaultLab::new(internet(|domain| servers('d', domain)));
    lab.link(&Link::of(700), |domain| servers('d', domain).to_vec());
    ask_all(&lab, 0).await;
    lab.judge(tally, faulty(0), &[VerdictCause::ProviderSlow]);
}

async fn faulty_providers(tally: &mut Tally) {
    for manner in [Manner::Refuses, Manner::ServFail] {
        let lab = FaultLab::new(internet(|domain| servers('d', domain)));
        lab.link(&Link::of(20).with(manner), |domain| servers('d', domain).to_vec());
        ask_all(&lab, 0).await;
        lab.judge(tally, faulty(0).take(12), &[VerdictCause::ProviderFaulty]);
    }
}

async fn dead_line(tally: &mut Tally) {
    let lab = FaultLab::new(internet(|domain| servers('d', domain)));
    ask_all(&lab, 0).await;
    lab.link_everything(&Link::of(20).with(Manner::Dead));
    sleep(Duration::from_secs(60)).await;
    for domain in 0..DOMAINS {
        lab.ask(&format!("n1.d{domain}.com")).await;
    }
    let names = faulty(1).map(|(name, _)| (name, None));
    lab.judge(tally, names, &[VerdictCause::LineDown, VerdictCause::Network]);
}

async fn lossy_line(tally: &mut Tally) {
    let lab = FaultLab::new(internet(|domain| servers('d', domain)));
    for host in 0..2 {
        ask_all(&lab, host).await;
    }
    lab.link_everything(&Link::of(40).losing(0.3));
    for host in 2..6 {
        ask_all(&lab, host).await;
    }
    for host in 2..6 {
        let names = faulty(host).map(|(name, _)| (name, None));
        lab.judge(tally, names, &[VerdictCause::LineLossy]);
    }
}

async fn broken_ipv6(tally: &mut Tally) {
    let lab = FaultLab::new(internet(ipv6_servers));
    lab.link(&Link::of(20).with(Manner::Dead), |domain| ipv6_servers(domain).to_vec());
    lab.lab.net.link(ROOT_SERVERS[2], Link::of(20).with(Manner::Dead));
    ask_all(&lab, 0).await;
    let names = faulty(0).map(|(name, _)| (name, None));
    lab.judge(tally, names, &[VerdictCause::Ipv6]);
}

async fn blocking_networks(tally: &mut Tally) {
    for middlebox in [Middlebox::Refuses, Middlebox::Closes, Middlebox::PORTAL] {
        let lab = FaultLab::new(internet(|domain| servers('d', domain)));
        ask_all(&lab, 0).await;
        lab.lab.net.interpose(Some(middlebox));
        sleep(Duration::from_secs(60)).await;
        for domain in 0..DOMAINS {
            lab.ask(&format!("n1.d{domain}.com")).await;
        }
        let names = faulty(1).map(|(name, _)| (name, None));
        lab.judge(tally, names, &[VerdictCause::Network, VerdictCause::LineDown]);
    }
}

async fn wrong_signatures(tally: &mut Tally) {
    let net = internet(|domain| servers('d', domain));
    let origins: Vec<String> = (0..DOMAINS).map(|domain| format!("d{domain}.com")).collect();
    let origins: Vec<&str> = origins.iter().map(String::as_str).chain(["com", "."]).collect();
    let anchor = net.sign(&origins, &Signing::default());
    let expired = Signing { expiration: 1_600_000_000, ..Signing::default() };
    for domain in 0..DOMAINS {
        net.change(&format!("d{domain}.com"), |zone| {
            let key = Key::new(&zone.origin.clone(), 15);
            zone.sign(&key, &expired);
        });
    }
    let lab = FaultLab::with(net, |settings| {
        let ds = anchor.records.iter();
        let ds = ds.filter_map(|rdata| zoners_dnssec::chain::Ds::read(&rdata)).collect();
        settings.anchors = vec![Anchor { zone: name::root(), ds, keys: vec![] }];
    });
    ask_all(&lab, 0).await;
    let zones = faulty(0).map(|(name, zone)| (name, zone.map(|zone| zone + ".")));
    lab.judge(tally, zones, &[VerdictCause::Dnssec]);
}

async fn wrong_zones(tally: &mut Tally) {
    let net = internet(|domain| servers('d', domain));
    net.change("com", |com| {
        for domain in 0..10 {
            let text = format!("w{domain} NS ns.nowhere{domain}.com.\n");
            zonefile::parse(&text, &com.origin).unwrap().into_iter().for_each(|set| com.add(set));
        }
    });
    for domain in 0..10 {
        net.change(&format!("d{domain}.com"), |zone| {
            let text = "loop CNAME pool\npool CNAME loop\n";
            zonefile::parse(text, &zone.origin).unwrap().into_iter().for_each(|set| zone.add(set));
        });
    }
    let lab = FaultLab::new(net);
    for domain in 0..10 {
        lab.ask_healthy(domain).await;
        lab.ask(&format!("www.w{domain}.com")).await;
        lab.ask(&format!("loop.d{domain}.com")).await;
    }
    let names =
        (0..10).map(|domain| (format!("loop.d{domain}.com"), Some(format!("d{domain}.com."))));
    lab.judge(tally, names, &[VerdictCause::Zone]);
    let names = (0..10).map(|domain| (format!("www.w{domain}.com"), Some("com.".to_owned())));
    lab.judge(tally, names, &[VerdictCause::Zone]);
}

async fn busy_resolver(tally: &mut Tally) {
    let lab = Arc::new(FaultLab::with(internet(|domain| servers('d', domain)), |settings| {
        settings.limits.pending = 2;
    }));
    let names: Vec<String> = (0..12).map(|domain| format!("n1.d{domain}.com")).collect();
    let mut asked = JoinSet::new();
    for name in names.clone() {
        let lab = lab.clone();
        asked.spawn(async move { lab.ask(&name).await });
    }
    asked.join_all().await;
    let names = names.into_iter().map(|name| (name, Some("zoners".to_owned())));
    lab.judge(tally, names, &[VerdictCause::Resolver]);
}

#[tokio::test(start_paused = true)]
async fn verdicts_name_the_injected_cause_and_accuse_no_healthy_server() {
    let mut tally = Tally::default();
    silent_providers(&mut tally).await;
    half_silent_providers(&mut tally).await;
    slow_providers(&mut tally).await;
    faulty_providers(&mut tally).await;
    dead_line(&mut tally).await;
    lossy_line(&mut tally).await;
    broken_ipv6(&mut tally).await;
    blocking_networks(&mut tally).await;
    wrong_signatures(&mut tally).await;
    wrong_zones(&mut tally).await;
    busy_resolver(&mut tally).await;
    let Tally { judged, right, wrong, unjust } = tally;
    println!("{right} of {judged} verdicts name the cause");
    wrong.iter().for_each(|wrong| println!("{wrong}"));
    assert_eq!(unjust, Vec::<String>::new(), "accused without fault");
    assert!(judged >= QUESTIONS, "{judged} slow or failed questions");
    assert!(right * 100 >= judged * RIGHT_PERCENT, "{right} of {judged}:\n{}", wrong.join("\n"));
}
