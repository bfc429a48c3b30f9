//! Zones that replace their keys at once, or stop being signed, before the TTLs end.

use crate::common::Lab;
use crate::common::signed::{ask, signed, signed_net, status};
use zoners_dns::{Counter, Rtype, Security, name};
use zoners_sim::sign::{Denying, Signing};

const DEFAULT: Signing = Signing {
    algorithm: 15,
    denying: Denying::Nsec,
    inception: 1_577_836_800,
    expiration: 2_208_988_800,
};
/// Keys of this algorithm are new with each signing.
const OTHER_KEYS: Signing = Signing { algorithm: 13, ..DEFAULT };

const EXAMPLE: &str = "@ 300 NS ns1\n@ 300 NS ns2\nns1 A 203.0.114.1\nns2 A 203.0.114.2\n\
                       www 300 A 203.0.115.2\nmail A 203.0.115.4\nnew A 203.0.115.5\n";

/// A resolver with proven records of `example.com.`. Then every zone is signed anew: the deepest by
/// `signing`, those above with the same keys as before.
async fn changed(signing: &Signing) -> Lab {
    let lab = signed(&DEFAULT);
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
    lab.net.sign(&["example.com"], signing);
    lab.net.sign(&["com", "."], &DEFAULT);
    lab
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_changes_all_its_keys_at_once_is_believed() {
    let lab = changed(&OTHER_KEYS).await;
    for (text, rtype) in [
        ("mail.example.com", Rtype::A),
        ("gone.example.com", Rtype::A),
        ("www.example.com", Rtype::MX),
        ("x.wild.example.com", Rtype::A),
    ] {
        assert_eq!(status(&lab, text, rtype).await, Security::Secure, "{text} {rtype}");
    }
    assert_eq!(lab.count(Counter::DnssecKeyRefreshes), 1);
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_at_that_moment_are_answered() {
    let lab = changed(&OTHER_KEYS).await;
    let ask = |text: &'static str| ask(&lab, text, Rtype::A);
    let (one, two, three) =
        tokio::join!(ask("mail.example.com"), ask("a.b.ent.example.com"), ask("gone.example.com"));
    for answer in [one, two, three] {
        assert_eq!(answer.unwrap().security, Security::Secure);
    }
    assert_eq!(lab.count(Counter::DnssecKeyRefreshes), 1);
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_stops_being_signed_is_taken_as_unsigned() {
    let lab = signed(&DEFAULT);
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
    lab.net.zone("example.com", &["203.0.114.1", "203.0.114.2"], EXAMPLE);
    lab.net.change("com", |com| com.remove(&name::parse("example.com").unwrap(), Rtype::DS));
    lab.net.sign(&["com", "."], &DEFAULT);
    assert_eq!(status(&lab, "mail.example.com", Rtype::A).await, Security::Insecure);
    assert_eq!(status(&lab, "gone.example.com", Rtype::A).await, Security::Insecure);
    assert_eq!(lab.count(Counter::DnssecKeyRefreshes), 1);
}

#[tokio::test(start_paused = true)]
async fn keys_above_may_change_with_those_below() {
    let lab = signed(&DEFAULT);
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
    lab.net.sign(&["example.com", "com"], &OTHER_KEYS);
    lab.net.sign(&["."], &DEFAULT);
    for (text, expected) in [
        ("mail.example.com", Security::Secure),
        ("gone.example.com", Security::Secure),
        ("www.plain.com", Security::Insecure),
    ] {
        assert_eq!(status(&lab, text, Rtype::A).await, expected, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_bogus_costs_no_more_than_a_try_in_a_while() {
    let (net, settings) = signed_net(&DEFAULT);
    let lab = Lab::with(net, settings);
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
    // Unsigned, although the parent has DS records.
    lab.net.zone("example.com", &["203.0.114.1", "203.0.114.2"], EXAMPLE);
    for number in 0..20 {
        let failed = ask(&lab, &format!("n{number}.example.com"), Rtype::A).await.unwrap_err();
        assert!(failed.ede.code.is_bogus(), "{failed}");
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
    let renewed = lab.count(Counter::DnssecKeyRefreshes);
    assert!((1..=2).contains(&renewed), "{renewed} renewals in forty seconds");
    assert!(lab.count(Counter::DnssecKeyRefreshesLimited) > 0);
}
