//! The keys of `[[tsig-key]]`, with their secrets.

use std::fs;
use std::path::Path;

use zoners_dns::base64;
use zoners_zones::tsig::TsigKey;

use crate::config::{Config, ConfigError, TsigKeyConfig};

/// Octets of the shortest secret.
const MIN_SECRET_OCTETS: usize = 16;

/// Reads the keys.
///
/// # Errors
/// A secret cannot be read, is no base64 or too short.
pub(super) fn read(config: &Config) -> Result<Vec<TsigKey>, ConfigError> {
    let (mut keys, mut error) = (Vec::new(), ConfigError::default());
    for (at, key) in config.tsig_key.iter().enumerate() {
        match secret(key) {
            Ok(secret) => keys.push(TsigKey::new(&key.name, key.algorithm, &secret)),
            Err(what) => error.add(config.source.fault(&format!("tsig-key[{at}].name"), &what)),
        }
    }
    error.outcome().map(|()| keys)
}

fn secret(key: &TsigKeyConfig) -> Result<Vec<u8>, String> {
    let text = match (&key.secret, &key.secret_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => read_file(path)?,
        (None, None) => String::new(),
    };
    let secret = base64::decode(text.trim()).ok_or("the secret must be written in base64")?;
    match secret.len() >= MIN_SECRET_OCTETS {
        true => Ok(secret),
        false => Err(format!("the secret must have at least {MIN_SECRET_OCTETS} octets")),
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
