//! The latencies of the present ten minutes.

use std::collections::BTreeMap;

use zoners_history::{LineObstacle, ResolutionRecord, own_time};

use crate::directory::Directory;
use crate::latency::{Latency, tenths};
use crate::numbering::Numbering;
use crate::period::{MAX_PERIOD_SERVERS, Period, ServerIndex};

/// The most latencies of a server in a slot; further replies are counted. Enough for a median.
const MAX_SAMPLES: usize = 64;
/// The most servers of a slot under way: a few times the servers of a period, of which those with the most replies stay.
const MAX_SLOT_SERVERS: usize = 8 * MAX_PERIOD_SERVERS;

/// Latencies under way.
#[derive(Clone, Debug, Default)]
struct Samples {
    tenths: Vec<u32>,
    count: u32,
}

impl Samples {
    fn add(&mut self, tenths: u32) {
        self.count = self.count.saturating_add(1);
        if self.tenths.len() < MAX_SAMPLES {
            self.tenths.push(tenths);
        }
    }

    fn latency(mut self) -> Option<Latency> {
        Latency::of(&mut self.tenths, self.count)
    }
}

/// The latencies of the present slot.
#[derive(Debug, Default)]
pub(crate) struct Measurement {
    own: Samples,
    servers: BTreeMap<ServerIndex, Samples>,
}

impl Measurement {
    /// Takes in a resolution; how many replies found no room. A resolution while the line was down, behind a portal or
    /// under a wrong clock says nothing of the usual latencies.
    pub(crate) fn add(
        &mut self,
        record: &ResolutionRecord,
        directory: &mut Directory,
        numbering: &Numbering,
    ) -> u64 {
        let line = record.line;
        if line.is_down || line.clock_wrong || line.obstacle == Some(LineObstacle::Portal) {
            return 0;
        }
        if record.has_asked() {
            self.own.add(tenths(own_time(record)));
        }
        let mut lost = 0;
        for hop in &record.hops {
            let Some((server, end)) = hop.asked() else { continue };
            if !end.is_useful() {
                continue;
            }
            let index = directory.index_of(server, &hop.zone, numbering);
            let is_added = index.is_some_and(|index| self.add_reply(index, tenths(hop.took)));
            lost += u64::from(!is_added);
        }
        lost
    }

    /// Takes in the round trip to a server; false without room.
    fn add_reply(&mut self, server: ServerIndex, tenths: u32) -> bool {
        if self.servers.len() >= MAX_SLOT_SERVERS && !self.servers.contains_key(&server) {
            return false;
        }
        self.servers.entry(server).or_default().add(tenths);
        true
    }

    /// The slot as a period; nothing is left.
    pub(crate) fn finish(&mut self) -> Period {
        let Measurement { own, servers } = std::mem::take(self);
        let latency =
            |(server, samples): (ServerIndex, Samples)| Some((server, samples.latency()?));
        let servers = servers.into_iter().filter_map(latency).collect();
        Period { own: own.latency(), servers }.bounded()
    }

    /// Moves servers to new places in the directory.
    pub(crate) fn renumber(&mut self, moved: &BTreeMap<ServerIndex, ServerIndex>) {
        let servers = std::mem::take(&mut self.servers);
        self.servers = servers
            .into_iter()
            .filter_map(|(old, samples)| Some((*moved.get(&old)?, samples)))
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_samples_of_a_server_are_counted_alone() {
        let mut samples = Samples::default();
        (0..MAX_SAMPLES).for_each(|_| samples.add(10));
        samples.add(9000);
        assert_eq!((samples.tenths.len(), samples.count), (MAX_SAMPLES, MAX_SAMPLES as u32 + 1));
        let latency = samples.latency().unwrap();
        assert_eq!((latency.tenths, latency.count), (10, MAX_SAMPLES as u32 + 1));
    }

    #[test]
    fn a_slot_has_a_most_of_servers() {
        let mut slot = Measurement::default();
        assert!((0..MAX_SLOT_SERVERS as u32).all(|server| slot.add_reply(server, 10)));
        assert!(!slot.add_reply(MAX_SLOT_SERVERS as u32, 10), "a further server");
        assert!(slot.add_reply(7, 10), "a known server");
        assert_eq!(slot.servers.len(), MAX_SLOT_SERVERS);
        let period = slot.finish();
        assert_eq!(period.servers.len(), MAX_PERIOD_SERVERS);
        assert!(slot.add_reply(MAX_SLOT_SERVERS as u32, 10), "there is room again");
    }
}
