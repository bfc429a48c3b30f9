//! Export and import of entries, for a restart of this process or for other nodes.
//!
//! An export may be modified by outsiders before its import. So each entry is checked for the
//! format that this module writes. Whether the security status in an export can be trusted is for
//! the caller to decide, who knows the way of the export.

mod answer;

use bytes::BufMut;
use zoners_dns::{Moment, RRset, Rtype, Security};

use crate::codec::{ValueReader, put_bytes};
use crate::delegations;
use crate::denials;
use crate::key::{CacheKey, EntryKind};
use crate::ranges::RangeProgress;
use crate::servers::ServerInfo;
use crate::shard::{Cursor, EntryView};
use crate::{Cache, MAX_ENTRY_OCTETS, Rank};

/// Octets of entries exported at once. Meanwhile one shard accepts no insertions.
const PIECE_OCTETS: usize = 32 * 1024;

/// The progress of an export.
#[derive(Clone, Debug, Default)]
pub struct ExportCursor {
    pass: usize,
    at: (usize, Cursor),
    range: RangeProgress,
}

/// The passes of an export: first delegations, servers and insecure zones, on which further
/// look-ups depend, then answers; ranges follow. A live entry stays in its pass, so no entry is
/// missed because of a change during the export.
const PASSES: [fn(EntryKind) -> bool; 2] = [|kind| !is_answer(kind), is_answer];

fn is_answer(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::RRset | EntryKind::Denial)
}

/// The result of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportStats {
    /// Entries that are in the cache now.
    pub imported: usize,
    /// Entries that have expired, or are worth less than the present entry.
    pub skipped: usize,
}

/// The octets are not a valid export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEntries;

impl Cache {
    /// Appends the next entries to `out`, about 32 KiB. False after the last entry. Quarantined
    /// entries are not exported.
    pub fn export(&self, progress: &mut ExportCursor, now: Moment, out: &mut Vec<u8>) -> bool {
        let Some(wanted) = PASSES.get(progress.pass) else {
            let since = self.stale_read_time(now);
            return self.ranges.export(
                &mut progress.range,
                PIECE_OCTETS,
                since,
                |zone, value, expires| {
                    let key = CacheKey::of_name(EntryKind::Range, zone.for_slice());
                    put(out, key.as_slice(), value, expires, true);
                },
            );
        };
        let most = out.len() + PIECE_OCTETS;
        let next = self.table.visit_from(progress.at, |entry| {
            let EntryView { key, value, expires, visited, .. } = *entry;
            let kind = EntryKind::of(key).filter(|kind| wanted(*kind));
            if kind.is_some_and(|kind| self.useless_at(kind, expires) > now)
                && !self.is_quarantined(entry)
            {
                put(out, key, value, expires, visited);
            }
            out.len() < most
        });
        match next {
            Some(at) => progress.at = at,
            None => (progress.pass, progress.at) = (progress.pass + 1, Default::default()),
        }
        true
    }

    /// Imports the entries of a [`Cache::export`], made on a clock that is `shift` milliseconds
    /// behind this clock. If not `trusted`, the security status of the entries becomes unchecked.
    ///
    /// # Errors
    /// An entry is malformed. The entries before are imported.
    pub fn import(
        &self,
        entries: &[u8],
        shift: i64,
        trusted: bool,
        now: Moment,
    ) -> Result<ImportStats, InvalidEntries> {
        let (mut entries, mut taken) = (ValueReader(entries), ImportStats::default());
        while !entries.0.is_empty() {
            let entry = PortableEntry::read(&mut entries).ok_or(InvalidEntries)?;
            match self.import_entry(entry, shift, trusted, now).ok_or(InvalidEntries)? {
                true => taken.imported += 1,
                false => taken.skipped += 1,
            }
        }
        Ok(taken)
    }

    /// Whether further insertions would evict entries.
    #[must_use]
    pub fn is_nearly_full(&self) -> bool {
        self.table.is_nearly_full()
    }

    /// When an entry is not even useful for serve-stale any more.
    fn useless_at(&self, kind: EntryKind, expires: Moment) -> Moment {
        expires.after_seconds(if kind.keeps_stale() { self.limits.stale } else { 0 })
    }

