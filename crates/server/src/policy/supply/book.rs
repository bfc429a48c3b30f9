//! The versions of each list: in force, waiting, and the newest; and how the last attempts went. Kept in the state folder.

use std::fs;
use std::hash::Hasher;
use std::io::{self, Write};
use std::path::Path;

use siphasher::sip::SipHasher13;
use zoners_files::{read_own, replace};
use zoners_http::Validators;
use zoners_policy::{GuardDecision, ListGuard, ListVersion, MAX_LISTS};

use super::file::FileStamp;
use super::schedule::DownloadTerms;
use super::texts::{TextName, TextStore};
use crate::config::{ListOrigin, PolicyListConfig};

/// The file of the state folder.
pub(crate) const FILE: &str = "lists.json";
/// A longer file is not ours: 4 KiB for each list.
const MAX_OCTETS: u64 = MAX_LISTS as u64 * 4096;
const MODE: u32 = 0o600;
/// Octets of the longest reason that is kept.
const MAX_REASON: usize = 300;

/// The versions of every list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ListBook {
    lists: Vec<ListRecord>,
}

/// The versions of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct ListRecord {
    /// The identifier: a digest of name and origin.
    pub(crate) id: String,
    /// The version in force, and the waiting version.
    pub(crate) guard: ListGuard,
    /// The digest of the newest copy.
    pub(crate) newest: Option<String>,
    /// The digest of the newest copy on which the guard has decided, or which was no list.
    pub(crate) judged: Option<String>,
    /// Why the newest text is not used.
    pub(crate) fault: Option<String>,
    /// The version of the file, for a file.
    pub(crate) stamp: Option<FileStamp>,
    /// The serial of the zone, for a transferred zone.
    pub(crate) serial: Option<u32>,
    /// The version of the newest copy, as the server names it.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// The last attempt, in Unix seconds.
    pub(crate) attempted_s: Option<u64>,
    /// The last time at which the newest copy was the list.
    pub(crate) fetched_s: Option<u64>,
    /// Failures since then.
    pub(crate) failures: u32,
    /// Why the last attempt failed.
    pub(crate) error: Option<String>,
}

impl ListBook {
    /// The book of a state folder; empty if there is none, or with a fault, which is logged. An empty book costs a
    /// download of each list.
    pub(crate) fn read(folder: Option<&Path>) -> Self {
        let Some(path) = folder.map(|folder| folder.join(FILE)) else { return Self::default() };
        ListBook::in_file(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!("policy: {}: {error}: the lists are fetched again", path.display());
            }
            Self::default()
        })
    }

    fn in_file(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&read_own(path, MAX_OCTETS)?)?)
    }

    /// Writes the book into the state folder.
    pub(crate) fn write(&self, folder: Option<&Path>) {
        let (Some(folder), Ok(text)) = (folder, serde_json::to_vec(self)) else { return };
        let path = folder.join(FILE);
        if self.lists.is_empty() && !fs::exists(&path).unwrap_or(true) {
            return;
        }
        if let Err(error) = replace(&path, MODE, |out| out.write_all(&text)) {
            tracing::warn!(
                "policy: {}: {error}: the lists are fetched again after a restart",
                path.display()
            );
        }
    }

    /// The record of a configured list.
    pub(crate) fn of(&self, list: &PolicyListConfig) -> Option<&ListRecord> {
        let id = id_of(list);
        self.lists.iter().find(|record| record.id == id)
    }

    /// The record of an identifier.
    pub(crate) fn record(&mut self, id: &str) -> Option<&mut ListRecord> {
        self.lists.iter_mut().find(|record| record.id == id)
    }

    /// Makes a record for each of these lists, in this order, and drops further records.
    pub(crate) fn configure(&mut self, lists: &[PolicyListConfig]) {
        let mut before = std::mem::take(&mut self.lists);
        let record = |list: &PolicyListConfig| {
            let id = id_of(list);
            let place = before.iter().position(|record| record.id == id);
            let new = || ListRecord { id: id.clone(), ..ListRecord::default() };
            place.map_or_else(new, |place| before.swap_remove(place))
        };
        self.lists = lists.iter().map(record).collect();
    }

    /// The copies with a version in the book.
    pub(crate) fn used(&self) -> Vec<TextName<'_>> {
        let names = self.lists.iter().flat_map(|record| {
            let held = record.guard.held().map(|held| &held.version.digest);
            let in_force = record.guard.in_force().map(|version| &version.digest);
            let digests = [held, in_force, record.newest.as_ref()].into_iter().flatten();
            digests.map(|digest| TextName { list: &record.id, digest })
        });
        names.collect()
    }

    pub(crate) fn records_mut(&mut self) -> impl Iterator<Item = &mut ListRecord> {
        self.lists.iter_mut()
    }
}

/// The identifier of a list. A new name or origin makes a new list.
pub(crate) fn id_of(list: &PolicyListConfig) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(format!("{:?} {:?}", list.name, list.origin().to_string()).as_bytes());
    format!("{:016x}", hasher.finish())
}

