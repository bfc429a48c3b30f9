//! The texts of lists: origins, last good copies, and waiting versions.
//!
//! A text is taken over from its [`ListOrigin`] into the store of [`texts`], as a whole and
//! checked, before the text is compiled: so a failing server or a half-written file changes nothing. The
//! [`book`] knows the versions of each list and outlasts a restart. [`schedule`] decides when an address is asked, and
//! [`download`] asks.

pub(crate) mod book;
pub(crate) mod download;
pub(crate) mod file;
pub(crate) mod schedule;
pub(crate) mod texts;
pub(crate) mod zone;

use crate::config::{ListOrigin, PolicyConfig};
use crate::zones::TransferredZones;
use book::{ListBook, ListRecord};

/// A configured list with its versions, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SuppliedList {
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) record: ListRecord,
}

impl SuppliedList {
    /// The lists of a configuration. The state of a zone is the reason why a list by transfer is not current.
    pub(crate) fn all(
        config: &PolicyConfig,
        book: &ListBook,
        zones: &TransferredZones,
    ) -> Vec<Self> {
        let lists = config.list.iter().filter_map(|list| {
            let (name, origin) = (list.name.clone(), list.origin());
            let mut record = book.of(list)?.clone();
            if let ListOrigin::Zone(apex) = &origin {
                record.error = record.error.or_else(|| zones.unavailable(apex));
            }
            Some(SuppliedList { name, origin: origin.to_string(), record })
        });
        lists.collect()
    }
}
