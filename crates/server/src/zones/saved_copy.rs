//! The copy of a zone in the state folder: the content from the primary, and the time of the last check.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zoners_dns::Name;
use zoners_files::{Draft, open_own, read_own, replace};
use zoners_zones::stored::{RecordPlace, StoredZone};
use zoners_zones::{AuthoritativeZone, saved};

/// The beginning of the names of these files.
pub(crate) const PREFIX: &str = "zone-";
/// Only the user of the daemon reads the files.
const FILE_MODE: u32 = 0o600;
/// Octets of the longest name of a file, without the endings.
const MAX_NAME_OCTETS: usize = 200;
/// The octets on disk of a zone for each octet of memory, generously.
const OCTETS_ON_DISK: u64 = 2;

/// The files of one zone; none without a folder.
#[derive(Clone, Debug)]
pub(crate) struct SavedCopy {
    path: Option<PathBuf>,
}

impl SavedCopy {
    /// The files of a zone in the state folder.
    pub(crate) fn of(folder: Option<&Path>, apex: &Name) -> Self {
        let name: String = apex.fmt_with_dot().to_string().to_ascii_lowercase();
        // A label may have any octet.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let escaped = |letter: char| match is_plain(letter) {
            true => letter.to_string(),
            false => format!("%{:02x}", u32::from(letter)),
        };
        let name: String = name.chars().map(escaped).collect();
        let folder = folder.filter(|_| name.len() <= MAX_NAME_OCTETS);
        SavedCopy { path: folder.map(|folder| folder.join(format!("{PREFIX}{name}copy"))) }
    }

    /// The zone in memory, and the seconds since it was found current, as of the wall clock.
    pub(crate) fn load(
        &self,
        apex: &Name,
        max_octets: usize,
        wall_seconds: u64,
    ) -> Option<(Arc<AuthoritativeZone>, u32)> {
        let path = self.path.as_ref()?;
        let max_octets_on_disk = max_octets as u64 * OCTETS_ON_DISK;
        let octets = match read_own(path, max_octets_on_disk) {
            Ok(octets) => octets,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!("zone: {}: {error}: not used", path.display());
                return None;
            }
        };
        let zone = saved::read(&octets, apex, max_octets);
        let zone = zone.map_err(|what| tracing::warn!("zone: {}: {what}", path.display())).ok()?;
        Some((Arc::new(zone), self.age(wall_seconds)?))
    }

    /// The zone that stays on the disk, and the seconds since it was found current, as of the wall clock.
    pub(crate) fn open(&self, apex: &Name, wall_seconds: u64) -> Option<(Arc<StoredZone>, u32)> {
        let path = self.path.as_ref()?;
        let zone = open_own(path).and_then(|file| StoredZone::open(apex, Arc::new(file)));
        match zone {
            Ok(zone) => Some((Arc::new(zone), self.age(wall_seconds)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("zone: {}: {error}: not used", path.display());
                None
            }
        }
    }

    /// Begins a new version that stays on the disk; in memory without a folder.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn begin(&self) -> io::Result<CopyDraft> {
        let Some(path) = &self.path else { return Ok(CopyDraft::Memory(Vec::new())) };
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Draft::begin(folder, &name, FILE_MODE).map(CopyDraft::File)
    }

    /// Keeps a finished draft.
    ///
    /// # Errors
    /// The file cannot be written; the version before stays.
    pub(crate) fn keep(&self, apex: &Name, draft: CopyDraft) -> io::Result<StoredZone> {
        let place: Arc<dyn RecordPlace> = match (draft, &self.path) {
            (CopyDraft::File(draft), Some(path)) => {
                draft.commit(path)?;
                Arc::new(open_own(path)?)
            }
            (CopyDraft::Memory(octets), None) => Arc::new(octets),
            // A draft is of the kind of its copy.
            (CopyDraft::File(_), None) | (CopyDraft::Memory(_), Some(_)) => {
                return Err(io::ErrorKind::Other.into());
            }
        };
        StoredZone::open(apex, place)
    }

    /// The seconds since the copy was found current.
    fn age(&self, wall_seconds: u64) -> Option<u32> {
        let checked = fs::read_to_string(self.checked()?).ok()?.trim().parse::<u64>().ok()?;
        // A clock that was set back tells no age.
        Some(u32::try_from(wall_seconds.saturating_sub(checked)).unwrap_or(u32::MAX))
    }

    /// Keeps a new version.
    pub(crate) fn write(&self, zone: &AuthoritativeZone) {
        let Some(path) = &self.path else { return };
        if let Err(error) = replace(path, FILE_MODE, |out| saved::write(zone, out)) {
            tracing::warn!("zone: {}: not saved: {error}", path.display());
        }
    }

    /// Notes that the version was found current.
    pub(crate) fn note_current(&self, wall_seconds: u64) {
        let Some(path) = self.checked() else { return };
        let written = replace(&path, FILE_MODE, |out| writeln!(out, "{wall_seconds}"));
        if let Err(error) = written {
            tracing::warn!("zone: {}: not saved: {error}", path.display());
        }
    }

    fn checked(&self) -> Option<PathBuf> {
        self.path.as_ref().map(|path| path.with_extension("checked"))
    }
}

