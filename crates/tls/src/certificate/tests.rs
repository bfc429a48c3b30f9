use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::ServerName;
use tempfile::TempDir;

use super::*;

/// A certificate for names and addresses, valid in 2026, and the key, in PEM form.
pub(crate) fn made(names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// Files with the given texts, in a folder of the lifetime of the first value.
pub(crate) fn files(chain: &str, key: &str) -> (TempDir, CertificateFiles) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    };
    let files = CertificateFiles { chain: at("chain.pem", chain), key: at("key.pem", key) };
    (folder, files)
}

fn fault(chain: &str, key: &str) -> String {
    let (_folder, files) = files(chain, key);
    let fault = files.read().unwrap_err();
    let file = fault.file.file_name().unwrap().to_str().unwrap();
    format!("{file}: {}", fault.what)
}

#[test]
fn a_certificate_tells_validity_and_names() {
    let (chain, key) = made(&["dns.example", "*.home.example", "192.0.2.1"]);
    let (_folder, files) = files(&chain, &key);
    let certificate = files.read().unwrap();
    let (begin, end) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    let [begin, end] = [begin, end].map(|time| u64::try_from(time.unix_timestamp()).unwrap());
    let validity = certificate.validity();
    assert_eq!((validity.not_before, validity.not_after), (begin, end));
    assert!(validity.contains(begin) && validity.contains(end));
    assert!(!validity.contains(begin - 1) && !validity.contains(end + 1));
    assert_eq!(certificate.names(), ["dns.example", "*.home.example"]);
    let covers = |name: &str| certificate.covers(&ServerName::try_from(name.to_owned()).unwrap());
    assert!(covers("dns.example") && covers("nas.home.example") && covers("192.0.2.1"));
    assert!(!covers("other.example") && !covers("192.0.2.2"));
}

#[test]
fn a_fault_names_file_and_reason() {
    let (chain, key) = made(&["dns.example"]);
    let (_, other_key) = made(&["dns.example"]);
    assert_eq!(fault("", &key), "chain.pem: must have a certificate in PEM form");
    assert_eq!(fault(&key, &key), "chain.pem: must have a certificate in PEM form");
    assert!(fault(&chain, &chain).starts_with("key.pem: must have a private key in PEM form"));
    assert_eq!(fault(&chain, &other_key), "key.pem: is not the key of the certificate");
    let broken = chain.replace("-----END", "!-----END");
    assert!(fault(&broken, &key).starts_with("chain.pem: is no PEM text"), "{broken}");
    let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert!(fault(empty, &key).starts_with("chain.pem: has no certificate that can be used"));
    assert_eq!(fault(&chain.repeat(17), &key), "chain.pem: must have at most 16 certificates");
    assert!(fault(&" ".repeat(256 * 1024 + 1), &key).contains("too long"));
}

#[test]
fn a_key_that_others_can_write_is_refused_and_links_are_followed() {
    let (chain, key) = made(&["dns.example"]);
    let (folder, files) = files(&chain, &key);
    let linked = folder.path().join("live.pem");
    symlink(&files.key, &linked).unwrap();
    let files = CertificateFiles { key: linked, ..files };
    assert!(files.read().is_ok() && !files.key_is_open());
    fs::set_permissions(&files.key, Permissions::from_mode(0o644)).unwrap();
    assert!(files.read().is_ok() && files.key_is_open());
    fs::set_permissions(&files.key, Permissions::from_mode(0o620)).unwrap();
    assert!(files.read().unwrap_err().to_string().contains("others may write it"));
    fs::remove_file(files.key.with_file_name("key.pem")).unwrap();
    let fault = files.read().unwrap_err();
    assert!(fault.to_string().contains("live.pem: cannot be read: No such file"), "{fault}");
}
