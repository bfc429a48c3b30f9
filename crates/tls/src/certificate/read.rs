//! Reading the files of a certificate.

use std::fs;
use std::io;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zoners_files::read_own;

use super::{Certificate, CertificateChain, CertificateFault, CertificateFiles, Misfit};

/// Octets of a file at most: a chain has some 5,000.
const MAX_FILE: u64 = 256 * 1024;
/// Certificates of a chain at most.
const MAX_CHAIN: usize = 16;

impl CertificateFiles {
    /// Reads the certificate. The files may be links, as those of ACME clients are, to files that only the user of this
    /// process or root can have written.
    ///
    /// # Errors
    /// A file cannot be read, or has no certificate or no key.
    pub fn read(&self) -> Result<Certificate, CertificateFault> {
        let chain = read(&self.chain)?;
        let key = read(&self.key)?;
        let chain = parse_chain(&chain).map_err(|what| CertificateFault::new(&self.chain, what))?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| {
            let what = match error {
                rustls::pki_types::pem::Error::NoItemsFound => {
                    "must have a private key in PEM form, without a password".to_owned()
                }
                error => format!("is no PEM text: {error}"),
            };
            CertificateFault::new(&self.key, what)
        })?;
        Certificate::new(chain, key).map_err(|misfit| match misfit {
            Misfit::Chain(what) => CertificateFault::new(&self.chain, what),
            Misfit::Key(what) => CertificateFault::new(&self.key, what),
        })
    }

    /// Whether every user of the machine can read the private key.
    #[must_use]
    pub fn key_is_open(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(&self.key).is_ok_and(|key| key.mode() & 0o004 != 0)
    }
}

impl Certificate {
    /// The certificate and its key in one text, in PEM form.
    ///
    /// # Errors
    /// The text has no certificate or no key, or the key is of another certificate.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        let chain = parse_chain(text)?;
        let key = PrivateKeyDer::from_pem_slice(text).map_err(|error| error.to_string())?;
        Certificate::new(chain, key).map_err(|misfit| match misfit {
            Misfit::Chain(what) => format!("the chain {what}"),
            Misfit::Key(what) => format!("the key {what}"),
        })
    }
}

impl CertificateChain {
    /// Reads a certificate with the authorities above. The file may be a link, as for [`CertificateFiles::read`].
    ///
    /// # Errors
    /// The file cannot be read, or has no certificate.
    pub fn read(path: &Path) -> Result<Self, CertificateFault> {
        let chain = parse_chain(&read(path)?).map_err(|what| CertificateFault::new(path, what))?;
        Ok(CertificateChain(chain))
    }
}

fn parse_chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(text).take(MAX_CHAIN + 1).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("must have a certificate in PEM form".to_owned()),
        Ok(chain) if chain.len() > MAX_CHAIN => {
            Err(format!("must have at most {MAX_CHAIN} certificates"))
        }
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("is no PEM text: {error}")),
    }
}

/// Reads a file, or the file behind a link.
fn read(path: &Path) -> Result<Vec<u8>, CertificateFault> {
    let read =
        |path: &Path| -> io::Result<Vec<u8>> { read_own(&fs::canonicalize(path)?, MAX_FILE) };
    read(path).map_err(|error| CertificateFault::new(path, format!("cannot be read: {error}")))
}
