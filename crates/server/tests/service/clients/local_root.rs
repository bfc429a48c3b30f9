//! A copy of the root zone in place of the root servers (RFC 8806).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{
    Clock, CopyReply, Counters, Delegation, Name, OptRcode, Question, Random, Rtype, Security,
    ZoneCopies, ZoneRecord, name, zonefile,
};
use zoners_dnssec::chain::Ds;
use zoners_resolver::{Anchor, Resolver, Settings, Shared};
use zoners_sim::sign::Signing;
use zoners_sim::world::ROOT_SERVERS;
use zoners_sim::{SimClock, SimNetwork, world};
use zoners_zones::{AuthoritativeZone, ZoneBuilder};

use crate::lab::asked;

/// A copy of the root, which can expire.
#[derive(Debug)]
struct RootCopy {
    zone: AuthoritativeZone,
    is_expired: AtomicBool,
}

impl ZoneCopies for RootCopy {
    fn reply(&self, zone: &Name, question: &Question) -> Option<CopyReply> {
        let is_ours = zone.is_root() && !self.is_expired.load(Ordering::Relaxed);
        let reply = is_ours.then(|| self.zone.reply(&question.name, question.rtype))?;
        Some(CopyReply::Message(reply.message(question).into()))
    }
}

struct RootLab {
    net: SimNetwork,
    copy: Arc<RootCopy>,
    resolver: Resolver<SimNetwork>,
}

/// A signed Internet and a resolver with a copy of its root, as the root is before `forge`.
fn lab(forge: impl FnOnce(&mut ZoneBuilder)) -> RootLab {
    let net = world::small(1);
    let ds = net.sign(&["example.com", "com", "net", "."], &Signing::default());
    let mut builder = ZoneBuilder::new(name::root(), 1 << 20);
    net.change(".", |root| {
        for set in root.rrsets() {
            for (rtype, records) in [(set.rtype, &set.records), (Rtype::RRSIG, &set.signatures)] {
                for rdata in records.iter() {
                    let (owner, rdata) = (set.owner.clone(), rdata.to_vec().into());
                    builder.add(ZoneRecord { owner, rtype, ttl: set.ttl, rdata }).unwrap();
                }
            }
        }
    });
    forge(&mut builder);
    let zone = builder.build().unwrap();
    let copy = Arc::new(RootCopy { zone, is_expired: AtomicBool::new(false) });
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let ds: Vec<Ds> = ds.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    let mut settings = Settings::new(Delegation::from_hints(&hints).unwrap());
    settings.anchors = vec![Anchor { zone: name::root(), ds, keys: vec![] }];
    settings.zone_copies = Some(copy.clone());
    let clock = Arc::new(SimClock::new(None));
    assert!(clock.wall_seconds() > 1_577_836_800, "signatures are valid");
    let cache = Cache::new(8 << 20, TtlLimits::default(), [1, 2]);
    let shared = Shared::new(cache, clock, Random::seeded(3));
    let counters = Arc::<Counters>::default();
    let resolver = Resolver::new(shared, net.clone(), Arc::new(settings), counters);
    RootLab { net, copy, resolver }
}

impl RootLab {
    /// Queries to the root servers so far.
    fn to_root(&self) -> usize {
        let is_root = |address: &str| ROOT_SERVERS.contains(&address);
        self.net.sent().iter().filter(|sent| is_root(&sent.to.address.ip().to_string())).count()
    }
}

#[tokio::test(start_paused = true)]
async fn top_level_domains_take_no_packet_to_the_root() {
    let lab = lab(|_| {});
    let answer = lab.resolver.resolve(&asked("www.example.com", Rtype::A), None).await.unwrap();
    assert_eq!((answer.security, answer.answer.len()), (Security::Secure, 1));
    assert_eq!(lab.to_root(), 0, "{:?}", lab.net.sent());
    assert!(!lab.net.sent().is_empty(), "the servers of com and example.com are asked");
}

#[tokio::test(start_paused = true)]
async fn a_missing_top_level_domain_is_denied_and_proven_without_a_packet() {
    let lab = lab(|_| {});
    for name in ["missing", "www.missing", "a.b.other-missing"] {
        let answer = lab.resolver.resolve(&asked(name, Rtype::A), None).await.unwrap();
        assert_eq!((answer.rcode, answer.security), (OptRcode::NXDOMAIN, Security::Secure));
    }
    assert_eq!(lab.net.sent().len(), 0, "{:?}", lab.net.sent());
}

#[tokio::test(start_paused = true)]
async fn after_its_expiry_the_root_servers_are_asked_again() {
    let lab = lab(|_| {});
    lab.copy.is_expired.store(true, Ordering::Relaxed);
    let answer = lab.resolver.resolve(&asked("www.example.com", Rtype::A), None).await.unwrap();
    assert_eq!(answer.security, Security::Secure);
    assert!(lab.to_root() > 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_copy_says_is_validated_as_a_server_would_be() {
    // The DS records of com are gone, and no proof says so.
    let lab = lab(|builder| {
        let records: Vec<ZoneRecord> = builder.clone().build().unwrap().records().collect();
        let is_proof = |record: &ZoneRecord| {
            matches!(record.rtype, Rtype::DS | Rtype::NSEC) && !record.owner.is_root()
        };
        for record in records.iter().filter(|record| is_proof(record)) {
            builder.remove(record);
        }
    });
    let outcome = lab.resolver.resolve(&asked("www.example.com", Rtype::A), None).await;
    let unproven = outcome.expect_err("no chain of trust leads to com");
    assert!(unproven.ede.code.is_bogus(), "{unproven:?}");
}
