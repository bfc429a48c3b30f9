//! Compact denials towards clients (RFC 9824): the RCODE depends on the flags of the query.

use std::sync::Arc;

use crate::lab::{ServiceLab, asked, lab, packet};
use zoners_dns::{Counter, Delegation, Message, OptRcode, Rtype, Transport, name, zonefile};
use zoners_dnssec::chain::Ds;
use zoners_resolver::Anchor;
use zoners_resolver::{Resolver, Settings};
use zoners_server::Service;
use zoners_sim::sign::{Denying, Signing};
use zoners_sim::world;

/// The usual lab on an Internet signed down to `example.com.`
fn compact(restores: bool) -> ServiceLab {
    let ServiceLab { net, clock, service } = lab();
    net.change("example.com", |zone| {
        for set in zonefile::parse("dead CNAME gone\n", &zone.origin).unwrap() {
            zone.add(set);
        }
    });
    let signing = Signing { denying: Denying::Compact { restores }, ..Signing::default() };
    let ds = net.sign(&["example.com", "com", "."], &signing);
    let ds = ds.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let mut settings = Settings::new(Delegation::from_hints(&hints).unwrap());
    settings.anchors = vec![Anchor { zone: name::root(), ds, keys: vec![] }];
    let (shared, counters) = (service.worker().shared().clone(), Arc::default());
    let worker = Resolver::new(shared, net.clone(), Arc::new(settings), counters);
    let config = zoners_server::Config::parse("", "zoners.toml").unwrap();
    let random = zoners_dns::Random::seeded(2);
    let cookies = zoners_server::pipeline::Cookies::new(&random);
    let rules = zoners_server::pipeline::Rules::new(&config, &[], cookies, &random, 0).unwrap();
    ServiceLab { net, clock, service: Service::new(worker, Arc::new(rules)) }
}

/// Flags of an OPT record.
const DO: u8 = 0x80;
const CO: u8 = 0x40;
/// Of a header.
const CD: u8 = 0x10;

async fn flagged(lab: &ServiceLab, text: &str, rtype: Rtype, flags: u8, header: u8) -> Message {
    let mut query = packet(&asked(text, rtype), true);
    let at = query.len() - 4;
    query[at] = flags;
    query[3] |= header;
    lab.send(&query, Transport::Tcp).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_rcode_fits_what_the_client_knows_of_compact_denials() {
    for restores in [false, true] {
        let lab = compact(restores);
        // From recursion, out of the cache, and as finished.
        for round in 0..4 {
            for text in ["gone.example.com", "dead.example.com"] {
                for (flags, rcode) in [
                    (0, OptRcode::NXDOMAIN),
                    (CO, OptRcode::NXDOMAIN),
                    (DO, OptRcode::NOERROR),
                    (DO | CO, OptRcode::NXDOMAIN),
                ] {
                    let reply = flagged(&lab, text, Rtype::A, flags, 0).await;
                    assert_eq!(reply.rcode, rcode, "{restores} {round} {text} {flags:02x}");
                    let nsec = reply.authority.iter().any(|set| set.rtype == Rtype::NSEC);
                    assert_eq!(nsec, flags & DO != 0);
                    assert_eq!(reply.header.ad(), flags & DO != 0);
                    let edns = reply.edns.unwrap();
                    assert_eq!(edns.dnssec_ok, flags & DO != 0);
                    assert_eq!(edns.compact_ok, flags == DO | CO, "mirrored");
                }
                let plain = packet(&asked(text, Rtype::A), false);
                let reply = lab.send(&plain, Transport::Tcp).await.unwrap();
                assert_eq!(reply.rcode, OptRcode::NXDOMAIN, "without EDNS");
            }
        }
        let other = flagged(&lab, "gone.example.com", Rtype::MX, DO, 0).await;
        assert_eq!(other.rcode, OptRcode::NOERROR, "another type, out of the same denial");
        assert!(lab.count(Counter::ClientCached) > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_denial_is_nxdomain_for_everybody() {
    let lab = compact(true);
    lab.net.sign(&["example.com", "com", "."], &Signing::default());
    for _ in 0..3 {
        for flags in [0, DO, DO | CO] {
            let reply = flagged(&lab, "gone.example.com", Rtype::A, flags, 0).await;
            assert_eq!(reply.rcode, OptRcode::NXDOMAIN);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_disables_checking_gets_no_rcode_against_the_proof_either() {
    let lab = compact(true);
    for _ in 0..3 {
        let reply = flagged(&lab, "gone.example.com", Rtype::A, DO, CD).await;
        assert_eq!(reply.rcode, OptRcode::NOERROR);
        let reply = flagged(&lab, "gone.example.com", Rtype::A, DO | CO, CD).await;
        assert_eq!(reply.rcode, OptRcode::NXDOMAIN);
    }
}
