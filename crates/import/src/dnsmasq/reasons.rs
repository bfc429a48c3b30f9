//! Why settings are not taken over.

/// Settings and reasons; `key*` stands for every key that begins so.
const REASONS: &[(&str, &str)] = &[
    ("all-servers", "default already: servers are tried by their speed"),
    ("bind-*", "no need: the addresses of `server.listen` are bound"),
    ("bogus-nxdomain", "no counterpart: answers that a forwarder forged"),
    ("bogus-priv", "default already"),
    ("cache-rr", "default already: records of all types"),
    ("cache-size", "no counterpart by number: `cache.size` is in octets"),
    ("dhcp-*", "no counterpart: DHCP stays with dnsmasq; see `network.leases`"),
    ("dns-forward-max", "default already: see `server.max-waiting`"),
    ("dns-loop-detect", "default already"),
    ("dnssec-*", "default already"),
    ("domain", "to be done: `network.lease-domain`"),
    ("domain-needed", "default already"),
    ("enable-*", "no counterpart"),
    ("except-interface", "to be done: name the addresses in `server.listen`"),
    ("expand-hosts", "no counterpart: names in full in `local.records`"),
    ("filter-*", "to be done: `block-aaaa` of a [[policy.group]]"),
    ("group", "no need: `zoners install` makes a user"),
    ("hostsdir", "to be done: one file in `local.hosts`"),
    ("interface", "to be done: name the addresses in `server.listen`"),
    ("interface-name", "to be done: `local.records`"),
    ("ipset", "no counterpart"),
    ("local-service", "default already: `server.allow`"),
    ("local-ttl", "no counterpart"),
    ("localise-queries", "no counterpart"),
    ("log-*", "no counterpart: `zoners serve --log-level`"),
    ("neg-ttl", "no counterpart"),
    ("no-dhcp-interface", "no counterpart: DHCP stays with dnsmasq"),
    ("no-hosts", "default already: see `local.hosts`"),
    ("no-negcache", "no counterpart"),
    ("no-poll", "no need"),
    ("no-resolv", "no need: Zoners asks the servers of the Internet"),
    ("pxe-*", "no counterpart"),
    ("query-port", "no need: ports are random"),
    ("ra-*", "no counterpart"),
    ("resolv-file", "no need: Zoners asks the servers of the Internet"),
    ("stop-dns-rebind", "default already"),
    ("rebind-localhost-ok", "default already for blocklists of mail servers"),
    (
        "trust-anchor",
        "to be done where it is not the root: `dnssec.trust-anchor`; the root is built in",
    ),
    ("use-stale-cache", "default already: `cache.serve-stale`"),
    ("strict-order", "no counterpart: servers are tried by their speed"),
    ("synth-domain", "no counterpart"),
    ("tftp-*", "no counterpart"),
    ("user", "no need: `zoners install` makes a user"),
];

pub(super) fn of(key: &str) -> &'static str {
    let fits = |known: &str| match known.strip_suffix('*') {
        Some(beginning) => key.starts_with(beginning),
        None => key == known,
    };
    let found = REASONS.iter().find(|(known, _)| fits(known));
    found.map_or("no counterpart is known to this command", |(_, reason)| reason)
}
