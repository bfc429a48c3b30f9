//! Secrets of a state folder, a file each.

use std::io::{self, Read, Write};
use std::path::Path;

use zoners_dns::Random;
use zoners_files::{open_secret, replace};

/// The secret in the file at `path`; a new secret, if the file has none of this length in octets, or other users may
/// have read the file.
///
/// # Errors
/// A new secret cannot be written.
pub(super) fn read_or_make(path: &Path, length: usize, random: &Random) -> io::Result<Vec<u8>> {
    let mut secret = Vec::new();
    match open_secret(path) {
        Ok(file) => drop(file.take(length as u64 + 1).read_to_end(&mut secret)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!("state: a new secret replaces {}: {error}", path.display()),
    }
    if secret.len() != length {
        secret = new(length, random);
        replace(path, 0o600, |out| out.write_all(&secret))?;
    }
    Ok(secret)
}

/// A secret of this length, for no longer than the process.
pub(super) fn new(length: usize, random: &Random) -> Vec<u8> {
    let mut secret = vec![0; length];
    random.fill(&mut secret);
    secret
}
