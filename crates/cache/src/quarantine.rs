//! Quarantine: entries that are inserted while interception is suspected and replies may be forged.
//!
//! Each entry bears the number of the quarantine in which it was inserted. So insecure entries of
//! the current quarantine can be discarded without a list, and older entries stay. Numbers repeat
//! after 255 quarantines. An entry that old may be discarded by mistake, which costs one new
//! look-up.

use std::sync::atomic::Ordering;

use zoners_dns::Security;

use crate::Cache;
use crate::answers;
use crate::denials;
use crate::key::{EntryKind, name_length};
use crate::shard::EntryView;

impl Cache {
    /// Starts a quarantine for entries inserted from now on. Entries of earlier quarantines become
    /// ordinary entries.
    pub fn begin_quarantine(&self) {
        let number = self.quarantines.load(Ordering::Relaxed) % u8::MAX + 1;
        self.quarantines.store(number, Ordering::Relaxed);
        self.table.set_quarantine(number);
    }

    /// Ends the quarantine; its entries become ordinary entries.
    pub fn end_quarantine(&self) {
        self.table.set_quarantine(0);
    }

    /// Whether a quarantine is active.
    #[must_use]
    pub fn is_quarantining(&self) -> bool {
        self.table.quarantine() != 0
    }

    /// Discards the insecure entries of the current quarantine. Returns the number of entries.
    pub fn discard_quarantined(&self) -> usize {
        match self.is_quarantining() {
            true => self.table.remove_matching(|entry| self.is_quarantined(entry)),
            false => 0,
        }
    }

    /// Whether an entry belongs to the current quarantine and is not secure.
    pub(crate) fn is_quarantined(&self, entry: &EntryView<'_>) -> bool {
        entry.quarantine != 0
            && entry.quarantine == self.table.quarantine()
            && !is_secure_entry(entry)
    }
}

/// Whether an entry is proven by signatures.
pub(crate) fn is_secure_entry(entry: &EntryView<'_>) -> bool {
    let kind = name_length(entry.key).and_then(|length| entry.key.get(length));
    let is = |kind_of: EntryKind| kind == Some(&(kind_of as u8));
    let secure = Some(Security::Secure.to_octet());
    match () {
        () if is(EntryKind::RRset) => entry.value.get(1).copied() == secure,
        () if is(EntryKind::Denial) => {
            entry.value.first().map(|head| denials::status(*head)) == secure
        }
        () if is(EntryKind::Answer) => answers::status(entry.value) == secure,
        () => is(EntryKind::Unsigned) || is(EntryKind::Unprovable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_entries::{NOW, insert_rrset_and_denial};
    use crate::{AnswerKey, ExportCursor, TtlLimits};
    use zoners_dns::compose::{Response, compose};
    use zoners_dns::{Ede, EdeCode, Question, Rtype, name};

    fn cache() -> Cache {
        Cache::new(4 << 20, TtlLimits::default(), [0, 0])
    }

    /// Inserts an RRset, a denial, a finished answer and a failure.
    fn insert_four(cache: &Cache, text: &str, security: Security) {
        let set = insert_rrset_and_denial(cache, text, security);
        let question = Question::new(set.owner.clone(), Rtype::A);
        let message = compose(&Response::plain(&question, &[set]));
        let (dnssec_ok, compact_ok, checking) = Default::default();
        let key = AnswerKey { rtype: Rtype::A, dnssec_ok, compact_ok, checking, group: 0 };
        let name = question.name.for_slice();
        assert!(cache.insert_answer(name, key, 1, &message, security, 60, NOW));
        cache.insert_failure(&question, &Ede::new(EdeCode::OTHER, ""), false, NOW);
    }

    fn exported(cache: &Cache) -> usize {
        let (own, mut progress, mut out) = (super::tests::cache(), ExportCursor::default(), vec![]);
        while cache.export(&mut progress, NOW, &mut out) {}
        own.import(&out, 0, true, NOW).unwrap().imported
    }

    #[test]
    fn insecure_entries_in_quarantine_are_discarded_and_not_exported() {
        let cache = cache();
        insert_four(&cache, "before.test", Security::Insecure);
        cache.begin_quarantine();
        insert_four(&cache, "forged.test", Security::Insecure);
        insert_four(&cache, "unchecked.test", Security::Unchecked);
        insert_four(&cache, "proven.test", Security::Secure);
        cache.insert_insecure_zone(&name::parse("plain.test").unwrap(), None, 60, NOW);
        assert_eq!(exported(&cache), 2 + 2 + 1, "RRset and denial of two names, and a proof");
        // RRset, denial, answer and failure of two names, and the failure of the secure name.
        assert_eq!(cache.discard_quarantined(), 2 * 4 + 1);
        let known = |text: &str| cache.rrset(&name::parse(text).unwrap(), Rtype::A, NOW).is_some();
        assert!(known("before.test") && known("proven.test"));
        assert!(!known("forged.test") && !known("unchecked.test"));
        assert!(cache.insecure_zone(&name::parse("plain.test").unwrap(), 0, NOW).is_some());
        assert_eq!(cache.discard_quarantined(), 0);
    }

    #[test]
    fn entries_that_outlive_their_quarantine_are_ordinary() {
        let cache = cache();
        cache.begin_quarantine();
        insert_four(&cache, "a.test", Security::Insecure);
        cache.end_quarantine();
        assert_eq!(
            (cache.is_quarantining(), cache.discard_quarantined(), exported(&cache)),
            (false, 0, 2)
        );
        cache.begin_quarantine();
        assert_eq!((cache.discard_quarantined(), exported(&cache)), (0, 2), "it is another doubt");
        insert_four(&cache, "a.test", Security::Insecure);
        assert_eq!(cache.discard_quarantined(), 4, "learned anew");
    }

    #[test]
    fn quarantine_numbers_wrap() {
        let cache = cache();
        for _ in 0..2 * 255 {
            cache.begin_quarantine();
            assert!(cache.is_quarantining(), "no number is that of no doubt");
        }
        insert_four(&cache, "a.test", Security::Insecure);
        for _ in 1..255 {
            cache.begin_quarantine();
            assert_eq!(cache.discard_quarantined(), 0);
        }
        cache.begin_quarantine();
        assert_eq!(cache.discard_quarantined(), 4);
    }
}
