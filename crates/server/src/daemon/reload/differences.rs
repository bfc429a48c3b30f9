//! Differences between two generations, with consequences beyond the next answer.

use zoners_dns::Name;
use zoners_resolver::{Anchor, Settings, Shared};

use crate::config::Config;
use crate::daemon::generation::Generation;

/// Clears what the cache has of zones with other servers or trust anchors. Where the strategy of the network has changed
/// and the trust anchors are the same, proofs stay valid, whichever resolver has brought them.
pub(super) fn clear_out_of_date(shared: &Shared, before: &Generation, next: &Generation) {
    let mut zones = zones_of_other_sources(&before.settings, &next.settings);
    let is_of_strategy = before.forwards || next.forwards;
    let proves_alike = before.settings.anchors == next.settings.anchors;
    if is_of_strategy && proves_alike && zones.iter().any(Name::is_root) {
        zones.retain(|zone| !zone.is_root());
        shared.change_source(before.forwards);
    }
    for zone in &zones {
        shared.cache.flush(zone, true);
    }
}

/// Zones whose servers or trust anchors have changed: the cache entries are out of date.
fn zones_of_other_sources(old: &Settings, new: &Settings) -> Vec<Name> {
    let distrusted = zones_distrusted(old, new);
    [zones_only_in(old, new), zones_only_in(new, old), distrusted].concat()
}

/// Zones whose former trust anchor is withdrawn in part, and zones without a former trust anchor. A further key of a zone
/// withdraws nothing (RFC 5011): the cache entries stay.
fn zones_distrusted(old: &Settings, new: &Settings) -> Vec<Name> {
    let is_kept = |before: &Anchor| new.anchors.iter().any(|after| after.trusts_all_of(before));
    let had_none = |after: &Anchor| old.anchors.iter().all(|before| before.zone != after.zone);
    let taken_back = old.anchors.iter().filter(|before| !is_kept(before));
    let begun = new.anchors.iter().filter(|after| had_none(after));
    taken_back.chain(begun).map(|anchor| anchor.zone.clone()).collect()
}

/// Zones of routes and negative trust anchors of `one` without an equal in `other`.
fn zones_only_in(one: &Settings, other: &Settings) -> Vec<Name> {
    let routes = one.routes.iter().filter(|route| !other.routes.contains(route));
    let negative =
        one.negative_anchors.iter().filter(|zone| !other.negative_anchors.contains(zone));
    routes.map(|route| route.zone.clone()).chain(negative.cloned()).collect()
}

/// Keys whose change a reload cannot put into force.
pub(super) fn keys_that_need_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("server.user", old.server.user != new.server.user),
        ("server.state", old.server.state != new.server.state),
        ("server.sandbox", old.server.sandbox != new.server.sandbox),
        ("server.control", old.server.control != new.server.control),
        ("server.dashboard", old.server.dashboard != new.server.dashboard),
        ("server.dashboard-https", old.server.dashboard_https != new.server.dashboard_https),
        ("server.threads", old.server.threads != new.server.threads),
        (
            "resolver.source-addresses",
            old.resolver.source_addresses != new.resolver.source_addresses,
        ),
        ("cache", old.cache != new.cache),
        ("history.persist", old.history.persist != new.history.persist),
        ("history.trend", old.history.trend != new.history.trend),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use zoners_dnssec::dnskey::Dnskey;

    use super::*;

    #[test]
    fn zones_whose_routes_differ_are_found() {
        let settings = |text: &str| Config::parse(text, "test").unwrap().settings().unwrap();
        let lan = "[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n";
        let corp = "[[stub]]\nzone = \"corp\"\nservers = [\"192.0.2.2\"]\n";
        let (one, both) = (settings(lan), settings(&format!("{lan}{corp}")));
        assert!(zones_of_other_sources(&one, &one).is_empty());
        let corp = zoners_dns::name::parse("corp").unwrap();
        for changed in [zones_of_other_sources(&one, &both), zones_of_other_sources(&both, &one)] {
            assert!(!changed.is_empty() && changed.iter().all(|zone| *zone == corp), "{changed:?}");
        }
        let moved = settings(&lan.replace("192.0.2.1", "192.0.2.9"));
        assert!(!zones_of_other_sources(&one, &moved).is_empty());
    }

    #[test]
    fn a_further_key_of_the_root_zone_leaves_the_cache_as_it_is() {
        let before = Config::default().settings().unwrap();
        let mut after = before.clone();
        let key = Dnskey::read(&bytes::Bytes::from_static(&[1, 1, 3, 13, 9, 9, 9, 9])).unwrap();
        after.anchors[0].keys.push(key);
        assert!(zones_of_other_sources(&before, &after).is_empty());
        // A revoked key may have proven cache entries.
        assert_eq!(zones_of_other_sources(&after, &before), [zoners_dns::name::root()]);
        let none = Settings { anchors: Vec::new(), ..before.clone() };
        assert_eq!(zones_of_other_sources(&none, &before), [zoners_dns::name::root()]);
        assert_eq!(zones_of_other_sources(&before, &none), [zoners_dns::name::root()]);
    }
}
