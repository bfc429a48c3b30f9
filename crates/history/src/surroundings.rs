//! The conduct of servers at the time of a record: the evidence on the line.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::hop::HopEnd;
use crate::hop::ReplyEnd::{NoSocket, Outpaced};
use crate::record::ResolutionRecord;

/// Seconds before and after a record whose records are evidence on the line.
pub const SURROUNDING_SECONDS: u64 = 30;
/// A wait that exceeds the usual round trip by half and by this is late …
const LATE: Duration = Duration::from_millis(20);
/// … and by this where the usual round trip of the server is unknown.
const LATE_UNKNOWN: Duration = Duration::from_millis(60);

/// The conduct of servers at a time.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    servers: BTreeMap<IpAddr, ServerConduct>,
    usual: Option<Duration>,
}

/// The conduct of a server.
#[derive(Clone, Debug, Default)]
struct ServerConduct {
    provider: String,
    /// Round trips of useful replies.
    round_trips: Vec<Duration>,
    /// Other replies.
    faulty: u32,
    /// Queries without a reply in time.
    silent: u32,
    /// The waits of queries when a different server was quicker.
    outpaced: Vec<Duration>,
}

impl ServerConduct {
    fn is_alive(&self) -> bool {
        !self.round_trips.is_empty() || self.faulty > 0
    }

    fn usual(&self) -> Option<Duration> {
        middle(&self.round_trips)
    }

    /// Queries with a known end, and the number of queries without a reply in time.
    fn asked_and_lost(&self) -> (u32, u32) {
        let usual = self.usual().unwrap_or_default();
        let late = self.outpaced.iter().filter(|waited| **waited > usual * 3 / 2 + LATE).count();
        let lost = self.silent + late as u32;
        (lost + self.round_trips.len() as u32 + self.faulty, lost)
    }
}

/// The servers of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerGroup {
    /// Servers that were asked.
    pub(crate) asked: u32,
    /// Servers that replied.
    pub(crate) alive: u32,
    /// Queries to the servers that replied.
    pub(crate) queries: u32,
    /// Queries to them without a reply in time.
    pub(crate) lost: u32,
    /// The median round trip.
    pub(crate) usual: Option<Duration>,
}

impl ServerGroup {
    /// Whether servers were asked, and none replied.
    pub(crate) fn is_silent(&self, least: u32) -> bool {
        self.asked >= least && self.alive == 0
    }

    /// The share of lost queries at servers that reply, in hundredths.
    pub(crate) fn lost_percent(&self) -> u32 {
        self.lost * 100 / self.queries.max(1)
    }
}

impl Surroundings {
    /// The conduct of servers in `records`: the judged record, and the records within [`SURROUNDING_SECONDS`].
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a ResolutionRecord>) -> Self {
        let mut servers = BTreeMap::<IpAddr, ServerConduct>::new();
        for hop in records.into_iter().flat_map(|record| &record.hops) {
            let Some((server, end)) = hop.asked() else { continue };
            let conduct = servers.entry(server.address.ip()).or_default();
            if conduct.provider.is_empty() {
                conduct.provider = server.provider();
            }
            match end {
                _ if end.is_useful() => conduct.round_trips.push(hop.took),
                _ if end.is_faulty() => conduct.faulty += 1,
                HopEnd::Reply(Outpaced) => conduct.outpaced.push(hop.took),
                HopEnd::Reply(NoSocket) => {}
                // A query that has just been sent says nothing yet.
                _ if end.is_silent() && hop.took < LATE_UNKNOWN => {}
                _ => conduct.silent += 1,
            }
        }
        let all: Vec<Duration> = servers.values().filter_map(ServerConduct::usual).collect();
        Surroundings { usual: middle(&all), servers }
    }

    /// Whether a server has replied.
    pub(crate) fn is_alive(&self, server: IpAddr) -> bool {
        self.servers.get(&server).is_some_and(ServerConduct::is_alive)
    }

    /// Whether a wait for a server is longer than usual: for this server, or else for all servers.
    pub(crate) fn is_late(&self, server: IpAddr, waited: Duration) -> bool {
        match self.servers.get(&server).and_then(ServerConduct::usual) {
            Some(usual) => waited > usual * 3 / 2 + LATE,
            None => waited > self.usual.unwrap_or_default() * 2 + LATE_UNKNOWN,
        }
    }

    /// The servers that `wanted` picks by address and provider.
    pub(crate) fn group(&self, wanted: impl Fn(IpAddr, &str) -> bool) -> ServerGroup {
        let mut group = ServerGroup::default();
        let mut usual = Vec::new();
        let picked =
            self.servers.iter().filter(|(address, conduct)| wanted(**address, &conduct.provider));
        for (_, conduct) in picked {
            group.asked += 1;
            if !conduct.is_alive() {
                continue;
            }
            let (queries, lost) = conduct.asked_and_lost();
            group.alive += 1;
            group.queries += queries;
            group.lost += lost;
            usual.extend(conduct.usual());
        }
        group.usual = middle(&usual);
        group
    }
}

/// The median.
fn middle(durations: &[Duration]) -> Option<Duration> {
    let mut durations = durations.to_vec();
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied()
}
