//! Addresses of resources: `http://` and `https://`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// Octets of the longest address.
const MAX_OCTETS: usize = 2048;

/// The address of a resource, over HTTP or HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl {
    /// Without a fragment.
    url: Url,
    host: UrlHost,
    port: u16,
}

/// The host of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlHost {
    /// A domain name, in ASCII.
    Name(String),
    /// An IP address.
    Address(IpAddr),
}

impl HttpUrl {
    /// Whether the resource comes over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &UrlHost {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The text of the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The header field `Host`.
    pub(crate) fn authority(&self) -> &str {
        // Without a user, which `checked` refuses, the authority is host and port.
        self.url.authority()
    }

    /// The target of a request (RFC 9112 section 3.2.1).
    pub(crate) fn target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The address of a redirect, which may be relative (RFC 9110 section 10.2.2).
    pub(crate) fn join(&self, location: &str) -> Result<Self, String> {
        let joined = self.url.join(location).map_err(|error| error.to_string())?;
        HttpUrl::checked(joined)
    }

    fn checked(mut url: Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the address must begin with https:// or http://".to_owned());
        }
        if url.as_str().len() > MAX_OCTETS {
            return Err(format!("the address has more than {MAX_OCTETS} octets"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address must not have a user or a password".to_owned());
        }
        url.set_fragment(None);
        let host = match url.host() {
            Some(Host::Domain(name)) => UrlHost::Name(name.to_owned()),
            Some(Host::Ipv4(address)) => UrlHost::Address(address.into()),
            Some(Host::Ipv6(address)) => UrlHost::Address(address.into()),
            None => return Err("the address has no host".to_owned()),
        };
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(HttpUrl { url, host, port })
    }
}

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        HttpUrl::checked(Url::parse(text).map_err(|error| error.to_string())?)
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for UrlHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlHost::Name(name) => f.write_str(name),
            UrlHost::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_host_port_and_target() {
        let url: HttpUrl = "https://Lists.Example/a%20b?c=d#e".parse().unwrap();
        assert!(url.is_secure());
        assert_eq!((url.port(), &*url.target()), (443, "/a%20b?c=d"));
        assert_eq!(url.host(), &UrlHost::Name("lists.example".to_owned()));
        assert_eq!(
            (url.as_str(), url.authority()),
            ("https://lists.example/a%20b?c=d", "lists.example")
        );
        let url: HttpUrl = "http://[::1]:8080".parse().unwrap();
        assert_eq!(url.host(), &UrlHost::Address("::1".parse().unwrap()));
        assert_eq!((url.port(), &*url.target(), url.authority()), (8080, "/", "[::1]:8080"));
    }

    #[test]
    fn a_redirect_may_be_relative_and_must_stay_within_http() {
        let url: HttpUrl = "https://lists.example/a/b".parse().unwrap();
        let joined = |location: &str| url.join(location).map(|url| url.to_string());
        assert_eq!(joined("c").unwrap(), "https://lists.example/a/c");
        assert_eq!(joined("//other.example/c").unwrap(), "https://other.example/c");
        assert_eq!(joined("http://other.example").unwrap(), "http://other.example/");
        assert!(joined("file:///etc/passwd").is_err());
        assert!(joined("https://[").is_err());
    }

    #[test]
    fn other_addresses_are_refused() {
        let long = format!("http://a.example/{}", "x".repeat(MAX_OCTETS));
        for text in
            ["", "lists.example", "ftp://a.example/", "http://a:b@a.example/", "http://", &long]
        {
            assert!(text.parse::<HttpUrl>().is_err(), "{text}");
        }
    }
}
