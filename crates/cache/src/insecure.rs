//! Zones that are proven insecure, so that the proof is not repeated for each name.

use bytes::BufMut;
use zoners_dns::{Ede, EdeCode, Moment, Name, name};

use crate::Cache;
use crate::codec::ValueReader;
use crate::key::{CacheKey, EntryKind};

/// An insecure zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsecureZone {
    /// The extended error for clients, if the zone is insecure because of an unsupported algorithm
    /// or too many iterations.
    pub ede: Option<Ede>,
}

impl Cache {
    /// The insecure zone at or above `name`. Zones with `anchored` labels or fewer are ignored: a
    /// trust anchor decides for them.
    #[must_use]
    pub fn insecure_zone(&self, name: &Name, anchored: usize, now: Moment) -> Option<InsecureZone> {
        let key = CacheKey::of_name(EntryKind::Unsigned, name.for_slice());
        let below = name::depth(name).saturating_sub(anchored);
        key.with_ancestors().take(below).find_map(|(_, key)| {
            self.table.get(key, now, |value, _| {
                let mut value = ValueReader(value);
                let ede = value.u16().map(|code| {
                    Ede::new(EdeCode(code), String::from_utf8_lossy(value.0).into_owned())
                });
                Some(InsecureZone { ede })
            })
        })
    }

    /// Caches for `ttl` seconds that `zone` is insecure.
    pub fn insert_insecure_zone(&self, zone: &Name, ede: Option<&Ede>, ttl: u32, now: Moment) {
        let key = CacheKey::of_name(EntryKind::Unsigned, zone.for_slice());
        let mut value = Vec::new();
        if let Some(ede) = ede {
            value.put_u16(ede.code.0);
            value.put_slice(ede.text.as_bytes());
        }
        self.table.insert(&key, &value, now.after_seconds(self.limits.positive(ttl)), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    #[test]
    fn names_below_an_insecure_zone_are_insecure() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let now = Moment::from_millis(0);
        let parsed = |text: &str| name::parse(text).unwrap();
        let ede = Ede::new(EdeCode(27), "150 iterations");
        cache.insert_insecure_zone(&parsed("a.test"), None, 60, now);
        cache.insert_insecure_zone(&parsed("b.test"), Some(&ede), 60, now);
        let unsigned = |text: &str, anchored| cache.insecure_zone(&parsed(text), anchored, now);
        assert_eq!(unsigned("www.A.test", 0), Some(InsecureZone { ede: None }));
        assert_eq!(unsigned("b.test", 1), Some(InsecureZone { ede: Some(ede) }));
        assert_eq!(unsigned("test", 0), None);
        assert_eq!(unsigned("www.a.test", 1), Some(InsecureZone { ede: None }));
        assert_eq!(unsigned("www.a.test", 2), None, "the anchor is as deep");
        assert_eq!(unsigned("www.a.test", 9), None);
        assert_eq!(cache.insecure_zone(&parsed("a.test"), 0, now.after_seconds(60)), None);
    }
}
