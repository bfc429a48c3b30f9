//! Delegations, as the parent zones gave them.

use bytes::BufMut;
use zoners_dns::{Delegation, DsStatus, Moment, Name, NameServer, QueryMode, Transport, name};

use crate::Cache;
use crate::codec::{ValueReader, put_address, put_bytes, put_rrset, put_rrsets};
use crate::key::{CacheKey, EntryKind};

impl Cache {
    /// The delegation of `zone`, and of no ancestor.
    #[must_use]
    pub fn delegation(&self, zone: &Name, now: Moment) -> Option<Delegation> {
        let key = CacheKey::of_name(EntryKind::Delegation, zone.for_slice());
        self.table.get(key.as_slice(), now, |value, expires| decode(zone.clone(), value, expires))
    }

    /// The deepest cached zone cut at or above `name`.
    #[must_use]
    pub fn deepest_cut(&self, name: &Name, now: Moment) -> Option<Delegation> {
        let key = CacheKey::of_name(EntryKind::Delegation, name.for_slice());
        key.with_ancestors().find_map(|(at, key)| {
            self.table.get(key, now, |value, expires| {
                decode(name::from_offset(name, at)?, value, expires)
            })
        })
    }

    /// Caches a delegation until its expiry. An expired delegation is ignored. False if the
    /// delegation is too large.
    pub fn insert_delegation(&self, delegation: &Delegation, now: Moment) -> bool {
        if delegation.expires <= now {
            return true;
        }
        let cap = now.after_seconds(self.limits.cap);
        let key = CacheKey::of_name(EntryKind::Delegation, delegation.zone.for_slice());
        self.table.insert(&key, &encode(delegation), delegation.expires.min(cap), now)
    }
}

fn encode(delegation: &Delegation) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.put_u8(delegation.servers.len().min(255) as u8);
    for server in delegation.servers.iter().take(255) {
        put_bytes(&mut out, server.name.as_slice());
        out.put_u8(server.addresses.len().min(255) as u8);
        server.addresses.iter().take(255).for_each(|address| put_address(&mut out, *address));
    }
    match &delegation.signing {
        DsStatus::Unknown => out.put_u8(0),
        DsStatus::Signed(ds) => {
            out.put_u8(1);
            put_rrset(&mut out, ds);
        }
        DsStatus::Unsigned(proof) => {
            out.put_u8(2);
            put_rrsets(&mut out, proof);
        }
    }
    out
}

/// Only delegations from parent zones are cached, so the mode is iterative over UDP.
pub(crate) fn decode(zone: Name, value: &[u8], expires: Moment) -> Option<Delegation> {
    let mut value = ValueReader(value);
    let servers = (0..value.u8()?)
        .map(|_| {
            let name = value.name()?;
            let addresses = (0..value.u8()?).map(|_| value.address()).collect::<Option<_>>()?;
            Some(NameServer::plain(name, addresses))
        })
        .collect::<Option<Vec<_>>>()?;
    let signing = match value.u8()? {
        1 => DsStatus::Signed(value.rrset()?),
        2 => DsStatus::Unsigned(value.rrsets()?),
        _ => DsStatus::Unknown,
    };
    let (mode, transport) = (QueryMode::Iterative, Transport::Udp);
    Some(Delegation { zone, mode, transport, servers, signing, expires })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use zoners_dns::{RRset, Records, Rtype};

    fn delegation(zone: &str, expires: Moment) -> Delegation {
        let zone = name::parse(zone).unwrap();
        let ds = RRset::new(zone.clone(), Rtype::DS, 60, Records::from_iter([b"ds"]));
        let servers = vec![
            NameServer::plain(name::parse("ns.test").unwrap(), vec![]),
            NameServer::plain(
                name::parse("ns2.test").unwrap(),
                vec!["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:5353".parse().unwrap()],
            ),
        ];
        let (mode, transport) = (QueryMode::Iterative, Transport::Udp);
        Delegation { zone, mode, transport, servers, signing: DsStatus::Signed(ds), expires }
    }

    #[test]
    fn the_deepest_live_cut_is_found() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let now = Moment::from_millis(0);
        let (com, example) = (
            delegation("com", now.after_seconds(1000)),
            delegation("example.com", now.after_seconds(10)),
        );
        cache.insert_delegation(&com, now);
        cache.insert_delegation(&example, now);
        let www = name::parse("www.example.com").unwrap();
        assert_eq!(cache.deepest_cut(&www, now), Some(example));
        assert_eq!(cache.deepest_cut(&www, now.after_seconds(10)), Some(com));
        assert_eq!(cache.deepest_cut(&name::parse("org").unwrap(), now), None);
    }

    #[test]
    fn a_delegation_is_kept_no_longer_than_the_cap() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let now = Moment::from_millis(0);
        cache.insert_delegation(&delegation("com", now.after_seconds(172_800)), now);
        let zone = name::parse("com").unwrap();
        assert!(cache.delegation(&zone, now.after_seconds(86_399)).is_some());
        assert!(cache.delegation(&zone, now.after_seconds(86_400)).is_none());
    }
}
