//! The latencies of ten minutes or of an hour on one network, and their octets.

use std::collections::BTreeMap;

use zoners_history::octets::{Reader, put_number};

use crate::latency::Latency;

/// The length of a slot, in seconds.
pub(crate) const SLOT_S: u64 = 600;
/// The length of an hour, in seconds.
pub(crate) const HOUR_S: u64 = 3600;
/// The most servers of a period: servers with the most replies.
pub(crate) const MAX_PERIOD_SERVERS: usize = 64;

/// The place of a server in the directory.
pub(crate) type ServerIndex = u32;

/// The latencies of a stretch of time on one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Period {
    /// The resolver's own time in a question.
    pub(crate) own: Option<Latency>,
    /// The round trips to servers, in the order of their numbers.
    pub(crate) servers: Vec<(ServerIndex, Latency)>,
}

impl Period {
    /// Several stretches together.
    pub(crate) fn merged(parts: &[Period]) -> Self {
        let own: Vec<Latency> = parts.iter().filter_map(|part| part.own).collect();
        let mut servers = BTreeMap::<ServerIndex, Vec<Latency>>::new();
        for (server, latency) in parts.iter().flat_map(|part| &part.servers) {
            servers.entry(*server).or_default().push(*latency);
        }
        let merged = |(server, parts): (ServerIndex, Vec<Latency>)| {
            Latency::merged(&parts).map(|latency| (server, latency))
        };
        let servers = servers.into_iter().filter_map(merged).collect();
        Period { own: Latency::merged(&own), servers }.bounded()
    }

    /// The period without the servers that replied least, beyond the limit.
    pub(crate) fn bounded(mut self) -> Self {
        if self.servers.len() > MAX_PERIOD_SERVERS {
            self.servers
                .sort_by_key(|(server, latency)| (std::cmp::Reverse(latency.count), *server));
            self.servers.truncate(MAX_PERIOD_SERVERS);
            self.servers.sort_unstable_by_key(|(server, _)| *server);
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_none() && self.servers.is_empty()
    }

    /// Four to six octets a server.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let own = self.own.unwrap_or_default();
        put_latency(&mut out, own);
        let mut before = 0;
        for (server, latency) in &self.servers {
            put_number(&mut out, u64::from(server - before));
            put_latency(&mut out, *latency);
            before = *server;
        }
        out
    }

    /// Of damaged octets, the part before the damage.
    pub(crate) fn of_octets(octets: &[u8]) -> Self {
        let mut reader = Reader(octets);
        let own = latency(&mut reader).filter(|own| own.count > 0);
        let (mut servers, mut before) = (Vec::new(), 0_u32);
        while let Some(step) = reader.number() {
            let server = u32::try_from(step).ok().and_then(|step| before.checked_add(step));
            let (Some(server), Some(latency)) = (server, latency(&mut reader)) else { break };
            servers.push((server, latency));
            before = server;
        }
        servers.truncate(MAX_PERIOD_SERVERS);
        Period { own, servers }
    }
}

fn put_latency(out: &mut Vec<u8>, latency: Latency) {
    put_number(out, latency.count.into());
    if latency.count > 0 {
        put_number(out, latency.tenths.into());
    }
}

fn latency(reader: &mut Reader<'_>) -> Option<Latency> {
    let count = u32::try_from(reader.number()?).ok()?;
    let tenths = if count > 0 { u32::try_from(reader.number()?).ok()? } else { 0 };
    Some(Latency { count, tenths })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn period(servers: &[(u32, u32, u32)]) -> Period {
        let servers = servers
            .iter()
            .map(|(server, count, tenths)| (*server, Latency { count: *count, tenths: *tenths }));
        Period { own: None, servers: servers.collect() }
    }

    #[test]
    fn the_servers_with_the_most_replies_stay() {
        let many: Vec<(u32, u32, u32)> =
            (0..MAX_PERIOD_SERVERS as u32 + 6).map(|number| (number, number + 1, 100)).collect();
        let bounded = period(&many).bounded();
        assert_eq!(bounded.servers.len(), MAX_PERIOD_SERVERS);
        assert_eq!(bounded.servers.first().map(|(server, _)| *server), Some(6));
    }

    #[test]
    fn slots_become_an_hour() {
        let parts =
            [period(&[(1, 3, 100), (2, 1, 70)]), period(&[(1, 9, 120)]), period(&[(1, 2, 900)])];
        assert_eq!(Period::merged(&parts), period(&[(1, 14, 120), (2, 1, 70)]));
        assert!(Period::merged(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn a_period_is_read_as_written(servers in prop::collection::btree_map(0_u32..5000, (1_u32..300, 0_u32..90_000), 0..64), own in prop::option::of((1_u32..9, 0_u32..500))) {
            let latency = |(count, tenths)| Latency { count, tenths };
            let servers = servers.into_iter().map(|(server, of)| (server, latency(of))).collect();
            let period = Period { own: own.map(latency), servers };
            prop_assert_eq!(Period::of_octets(&period.to_octets()), period);
        }

        #[test]
        fn whatever_is_read_is_bounded(octets: Vec<u8>) {
            prop_assert!(Period::of_octets(&octets).servers.len() <= MAX_PERIOD_SERVERS);
        }
    }
}
