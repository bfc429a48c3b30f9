//! Names of signed zones whose denials cannot be proven, and the extended error for clients.
//!
//! An entry applies to denials of the name only. Records at the name, and names below, may be
//! provable.

use bytes::BufMut;
use zoners_dns::{Ede, EdeCode, Moment, Name};

use crate::Cache;
use crate::codec::ValueReader;
use crate::key::{CacheKey, EntryKind};

impl Cache {
    /// Why denials of `name` cannot be proven.
    #[must_use]
    pub fn unprovable(&self, name: &Name, now: Moment) -> Option<Ede> {
        let key = CacheKey::of_name(EntryKind::Unprovable, name.for_slice());
        self.table.get(key.as_slice(), now, |value, _| {
            let mut value = ValueReader(value);
            let code = EdeCode(value.u16()?);
            Some(Ede::new(code, String::from_utf8_lossy(value.0).into_owned()))
        })
    }

    /// Caches for `ttl` seconds why denials of `name` cannot be proven.
    pub fn insert_unprovable(&self, name: &Name, ede: &Ede, ttl: u32, now: Moment) {
        let key = CacheKey::of_name(EntryKind::Unprovable, name.for_slice());
        let mut value = Vec::new();
        value.put_u16(ede.code.0);
        value.put_slice(ede.text.as_bytes());
        self.table.insert(&key, &value, now.after_seconds(self.limits.negative(ttl)), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use zoners_dns::name;

    #[test]
    fn an_entry_applies_to_one_name() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let (now, ede) = (Moment::from_millis(0), Ede::new(EdeCode(27), "test."));
        let parsed = |text: &str| name::parse(text).unwrap();
        cache.insert_unprovable(&parsed("a.test"), &ede, 60, now);
        assert_eq!(cache.unprovable(&parsed("A.test"), now), Some(ede));
        assert_eq!(cache.unprovable(&parsed("www.a.test"), now), None);
        assert_eq!(cache.unprovable(&parsed("a.test"), now.after_seconds(60)), None);
        assert_eq!(cache.insecure_zone(&parsed("www.a.test"), 0, now), None);
    }
}
