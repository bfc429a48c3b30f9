//! The clause `server`.

use super::prefix::Prefix;
use super::{Line, reasons, remark};
use crate::imported::{Form, Imported, Setting};
use crate::write::quoted;

/// Settings that count together, and at the end.
#[derive(Default)]
pub(super) struct Server {
    interfaces: Vec<Line>,
    port: Option<Line>,
    access: Vec<Line>,
    sizes: Vec<Line>,
    modules: Option<Line>,
}

impl Server {
    pub(super) fn setting(&mut self, line: &Line, imported: &mut Imported) {
        let kept = || Line {
            key: line.key.clone(),
            values: line.values.clone(),
            place: line.place.clone(),
        };
        match line.key.as_str() {
            "interface" | "ip-address" => self.interfaces.push(kept()),
            "port" => self.port = Some(kept()),
            "access-control" => self.access.push(kept()),
            "msg-cache-size" | "rrset-cache-size" => self.sizes.push(kept()),
            "module-config" => self.modules = Some(kept()),
            "local-zone" => local_zone(line, imported),
            "local-data" => item(line, "local", "records", record(line.value()), imported),
            "local-data-ptr" => pointer(line, imported),
            _ => mapped(line, imported),
        }
    }

    /// Whether Unbound validates; by default it does.
    pub(super) fn validates(&self) -> bool {
        self.modules.as_ref().is_none_or(|line| line.words().contains("validator"))
    }

    pub(super) fn finish(self, imported: &mut Imported) {
        if let Some(line) = self.modules.as_ref().filter(|_| !self.validates()) {
            value(line, "dnssec", "validate", "false".into(), imported);
        }
        listen(&self.interfaces, self.port.as_ref(), imported);
        allow(&self.access, self.interfaces.first(), imported);
        self.cache_size(imported);
    }

    /// The sum of both caches: Zoners has one.
    fn cache_size(&self, imported: &mut Imported) {
        let Some(last) = self.sizes.last() else { return };
        let of = |key: &str| {
            let line = self.sizes.iter().rev().find(|line| line.key == key);
            // 4 MiB is the default of either.
            line.map_or(Some(4 << 20), |line| octets(line.value()))
        };
        match (of("msg-cache-size"), of("rrset-cache-size")) {
            (Some(messages), Some(rrsets)) => {
                let mib = messages.saturating_add(rrsets).div_ceil(1 << 20);
                value(last, "cache", "size", format!("\"{mib}MiB\""), imported);
            }
            _ => remark(imported, last, last.words(), "the size is not understood"),
        }
    }
}

/// The addresses at which clients are served.
fn listen(interfaces: &[Line], port: Option<&Line>, imported: &mut Imported) {
    let usual = port.map_or("53", Line::value);
    for line in interfaces {
        let (address, port) = line.value().split_once('@').unwrap_or((line.value(), usual));
        let text = match (address.parse::<std::net::IpAddr>(), port) {
            (Err(_), _) => {
                let reason = "to be done: name the addresses in `server.listen`";
                remark(imported, line, line.words(), reason);
                continue;
            }
            (Ok(_), "443" | "853") => {
                let reason = "to be done: `server.listen` with tls://, https:// or quic://, and a certificate";
                remark(imported, line, line.words(), reason);
                continue;
            }
            (Ok(_), "53") => address.to_owned(),
            (Ok(address), port) if address.is_ipv6() => format!("[{address}]:{port}"),
            (Ok(address), port) => format!("{address}:{port}"),
        };
        item(line, "server", "listen", text, imported);
    }
    if let Some(line) = port.filter(|_| interfaces.is_empty() && usual != "53") {
        for address in ["127.0.0.1", "[::1]"] {
            item(line, "server", "listen", format!("{address}:{usual}"), imported);
        }
    }
}

/// The clients that are served. Of several prefixes, Unbound heeds the longest; Zoners has allowed prefixes alone. So an
/// allowed prefix with a refused part is left out: nobody is served who was not before. Without an allowed prefix Unbound
/// serves this computer alone, where Zoners would serve the household.
fn allow(access: &[Line], interface: Option<&Line>, imported: &mut Imported) {
    let allows = |line: &Line| line.values.get(1).is_some_and(|action| action.starts_with("allow"));
    let refused: Vec<Prefix> = access
        .iter()
        .filter(|line| !allows(line))
        .filter_map(|line| Prefix::parse(line.value()))
        .collect();
    for line in access {
        let prefix = Prefix::parse(line.value());
        let holed = prefix.is_some_and(|outer| refused.iter().any(|part| outer.contains(*part)));
        if !allows(line) {
            remark(
                imported,
                line,
                line.words(),
                "default already: clients outside `server.allow` are refused",
            );
        } else if prefix.is_none() {
            remark(imported, line, line.words(), "the prefix is not understood");
        } else if holed {
            let reason = "to be done: a part of the prefix is refused; name the other parts in `server.allow`";
            remark(imported, line, line.words(), reason);
        } else {
            item(line, "server", "allow", line.value().to_owned(), imported);
        }
    }
    // Unbound serves this computer without a line, unless a line of the same length or a longer one refuses.
    if let Some(line) = access.first().or(interface) {
        let own = ["127.0.0.0/8", "::1/128"].into_iter().filter(|own| {
            Prefix::parse(own).is_some_and(|own| !refused.iter().any(|part| own.contains(*part)))
        });
        own.for_each(|own| item(line, "server", "allow", own.to_owned(), imported));
    }
}

