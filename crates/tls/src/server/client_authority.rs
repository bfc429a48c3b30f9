//! The authority behind certificates of clients.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::certificate::{CertificateFault, is_authority, validity};
use crate::{CertificateChain, Validity, provider};

/// The authority that signs certificates of clients, and whether a client needs a certificate. A certificate of another
/// authority, or out of its time, ends the handshake in any case.
#[derive(Clone, Debug)]
pub struct ClientAuthority {
    certificates: CertificateChain,
    roots: Arc<RootCertStore>,
    validities: Vec<Validity>,
    is_required: bool,
}

impl ClientAuthority {
    /// Reads the certificates of one or more authorities, in PEM form. The file may be a link, as for a certificate of a
    /// server.
    ///
    /// # Errors
    /// The file cannot be read, or has a certificate of no authority.
    pub fn read(path: &Path, is_required: bool) -> Result<Self, CertificateFault> {
        let certificates = CertificateChain::read(path)?;
        let (mut roots, mut validities) = (RootCertStore::empty(), Vec::new());
        for certificate in certificates.all() {
            let own = validity(certificate).map_err(|what| CertificateFault::new(path, what))?;
            if !is_authority(certificate, own) {
                let what = "has a certificate that is none of an authority (CA:TRUE)";
                return Err(CertificateFault::new(path, what));
            }
            let added = roots.add(certificate.clone());
            added.map_err(|error| {
                CertificateFault::new(path, format!("has no usable authority: {error}"))
            })?;
            validities.push(own);
        }
        Ok(ClientAuthority { certificates, roots: Arc::new(roots), validities, is_required })
    }

    /// The time in which each authority is valid, in the order of the file. Certificates of an authority out of its time
    /// still count: rustls does not look at that time.
    #[must_use]
    pub fn validities(&self) -> &[Validity] {
        &self.validities
    }

    /// What a server asks of clients; without an authority, nothing.
    pub(super) fn verifier(
        authority: Option<&Self>,
    ) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
        let Some(own) = authority else { return Ok(WebPkiClientVerifier::no_client_auth()) };
        let builder = WebPkiClientVerifier::builder_with_provider(own.roots.clone(), provider());
        let builder = if own.is_required { builder } else { builder.allow_unauthenticated() };
        builder.build().map(|verifier| verifier as _).map_err(|error| {
            rustls::Error::General(format!("certificates of clients cannot be verified: {error}"))
        })
    }
}

/// Whether both trust the same certificates, with the same demand.
impl PartialEq for ClientAuthority {
    fn eq(&self, other: &Self) -> bool {
        self.is_required == other.is_required && self.certificates == other.certificates
    }
}