    /// Imports one entry, if useful. `None` if the entry is malformed.
    fn import_entry(
        &self,
        entry: PortableEntry<'_>,
        shift: i64,
        trusted: bool,
        now: Moment,
    ) -> Option<bool> {
        let key = CacheKey::read(entry.key)?;
        let mut value = entry.value.to_vec();
        let cap = match key.kind() {
            EntryKind::RRset => {
                check_rrset(&key, &mut value, trusted)?;
                self.limits.cap
            }
            EntryKind::Denial => {
                check_denial(&mut value, trusted)?;
                self.limits.negative_cap
            }
            EntryKind::Delegation => {
                delegations::decode(key.name()?, &value, Moment::NEVER)?;
                self.limits.cap
            }
            EntryKind::Unsigned | EntryKind::Range if !trusted => return Some(false),
            EntryKind::Range => {
                let expires = entry.expires.shifted(shift).min(now.after_seconds(self.limits.cap));
                self.ranges.import(&key.name()?, &value, expires)?;
                return Some(true);
            }
            EntryKind::Unsigned => self.limits.cap,
            _ => {
                value = ServerInfo::decode(&value)?.shifted(shift).encode();
                self.limits.cap
            }
        };
        let expires = entry.expires.shifted(shift).min(now.after_seconds(cap));
        let useful = self.useless_at(key.kind(), expires) > now;
        Some(useful && self.table.add(&key, &value, expires, entry.popular, now))
    }
}

/// An exported entry.
struct PortableEntry<'a> {
    key: &'a [u8],
    value: &'a [u8],
    expires: Moment,
    popular: bool,
}

fn put(out: &mut Vec<u8>, key: &[u8], value: &[u8], expires: Moment, popular: bool) {
    out.put_u8(popular.into());
    out.put_u64(expires.as_millis());
    put_bytes(out, key);
    put_bytes(out, value);
}

impl<'a> PortableEntry<'a> {
    fn read(from: &mut ValueReader<'a>) -> Option<Self> {
        let (popular, expires) = (from.u8()?, Moment::from_millis(from.u64()?));
        let (key, value) = (from.slice()?, from.slice()?);
        let fits = popular <= 1 && value.len() <= MAX_ENTRY_OCTETS;
        fits.then_some(PortableEntry { key, value, expires, popular: popular == 1 })
    }
}

/// Checks that `value` is a valid RRset for `key`. If not `trusted`, the security status becomes
/// unchecked.
fn check_rrset(key: &CacheKey, value: &mut [u8], trusted: bool) -> Option<()> {
    let mut read = ValueReader(value);
    let (rank, security) = (read.u8()?, read.u8()?);
    let records = read.records()?;
    let signatures = read.records()?;
    let set = RRset { signatures, ..RRset::new(key.name()?, key.rtype()?, 0, records) };
    let proof = read.rrsets()?;
    let ranked = (Rank::Additional as u8..=Rank::AuthoritativeAnswer as u8).contains(&rank);
    let sound = set.is_sound() && proof.iter().all(RRset::is_sound) && read.0.is_empty();
    if !ranked || !sound || Security::from_octet(security).to_octet() != security {
        return None;
    }
    if !trusted {
        value[1] = Security::Unchecked.to_octet();
    }
    Some(())
}

/// Checks that `value` is a valid denial. If not `trusted`, the security status becomes unchecked.
fn check_denial(value: &mut [u8], trusted: bool) -> Option<()> {
    let mut read = ValueReader(value);
    let (head, soa, proof) = (read.u8()?, read.rrsets()?, read.rrsets()?);
    let sound = soa.len() <= 1
        && soa.iter().all(|set| set.rtype == Rtype::SOA)
        && soa.iter().chain(&proof).all(RRset::is_sound);
    let status = denials::status(head);
    if !sound || !read.0.is_empty() || Security::from_octet(status).to_octet() != status {
        return None;
    }
    if !trusted {
        value[0] = denials::unchecked(head);
    }
    Some(())
}

#[cfg(test)]
mod tests;
