//! What clients learn of the encrypted listeners of this resolver: the designated resolvers (DDR, RFC 9462) and what the
//! resolver can do (RESINFO, RFC 9606). Without an encrypted listener, local data denies both.

use std::net::{IpAddr, SocketAddr};

use zoners_dns::{Name, NameSlice, OptRcode, RRset, Records, Rtype, Security, Transport, name};
use zoners_resolver::Answer;
use zoners_tls::alpn;

use crate::config::{Config, ListenAddress};

/// Where clients ask for designated resolvers (RFC 9462 section 4).
const DESIGNATED: &str = "_dns.resolver.arpa";
/// Where clients ask what the resolver can do, besides its own name (RFC 9606 section 3).
const RESOLVER: &str = "resolver.arpa";
/// The type of that information.
const RESINFO: Rtype = Rtype::from_int(261);
/// The TTL of both, in seconds.
const TTL: u32 = 300;
/// Keys of parameters of SVCB records (RFC 9460 section 14.3, RFC 9461 section 5).
const ALPN: u16 = 1;
const PORT: u16 = 3;
const IPV4_HINT: u16 = 4;
const IPV6_HINT: u16 = 6;
const DOH_PATH: u16 = 7;
/// The INFO-CODES of extended errors that clients may get (RFC 9606 section 5).
const ERRORS: &str = "exterr=0-4,6-13,15-20,22-24,27,30";

/// The answers about this resolver.
#[derive(Debug)]
pub(crate) struct Discovery {
    designated: Name,
    /// The name of this resolver, by the certificate.
    own: Name,
    /// The encrypted listeners, the preferred ones first.
    listeners: Vec<ListenAddress>,
    /// The names with the description of the resolver.
    described: [Name; 2],
    description: Records,
}

impl Discovery {
    /// The answers for the encrypted listeners of a configuration; none without such listeners, or without a name in
    /// the certificate: a client takes no service without one.
    pub(crate) fn of(config: &Config, names: &[String]) -> Option<Self> {
        let own = names.iter().find_map(|name| name::parse(name).ok().filter(is_host))?;
        // A client does not know that a listener wants a certificate.
        let tables = config.listen.iter().filter(|table| !table.require_client_certificate);
        let tables = tables.map(|table| &table.address);
        let listeners: Vec<&ListenAddress> = (config.server.listen.iter().flatten().chain(tables))
            .filter(|address| address.is_encrypted() && address.address.port() != 0)
            .collect();
        if listeners.is_empty() {
            return None;
        }
        let listeners = listeners.into_iter().cloned().collect();
        let designated = name::parse(DESIGNATED).ok()?;
        let described = [own.clone(), name::parse(RESOLVER).ok()?];
        let minimises = config.resolver.qname_minimisation.then_some("qnamemin");
        let strings = minimises.into_iter().chain([ERRORS]);
        let description: Vec<u8> = strings.flat_map(|text| string(text.as_bytes())).collect();
        Some(Discovery {
            designated,
            own,
            listeners,
            described,
            description: Records::from_iter([description]),
        })
    }

    /// The answer to a question about this resolver, for a client that has asked the address `at` of this machine.
    /// `has_http3` tells whether a listener of DNS over HTTPS is served over HTTP/3 too.
    pub(crate) fn answer(
        &self,
        asked: &NameSlice,
        rtype: Rtype,
        at: Option<IpAddr>,
        has_http3: impl Fn(SocketAddr) -> bool,
    ) -> Option<Answer> {
        let records = match rtype {
            Rtype::SVCB if is_same(asked, &self.designated) => self.services(at, has_http3),
            RESINFO if self.described.iter().any(|name| is_same(asked, name)) => {
                self.description.clone()
            }
            _ => return None,
        };
        Some(Answer {
            rcode: OptRcode::NOERROR,
            answer: vec![RRset::new(name::owned(asked), rtype, TTL, records)],
            authority: vec![],
            additional: vec![],
            security: Security::Unchecked,
            stale: false,
            hearsay: false,
        })
    }

