//! Zones of which we have a copy (`[[zone]]`): read from files or transferred from primaries, and put before the pipeline
//! and the resolver.
//!
//! The pipeline answers what a zone answers by itself, with AA ([`ZoneShelf::answer`]). A delegation, or an alias that
//! leaves the zone, goes on as a recursion, in which the copy stands in for the servers of the zone
//! ([`zoners_dns::ZoneCopies`]).
//!
//! A [`secondary`] has one [`conversation`] after the other with the primaries of a zone, and [`inbox`] hears of new
//! versions; `daemon::zone_keeper` sets the secondaries to work.

mod conversation;
mod inbox;
mod root_trust;
pub(crate) mod saved_copy;
mod secondary;
mod shelf;
mod target;
mod transferred;
mod tsig_keys;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use zoners_dns::{Name, name};
use zoners_host::file_watch::FileVersion;
use zoners_resolver::Settings;
use zoners_zones::transfer::TransferLimits;
use zoners_zones::{AuthoritativeZone, ZoneCopy, ZoneTable, file};

use crate::config::{Config, ConfigError};
pub(crate) use inbox::{NotifiedZone, NotifyInbox};
pub(crate) use root_trust::RootTrust;
pub(crate) use saved_copy::SavedCopy;
pub(crate) use secondary::{Secondary, SecondarySpec, ZoneFile, ZoneNews};
pub(crate) use shelf::{ShelfEntry, ZoneShelf};
pub(crate) use target::ZonePlace;
pub(crate) use transferred::TransferredZones;

/// The messages of a transfer may have so many octets for each octet of memory that the zone may take.
const RECEIVED_OCTETS_FACTOR: usize = 2;
/// The limits of the root zone, whose 2.2 MB of text take some 6 MB.
const ROOT_LIMITS: TransferLimits =
    TransferLimits { max_zone_octets: 64 << 20, max_received_octets: 64 << 20 };

/// Reads the zones of a configuration.
///
/// # Errors
/// A file cannot be read, is larger than allowed or is no zone; the error has every such file with the line.
pub(crate) fn load(config: &Config) -> Result<ZoneTable, ConfigError> {
    let (mut table, mut error) = (ZoneTable::default(), ConfigError::default());
    for (at, zone) in config.zone.iter().enumerate() {
        let copy = match &zone.file {
            None => Ok(ZoneCopy::Unavailable("not transferred yet".into())),
            Some(path) => read(&zone.zone, path, zone.max_size)
                .map(|loaded| ZoneCopy::Loaded(Arc::new(loaded))),
        };
        match copy {
            Ok(copy) => table.put(zone.zone.clone(), copy),
            Err(what) => error.add(config.source.fault(&format!("zone[{at}].file"), &what)),
        }
    }
    error.outcome().map(|()| table)
}

/// The secondaries of a configuration, which keep their copies in a folder.
///
/// # Errors
/// The secret of a key cannot be read.
pub(crate) fn secondaries(
    config: &Config,
    folder: Option<&Path>,
) -> Result<Vec<SecondarySpec>, ConfigError> {
    let mut error = ConfigError::default();
    let keys = error.take(tsig_keys::read(config)).unwrap_or_default();
    let zones = config.zone.iter().filter(|zone| !zone.primaries.is_empty());
    let secondaries = zones.map(|zone| {
        let max_zone_octets = usize::try_from(zone.max_size).unwrap_or(usize::MAX);
        let max_received_octets = max_zone_octets.saturating_mul(RECEIVED_OCTETS_FACTOR);
        let key = zone.tsig_key.as_ref();
        let is_list = config.policy.has_list_of(&zone.zone);
        SecondarySpec {
            apex: zone.zone.clone(),
            place: if is_list { ZonePlace::Disk } else { ZonePlace::Memory },
            primaries: zone.primaries.clone(),
            key: key.and_then(|key| keys.iter().find(|known| known.name() == key)).cloned(),
            file: None,
            limits: TransferLimits { max_zone_octets, max_received_octets },
            folder: folder.map(Path::to_owned),
            trust: None,
        }
    });
    let secondaries = secondaries.collect();
    error.outcome().map(|()| secondaries)
}

/// The secondary of the local root, if the configuration has one.
pub(crate) fn local_root(
    config: &Config,
    settings: &Settings,
    folder: Option<&Path>,
) -> Option<SecondarySpec> {
    let primaries = config.local_root_primaries();
    let file = config
        .resolver
        .local_root_file
        .as_ref()
        .map(|path| ZoneFile { path: path.clone(), version: FileVersion::of(path) });
    (!primaries.is_empty() || file.is_some()).then(|| SecondarySpec {
        apex: name::root(),
        place: ZonePlace::Memory,
        primaries,
        key: None,
        file,
        limits: ROOT_LIMITS,
        folder: folder.map(Path::to_owned),
        trust: Some(RootTrust::of(settings)),
    })
}

/// Reads the file of a secondary; the zone, and the seconds since the file was written, as of the wall clock.
///
/// # Errors
/// The file cannot be read, is too large or is no zone.
pub(crate) fn read_copy(
    spec: &SecondarySpec,
    path: &Path,
    wall_seconds: u64,
) -> Result<(Arc<AuthoritativeZone>, u32), String> {
    let zone = read(&spec.apex, path, spec.limits.max_zone_octets as u64)?;
    let modified = fs::metadata(path).and_then(|about| about.modified());
    let modified = modified.map_err(|error| format!("{}: {error}", path.display()))?;
    let written = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // A file of the future tells no age.
    let age = u32::try_from(wall_seconds.saturating_sub(written)).unwrap_or(u32::MAX);
    Ok((Arc::new(zone), age))
}

/// Reads the file of a zone.
fn read(apex: &Name, path: &Path, max_octets: u64) -> Result<AuthoritativeZone, String> {
    let shown = path.display();
    let text = read_text(path, max_octets).map_err(|what| format!("{shown}: {what}"))?;
    let loaded = file::load(apex, &text, usize::try_from(max_octets).unwrap_or(usize::MAX));
    loaded.map_err(|error| format!("{shown}:{}: {}", error.line, error.what))
}

/// Reads a regular file of at most `max_octets`, and no pipe that might never end.
fn read_text(path: &Path, max_octets: u64) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no plain file".to_owned());
    }
    if metadata.len() > max_octets {
        return Err(format!("is larger than {max_octets} octets (zone.max-size)"));
    }
    let octets = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(octets).map_err(|_| "must be a text in UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
