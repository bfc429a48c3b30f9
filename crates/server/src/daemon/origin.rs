//! The origin of the answers in the cache: sources, validation rules and trust anchors. Each is a text that depends on no
//! order in a file, no name of a field and no number of this process: a stored cache is dropped for a cause alone.

use zoners_dns::{Delegation, Name, NameServer, QueryMode};
use zoners_resolver::{Anchor, Settings, Shared};
use zoners_store::snapshot::Fingerprints;

/// The sources and the trust anchors behind answers under `settings`. Negative trust anchors of an operator count as
/// well: with any, the settings alone prove nothing.
pub(super) fn fingerprints(settings: &Settings, shared: &Shared) -> Fingerprints {
    let unvalidated = shared.negative_anchors.list(shared.now());
    let anchors = settings.anchors.iter().flat_map(anchor);
    Fingerprints::of(&sources(settings), &rules(settings, &unvalidated)).anchored_in(anchors)
}

fn sources(settings: &Settings) -> String {
    // Networks come and go; what their resolvers answered is discarded apart.
    let stays = |route: &&Delegation| !settings.network_zones.contains(&route.zone);
    let routes = settings.routes.iter().filter(stays);
    sorted(routes.chain([&settings.root]).map(source))
}

/// The servers of a zone. A configuration has neither DS records nor an expiry.
fn source(delegation: &Delegation) -> String {
    let Delegation { zone, mode, transport, servers, signing: _, expires: _ } = delegation;
    let mode = match mode {
        QueryMode::Iterative => "iterative",
        QueryMode::Stub => "stub",
        QueryMode::Forward => "forward",
    };
    let servers = sorted(servers.iter().map(server));
    format!("{} {mode} {}\n{servers}", lower(zone), transport.to_octet())
}

fn server(server: &NameServer) -> String {
    let NameServer { name, addresses, encryption } = server;
    let addresses = sorted(addresses.iter().map(ToString::to_string));
    let encryption = encryption.map(|encryption| {
        let (transport, identity) = (encryption.transport.to_octet(), encryption.identity.digest());
        format!("{transport} {} {identity:x}", encryption.port)
    });
    format!("{} {}\n{addresses}", lower(name), encryption.unwrap_or_default())
}

/// The rules by which answers are proven, the zones with trust anchors among them: the first trust anchor of a zone
/// changes what is proven there.
fn rules(settings: &Settings, unvalidated: &[(Name, u32)]) -> String {
    let Settings { anchors, skew, validation_date, network_zones, .. } = settings;
    let negative = settings.negative_anchors.iter().filter(|zone| !network_zones.contains(zone));
    let negative = negative.map(|zone| format!("negative {}", lower(zone)));
    let unvalidated =
        unvalidated.iter().map(|(zone, seconds)| format!("negative {} {seconds}", lower(zone)));
    let anchored = anchors.iter().map(|anchor| format!("anchored {}", lower(&anchor.zone)));
    let date = validation_date.map(|seconds| format!("date {seconds}"));
    sorted(negative.chain(unvalidated).chain(anchored).chain(date).chain([format!("skew {skew}")]))
}

/// The keys of a trust anchor, and the digests of keys.
fn anchor(anchor: &Anchor) -> impl Iterator<Item = String> {
    let Anchor { zone, ds, keys } = anchor;
    let zone = lower(zone);
    let ds = ds.iter().map(|ds| {
        let (tag, algorithm, form) = (ds.key_tag, ds.algorithm, ds.digest_type);
        format!("DS {tag} {algorithm} {form} {:x}", ds.digest)
    });
    let keys = keys.iter().map(|key| format!("DNSKEY {:x}", key.rdata));
    ds.chain(keys).map(move |key| format!("{zone} {key}"))
}

fn lower(name: &Name) -> String {
    name.to_string().to_ascii_lowercase()
}