    fn services(&self, at: Option<IpAddr>, has_http3: impl Fn(SocketAddr) -> bool) -> Records {
        let listeners = self.listeners.iter().zip(1..);
        let service = |(own, priority): (&ListenAddress, u16)| {
            service((own, has_http3(own.address)), priority, &self.own, at)
        };
        listeners.map(service).collect()
    }
}

/// Whether a name is that of a host, and no wildcard.
fn is_host(name: &Name) -> bool {
    !name.is_root() && !name.as_slice().starts_with(b"\x01*")
}

fn is_same(asked: &NameSlice, name: &Name) -> bool {
    asked == name.for_slice()
}

/// The data of a SVCB record (RFC 9460 section 2.2) in ServiceMode: the parameters in the order of their keys. A listener
/// at any address is hinted at by the address `at` that the client has asked, if the listener is there too.
fn service(
    (listener, has_http3): (&ListenAddress, bool),
    priority: u16,
    target: &Name,
    at: Option<IpAddr>,
) -> Vec<u8> {
    let (ip, port) = (listener.address.ip(), listener.address.port());
    let at = at.map(|at| at.to_canonical()).filter(|at| at.is_ipv4() == ip.is_ipv4());
    let hint = if ip.is_unspecified() { at } else { Some(ip) };
    let protocols: &[&[u8]] = match listener.transports {
        [Transport::Https] if has_http3 => &[alpn::HTTP_2, alpn::HTTP_3],
        [Transport::Https] => &[alpn::HTTP_2],
        [Transport::Quic] => &[alpn::DOQ],
        _ => &[alpn::DOT],
    };
    let protocols: Vec<u8> = protocols.iter().flat_map(|name| string(name)).collect();
    let mut data = priority.to_be_bytes().to_vec();
    data.extend_from_slice(target.as_slice());
    put(&mut data, ALPN, &protocols);
    put(&mut data, PORT, &port.to_be_bytes());
    match hint {
        None => {}
        Some(IpAddr::V4(ip)) => put(&mut data, IPV4_HINT, &ip.octets()),
        Some(IpAddr::V6(ip)) => put(&mut data, IPV6_HINT, &ip.octets()),
    }
    if let Some(path) = &listener.path {
        put(&mut data, DOH_PATH, format!("{path}{{?dns}}").as_bytes());
    }
    data
}

fn put(data: &mut Vec<u8>, key: u16, value: &[u8]) {
    data.extend_from_slice(&key.to_be_bytes());
    data.extend_from_slice(&(value.len() as u16).to_be_bytes());
    data.extend_from_slice(value);
}

/// A character string, with its length in front.
fn string(text: &[u8]) -> Vec<u8> {
    [&[text.len() as u8], text].concat()
}

#[cfg(test)]
mod tests {
    use zoners_dns::EdeCode;

    use super::*;

    fn discovery(listen: &str, names: &[&str]) -> Option<Discovery> {
        let config = Config::parse(&format!("[server]\nlisten = [{listen}]\n"), "z").unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Discovery::of(&config, &names)
    }

    fn shown(discovery: &Discovery, text: &str, rtype: Rtype) -> Vec<String> {
        shown_at(None, discovery, text, rtype)
    }

    /// The records for a client that has asked an address.
    fn shown_at(at: Option<&str>, discovery: &Discovery, text: &str, rtype: Rtype) -> Vec<String> {
        let (name, at) = (name::parse(text).unwrap(), at.map(|at| at.parse().unwrap()));
        let answer = discovery.answer(name.for_slice(), rtype, at, |at| at.port() == 8443);
        let sets = answer.iter().flat_map(|answer| &answer.answer);
        sets.flat_map(RRset::parsed).map(|record| record.data().to_string()).collect()
    }

