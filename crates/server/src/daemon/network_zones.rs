//! The zones that networks answered when the cache was written: what their resolvers said counts for one visit.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use zoners_dns::{Name, name};
use zoners_files::replace;

/// The file beside that of the cache, with a zone on each line.
pub(super) const FILE: &str = "network.zones";

/// Notes the zones before the cache is written.
///
/// # Errors
/// The file cannot be written.
pub(super) fn note(folder: &Path, zones: &[Name]) -> io::Result<()> {
    let path = folder.join(FILE);
    if zones.is_empty() && !path.exists() {
        return Ok(());
    }
    let text: String = zones.iter().map(|zone| format!("{zone}\n")).collect();
    replace(&path, 0o600, |out| out.write_all(text.as_bytes()))
}

/// The zones whose entries of a loaded cache are to be discarded.
pub(super) fn noted(folder: &Path) -> Vec<Name> {
    let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    text.lines().filter_map(|line| name::parse(line).ok()).filter(|zone| !zone.is_root()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_noted_until_there_are_none() {
        let folder = tempfile::tempdir().unwrap();
        note(folder.path(), &[]).unwrap();
        assert!(!folder.path().join(FILE).exists() && noted(folder.path()).is_empty());
        let zones = ["corp.example", "8.10.in-addr.arpa"].map(|zone| name::parse(zone).unwrap());
        note(folder.path(), &zones).unwrap();
        assert_eq!(noted(folder.path()), zones);
        note(folder.path(), &[]).unwrap();
        assert!(noted(folder.path()).is_empty());
    }
}