/// Settings with one value and one key.
fn mapped(line: &Line, imported: &mut Imported) {
    let (key, text) = (line.key.as_str(), line.value());
    let number = text.parse::<u64>().ok();
    let (table, to, written) = match (key, text, number) {
        ("num-threads", _, Some(threads)) => {
            ("server", "threads", threads.clamp(1, 256).to_string())
        }
        ("cache-min-ttl", _, Some(ttl)) => ("cache", "min-ttl", ttl.to_string()),
        ("cache-max-ttl", _, Some(ttl)) => ("cache", "max-ttl", ttl.to_string()),
        ("cache-max-negative-ttl", _, Some(ttl)) => ("cache", "max-negative-ttl", ttl.to_string()),
        ("serve-expired-ttl", _, Some(ttl @ 1..)) => ("cache", "max-stale-ttl", ttl.to_string()),
        ("edns-buffer-size", _, Some(size)) => ("resolver", "edns-udp-size", size.to_string()),
        ("ip-ratelimit", _, Some(rate)) => ("server", "queries-per-second", rate.to_string()),
        ("prefetch", "no", _) => ("cache", "prefetch", "false".into()),
        ("serve-expired", "no", _) => ("cache", "serve-stale", "false".into()),
        ("qname-minimisation", "no", _) => ("resolver", "qname-minimisation", "false".into()),
        ("use-caps-for-id", "yes", _) => ("resolver", "randomise-case", "true".into()),
        ("do-ip4", "no", _) => ("resolver", "ipv4", "false".into()),
        ("do-ip6", "no", _) => ("resolver", "ipv6", "false".into()),
        ("minimal-responses", "no", _) => ("resolver", "answers", quoted("full")),
        ("rrset-roundrobin", "no", _) => ("server", "rrset-order", quoted("fixed")),
        ("log-queries", "yes", _) => ("query-log", "queries", quoted("all")),
        ("dns64-prefix", _, _) => ("dns64", "prefix", quoted(text)),
        ("identity", _, _) if !text.is_empty() => ("server", "identity", quoted(text)),
        ("version", _, _) if !text.is_empty() => ("server", "version", quoted(text)),
        ("outgoing-interface", _, _) => {
            return item(line, "resolver", "source-addresses", text.to_owned(), imported);
        }
        ("private-domain", _, _) => {
            return item(line, "policy", "rebinding-allow", text.to_owned(), imported);
        }
        ("domain-insecure", _, _) => {
            return item(line, "dnssec", "negative-trust-anchors", text.to_owned(), imported);
        }
        (
            "prefetch" | "serve-expired" | "qname-minimisation" | "use-caps-for-id" | "do-ip4"
            | "do-ip6" | "minimal-responses" | "rrset-roundrobin" | "log-queries",
            _,
            _,
        ) => return remark(imported, line, line.words(), "default already"),
        _ => return remark(imported, line, told(line), reasons::of_server(key, text)),
    };
    value(line, table, to, written, imported);
}

/// A line in a remark: the key alone where a value could be a secret.
fn told(line: &Line) -> String {
    let is_secret = ["key", "secret", "password"].iter().any(|word| line.key.contains(word));
    if is_secret { line.key.clone() } else { line.words() }
}

fn local_zone(line: &Line, imported: &mut Imported) {
    let reason = match line.values.get(1).map_or("", String::as_str) {
        "transparent" | "typetransparent" | "nodefault" => {
            "no need: names without records of their own are looked up"
        }
        "redirect" | "inform_redirect" => {
            "to be done: a record with a wildcard, \"*.NAME\", in `local.records`"
        }
        "static" | "inform" => "no counterpart: other names of the zone are looked up",
        _ => "to be done: the name in a file of a [[policy.list]], or `zoners policy block NAME`",
    };
    remark(imported, line, line.words(), reason);
}

/// `ADDRESS NAME`, as a record of the reverse tree.
fn pointer(line: &Line, imported: &mut Imported) {
    let words: Vec<&str> = line.value().split_whitespace().collect();
    let (Some(Ok(address)), Some(name)) = (words.first().map(|word| word.parse()), words.last())
    else {
        return remark(imported, line, line.words(), "the address is not understood");
    };
    let reverse = match address {
        std::net::IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        std::net::IpAddr::V6(address) => {
            let digits = format!("{:032x}", u128::from(address));
            let digits: String = digits.chars().rev().flat_map(|digit| [digit, '.']).collect();
            format!("{digits}ip6.arpa.")
        }
    };
    let name = name.trim_end_matches('.');
    item(line, "local", "records", format!("{reverse} PTR {name}."), imported);
}

/// A record whose owner ends at the root, as in Unbound.
fn record(text: &str) -> String {
    match text.trim().split_once(char::is_whitespace) {
        Some((owner, rest)) if !owner.ends_with('.') => format!("{owner}. {}", rest.trim_start()),
        _ => text.trim().to_owned(),
    }
}

/// A number of octets with `k`, `m` or `g`.
fn octets(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let text = text.trim_end_matches('b');
    let digits = text.trim_end_matches(['k', 'm', 'g']);
    let unit = match text.strip_prefix(digits)? {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn value(
    line: &Line,
    table: &'static str,
    key: &'static str,
    value: String,
    imported: &mut Imported,
) {
    take_over(line, Form::Value { table, key, value }, imported);
}

fn item(
    line: &Line,
    table: &'static str,
    key: &'static str,
    text: String,
    imported: &mut Imported,
) {
    take_over(line, Form::Item { table, key, text }, imported);
}

fn take_over(line: &Line, form: Form, imported: &mut Imported) {
    imported.settings.push(Setting { place: line.place.clone(), origin: line.words(), form });
}