impl ListRecord {
    /// The digest of the text for a compilation: the newest text before its judgement, a due text after its wait, else
    /// the text in force.
    pub(crate) fn wanted(&self, now_s: u64) -> Option<&str> {
        self.candidate(now_s).or_else(|| Some(&*self.guard.in_force()?.digest))
    }

    /// The digest of a text that is not in force and may be.
    pub(crate) fn candidate(&self, now_s: u64) -> Option<&str> {
        let unjudged = self.newest.as_deref().filter(|_| self.newest != self.judged);
        let held = self.guard.held().filter(|_| self.guard.has_due_version(now_s));
        unjudged.or_else(|| held.map(|held| &*held.version.digest))
    }

    /// Has the guard decide on a text with this number of rules; false if the text is not taken. An address whose text
    /// has no rules is no list, while a file may be emptied by a person, and a zone comes whole or not at all.
    pub(crate) fn judge(
        &mut self,
        digest: &str,
        rules: u32,
        origin: &ListOrigin,
        now_s: u64,
    ) -> bool {
        if self.newest.as_deref() == Some(digest) {
            self.judged = self.newest.clone();
        }
        if rules == 0 && matches!(origin, ListOrigin::Address(_)) {
            self.guard.forget(digest);
            self.note_fault(Some("no line of the list has a rule".to_owned()));
            return false;
        }
        let version = ListVersion { digest: digest.to_owned(), rules };
        self.guard.offer(version, now_s) == GuardDecision::Taken
    }

    /// Forgets copies that are gone from the store: the list is fetched again.
    pub(crate) fn forget_lost_copies(&mut self, store: &TextStore) {
        let is_lost = |digest: &str| store.open(TextName { list: &self.id, digest }).is_err();
        let held = self.guard.held().map(|held| held.version.digest.clone());
        let in_force = self.guard.in_force().map(|version| version.digest.clone());
        let lost: Vec<String> =
            [held, in_force].into_iter().flatten().filter(|digest| is_lost(digest)).collect();
        if self.newest.as_deref().is_some_and(is_lost) {
            (self.newest, self.judged, self.stamp, self.serial) = (None, None, None, None);
            (self.etag, self.last_modified, self.fetched_s) = (None, None, None);
        }
        lost.iter().for_each(|digest| self.guard.forget(digest));
    }

    /// The version of the newest copy for the server; nothing without a usable copy.
    pub(crate) fn validators(&self) -> Validators {
        match self.newest.is_some() && self.fault.is_none() {
            true => {
                Validators { etag: self.etag.clone(), last_modified: self.last_modified.clone() }
            }
            false => Validators::default(),
        }
    }

    /// The terms of the refreshes.
    pub(crate) fn terms(&self, every_s: u64) -> DownloadTerms {
        DownloadTerms {
            list: self.id.clone(),
            every_s,
            fetched_s: self.fetched_s.filter(|_| self.newest.is_some()),
            attempted_s: self.attempted_s,
            failures: self.failures,
        }
    }

    /// Takes over the decisions of a compilation. Downloads may have ended meanwhile.
    pub(crate) fn take_decisions(&mut self, compiled: ListRecord, origin: &ListOrigin) {
        let ListRecord { guard, judged, fault, .. } = compiled.clone();
        let is_accepted = self.guard.held().is_some_and(|held| held.is_accepted);
        match origin {
            ListOrigin::File(_) | ListOrigin::Zone(_) => *self = compiled,
            ListOrigin::Address(_) => {
                (self.guard, self.judged, self.fault) = (guard, judged, fault)
            }
        }
        // The word of a person may have come during the compilation.
        if is_accepted {
            self.guard.accept();
        }
    }

    /// Notes a failed attempt.
    pub(crate) fn note_failure(&mut self, why: &str, now_s: u64) {
        self.attempted_s = Some(now_s);
        self.failures = self.failures.saturating_add(1);
        self.error = Some(shortened(why));
    }

    /// Notes that the newest copy is the list.
    pub(crate) fn note_success(&mut self, now_s: u64) {
        (self.attempted_s, self.fetched_s) = (Some(now_s), Some(now_s));
        (self.failures, self.error) = (0, None);
    }

    /// Notes a new copy.
    pub(crate) fn note_copy(&mut self, digest: String, validators: Validators) {
        if self.newest.as_ref() != Some(&digest) {
            self.fault = None;
        }
        self.newest = Some(digest);
        (self.etag, self.last_modified) = (validators.etag, validators.last_modified);
    }

    /// Why the newest text is not used, if so.
    pub(crate) fn note_fault(&mut self, why: Option<String>) {
        self.fault = why.map(|why| shortened(&why));
    }
}

fn shortened(why: &str) -> String {
    let end = why.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_REASON).last();
    match why.len() > MAX_REASON {
        true => format!("{}…", &why[..end.unwrap_or_default()]),
        false => why.to_owned(),
    }
}

#[cfg(test)]
mod tests;
