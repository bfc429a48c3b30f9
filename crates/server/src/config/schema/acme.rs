//! `[acme]`: a certificate from an ACME server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use zoners_acme::CertifiedName;
use zoners_http::HttpUrl;

use super::super::values;
use super::ContactUri;
use super::readers::{TextValue, list, text};

/// The directory of Let's Encrypt.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// The port to which an ACME server connects for a page (RFC 8555 section 8.3).
const PAGE_PORT: u16 = 80;

/// `[acme]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AcmeConfig {
    /// The names and public addresses of the certificate.
    #[serde(deserialize_with = "list")]
    pub names: Vec<CertifiedName>,
    /// Where the ACME server may write to.
    #[serde(deserialize_with = "list")]
    pub contact: Vec<ContactUri>,
    /// The directory of the ACME server.
    #[serde(deserialize_with = "text")]
    pub directory: AcmeDirectory,
    /// The file of the authority behind a private ACME server, in PEM form.
    pub directory_authority: Option<PathBuf>,
    /// The profile, as the ACME server names profiles.
    pub profile: Option<String>,
    /// How the names are proven.
    pub challenge: AcmeChallenge,
    /// The addresses of the pages of `http-01`.
    #[serde(deserialize_with = "pages")]
    pub listen: Vec<SocketAddr>,
    /// Whether the operator accepts the terms of the ACME server.
    pub accept_terms: bool,
}

impl Default for AcmeConfig {
    fn default() -> Self {
        let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        AcmeConfig {
            names: Vec::new(),
            contact: Vec::new(),
            directory: AcmeDirectory(LETS_ENCRYPT.to_owned()),
            directory_authority: None,
            profile: None,
            challenge: AcmeChallenge::TlsAlpn01,
            listen: all.map(|address| SocketAddr::new(address, PAGE_PORT)).to_vec(),
            accept_terms: false,
        }
    }
}

/// `acme.challenge`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AcmeChallenge {
    /// By a handshake at port 443 (RFC 8737).
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// By a page at port 80 (RFC 8555 section 8.3).
    #[serde(rename = "http-01")]
    Http01,
}

/// `acme.directory`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeDirectory(String);

impl AcmeDirectory {
    /// The address.
    ///
    /// # Errors
    /// Never: the text was read as an address.
    pub(crate) fn url(&self) -> Result<HttpUrl, String> {
        self.0.parse()
    }

    /// The text of the address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TextValue for AcmeDirectory {
    const ALLOWED: &'static str = "an address that begins with https://, such as \
                                   \"https://acme-v02.api.letsencrypt.org/directory\"";

    fn read(text: &str) -> Option<Self> {
        let url: HttpUrl = text.parse().ok()?;
        url.is_secure().then(|| AcmeDirectory(url.as_str().to_owned()))
    }
}

impl TextValue for CertifiedName {
    const ALLOWED: &'static str = "the name of a host without a wildcard, or a public address, such as \
                                   \"dns.example.org\" or \"203.0.113.7\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// An address with the port of pages.
struct PageAddress(SocketAddr);

impl TextValue for PageAddress {
    const ALLOWED: &'static str = "an address, with a port other than 80 if it has one, such as \"0.0.0.0\" or \
                                   \"[::]:8080\"";

    fn read(text: &str) -> Option<Self> {
        values::address(text, PAGE_PORT).map(PageAddress)
    }
}

/// `acme.listen`
fn pages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let pages: Vec<PageAddress> = list(deserializer)?;
    Ok(pages.into_iter().map(|page| page.0).collect())
}
