//! Networks answering in the name of every server: captive portals and intercepting resolvers.

use std::time::Duration;

use crate::common::cafe::{PROVIDER, cafe};
use crate::common::many::ms;
use crate::common::signed::{ask, status};
use crate::common::{Lab, question};
use tokio::time::{Instant, sleep};
use zoners_cache::ExportCursor;
use zoners_dns::{
    Checking, Counter, Delegation, NameServer, OptRcode, QueryMode, Rtype, Security, Transport,
    name,
};
use zoners_resolver::{Event, Lack};
use zoners_resolver::{NetworkState, Obstacle};
use zoners_sim::middlebox::{InterceptingResolver, IterativeQueries, Others, Portal};
use zoners_sim::world::{COM_SERVERS, NET_SERVERS, ROOT_SERVERS};
use zoners_sim::{Middlebox, Said};

const PORTALS: [Middlebox; 6] = [
    Middlebox::PORTAL,
    Middlebox::Portal(Portal { aa: false, others: Others::Empty }),
    Middlebox::Portal(Portal { aa: false, others: Others::NoName }),
    Middlebox::Portal(Portal { aa: false, others: Others::NoNameOfRoot }),
    Middlebox::Portal(Portal { aa: true, others: Others::Address }),
    Middlebox::Portal(Portal { aa: true, others: Others::NoNameOfRoot }),
];

/// How a client gets out of the portal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Exit {
    LogIn,
    AnotherNetwork,
    Restart,
}

/// The resolver in a new process, which has only the persisted cache.
fn restarted(lab: &Lab) -> Lab {
    let (shared, mut progress) = (lab.worker.shared(), ExportCursor::default());
    let mut entries = Vec::new();
    while shared.cache.export(&mut progress, shared.now(), &mut entries) {}
    let again = Lab::with(lab.net.clone(), lab.worker.settings().clone());
    let now = again.worker.shared().now();
    again.worker.shared().cache.import(&entries, 0, true, now).unwrap();
    again
}

/// A client on an open network that moves behind a portal and asks a question.
async fn behind(portal: Middlebox) -> Lab {
    let (net, settings) = cafe();
    let lab = Lab::with(net, settings);
    for name in ["www.site0.com", "www.example.com"] {
        assert_eq!(status(&lab, name, Rtype::A).await, Security::Secure);
    }
    lab.net.interpose(portal);
    lab.worker.shared().notify(Event::NetworkChanged);
    lab
}

/// The zones of the provider resolve; some were asked behind the portal.
async fn all_resolves(lab: &Lab, what: &str) {
    for number in 0..10 {
        for name in ["mail", "www"] {
            let (name, started) = (format!("{name}.site{number}.com"), Instant::now());
            let answer = ask(lab, &name, Rtype::A).await;
            let answer = answer.unwrap_or_else(|error| panic!("{what}: {name}: {error}"));
            assert_eq!(answer.security, Security::Secure, "{what}: {name}");
            let took = started.elapsed();
            assert!(took < Duration::from_millis(600), "{what}: {name} took {took:?}");
        }
    }
    let shop = ask(lab, "mail.shop.com", Rtype::A).await.unwrap();
    assert!(shop.answer[0].to_string().ends_with("203.0.115.21"), "{what}: {shop:?}");
}

#[tokio::test(start_paused = true)]
async fn a_portal_leaves_nothing_behind() {
    for portal in PORTALS {
        for exit in [Exit::LogIn, Exit::AnotherNetwork, Exit::Restart] {
            let lab = behind(portal).await;
            let what = format!("{portal:?} {exit:?}");
            for (name, rtype) in [
                ("mail.site0.com", Rtype::A),
                ("www.site1.com", Rtype::A),
                ("www.site1.com", Rtype::AAAA),
                ("mail.shop.com", Rtype::A),
                ("www.shop.com", Rtype::HTTPS),
            ] {
                let answer = ask(&lab, name, rtype).await;
                let secure = answer.is_ok_and(|answer| answer.security == Security::Secure);
                assert!(!secure, "{what}: {name} {rtype}");
                sleep(Duration::from_millis(300)).await;
            }
            if !matches!(portal, Middlebox::Portal(Portal { aa: true, .. })) {
                assert_eq!(lab.net.sent_to("203.0.113.80"), 0, "{what}: it is no server");
            }
            let lab = match exit {
                Exit::Restart => restarted(&lab),
                _ => lab,
            };
            lab.net.interpose(None);
            if exit == Exit::AnotherNetwork {
                lab.worker.shared().notify(Event::NetworkChanged);
            }
            all_resolves(&lab, &what).await;
        }
    }
}