    #[test]
    fn every_code_that_is_sent_is_told() {
        let ranges = ERRORS.strip_prefix("exterr=").unwrap().split(',');
        let told: Vec<u16> = ranges
            .flat_map(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                first.parse().unwrap()..=last.parse().unwrap()
            })
            .collect();
        let sent: Vec<u16> = EdeCode::SENT.iter().map(|code| code.0).collect();
        assert_eq!(told, sent);
    }

    #[test]
    fn each_encrypted_listener_is_designated_with_its_port_path_and_address() {
        let listen = "\"127.0.0.1\", \"tls://0.0.0.0\", \"https://192.0.2.1:8443/q\", \"tls://[::1]\", \
             \"quic://0.0.0.0\"";
        let discovery = discovery(listen, &["*.example", "dns.example"]).unwrap();
        let services = shown(&discovery, "_DNS.resolver.arpa", Rtype::SVCB);
        assert_eq!(services.len(), 4);
        assert!(services[0].starts_with("1 dns.example"), "{services:?}");
        assert!(services[0].contains("dot") && !services[0].contains("hint"), "{services:?}");
        let without = discovery.services(None, |_| false);
        let without = RRset::new(name::root(), Rtype::SVCB, 1, without);
        assert!(without.parsed().all(|record| !record.data().to_string().contains("h3")));
        for part in ["h2,h3", "8443", "192.0.2.1", "/q{?dns}"] {
            assert!(services[1].contains(part), "{services:?}");
        }
        assert!(services[2].contains("::1"), "{services:?}");
        assert!(services[3].contains("doq") && services[3].contains("853"), "{services:?}");
        let parsed = RRset::new(name::root(), Rtype::SVCB, 1, discovery.services(None, |_| true));
        assert!(parsed.is_sound());
    }

    #[test]
    fn a_listener_at_any_address_is_hinted_at_by_the_asked_address_of_its_family() {
        let listen = "\"tls://0.0.0.0\", \"tls://[::]\", \"https://192.0.2.1\"";
        let discovery = discovery(listen, &["dns.example"]).unwrap();
        let hints = |at: &str| -> Vec<bool> {
            let services = shown_at(Some(at), &discovery, "_dns.resolver.arpa", Rtype::SVCB);
            let address = at.trim_start_matches("::ffff:");
            services.iter().map(|service| service.contains(&format!("hint={address}"))).collect()
        };
        assert_eq!(hints("198.51.100.1"), [true, false, false]);
        assert_eq!(hints("::ffff:198.51.100.1"), [true, false, false]);
        assert_eq!(hints("2001:db8::1"), [false, true, false]);
        let elsewhere =
            shown_at(Some("198.51.100.1"), &discovery, "_dns.resolver.arpa", Rtype::SVCB);
        assert!(elsewhere[2].contains("hint=192.0.2.1"), "{elsewhere:?}");
    }

    #[test]
    fn what_the_resolver_can_do_is_told_at_its_name_and_at_that_of_all_resolvers() {
        let discovery = discovery("\"tls://0.0.0.0\"", &["dns.example"]).unwrap();
        for name in ["resolver.arpa", "DNS.example"] {
            let name = name::parse(name).unwrap();
            let answer = discovery.answer(name.for_slice(), RESINFO, None, |_| false).unwrap();
            let told = answer.answer[0].records.first().unwrap();
            assert!(told.starts_with(b"\x08qnamemin") && told.ends_with(b"27,30"), "{told:?}");
        }
        assert!(shown(&discovery, "other.example", RESINFO).is_empty());
        assert!(shown(&discovery, "resolver.arpa", Rtype::SVCB).is_empty());
    }

    #[test]
    fn nothing_is_designated_without_a_listener_or_a_name() {
        assert!(discovery("\"127.0.0.1\"", &["dns.example"]).is_none());
        assert!(discovery("\"tls://127.0.0.1\"", &["*.example"]).is_none());
        assert!(discovery("\"tls://127.0.0.1:0\"", &["dns.example"]).is_none());
        let table = "[[listen]]\naddress = \"tls://192.0.2.1\"\nclient-authority = \"/a\"\n";
        let of = |more: &str| {
            let config = Config::parse(&format!("{table}{more}"), "z").unwrap();
            Discovery::of(&config, &["dns.example".to_owned()])
        };
        assert!(of("").is_some() && of("require-client-certificate = true\n").is_none());
    }
}
