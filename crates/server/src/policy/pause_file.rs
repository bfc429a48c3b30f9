//! The file of pauses in the state folder, so that a restart ends no pause.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zoners_files::read_own;

use crate::kept_file::KeptFile;

/// The file: a list in JSON.
pub(crate) const FILE: &str = "policy.pauses";
/// Octets of the largest file.
const MAX_OCTETS: u64 = 256 * 1024;

/// A pause as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptPause {
    /// The group; none for all groups.
    pub(crate) group: Option<String>,
    /// The end, in seconds since 1970.
    pub(crate) until: u64,
}

/// The file of a state folder.
#[derive(Debug)]
pub(crate) struct PauseFile(KeptFile);

impl PauseFile {
    /// The file with the kept pauses; none without a file, or if the file is damaged, which is told in the log.
    pub(crate) fn open(folder: &Path) -> (Self, Vec<KeptPause>) {
        let read = |path: &Path| Ok(serde_json::from_slice(&read_own(path, MAX_OCTETS)?)?);
        let (file, pauses) = KeptFile::open(folder.join(FILE), "policy: pauses", read);
        (PauseFile(file), pauses.unwrap_or_default())
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// The file that is there was damaged at the start, or the file cannot be written.
    pub(crate) fn write(&self, pauses: &[KeptPause]) -> io::Result<()> {
        let octets = serde_json::to_vec(pauses)?;
        self.0.replace(|file| file.write_all(&octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_read_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let (file, none) = PauseFile::open(folder.path());
        assert!(none.is_empty());
        let pauses = [
            KeptPause { group: Some("kids".into()), until: 7 },
            KeptPause { group: None, until: 9 },
        ];
        file.write(&pauses).unwrap();
        assert_eq!(PauseFile::open(folder.path()).1, pauses);
        file.write(&[]).unwrap();
        assert!(PauseFile::open(folder.path()).1.is_empty());
    }

    #[test]
    fn damage_is_no_pause_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let of_newer_version = r#"[{"group":"kids","until":7,"by":"parent"}]"#;
        for text in ["[{", of_newer_version] {
            std::fs::write(&path, text).unwrap();
            let (file, pauses) = PauseFile::open(folder.path());
            assert!(pauses.is_empty());
            let told = file.write(&[]).unwrap_err().to_string();
            assert!(told.contains(&path.display().to_string()), "{told}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
