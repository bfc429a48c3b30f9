//! The certificate of a server, read from two PEM files.

mod read;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, OtherError};
use webpki::EndEntityCert;

use crate::provider;

/// The last second of the year 9999: certificates without an end name it (RFC 5280 section 4.1.2.5).
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_799);

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateFiles {
    /// The certificate and the authorities above, in PEM form.
    pub chain: PathBuf,
    /// The private key of the certificate, in PEM form.
    pub key: PathBuf,
}

/// The reason for which a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFault {
    /// The file with the fault.
    pub file: PathBuf,
    /// What is wrong.
    pub what: String,
}

/// The time in which a certificate is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: u64,
    /// The last second.
    pub not_after: u64,
}

/// The certificate of a server with its private key and the authorities above.
#[derive(Clone, Debug)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    validity: Validity,
}

impl Certificate {
    /// A certificate with its authorities, and the key.
    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Misfit> {
        let Some(leaf) = chain.first() else {
            return Err(Misfit::Chain("has no certificate".into()));
        };
        let validity = validity(leaf).map_err(Misfit::Chain)?;
        let key = provider().key_provider.load_private_key(key);
        let key = key.map_err(|error| Misfit::Key(format!("cannot be used: {error}")))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(Certificate { certified: Arc::new(certified), validity }),
            Err(_) => Err(Misfit::Key("is not the key of the certificate".into())),
        }
    }

    /// The time in which the certificate is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether clients that look for a server with this name or address accept the certificate.
    #[must_use]
    pub fn covers(&self, name: &ServerName<'_>) -> bool {
        let leaf = self.certified.cert.first().map(ParsedCertificate::try_from);
        leaf.is_some_and(|leaf| leaf.is_ok_and(|leaf| verify_server_name(&leaf, name).is_ok()))
    }

    /// The names of the server, in the order of the certificate; wildcards among them.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        names(&self.certified.cert)
    }

    /// The certificate for handshakes.
    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }
}

/// A certificate and the authorities above, without the private key.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateChain(Vec<CertificateDer<'static>>);

impl CertificateChain {
    /// The names of the server, in the order of the certificate; wildcards among them.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        names(&self.0)
    }

    /// The certificates.
    pub(crate) fn all(&self) -> &[CertificateDer<'static>] {
        &self.0
    }

    /// Whether the authority of this certificate, in PEM form, has signed the certificate of the server.
    #[must_use]
    pub fn is_signed_by(&self, authority: &str) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(authority.as_bytes()).ok();
        let is_added = authority.is_some_and(|authority| roots.add(authority).is_ok());
        let Some((leaf, above)) = self.0.split_first().filter(|_| is_added) else { return false };
        let Ok(parsed) = ParsedCertificate::try_from(leaf) else { return false };
        let Ok(validity) = validity(leaf) else { return false };
        let begin = UnixTime::since_unix_epoch(Duration::from_secs(validity.not_before));
        let algorithms = provider().signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, above, begin, algorithms).is_ok()
    }
}

/// The names (DNS) in the first certificate, in the order of the certificate.
#[must_use]
pub fn names(chain: &[CertificateDer<'_>]) -> Vec<String> {
    let leaf = chain.first().and_then(|leaf| EndEntityCert::try_from(leaf).ok());
    leaf.iter().flat_map(|leaf| leaf.valid_dns_names()).map(str::to_owned).collect()
}

/// Which of the two texts has a fault, and the fault.
#[derive(Debug)]
enum Misfit {
    Chain(String),
    Key(String),
}

/// The validity of a certificate. rustls tells both ends only in the error for a moment outside.
pub(crate) fn validity(leaf: &CertificateDer<'_>) -> Result<Validity, String> {
    let unusable = |error: rustls::Error| format!("has no certificate that can be used: {error}");
    let parsed = ParsedCertificate::try_from(leaf).map_err(unusable)?;
    let roots = rustls::RootCertStore::empty();
    let algorithms = provider().signature_verification_algorithms.all;
    let verdict = |now: Duration| {
        let now = UnixTime::since_unix_epoch(now);
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms)
    };
    let not_before = match verdict(Duration::ZERO) {
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before,
            ..
        })) => not_before.as_secs(),
        Err(error @ rustls::Error::InvalidCertificate(CertificateError::BadEncoding)) => {
            return Err(unusable(error));
        }
        _ => 0,
    };
    let not_after = match verdict(END_OF_TIME) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            not_after,
            ..
        })) => not_after.as_secs(),
        _ => END_OF_TIME.as_secs(),
    };
    Ok(Validity { not_before, not_after })
}

/// Whether a certificate is one of an authority, which may sign others (RFC 5280 section 4.2.1.9). webpki tells this in
/// the error for an authority in the place of an end entity, at a moment when the certificate is valid.
pub(crate) fn is_authority(certificate: &CertificateDer<'_>, validity: Validity) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return false };
    let begin = UnixTime::since_unix_epoch(Duration::from_secs(validity.not_before));
    let (roots, algorithms) =
        (rustls::RootCertStore::empty(), provider().signature_verification_algorithms.all);
    match verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], begin, algorithms) {
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))) => {
            inner.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
        }
        _ => false,
    }
}

impl Validity {
    /// Whether a moment is within.
    #[must_use]
    pub fn contains(&self, now: u64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

impl CertificateFault {
    pub(crate) fn new(file: &std::path::Path, what: impl Into<String>) -> Self {
        CertificateFault { file: file.to_owned(), what: what.into() }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.what)
    }
}

impl std::error::Error for CertificateFault {}
