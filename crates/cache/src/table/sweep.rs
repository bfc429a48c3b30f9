//! Work on all entries of a table, one shard after the other.

use zoners_dns::Moment;

use super::{Table, reading, writing};
use crate::shard::{Cursor, EntryView};

impl Table {
    /// Calls `take` with entries from a cursor on, until `take` returns false. Returns the cursor
    /// to continue. One call visits and locks one shard only.
    pub(crate) fn visit_from(
        &self,
        (shard, from): (usize, Cursor),
        take: impl FnMut(&EntryView<'_>) -> bool,
    ) -> Option<(usize, Cursor)> {
        let next = reading(self.shards.get(shard)?).visit_from(from, take);
        Some(next.map_or((shard + 1, Cursor::default()), |from| (shard, from)))
    }

    /// The results of `select` for live entries, at most `max_results`, in no particular order. One shard
    /// is locked at a time.
    pub(crate) fn collect<T>(
        &self,
        now: Moment,
        max_results: usize,
        select: impl Fn(&[u8], &[u8]) -> Option<T>,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = reading(shard);
            let live = shard.entries().filter(|(_, _, expires)| *expires > now);
            let selected = live.filter_map(|(key, value, _)| select(key, value));
            found.extend(selected.take(max_results - found.len()));
        }
        found
    }

    /// Removes entries for which `matches` is true. Returns their number. One shard is locked at a
    /// time.
    pub(crate) fn remove_matching(&self, matches: impl Fn(&EntryView<'_>) -> bool) -> usize {
        self.shards.iter().map(|shard| writing(shard).remove_matching(&matches)).sum()
    }
}
