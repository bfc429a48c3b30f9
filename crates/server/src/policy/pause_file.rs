//! The file of pauses in the state folder, so that a restart ends no pause.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zoners_files::{read_own, replace};

/// The file: a list in JSON.
pub(crate) const FILE: &str = "policy.pauses";
/// Octets of the largest file.
const MAX_OCTETS: u64 = 256 * 1024;
const MODE: u32 = 0o600;

/// A pause as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptPause {
    /// The group; none for all groups.
    pub(crate) group: Option<String>,
    /// The end, in seconds since 1970.
    pub(crate) until: u64,
}

/// The kept pauses; none without a file, or if the file is damaged.
pub(crate) fn read(folder: &Path) -> Vec<KeptPause> {
    let octets = read_own(&folder.join(FILE), MAX_OCTETS).ok();
    octets.and_then(|octets| serde_json::from_slice(&octets).ok()).unwrap_or_default()
}

/// Replaces the file.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(folder: &Path, pauses: &[KeptPause]) -> io::Result<()> {
    let octets = serde_json::to_vec(pauses)?;
    replace(&folder.join(FILE), MODE, |file| file.write_all(&octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_read_as_written_and_damage_is_no_pause() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).is_empty());
        let pauses = [
            KeptPause { group: Some("kids".into()), until: 7 },
            KeptPause { group: None, until: 9 },
        ];
        write(folder.path(), &pauses).unwrap();
        assert_eq!(read(folder.path()), pauses);
        write(folder.path(), &[]).unwrap();
        assert!(read(folder.path()).is_empty());
        std::fs::write(folder.path().join(FILE), b"[{").unwrap();
        assert!(read(folder.path()).is_empty());
    }
}
