//! The zone of a secondary as the target of transfers: in memory, or on the disk alone.

use std::sync::Arc;

use zoners_dns::{Name, ZoneRecord};
use zoners_zones::stored::StoredDraft;
use zoners_zones::transfer::{TransferFault, TransferTarget, VersionDraft};
use zoners_zones::{AuthoritativeZone, Soa, ZoneBuilder, ZoneVersion};

use super::saved_copy::{CopyDraft, SavedCopy};

/// Where the versions of a zone lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZonePlace {
    /// In memory, to answer questions, with a copy in the state folder.
    Memory,
    /// On the disk alone: the zone is a policy list.
    Disk,
}

/// A zone, the version at hand, and the files of the copy.
#[derive(Clone, Debug)]
pub(crate) struct ZoneTarget {
    pub(crate) apex: Name,
    pub(crate) place: ZonePlace,
    pub(crate) base: Option<ZoneVersion>,
    pub(crate) saved: SavedCopy,
    pub(crate) max_octets: usize,
}

/// The next version while it comes in.
#[derive(Debug)]
pub(crate) enum ZoneDraft {
    Memory(ZoneBuilder),
    Disk(StoredDraft<CopyDraft>),
}

/// The next version, not kept yet.
#[derive(Debug)]
pub(crate) enum FinishedZone {
    Memory(AuthoritativeZone),
    Disk(CopyDraft),
}

impl ZoneTarget {
    /// Keeps the next version.
    ///
    /// # Errors
    /// The version lies on the disk alone, and cannot be written.
    pub(crate) fn keep(&self, finished: FinishedZone) -> Result<ZoneVersion, String> {
        match finished {
            FinishedZone::Memory(zone) => {
                self.saved.write(&zone);
                Ok(ZoneVersion::Loaded(Arc::new(zone)))
            }
            FinishedZone::Disk(draft) => {
                let kept = self.saved.keep(&self.apex, draft);
                let kept = kept.map_err(|error| format!("the zone is not saved: {error}"))?;
                Ok(ZoneVersion::Stored(Arc::new(kept)))
            }
        }
    }

    fn draft(&self) -> Result<CopyDraft, TransferFault> {
        let draft = self.saved.begin();
        draft.map_err(|error| TransferFault::Zone(format!("the zone is not saved: {error}")))
    }
}

impl TransferTarget for ZoneTarget {
    type Draft = ZoneDraft;

    fn apex(&self) -> &Name {
        &self.apex
    }

    fn known(&self) -> Option<Soa> {
        self.base.as_ref().map(ZoneVersion::soa)
    }

    fn whole(&self) -> Result<ZoneDraft, TransferFault> {
        Ok(match self.place {
            ZonePlace::Memory => {
                ZoneDraft::Memory(ZoneBuilder::new(self.apex.clone(), self.max_octets))
            }
            ZonePlace::Disk => {
                let draft = StoredDraft::whole(&self.apex, self.draft()?, self.max_octets as u64);
                ZoneDraft::Disk(draft?)
            }
        })
    }

    fn changed(&self) -> Result<ZoneDraft, TransferFault> {
        match &self.base {
            Some(ZoneVersion::Loaded(base)) => {
                Ok(ZoneDraft::Memory(ZoneBuilder::of(base, self.max_octets)))
            }
            Some(ZoneVersion::Stored(base)) => {
                let draft = StoredDraft::of(base, self.draft()?, self.max_octets as u64)?;
                Ok(ZoneDraft::Disk(draft))
            }
            None => Err(TransferFault::Diverges),
        }
    }
}

impl VersionDraft for ZoneDraft {
    type Version = FinishedZone;

    fn add(&mut self, record: ZoneRecord) -> Result<(), TransferFault> {
        match self {
            ZoneDraft::Memory(draft) => VersionDraft::add(draft, record),
            ZoneDraft::Disk(draft) => draft.add(record),
        }
    }

    fn remove(&mut self, record: &ZoneRecord) -> Result<(), TransferFault> {
        match self {
            ZoneDraft::Memory(draft) => VersionDraft::remove(draft, record),
            ZoneDraft::Disk(draft) => draft.remove(record),
        }
    }

    fn finish(self) -> Result<FinishedZone, TransferFault> {
        match self {
            ZoneDraft::Memory(draft) => draft.finish().map(FinishedZone::Memory),
            ZoneDraft::Disk(draft) => draft.finish().map(FinishedZone::Disk),
        }
    }
}
