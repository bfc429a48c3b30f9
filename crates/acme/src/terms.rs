//! The certificate that is wanted, the ACME server, and how names are proven.

use std::path::PathBuf;

use zoners_http::HttpUrl;
use zoners_tls::Certificate;

use crate::CertifiedName;

/// The terms of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeTerms {
    /// The names, without repeats.
    pub names: Vec<CertifiedName>,
    /// Addresses of persons whom the ACME server may write to, such as `mailto:admin@example.org`.
    pub contact: Vec<String>,
    /// The address of the directory of the ACME server.
    pub directory: HttpUrl,
    /// The file of the authority behind the ACME server, in PEM form, instead of the authorities of the system.
    pub authority: Option<PathBuf>,
    /// The profile of the certificate, as the ACME server names profiles.
    pub profile: Option<String>,
    /// How names are proven.
    pub challenge: ChallengeKind,
}

/// How an ACME server sees that a name belongs to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeKind {
    /// By a handshake at port 443 (RFC 8737).
    TlsAlpn01,
    /// By a page at port 80 (RFC 8555 section 8.3).
    Http01,
}

impl AcmeTerms {
    /// The profile for certificates of addresses, if no profile is given: Let's Encrypt has addresses in this one alone.
    pub(crate) const OF_ADDRESSES: &str = "shortlived";

    /// Whether a certificate is for every name.
    #[must_use]
    pub fn are_met_by(&self, certificate: &Certificate) -> bool {
        self.names.iter().all(|name| name.is_in(certificate))
    }

    /// Whether one of the names is an address.
    pub(crate) fn have_address(&self) -> bool {
        self.names.iter().any(|name| name.address().is_some())
    }
}
