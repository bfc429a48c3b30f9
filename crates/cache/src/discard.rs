//! Entries that are discarded when other resolvers begin to answer.

use crate::Cache;
use crate::key::{EntryKind, name_length};
use crate::quarantine::is_secure_entry;

impl Cache {
    /// Discards failures: of a question, and of a proof. Returns the number of entries.
    pub fn discard_failures(&self) -> usize {
        self.table.remove_matching(|entry| {
            matches!(kind_of(entry.key), Some(EntryKind::Failure | EntryKind::Unprovable))
        })
    }

    /// Discards records, denials and finished answers that are not proven by signatures. Returns the number of entries.
    pub fn discard_unproven(&self) -> usize {
        self.table.remove_matching(|entry| {
            let kind = kind_of(entry.key);
            matches!(kind, Some(EntryKind::RRset | EntryKind::Denial | EntryKind::Answer))
                && !is_secure_entry(entry)
        })
    }
}

/// The kind in a key, of the kinds that may be discarded.
fn kind_of(key: &[u8]) -> Option<EntryKind> {
    const KINDS: [EntryKind; 5] = [
        EntryKind::RRset,
        EntryKind::Denial,
        EntryKind::Answer,
        EntryKind::Failure,
        EntryKind::Unprovable,
    ];
    let kind = key.get(name_length(key)?)?;
    KINDS.into_iter().find(|known| *known as u8 == *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use crate::test_entries::{NOW, insert_rrset_and_denial};
    use zoners_dns::{
        Delegation, DsStatus, Ede, EdeCode, NameServer, QueryMode, Question, Rtype, Security,
        Transport, name,
    };

    #[test]
    fn proven_entries_stay() {
        let cache = Cache::new(4 << 20, TtlLimits::default(), [0, 0]);
        insert_rrset_and_denial(&cache, "proven.test", Security::Secure);
        insert_rrset_and_denial(&cache, "plain.test", Security::Insecure);
        insert_rrset_and_denial(&cache, "unchecked.test", Security::Unchecked);
        let of = |text: &str| name::parse(text).unwrap();
        cache.insert_insecure_zone(&of("plain.test"), None, 60, NOW);
        let question = Question::new(of("plain.test"), Rtype::MX);
        cache.insert_failure(&question, &Ede::new(EdeCode::OTHER, ""), false, NOW);
        cache.insert_unprovable(&of("plain.test"), &Ede::new(EdeCode::OTHER, ""), 60, NOW);
        assert_eq!(cache.discard_failures(), 2);
        assert!(!cache.has_failed(&question, NOW) && cache.discard_failures() == 0);
        assert_eq!(cache.discard_unproven(), 4);
        assert!(cache.rrset(&of("proven.test"), Rtype::A, NOW).is_some());
        assert!(cache.denial(&of("proven.test"), Rtype::AAAA, NOW).is_some());
        assert!(cache.rrset(&of("plain.test"), Rtype::A, NOW).is_none());
        assert!(cache.insecure_zone(&of("plain.test"), 0, NOW).is_some(), "by a proof above");
    }

    #[test]
    fn the_way_to_a_zone_stays() {
        let cache = Cache::new(4 << 20, TtlLimits::default(), [0, 0]);
        let zone = name::parse("example").unwrap();
        let server = NameServer::plain(zone.clone(), vec![]);
        let delegation = Delegation {
            zone: zone.clone(),
            mode: QueryMode::Iterative,
            transport: Transport::Udp,
            servers: vec![server],
            signing: DsStatus::Unknown,
            expires: NOW.after_seconds(60),
        };
        cache.insert_delegation(&delegation, NOW);
        cache.discard_unproven();
        assert!(cache.delegation(&zone, NOW).is_some());
    }
}
