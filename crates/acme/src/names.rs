//! The names of a certificate.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rustls::pki_types::{DnsName, ServerName};
use zoners_tls::{Certificate, MAX_CHALLENGES};

/// Names of a certificate, at most.
pub const MAX_NAMES: usize = MAX_CHALLENGES;

/// A name or an address that a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CertifiedName {
    /// A name of a host, in small letters.
    Name(String),
    /// An address (RFC 8738).
    Address(IpAddr),
}

impl CertifiedName {
    /// The address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            CertifiedName::Name(_) => None,
            CertifiedName::Address(address) => Some(*address),
        }
    }

    /// Whether clients that look for this name accept the certificate.
    #[must_use]
    pub fn is_in(&self, certificate: &Certificate) -> bool {
        let name = match self {
            CertifiedName::Name(name) => ServerName::try_from(name.as_str()).ok(),
            CertifiedName::Address(address) => Some(ServerName::from(*address)),
        };
        name.is_some_and(|name| certificate.covers(&name))
    }
}

impl FromStr for CertifiedName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(CertifiedName::Address(address));
        }
        if text.starts_with("*.") {
            return Err(
                "a wildcard is proven by records of the zone (dns-01), which Zoners does not write: list each \
                        name",
            );
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        match DnsName::try_from(name.as_str()) {
            Ok(_) => Ok(CertifiedName::Name(name)),
            Err(_) => Err("must be the name of a host, or an address"),
        }
    }
}

impl fmt::Display for CertifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertifiedName::Name(name) => f.write_str(name),
            CertifiedName::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        let read = |text: &str| text.parse::<CertifiedName>();
        assert_eq!(read("DNS.example.org."), Ok(CertifiedName::Name("dns.example.org".into())));
        assert_eq!(read("203.0.113.7").unwrap().address(), "203.0.113.7".parse().ok());
        assert_eq!(read("2001:DB8::7").unwrap().to_string(), "2001:db8::7");
        for wrong in ["", "*.example.org", "a b", "https://a.example", "a..example"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