/// Each text once, a line each, in one order whatever the order in the configuration.
fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = texts.collect();
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use zoners_dnssec::dnskey::Dnskey;

    use super::*;
    use crate::config::Config;

    const ROUTES: &str = "
        [[forward]]
        zone = \"corp\"
        servers = [\"192.0.2.1\", \"tls://192.0.2.2#dns.corp\"]
        [[stub]]
        zone = \"lab\"
        servers = [\"192.0.2.3\"]
        [dnssec]
        negative-trust-anchors = [\"a.test\", \"b.test\"]
    ";

    fn settings(text: &str) -> Settings {
        Config::parse(text, "test").unwrap().settings().unwrap()
    }

    fn texts(settings: &Settings) -> (String, String) {
        (sources(settings), rules(settings, &[]))
    }

    /// The texts as they are: another text drops the caches of all users with an upgrade.
    #[test]
    fn the_texts_are_those_of_former_versions() {
        let mut settings = settings(ROUTES);
        settings.root.servers.truncate(1);
        let (sources, rules) = texts(&settings);
        let expected_sources = [
            ". iterative 0",
            "a.root-servers.net ",
            "198.41.0.4:53",
            "[2001:503:ba3e::2:30]:53",
            "corp forward 0",
            ". ",
            "192.0.2.1:53",
            "dns.corp 2 853 c1741001c07753ce",
            "192.0.2.2:853",
            "lab stub 0",
            ". ",
            "192.0.2.3:53",
        ];
        assert_eq!(sources.lines().collect::<Vec<_>>(), expected_sources);
        // Routes to resolvers of one's own are negative trust anchors too.
        let negative = ["a.test", "b.test", "corp", "lab"].map(|zone| format!("negative {zone}"));
        let expected_rules = ["anchored ."].into_iter().chain(negative.iter().map(String::as_str));
        let expected_rules: Vec<&str> = expected_rules.chain(["skew 300"]).collect();
        assert_eq!(rules.lines().collect::<Vec<_>>(), expected_rules);
    }

    #[test]
    fn order_and_case_of_a_configuration_do_not_count() {
        let turned = ROUTES
            .replace(
                "[\"192.0.2.1\", \"tls://192.0.2.2#dns.corp\"]",
                "[\"tls://192.0.2.2#dns.corp\", \"192.0.2.1\"]",
            )
            .replace("[\"a.test\", \"b.test\"]", "[\"B.test\", \"a.test\"]");
        assert_eq!(texts(&settings(ROUTES)), texts(&settings(&turned)));
    }

    #[test]
    fn each_part_of_a_source_counts() {
        let before = texts(&settings(ROUTES));
        for (from, to) in [
            ("192.0.2.1", "192.0.2.9"),
            ("192.0.2.3", "192.0.2.1"),
            ("#dns.corp", "#dns.example"),
            ("tls://192.0.2.2#dns.corp", "192.0.2.2"),
            ("[[stub]]", "[[forward]]"),
            ("\"lab\"", "\"lab.test\""),
        ] {
            let after = texts(&settings(&ROUTES.replace(from, to)));
            assert!(after.0 != before.0, "{from} to {to}");
        }
        let rules = |text: &str| texts(&settings(text)).1;
        assert!(rules(&ROUTES.replace("b.test", "c.test")) != before.1);
        assert!(rules(&format!("{ROUTES}\nvalidate = false")) != before.1);
    }

    /// RFC 5011: the keys of the root zone are adopted in the first minute of a server.
    #[test]
    fn an_adopted_key_keeps_the_proofs_of_the_digests() {
        let before = settings("");
        let mut after = before.clone();
        let key = Dnskey::read(&Bytes::from_static(&[1, 1, 3, 13, 9, 9, 9, 9])).unwrap();
        after.anchors[0].keys.push(key);
        let of = |settings: &Settings| {
            Fingerprints::of(&sources(settings), &rules(settings, &[]))
                .anchored_in(settings.anchors.iter().flat_map(anchor))
        };
        assert_eq!(of(&before).sources, of(&after).sources);
        assert!(of(&after).prove_all_of(&of(&before)) && !of(&before).prove_all_of(&of(&after)));
        // Nothing was proven where the root zone had no trust anchor.
        let none = Settings { anchors: Vec::new(), ..before.clone() };
        assert!(!of(&before).prove_all_of(&of(&none)) && !of(&none).prove_all_of(&of(&before)));
    }
}
