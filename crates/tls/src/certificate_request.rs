//! A request for a certificate (CSR, RFC 2986), with a new key.

use rcgen::{CertificateParams, DistinguishedName, KeyPair};

/// A request, and the private key of the certificate to come.
pub struct CertificateRequest {
    /// The request, in DER form.
    pub der: Vec<u8>,
    /// The private key, in PEM form.
    pub key: String,
}

impl CertificateRequest {
    /// A request for names and addresses, with a new key on the curve P-256.
    ///
    /// # Errors
    /// A name is no host name, or the crypto library makes no key.
    pub fn new(names: &[String]) -> Result<Self, String> {
        let shown = |error: rcgen::Error| error.to_string();
        let mut params = CertificateParams::new(names.to_vec()).map_err(shown)?;
        // Public authorities take the names alone.
        params.distinguished_name = DistinguishedName::new();
        let key = KeyPair::generate().map_err(shown)?;
        let request = params.serialize_request(&key).map_err(shown)?;
        Ok(CertificateRequest { der: request.der().to_vec(), key: key.serialize_pem() })
    }
}
