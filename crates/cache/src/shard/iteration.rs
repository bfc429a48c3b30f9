//! Visits of all entries of a shard.

use zoners_dns::Moment;

use super::Shard;
use crate::arena::{Arena, Mark};

/// An entry, as an iteration sees it.
pub(crate) struct EntryView<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) expires: Moment,
    pub(crate) visited: bool,
    pub(crate) quarantine: u8,
}

/// The progress of an iteration over all entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(super) block: usize,
    unit: usize,
    /// How often the block was compacted. If the number has changed, the block is visited again
    /// from its start.
    compactions: u32,
}

impl Shard {
    /// Key, value and expiry of all entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8], Moment)> {
        self.arena.entries().filter_map(|at| {
            let (value, expires) = self.arena.value(at)?;
            Some((self.arena.key(at), value, expires))
        })
    }

    /// Calls `take` with entries from a cursor on, until `take` returns false. Returns the cursor
    /// to continue, or `None` after the last entry. No marks are set. Entries inserted during the
    /// iteration may be missed, as may entries of a block that is released.
    pub(crate) fn visit_from(
        &self,
        from: Cursor,
        mut take: impl FnMut(&EntryView<'_>) -> bool,
    ) -> Option<Cursor> {
        for block in from.block.. {
            let compactions = self.arena.compactions(block)?;
            let goes_on = (block, compactions) == (from.block, from.compactions);
            for at in self.arena.entries_of(block, if goes_on { from.unit } else { 0 }) {
                if !take(&self.view(at)?) {
                    return Some(Cursor { block, unit: Arena::behind(at), compactions });
                }
            }
        }
        None
    }

    /// Removes entries for which `matches` is true, and releases blocks that become empty.
    pub(crate) fn remove_matching(&mut self, matches: &impl Fn(&EntryView<'_>) -> bool) -> usize {
        let entries = self.arena.entries();
        let matching = entries.filter(|at| self.view(*at).is_some_and(|entry| matches(&entry)));
        let matching: Vec<u32> = matching.collect();
        matching.iter().for_each(|at| self.remove(*at));
        self.arena.release_empty();
        self.order.shrink(&self.arena);
        matching.len()
    }

    /// The entry at a position.
    fn view(&self, at: u32) -> Option<EntryView<'_>> {
        let (value, expires) = self.arena.value(at)?;
        let (visited, quarantine) =
            (self.arena.is_marked(at, Mark::Visited), self.arena.head(at)?.quarantine);
        Some(EntryView { key: self.arena.key(at), value, expires, visited, quarantine })
    }
}
