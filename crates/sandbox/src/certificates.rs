//! The certificate authorities of the system, which TLS of a client reads.

use std::env::var_os;
use std::path::PathBuf;

use crate::{Calls, Need};

/// Folders with the certificates of authorities; `/etc` has links into the other folders.
const CERTIFICATE_FOLDERS: [&str; 5] = [
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
];
/// Environment variables with another file or folder of certificates (OpenSSL's names).
const CERTIFICATE_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The needs of reading the certificate authorities of the system.
pub fn certificate_needs() -> impl Iterator<Item = Need> {
    let elsewhere = CERTIFICATE_VARIABLES.into_iter().filter_map(var_os).map(PathBuf::from);
    let elsewhere = elsewhere.filter_map(|path| match path.is_dir() {
        true => Some(path),
        false => path.parent().map(PathBuf::from),
    });
    let folders = CERTIFICATE_FOLDERS.map(PathBuf::from).into_iter().chain(elsewhere);
    [Need::Calls(Calls::Files)].into_iter().chain(folders.map(Need::List))
}