fn state(lab: &Lab) -> NetworkState {
    lab.worker.shared().network_state()
}

const fn intercepted(proves: bool) -> NetworkState {
    NetworkState::Obstructed(Obstacle::Intercepted { proves })
}

/// Whether the cache has records of a name, which were not kept before.
fn is_kept(lab: &Lab, name: &str, rtype: Rtype) -> bool {
    let shared = lab.worker.shared();
    let cached = lab.worker.cached(&question(name, rtype), Checking::Disabled, shared.now());
    cached.is_ok_and(|answer| !answer.answer.is_empty() || answer.rcode == OptRcode::NXDOMAIN)
}

#[tokio::test(start_paused = true)]
async fn interception_is_noticed_named_and_over_when_it_is() {
    for portal in PORTALS {
        for cold in [false, true] {
            let what = format!("{portal:?} {cold}");
            let lab = match cold {
                true => {
                    let (net, settings) = cafe();
                    net.interpose(portal);
                    Lab::with(net, settings)
                }
                false => behind(portal).await,
            };
            let mut failed = None;
            for number in 0..4 {
                let name = format!("mail.site{number}.com");
                failed = ask(&lab, &name, Rtype::A).await.err();
                sleep(ms(50)).await;
            }
            assert_eq!(state(&lab), intercepted(false), "{what}");
            let ede = failed.unwrap().ede;
            assert!(ede.code.is_bogus(), "{what}: {ede}");
            assert!(ede.text.starts_with("DNS on this network is intercepted"), "{what}: {ede}");
            let (started, sent) = (Instant::now(), lab.net.sent().len());
            assert!(ask(&lab, "n.site5.com", Rtype::A).await.is_err());
            assert!(started.elapsed() <= ms(1000), "{what}");
            assert!(lab.net.sent().len() - sent <= 8, "{what}: {}", lab.net.sent().len() - sent);
            lab.net.interpose(None);
            assert!(ask(&lab, "www.site6.com", Rtype::A).await.is_ok(), "{what}");
            assert_eq!(state(&lab), NetworkState::Open, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_interception_keeps_dnssec_everything_resolves_and_is_proven() {
    for cold in [true, false] {
        let lab = match cold {
            true => {
                let (net, settings) = cafe();
                net.interpose(Middlebox::TRANSPARENT);
                Lab::with(net, settings)
            }
            false => behind(Middlebox::TRANSPARENT).await,
        };
        for round in 0..3 {
            for number in 0..10 {
                let name = format!("mail.site{number}.com");
                assert_eq!(status(&lab, &name, Rtype::A).await, Security::Secure, "{name}");
                assert_eq!(status(&lab, &name, Rtype::AAAA).await, Security::Secure);
                let gone = ask(&lab, &format!("gone{round}.site{number}.com"), Rtype::A).await;
                assert_eq!(gone.unwrap().rcode, OptRcode::NXDOMAIN);
                assert!(is_kept(&lab, &name, Rtype::A), "what is proven is kept");
            }
            for (name, rtype) in [
                ("www.shop.com", Rtype::A),
                ("alias.shop.com", Rtype::A),
                ("alias.site3.com", Rtype::A),
                ("ns1.prov.net", Rtype::A),
            ] {
                let answer = ask(&lab, name, rtype).await.unwrap();
                assert_eq!(answer.security, Security::Insecure, "{name}");
                assert!(answer.answer.iter().all(|set| set.ttl <= 5), "{answer:?}");
            }
            let denied = ask(&lab, "www.shop.com", Rtype::HTTPS).await.unwrap();
            assert!(denied.answer.is_empty() && denied.ttl() <= 5, "{denied:?}");
            assert!(
                !is_kept(&lab, "www.shop.com", Rtype::A)
                    && !is_kept(&lab, "gone.shop.com", Rtype::A)
            );
        }
        assert_eq!(state(&lab), intercepted(true));
        lab.net.interpose(None);
        all_resolves(&lab, "afterwards").await;
        assert_eq!(state(&lab), NetworkState::Open);
        assert!(is_kept(&lab, "mail.shop.com", Rtype::A), "an authority said so");
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_intercepted_network_a_question_costs_one_packet() {
    let lab = behind(Middlebox::TRANSPARENT).await;
    for number in 0..3 {
        assert!(ask(&lab, &format!("mail.site{number}.com"), Rtype::A).await.is_ok());
    }
    assert!(ask(&lab, "www.shop.com", Rtype::A).await.is_ok());
    assert_eq!(state(&lab), intercepted(true));
    // Nor are addresses of servers missing.
    lab.worker.shared().cache.flush(&name::parse("prov.net").unwrap(), true);
    lab.net.forget_sent();
    for number in 0..20 {
        let name = format!("n{number}.site0.com");
        assert_eq!(ask(&lab, &name, Rtype::A).await.unwrap().rcode, OptRcode::NXDOMAIN);
        assert_eq!(ask(&lab, "www.shop.com", Rtype::HTTPS).await.unwrap().rcode, OptRcode::NOERROR);
    }
    assert!(lab.net.sent().len() <= 40, "{}", lab.net.sent().len());
}

#[tokio::test(start_paused = true)]
async fn what_an_interceptor_strips_or_rewrites_is_no_answer_where_it_must_be_proven() {
    for (signatures, rewrites) in [(false, false), (false, true), (true, true)] {
        let resolver = Middlebox::Resolver(InterceptingResolver {
            signatures,
            rewrites,
            iterative: IterativeQueries::Resolved,
        });
        let lab = behind(resolver).await;
        assert_eq!(ask(&lab, "mail.site4.com", Rtype::A).await.is_ok(), signatures);
        assert_eq!(ask(&lab, "mail.site5.com", Rtype::A).await.is_ok(), signatures);
        let gone = ask(&lab, "gone.site4.com", Rtype::A).await;
        assert!(gone.is_err(), "{gone:?}");
        assert_eq!(state(&lab), intercepted(signatures));
        lab.net.interpose(None);
        let gone = ask(&lab, "gone.site5.com", Rtype::A).await.unwrap();
        assert_eq!((gone.rcode, gone.security), (OptRcode::NXDOMAIN, Security::Secure));
        all_resolves(&lab, "afterwards").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_portal_that_comes_unannounced_leaves_nothing_behind_either() {
    for portal in PORTALS {
        let (net, settings) = cafe();
        let lab = Lab::with(net, settings);
        for number in 0..3 {
            assert!(ask(&lab, &format!("www.site{number}.com"), Rtype::A).await.is_ok());
            assert!(ask(&lab, &format!("n{number}.shop.com"), Rtype::A).await.is_ok());
        }
        assert_eq!(state(&lab), NetworkState::Open);
        sleep(Duration::from_secs(3600)).await;
        lab.net.interpose(portal);
        for number in 0..6 {
            assert!(ask(&lab, &format!("mail.site{number}.com"), Rtype::A).await.is_err());
            sleep(ms(100)).await;
        }
        assert_eq!(state(&lab), intercepted(false), "{portal:?}");
        for name in ["www.shop.com", "mail.shop.com"] {
            let _ = ask(&lab, name, Rtype::A).await;
        }
        lab.net.interpose(None);
        // The time for which a failure is cached (RFC 9520 section 3.2).
        sleep(Duration::from_secs(1)).await;
        all_resolves(&lab, &format!("{portal:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_failed_behind_the_portal_resolves_once_it_is_gone() {
    for portal in PORTALS {
        let lab = behind(portal).await;
        for _ in 0..12 {
            assert!(ask(&lab, "mail.site7.com", Rtype::A).await.is_err());
            sleep(ms(900)).await;
        }
        lab.net.interpose(None);
        let waits = Instant::now();
        while ask(&lab, "mail.site7.com", Rtype::A).await.is_err() {
            sleep(ms(100)).await;
        }
        assert!(waits.elapsed() <= ms(1200), "{portal:?}: {:?}", waits.elapsed());
        assert!(ask(&lab, "mail.site8.com", Rtype::A).await.is_ok(), "{portal:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_validate_gets_what_the_portal_says_for_five_seconds() {
    for checking in [Checking::Disabled, Checking::Enabled] {
        let (net, mut settings) = cafe();
        net.interpose(Middlebox::PORTAL);
        if !checking.is_disabled() {
            settings.negative_anchors.push(name::parse("site1.com").unwrap());
        }
        let lab = Lab::with(net, settings);
        let asked = question("www.site1.com", Rtype::A);
        for _ in 0..3 {
            let answer =
                lab.worker.resolve_for(None, &asked, checking, Lack::Everything, None).await;
            let answer = answer.unwrap();
            assert_eq!(answer.answer[0].to_string(), "www.site1.com. 5 IN A 203.0.113.80");
            assert!(!is_kept(&lab, "www.site1.com", Rtype::A));
        }
        lab.net.interpose(None);
        let answer = lab.worker.resolve_for(None, &asked, checking, Lack::Everything, None).await;
        let answer = answer.unwrap();
        assert!(answer.answer[0].to_string().contains("203.0.115.20"), "{checking:?} {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_proven_and_has_expired_is_given_behind_a_portal() {
    let lab = behind(Middlebox::PORTAL).await;
    sleep(Duration::from_secs(400)).await;
    // Until interception is known, the fault is attributed to the zone.
    for number in 3..6 {
        assert!(ask(&lab, &format!("www.site{number}.com"), Rtype::A).await.is_err());
    }
    assert_eq!(state(&lab), intercepted(false));
    let asked = question("www.site0.com", Rtype::A);
    for _ in 0..4 {
        let answer =
            lab.worker.resolve_for(None, &asked, Checking::Enabled, Lack::Everything, None).await;
        assert!(answer.as_ref().is_ok_and(|answer| answer.stale), "{answer:?}");
        sleep(Duration::from_secs(2)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_learned_before_the_network_has_proven_itself_is_not_persisted() {
    let (net, settings) = cafe();
    let lab = Lab::with(net, settings);
    // Root and top-level domain answer, and nothing can be proven.
    for address in ROOT_SERVERS {
        lab.net.alter(address, |asked, said| match asked.rtype {
            Rtype::DNSKEY => Some(Said::error(OptRcode::SERVFAIL)),
            _ => Some(said),
        });
    }
    let asked = question("www.shop.com", Rtype::A);
    let answer =
        lab.worker.resolve_for(None, &asked, Checking::Disabled, Lack::Everything, None).await;
    assert!(answer.is_ok() && is_kept(&lab, "www.shop.com", Rtype::A));
    assert_eq!(state(&lab), NetworkState::Doubtful);
    assert!(!is_kept(&restarted(&lab), "www.shop.com", Rtype::A));
    for address in ROOT_SERVERS {
        lab.net.alter(address, |_, said| Some(said));
    }
    assert!(ask(&lab, "www.site0.com", Rtype::A).await.is_ok());
    assert_eq!(state(&lab), NetworkState::Open);
    assert!(is_kept(&restarted(&lab), "www.shop.com", Rtype::A));
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_left_before_it_has_proven_itself_leaves_nothing_behind() {
    let portal = Middlebox::Portal(Portal { aa: true, others: Others::Address });
    let lab = behind(portal).await;
    assert!(
        ask(&lab, "n1.shop.com", Rtype::A).await.is_err()
            || !is_kept(&lab, "n1.shop.com", Rtype::A)
    );
    let asked = question("www.shop.com", Rtype::A);
    let _ = lab.worker.resolve_for(None, &asked, Checking::Disabled, Lack::Everything, None).await;
    assert!(is_kept(&lab, "www.shop.com", Rtype::A), "it was not yet noticed");
    lab.net.interpose(None);
    lab.worker.shared().notify(Event::NetworkChanged);
    assert!(!is_kept(&lab, "www.shop.com", Rtype::A));
    assert!(is_kept(&lab, "www.site0.com", Rtype::A), "what was known before is");
}

#[tokio::test(start_paused = true)]
async fn one_zone_on_a_resolver_is_no_interception() {
    let (net, settings) = cafe();
    let recursive = |said: Said| Said { aa: false, ra: true, ..said };
    net.alter(PROVIDER, move |_, said| Some(recursive(said)));
    let lab = Lab::with(net, settings);
    for round in 0..50 {
        let answer = ask(&lab, "www.shop.com", Rtype::A).await.unwrap();
        assert!(answer.answer[0].ttl <= 5 && !is_kept(&lab, "www.shop.com", Rtype::A));
        let site = format!("n{round}.site{}.com", round % 10);
        assert_eq!(ask(&lab, &site, Rtype::A).await.unwrap().security, Security::Secure);
        assert!(!matches!(state(&lab), NetworkState::Obstructed(_)));
        sleep(ms(500)).await;
    }
    assert!(lab.count(Counter::NetworkChecks) <= 4, "{}", lab.count(Counter::NetworkChecks));
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_recurses_as_it_should() {
    let (net, mut settings) = cafe();
    net.interpose(Middlebox::TRANSPARENT);
    let address = "192.0.2.53:53".parse().unwrap();
    settings.routes.push(Delegation {
        zone: name::root(),
        mode: QueryMode::Forward,
        transport: Transport::Udp,
        servers: vec![NameServer::plain(name::root(), vec![address])],
        signing: zoners_dns::DsStatus::Unknown,
        expires: zoners_dns::Moment::NEVER,
    });
    let lab = Lab::with(net, settings);
    assert_eq!(status(&lab, "www.site0.com", Rtype::A).await, Security::Secure);
    let shop = ask(&lab, "www.shop.com", Rtype::A).await.unwrap();
    assert_eq!((shop.answer[0].ttl, shop.security), (300, Security::Insecure));
    assert!(is_kept(&lab, "www.shop.com", Rtype::A));
    assert!(is_kept(&restarted(&lab), "www.shop.com", Rtype::A));
    assert_eq!((state(&lab), lab.count(Counter::NetworkChecks)), (NetworkState::Unknown, 0));
}

#[tokio::test(start_paused = true)]
async fn a_portal_that_says_nothing_of_a_type_is_asked_once() {
    for (others, rcode) in
        [(Others::Empty, OptRcode::NOERROR), (Others::NoName, OptRcode::NXDOMAIN)]
    {
        let (net, settings) = cafe();
        let lab = Lab::with(net, settings);
        assert!(ask(&lab, "www.shop.com", Rtype::A).await.is_ok());
        lab.net.interpose(Middlebox::Portal(Portal { aa: false, others }));
        for number in 0..4 {
            assert!(ask(&lab, &format!("www.site{number}.com"), Rtype::A).await.is_err());
        }
        assert_eq!(state(&lab), intercepted(false));
        lab.net.forget_sent();
        let answer = ask(&lab, "www.shop.com", Rtype::HTTPS).await.unwrap();
        assert_eq!((answer.rcode, lab.net.sent().len()), (rcode, 1), "{others:?}");
        lab.net.interpose(None);
        assert!(ask(&lab, "www.site5.com", Rtype::A).await.is_ok());
        let answer = ask(&lab, "www.shop.com", Rtype::AAAA).await.unwrap();
        assert_eq!(answer.answer.len(), 1, "{others:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_box_that_takes_the_servers_words_for_its_own_gives_no_delegations() {
    let (net, settings) = cafe();
    let servers = ROOT_SERVERS.into_iter().chain(COM_SERVERS).chain(NET_SERVERS);
    for address in servers.chain([PROVIDER]) {
        net.alter(address, |_, said| Some(Said { aa: false, ra: true, ..said }));
    }
    let lab = Lab::with(net, settings);
    for number in 0..10 {
        let name = format!("www.site{number}.com");
        assert_eq!(status(&lab, &name, Rtype::A).await, Security::Secure, "{name}");
    }
    assert!(ask(&lab, "www.shop.com", Rtype::A).await.is_ok());
    assert_eq!(state(&lab), intercepted(true));
    let shared = lab.worker.shared();
    for zone in ["site9.com", "prov.net", "com"] {
        let cut = shared.cache.delegation(&name::parse(zone).unwrap(), shared.now());
        assert_eq!(cut, None, "{zone}");
    }
}

#[tokio::test(start_paused = true)]
async fn hearsay_does_not_say_who_the_root_servers_are() {
    let (net, settings) = cafe();
    for address in ROOT_SERVERS {
        net.alter(address, |asked, mut said| {
            if asked.name.is_root() && asked.rtype == Rtype::NS {
                (said.aa, said.ra) = (false, true);
                let lie = zoners_dns::Records::from_iter([[203, 0, 113, 80]]);
                let addresses = said.additional.iter_mut().filter(|set| set.rtype == Rtype::A);
                addresses.for_each(|set| set.records = lie.clone());
            }
            Some(said)
        });
    }
    let lab = Lab::with(net, settings);
    for number in 0..5 {
        assert!(ask(&lab, &format!("www.site{number}.com"), Rtype::A).await.is_ok());
        sleep(Duration::from_secs(61)).await;
    }
    assert!(!matches!(state(&lab), NetworkState::Obstructed(_)));
    assert_eq!(lab.net.sent_to("203.0.113.80"), 0);
}
