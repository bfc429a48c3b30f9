//! Digests of texts and of work: whether a compiled file is current, and whether there is anything to compile.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};
use zoners_policy::DIGEST_OCTETS;

use crate::config::{ListOrigin, PolicyConfig, PolicyListConfig};
use crate::policy::supply::book::{ListBook, ListRecord};
use crate::policy::supply::file::{CopyTerms, FileStamp};
use crate::zones::TransferredZones;

/// A digest of everything that a compiled policy is made from: the lists of the configuration and the versions of the
/// texts.
pub(crate) type SourcesDigest = [u8; DIGEST_OCTETS];

/// The digest of the texts in force.
pub(crate) fn digest(config: &PolicyConfig, book: &ListBook) -> SourcesDigest {
    digest_with(config, |list| {
        let version = book.of(list).and_then(|record| record.guard.in_force());
        version.map(|version| &*version.digest)
    })
}

pub(super) fn digest_with<'a>(
    config: &'a PolicyConfig,
    text: impl Fn(&'a PolicyListConfig) -> Option<&'a str>,
) -> SourcesDigest {
    let mut octets = env!("CARGO_PKG_VERSION").as_bytes().to_vec();
    for list in &config.list {
        let PolicyListConfig { name, action, .. } = list;
        let (form, text) = (list.form(), text(list));
        octets.extend(format!("{name:?} {form:?} {action:?} {text:?}\n").as_bytes());
    }
    digest_of(&octets)
}

/// The digest of the work that a compilation would do: another digest, another compilation.
pub(crate) fn work(
    config: &PolicyConfig,
    book: &ListBook,
    zones: &TransferredZones,
    now_s: u64,
) -> SourcesDigest {
    let mut octets = digest(config, book).to_vec();
    for list in &config.list {
        let record = book.of(list);
        let candidate = record.and_then(|record| record.candidate(now_s));
        let version = LocalVersion::present(list, zones);
        let is_known = record.map(|record| version.is_taken_over(record));
        octets.extend(format!("{candidate:?} {version:?} {is_known:?}\n").as_bytes());
    }
    digest_of(&octets)
}

/// Whether a compilation would change anything beside the texts in force: a file or zone has changed, or a text is to be
/// judged.
pub(crate) fn has_news(
    config: &PolicyConfig,
    book: &ListBook,
    zones: &TransferredZones,
    now_s: u64,
) -> bool {
    config.list.iter().any(|list| {
        let Some(record) = book.of(list) else { return true };
        let has_other_version = !LocalVersion::present(list, zones).is_taken_over(record);
        has_other_version || record.candidate(now_s).is_some()
    })
}

/// The version of a list on this machine.
#[derive(Debug, PartialEq, Eq)]
enum LocalVersion {
    /// Of the file, if there is one.
    File(Option<FileStamp>),
    /// Of the zone, if a copy may be used.
    Zone(Option<u32>),
    /// The list comes from an address.
    Remote,
}

impl LocalVersion {
    fn present(list: &PolicyListConfig, zones: &TransferredZones) -> Self {
        match list.origin() {
            ListOrigin::File(path) => LocalVersion::File(FileStamp::of(&path, terms(list))),
            ListOrigin::Zone(apex) => {
                LocalVersion::Zone(zones.stored(&apex).map(|zone| zone.soa().serial))
            }
            ListOrigin::Address(_) => LocalVersion::Remote,
        }
    }

    /// Whether a record has this version. The copy of a zone that has expired counts on.
    fn is_taken_over(&self, record: &ListRecord) -> bool {
        match self {
            LocalVersion::File(stamp) => *stamp == record.stamp,
            LocalVersion::Zone(serial) => serial.is_none() || *serial == record.serial,
            LocalVersion::Remote => true,
        }
    }
}

/// The terms of copies of a list.
pub(super) fn terms(list: &PolicyListConfig) -> CopyTerms {
    CopyTerms { form: list.form(), max_octets: list.max_size }
}

fn digest_of(octets: &[u8]) -> SourcesDigest {
    let half = |key| {
        let mut hasher = SipHasher13::new_with_keys(key, 0);
        hasher.write(octets);
        hasher.finish128().as_bytes()
    };
    let halves = [half(0), half(1)];
    halves.as_flattened().try_into().unwrap_or([0; DIGEST_OCTETS])
}
