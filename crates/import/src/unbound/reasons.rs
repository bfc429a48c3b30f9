//! Why settings of Unbound are not taken over.

/// Settings of `server:` with the reason. A key that ends with `*` stands for all keys with this beginning.
const OF_SERVER: &[(&str, &str)] = &[
    ("aggressive-nsec", "default already"),
    ("auto-trust-anchor-file", "default already: the keys of the root are built in, and followed"),
    ("cache-max-negative-ttl", "not taken over: the value must be a number of seconds"),
    ("chroot", "no need: `server.sandbox` is on"),
    ("control-*", "no need: the control socket is there by default"),
    ("deny-any", "default already: see `server.any`"),
    ("directory", "no need: paths in the configuration are absolute"),
    ("do-daemonize", "no need: `zoners install` makes a service"),
    ("do-not-query-*", "default already for special addresses; others: `resolver.never-ask`"),
    ("do-tcp", "default already"),
    ("do-udp", "default already"),
    ("harden-*", "default already"),
    ("hide-*", "default already"),
    ("incoming-num-tcp", "no need: connections have limits of their own"),
    ("infra-*", "no need: servers are measured within `cache.size`"),
    ("ip-freebind", "default already: an address is served as soon as this computer has it"),
    ("ip-transparent", "default already: an address is served as soon as this computer has it"),
    ("jostle-timeout", "no counterpart: see `server.max-waiting`"),
    ("key-cache-*", "no need: one limit for all, `cache.size`"),
    ("local-zone-*", "no counterpart: see [[policy.group]]"),
    ("log-*", "no counterpart: `zoners log`, `zoners watch` and `zoners why` tell of queries"),
    ("logfile", "no need: the log goes to the service manager"),
    ("msg-*", "no need: one limit for all, `cache.size`"),
    ("neg-cache-size", "no need: one limit for all, `cache.size`"),
    ("num-queries-per-thread", "no need: see `limits.pending`"),
    ("outgoing-*", "no need: sockets are opened as needed"),
    ("pidfile", "no need: the service manager knows the process"),
    ("prefetch-key", "default already"),
    ("private-address", "default already: `policy.rebinding-protection` is on"),
    ("ratelimit*", "no need: see `limits.questions-per-zone`"),
    ("root-hints", "default already: built in; else `resolver.root-hints`"),
    ("root-key-sentinel", "default already"),
    ("rrset-*", "no need: one limit for all, `cache.size`"),
    ("so-*", "no need: sockets are set up by Zoners"),
    ("statistics-*", "no need: `zoners stats` and `zoners metrics` count always"),
    ("extended-statistics", "no need: `zoners stats` and `zoners metrics` count always"),
    ("tls-cert-bundle", "default already: the authorities of the system; else `resolver.ca-file`"),
    (
        "tls-service-*",
        "to be done: name the files in `server.certificate` and `server.certificate-key`; keys are not copied",
    ),
    ("tls-*", "no counterpart: see `server.listen` with tls://, https:// and quic://"),
    ("trust-anchor-signaling", "no need: see `dnssec.signal-anchors`"),
    (
        "trust-anchor*",
        "to be done where it is not the root: `dnssec.trust-anchor`; the root is built in",
    ),
    ("trusted-keys-file", "to be done where it is not the root: `dnssec.trust-anchor`"),
    ("unwanted-reply-threshold", "no need: forged replies are counted and passed over"),
    ("use-syslog", "no need: the log goes to the service manager"),
    ("username", "no need: `zoners install` makes a user; else `server.user`"),
    ("val-*", "default already: see [dnssec]"),
    ("verbosity", "no counterpart: `zoners serve --log-level`"),
    ("access-control-*", "no counterpart by itself: see [[policy.group]]"),
    ("define-tag", "no counterpart by itself: see [[policy.group]]"),
];

/// Why a setting of `server:` is not taken over.
pub(super) fn of_server(key: &str, value: &str) -> &'static str {
    let fits = |known: &str| match known.strip_suffix('*') {
        Some(beginning) => key.starts_with(beginning),
        None => key == known,
    };
    let found = OF_SERVER.iter().find(|(known, _)| fits(known));
    let reason = found.map_or("no counterpart is known to this command", |(_, reason)| reason);
    // The default is the opposite of what such a line asks for.
    if reason.starts_with("default already") && (value == "no" || key == "val-permissive-mode") {
        return "no counterpart by itself: the default is the opposite; see zoners.example.toml";
    }
    reason
}

/// Why a setting of a forwarder or a stub is not taken over.
pub(super) fn of_route(key: &str) -> &'static str {
    match key {
        "first" => "no counterpart: the servers of the zone are asked alone",
        "no-cache" => "no counterpart: answers are remembered",
        "prime" => "no need: the servers of the zone are asked as named",
        _ => "no counterpart is known to this command",
    }
}

/// Why a clause is not taken over.
pub(super) fn of_clause(clause: &str) -> &'static str {
    match clause {
        "remote-control" => "no need: the control socket is there by default; keys are not copied",
        "auth-zone" => {
            "to be done: a [[zone]] with `file` or `primaries`; the root: `resolver.local-root`"
        }
        "rpz" => "to be done: a [[policy.list]] with `path`, `url` or `zone`",
        "view" => "to be done: a [[policy.group]]",
        "cachedb" => "to be done: [cache.redis]; passwords are not copied",
        "dnstap" => "to be done: [dnstap]",
        _ => "no counterpart",
    }
}
