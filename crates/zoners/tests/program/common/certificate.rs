//! Certificates of daemons.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A new certificate with its key, in the folder of a daemon.
pub(crate) fn certify(folder: &Path) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let params =
        rcgen::CertificateParams::new(["dns.example", "*.dns.example"].map(str::to_owned)).unwrap();
    let chain = params.self_signed(&key).unwrap().pem();
    // The key first: the pair must fit once the certificate is there.
    for (name, text) in [("key.pem", key.serialize_pem()), ("chain.pem", chain.clone())] {
        let beside = folder.join("beside");
        std::fs::write(&beside, text).unwrap();
        std::fs::set_permissions(&beside, Permissions::from_mode(0o600)).unwrap();
        std::fs::rename(beside, folder.join(name)).unwrap();
    }
    chain
}

/// The lines of `[server]` that name the certificate in this folder.
pub(crate) fn certificate_keys(folder: &Path) -> String {
    let at = folder.display();
    format!("certificate = \"{at}/chain.pem\"\ncertificate-key = \"{at}/key.pem\"")
}