/// A version being written.
#[derive(Debug)]
pub(crate) enum CopyDraft {
    File(Draft),
    Memory(Vec<u8>),
}

impl Write for CopyDraft {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            CopyDraft::File(draft) => draft.write(octets),
            CopyDraft::Memory(all) => all.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            CopyDraft::File(draft) => draft.flush(),
            CopyDraft::Memory(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;
    use zoners_zones::file;
    use zoners_zones::stored::StoredDraft;
    use zoners_zones::transfer::VersionDraft;

    #[test]
    fn a_zone_is_kept_with_its_age() {
        let folder = tempfile::tempdir().unwrap();
        let apex = name::parse("a\\047b.example.test").unwrap();
        let zone = file::load(&apex, "@ SOA ns h 7 2 3 4 5\nx A 192.0.2.1\n", 1 << 20).unwrap();
        let saved = SavedCopy::of(Some(folder.path()), &apex);
        assert!(saved.load(&apex, 1 << 20, 100).is_none());
        saved.write(&zone);
        assert!(saved.load(&apex, 1 << 20, 100).is_none(), "never found current");
        saved.note_current(100);
        let (back, age) = saved.load(&apex, 1 << 20, 160).unwrap();
        assert_eq!((back.soa().serial, back.names(), age), (7, 2, 60));
        assert_eq!(saved.load(&apex, 1 << 20, 50).unwrap().1, 0);
        assert!(SavedCopy::of(None, &apex).load(&apex, 1 << 20, 100).is_none());
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert!(names.iter().all(|file| file.file_name().to_string_lossy().starts_with(PREFIX)));
    }
    #[test]
    fn a_stored_version_outlasts_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let apex = name::parse("rpz.test").unwrap();
        for saved in [SavedCopy::of(Some(folder.path()), &apex), SavedCopy::of(None, &apex)] {
            let keep = |serial: u32| {
                let text = format!("@ SOA ns h {serial} 2 3 4 5\nx CNAME .\n");
                let zone = file::load(&apex, &text, 1 << 20).unwrap();
                let mut draft = StoredDraft::whole(&apex, saved.begin().unwrap(), 1 << 20).unwrap();
                zone.records().for_each(|record| draft.add(record).unwrap());
                saved.keep(&apex, draft.finish().unwrap()).unwrap()
            };
            let (first, second) = (keep(1), keep(2));
            let soa = first.records().unwrap().next().unwrap().unwrap();
            assert_eq!((first.soa().serial, second.soa().serial), (1, 2));
            assert_eq!(zoners_zones::Soa::read(&soa.rdata).unwrap().serial, 1);
        }
        let saved = SavedCopy::of(Some(folder.path()), &apex);
        saved.note_current(100);
        assert_eq!(saved.open(&apex, 130).unwrap().1, 30);
        assert_eq!(saved.load(&apex, 1 << 20, 130).unwrap().0.names(), 2, "of one form");
        assert!(SavedCopy::of(None, &apex).open(&apex, 130).is_none());
    }
}
