//! Zones of which we have a copy (`[[zone]]`): read from files, and put before the pipeline and the resolver.
//!
//! The pipeline answers what a zone answers by itself, with AA ([`ZoneShelf::answer`]). A delegation, or an alias that
//! leaves the zone, goes on as a recursion, in which the copy stands in for the servers of the zone
//! ([`zoners_dns::ZoneCopies`]).

mod shelf;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use zoners_zones::{AuthoritativeZone, ZoneCopy, ZoneTable, file};

use crate::config::{Config, ConfigError, ZoneConfig};
pub(crate) use shelf::ZoneShelf;

/// Reads the zones of a configuration.
///
/// # Errors
/// A file cannot be read, is larger than allowed or is no zone; the error has every such file with the line.
pub(crate) fn load(config: &Config) -> Result<ZoneTable, ConfigError> {
    let (mut table, mut error) = (ZoneTable::default(), ConfigError::default());
    for (at, zone) in config.zone.iter().enumerate() {
        match read(zone) {
            Ok(loaded) => table.put(zone.zone.clone(), ZoneCopy::Loaded(Arc::new(loaded))),
            Err(what) => error.add(config.source.fault(&format!("zone[{at}].file"), &what)),
        }
    }
    error.outcome().map(|()| table)
}

/// Reads the file of a zone.
fn read(zone: &ZoneConfig) -> Result<AuthoritativeZone, String> {
    let shown = zone.file.display();
    let max_octets = usize::try_from(zone.max_size).unwrap_or(usize::MAX);
    let text = read_text(&zone.file, zone.max_size).map_err(|what| format!("{shown}: {what}"))?;
    let loaded = file::load(&zone.zone, &text, max_octets);
    loaded.map_err(|error| format!("{shown}:{}: {}", error.line, error.what))
}

/// Reads a regular file of at most `max_octets`, and no pipe that might never end.
fn read_text(path: &Path, max_octets: u64) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no plain file".to_owned());
    }
    if metadata.len() > max_octets {
        return Err(format!("is larger than zone.max-size, which is {max_octets} octets"));
    }
    let octets = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(octets).map_err(|_| "must be a text in UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
