//! The hosts by which clients may address the service.
//!
//! A web page of an attacker can make a browser on this machine send requests here. Host shows a name of the attacker
//! with an address of the service (DNS rebinding). Origin shows a link, form or script on a page of the attacker.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Request, Uri};

use crate::refusal::HttpRefusal;

/// The name of this machine for itself (RFC 6761 section 6.3).
const LOCALHOST: &str = "localhost";

/// The names of the service, beside `localhost` and the addresses of its listeners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostNames {
    named: Vec<String>,
    /// Any host will do.
    any: bool,
}

impl HostNames {
    /// Names; or addresses, where a router translates addresses.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        HostNames { named: names, any: false }
    }

    /// Any host: for services within TLS, where the client has checked the name in the certificate, and a page of an
    /// attacker has none with that name.
    #[must_use]
    pub fn any() -> Self {
        HostNames { named: Vec::new(), any: true }
    }

    /// Whether a request to the address `local` may be answered.
    pub(crate) fn check<B>(&self, request: &Request<B>, local: IpAddr) -> Result<(), HttpRefusal> {
        if self.any {
            return Ok(());
        }
        let host = one_host(request.headers()).ok_or(HttpRefusal::NoHost)?;
        // An absolute URI in the request line counts more than Host (RFC 9112 section 3.2.2).
        let hosts = [Some(&host), request.uri().authority()];
        if !hosts.into_iter().flatten().all(|host| self.has(host, local)) {
            return Err(HttpRefusal::ForeignHost);
        }
        let origin = request.headers().get(ORIGIN);
        if !origin.is_none_or(|origin| self.is_origin(origin.as_bytes(), local)) {
            return Err(HttpRefusal::ForeignOrigin);
        }
        Ok(())
    }

    fn is_origin(&self, origin: &[u8], local: IpAddr) -> bool {
        // `null` stands for no origin, and has no authority.
        Uri::try_from(origin).is_ok_and(|uri| {
            uri.scheme().is_some() && uri.authority().is_some_and(|host| self.has(host, local))
        })
    }

    /// Whether the service has this host. The port says nothing: a router may translate ports.
    fn has(&self, authority: &Authority, local: IpAddr) -> bool {
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let bare = bare.strip_suffix('.').unwrap_or(bare);
        let is_local = |ip: IpAddr| ip.to_canonical() == local.to_canonical();
        bare.eq_ignore_ascii_case(LOCALHOST)
            || bare.parse().is_ok_and(is_local)
            || self.named.iter().any(|name| name.eq_ignore_ascii_case(bare))
    }
}

/// The host of the only Host field; none with two (RFC 9112 section 3.2).
fn one_host(headers: &HeaderMap) -> Option<Authority> {
    let mut all = headers.get_all(HOST).iter();
    let host = Authority::try_from(all.next()?.as_bytes()).ok()?;
    (all.next().is_none() && !host.as_str().contains('@')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(&str, &str)], uri: &str) -> Result<(), HttpRefusal> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let names = HostNames::new(vec!["dns.home.example".into(), "192.0.2.1".into()]);
        names.check(&request.body(()).unwrap(), "127.0.0.1".parse().unwrap())
    }

    #[test]
    fn the_address_of_the_listener_localhost_and_configured_names_are_hosts() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8053",
            "[::ffff:127.0.0.1]:8053",
            "LocalHost:8053",
            "localhost.",
            "DNS.home.example:80",
            "dns.home.example.",
            "192.0.2.1",
        ] {
            assert_eq!(check(&[("host", host)], "/"), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_name_that_an_attacker_gave_our_address_is_refused() {
        for host in ["evil.example", "127.0.0.2", "[::1]", "localhost.evil.example", "home.example"]
        {
            assert_eq!(check(&[("host", host)], "/"), Err(HttpRefusal::ForeignHost), "{host}");
        }
        let absolute = check(&[("host", "localhost")], "http://evil.example/");
        assert_eq!(absolute, Err(HttpRefusal::ForeignHost));
    }

    #[test]
    fn there_is_exactly_one_host() {
        for fields in [
            &[][..],
            &[("host", "localhost"), ("host", "localhost")],
            &[("host", "")],
            &[("host", "evil.example@localhost")],
            &[("host", "local host")],
        ] {
            assert_eq!(check(fields, "/"), Err(HttpRefusal::NoHost), "{fields:?}");
        }
    }

    #[test]
    fn only_pages_of_the_service_itself_may_ask() {
        let from = |origin| check(&[("host", "localhost"), ("origin", origin)], "/");
        assert_eq!(from("http://localhost:8053"), Ok(()));
        assert_eq!(from("https://dns.home.example"), Ok(()));
        for origin in ["https://evil.example", "null", "localhost", "file://", ""] {
            assert_eq!(from(origin), Err(HttpRefusal::ForeignOrigin), "{origin}");
        }
    }
}
