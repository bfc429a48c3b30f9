//! Lists of files and transferred zones, copied into the store before a compilation.

use std::path::Path;

use zoners_dns::Name;
use zoners_http::Validators;

use super::PolicyBuild;
use super::digests::terms;
use crate::config::{ListOrigin, PolicyListConfig};
use crate::policy::supply::book::{ListBook, ListRecord, id_of};
use crate::policy::supply::file::{self, FileStamp};
use crate::policy::supply::zone;

impl PolicyBuild<'_> {
    /// Copies changed files and zones into the store.
    pub(super) fn take_over(&self, book: &mut ListBook) {
        for list in &self.config.list {
            let Some(record) = book.record(&id_of(list)) else { continue };
            let copied = match list.origin() {
                ListOrigin::File(path) => self.take_over_file(list, &path, record),
                ListOrigin::Zone(apex) => self.take_over_zone(&apex, record),
                ListOrigin::Address(_) => None,
            };
            match copied {
                Some(Ok(digest)) => {
                    record.note_copy(digest, Validators::default());
                    record.note_success(self.now_s);
                }
                Some(Err(why)) => record.note_failure(&why, self.now_s),
                None => {}
            }
        }
    }

    /// Copies a changed file; the digest of the copy.
    fn take_over_file(
        &self,
        list: &PolicyListConfig,
        path: &Path,
        record: &mut ListRecord,
    ) -> Option<Result<String, String>> {
        let stamp = FileStamp::of(path, terms(list));
        if stamp.is_some() && stamp == record.stamp {
            return None;
        }
        record.stamp = stamp;
        Some(file::copy(path, &record.id, terms(list), self.store))
    }

    /// Copies a new version of a zone; the digest of the copy. Without a usable zone, the last copy stays.
    fn take_over_zone(
        &self,
        apex: &Name,
        record: &mut ListRecord,
    ) -> Option<Result<String, String>> {
        let zone = self.zones.stored(apex)?;
        let serial = Some(zone.soa().serial);
        if serial == record.serial {
            return None;
        }
        record.serial = serial;
        Some(zone::copy(&zone, &record.id, self.store))
    }
}
