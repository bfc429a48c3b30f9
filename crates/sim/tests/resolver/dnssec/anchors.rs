//! Where trust begins and ends: anchors, negative anchors, rollovers, and a wrong clock.

use crate::common::Lab;
use crate::common::signed::{anchored, ask, signed, status};
use zoners_dns::{RRset, Records, Rtype, Security, name};
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::rollover::{self, KeyState, TrackedKey};
use zoners_dnssec::verify::ValidationTime;
use zoners_sim::sign::{Key, Signing};
use zoners_sim::{Link, Manner, world};

#[tokio::test(start_paused = true)]
async fn negative_anchors_and_islands() {
    let net = world::small(1);
    let anchor = net.sign(&["example.com"], &Signing::default());
    let mut island = anchored(&anchor);
    island.anchors[0].zone = name::parse("example.com").unwrap();
    let lab = Lab::with(net.clone(), island.clone());
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
    assert_eq!(status(&lab, "nic.net", Rtype::A).await, Security::Insecure);
    for address in ["203.0.114.1", "203.0.114.2"] {
        net.link(address, Link::of(20).with(Manner::Forges));
    }
    assert!(ask(&lab, "mail.example.com", Rtype::A).await.is_err());
    island.negative_anchors = vec![name::parse("example.com").unwrap()];
    let lab = Lab::with(net, island);
    assert_eq!(status(&lab, "mail.example.com", Rtype::A).await, Security::Insecure);
}

#[tokio::test(start_paused = true)]
async fn a_zone_goes_unvalidated_for_a_while() {
    let lab = signed(&Signing::default());
    for address in ["203.0.114.1", "203.0.114.2"] {
        lab.net.link(address, Link::of(20).with(Manner::Forges));
    }
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err());
    let (shared, zone) = (lab.worker.shared(), name::parse("example.com").unwrap());
    shared.negative_anchors.add(&zone, 100, shared.now());
    shared.cache.flush(&zone, true);
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Insecure);
    lab.clock.jump(std::time::Duration::from_secs(400));
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err(), "validated again");
}

/// A machine starting with a clock of years ago: the log says so, and time servers are resolved.
#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_told_from_bad_zones() {
    let net = world::small(1);
    let anchor = net.sign(&["example.com", "com", "."], &Signing::default());
    let mut wrong = anchored(&anchor);
    // 1999: twenty years before the signatures begin.
    wrong.validation_date = Some(946_000_000);
    wrong.time_servers = vec![name::parse("mail.example.com").unwrap()];
    let lab = Lab::with(net, wrong);
    let told = ask(&lab, "www.example.com", Rtype::A).await.unwrap_err();
    assert!(told.ede.text.contains("clock is wrong by about -6318"), "{told}");
    assert_eq!(status(&lab, "mail.example.com", Rtype::A).await, Security::Insecure);
    assert!(ask(&lab, "alias.example.com", Rtype::A).await.is_err());
}

/// The state of a zone's keys after the zone published `keys`; each key signs the set.
fn follow(tracked: &mut Vec<TrackedKey>, keys: &[(&Key, bool)], now: u64) {
    let zone = name::parse("zone.example").unwrap();
    let rdata = |(key, revoked): &(&Key, bool)| {
        let mut rdata = key.public.rdata.to_vec();
        rdata[1] |= if *revoked { 0x80 } else { 0 };
        rdata
    };
    let rdatas: Vec<Vec<u8>> = keys.iter().map(rdata).collect();
    let set = RRset::new(zone, Rtype::DNSKEY, 3600, rdatas.iter().collect());
    let signature = |(key, revoked): &(&Key, bool)| {
        let mut signed = set.clone();
        match revoked {
            true => key.revoked().sign(&mut signed, &Signing::default()),
            false => key.sign(&mut signed, &Signing::default()),
        }
        signed.signatures.first().unwrap()
    };
    let signatures: Records = keys.iter().map(signature).collect();
    let set = RRset { signatures, ..set };
    let anchored = |key: &Dnskey| keys.len() == 1 && key.key == keys[0].0.public.key;
    rollover::observe(tracked, &set, ValidationTime { now, skew: 0 }, anchored);
}

#[test]
fn a_rollover_is_followed() {
    let zone = name::parse("zone.example").unwrap();
    let (old, new) = (Key::new(&zone, 13), Key::new(&zone, 13));
    let (start, day) = (1_700_000_000, 86_400);
    let mut tracked = Vec::new();
    let standing = |tracked: &[TrackedKey], key: &Key| {
        tracked.iter().find(|t| t.key.key == key.public.key).map(|t| t.state)
    };
    follow(&mut tracked, &[(&old, false)], start);
    assert_eq!(standing(&tracked, &old), Some(KeyState::Valid), "the configuration vouches for it");
    follow(&mut tracked, &[(&old, false), (&new, false)], start + day);
    assert_eq!(standing(&tracked, &new), Some(KeyState::Pending));
    follow(&mut tracked, &[(&old, false), (&new, false)], start + 30 * day);
    assert_eq!(standing(&tracked, &new), Some(KeyState::Pending), "a day is missing");
    follow(&mut tracked, &[(&old, false)], start + 30 * day + 1);
    assert_eq!(standing(&tracked, &new), None, "not without a break");
    follow(&mut tracked, &[(&old, false), (&new, false)], start + 40 * day);
    follow(&mut tracked, &[(&old, false), (&new, false)], start + 70 * day);
    assert_eq!(standing(&tracked, &new), Some(KeyState::Valid));
    follow(&mut tracked, &[(&old, true), (&new, false)], start + 80 * day);
    assert_eq!(standing(&tracked, &old), Some(KeyState::Revoked));
    assert!(tracked.iter().filter(|t| t.is_trusted()).all(|t| t.key.key == new.public.key));
    follow(&mut tracked, &[(&old, false), (&new, false)], start + 81 * day);
    assert_eq!(standing(&tracked, &old), Some(KeyState::Revoked), "never again");
    follow(&mut tracked, &[], start + 82 * day);
    assert_eq!(standing(&tracked, &new), Some(KeyState::Missing));
    assert!(tracked.iter().any(TrackedKey::is_trusted), "missing is not lost");
}
