//! Files in the state folder: the account, the certificate with its key, and the moments of the last orders.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use serde::{Deserialize, Serialize};
use zoners_files::{open_secret, read_own, replace};
use zoners_tls::{Certificate, CertificateFiles};

use crate::schedule::MAX_ORDERS_AN_HOUR;

/// The account at the ACME server, with its key.
const ACCOUNT: &str = "acme-account";
/// The certificate, the authorities above, and the key: one file, so that both change together.
const CERTIFICATE: &str = "acme-certificate";
/// The moments of the last orders.
const ORDERS: &str = "acme-orders";
/// The names of all files.
pub const FILES: [&str; 3] = [ACCOUNT, CERTIFICATE, ORDERS];

/// Only the user of the daemon may read the files.
const MODE: u32 = 0o600;
/// Octets of a file that is read, at most.
const MAX_FILE: u64 = 256 * 1024;

/// The files in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeFiles(PathBuf);

/// The moments of the last orders, in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptOrders {
    /// The oldest first.
    pub placed_s: Vec<u64>,
}

/// An account, and the directory of its server.
#[derive(Serialize, Deserialize)]
struct KeptAccount<T> {
    directory: String,
    credentials: T,
}

impl AcmeFiles {
    /// The files in a state folder, which exists.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        AcmeFiles(folder.to_owned())
    }

    /// The file of the certificate, for both parts.
    #[must_use]
    pub fn certificate_files(&self) -> CertificateFiles {
        CertificateFiles { chain: self.0.join(CERTIFICATE), key: self.0.join(CERTIFICATE) }
    }

    /// The certificate; `None` without a file.
    ///
    /// # Errors
    /// The file cannot be read, or others can read the key.
    pub fn certificate(&self) -> Result<Option<Certificate>, String> {
        let files = self.certificate_files();
        match open_secret(&files.chain) {
            Ok(_) => files.read().map(Some).map_err(|fault| fault.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", files.chain.display())),
        }
    }

    /// Keeps a certificate with its key, in PEM form. A reader finds the former pair or this one.
    ///
    /// # Errors
    /// The file cannot be written; the former stays.
    pub fn keep_certificate(&self, pem: &str) -> io::Result<()> {
        self.write(CERTIFICATE, pem.as_bytes())
    }

    /// The account at the server with this directory.
    ///
    /// # Errors
    /// The file cannot be read, or others can read the key.
    pub(crate) fn account(&self, directory: &str) -> Result<Option<AccountCredentials>, String> {
        let path = self.0.join(ACCOUNT);
        let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        match open_secret(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(&error)),
        }
        let text = read_own(&path, MAX_FILE).map_err(|error| fault(&error))?;
        let kept: KeptAccount<AccountCredentials> =
            serde_json::from_slice(&text).map_err(|error| fault(&error))?;
        Ok((kept.directory == directory).then_some(kept.credentials))
    }

    /// Keeps the account.
    pub(crate) fn keep_account(
        &self,
        directory: &str,
        credentials: &AccountCredentials,
    ) -> io::Result<()> {
        let kept = KeptAccount { directory: directory.to_owned(), credentials };
        self.write(ACCOUNT, &serde_json::to_vec(&kept)?)
    }

    /// Forgets the account.
    pub(crate) fn forget_account(&self) {
        // A file that stays is forgotten after the next order.
        let _ = std::fs::remove_file(self.0.join(ACCOUNT));
    }

    /// The moments of the last orders; none without a readable file.
    #[must_use]
    pub fn orders(&self) -> KeptOrders {
        let text = read_own(&self.0.join(ORDERS), MAX_FILE).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Keeps the moments of the last orders.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_orders(&self, placed_s: &[u64]) -> io::Result<()> {
        let surplus = placed_s.len().saturating_sub(MAX_ORDERS_AN_HOUR);
        let kept = KeptOrders { placed_s: placed_s.iter().skip(surplus).copied().collect() };
        self.write(ORDERS, &serde_json::to_vec(&kept)?)
    }

    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        replace(&self.0.join(name), MODE, |file| file.write_all(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use zoners_tls::{CertificateSubjects, PrivateAuthority, day_of};

    fn pair(name: &str) -> String {
        let subjects = CertificateSubjects { names: vec![name.into()], addresses: Vec::new() };
        let days = std::time::Duration::from_secs(20_000 * 86_400);
        let today = day_of(std::time::SystemTime::UNIX_EPOCH + days);
        let authority = PrivateAuthority::new(&subjects, today).unwrap();
        let made = authority.certify(&subjects, today).unwrap();
        format!("{}{}", made.key, made.chain)
    }

    #[test]
    fn a_certificate_and_its_key_are_one_file_that_nobody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let files = AcmeFiles::of(folder.path());
        assert!(files.certificate().unwrap().is_none());
        files.keep_certificate(&pair("a.home.arpa")).unwrap();
        files.keep_certificate(&pair("b.home.arpa")).unwrap();
        assert_eq!(files.certificate().unwrap().unwrap().names(), ["b.home.arpa"]);
        let path = folder.path().join(CERTIFICATE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(files.certificate().unwrap_err().contains("others may read it"));
        files.keep_certificate("no certificate").unwrap();
        assert!(files.certificate().is_err());
    }

    #[test]
    fn the_last_orders_are_kept_and_an_unreadable_file_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = AcmeFiles::of(folder.path());
        assert_eq!(files.orders(), KeptOrders::default());
        files.keep_orders(&[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(files.orders().placed_s, [2, 3, 4, 5]);
        fs::write(folder.path().join(ORDERS), "{").unwrap();
        assert_eq!(files.orders(), KeptOrders::default());
        assert!(files.account("https://acme.example/").unwrap().is_none());
        files.write(ACCOUNT, b"{").unwrap();
        assert!(files.account("https://acme.example/").is_err(), "a damaged file is told");
    }
}
