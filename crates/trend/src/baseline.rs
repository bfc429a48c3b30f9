//! The baseline: latencies of a year, and the changes found in them.

use std::collections::BTreeMap;

use zoners_history::ResolutionRecord;

use crate::archive::Archive;
use crate::change::LatencyChange;
use crate::detection::NetworkWatch;
use crate::directory::{Directory, MAX_SERVERS};
use crate::levels::DAY_S;
use crate::measurement::Measurement;
use crate::numbering::Numbering;
use crate::period::{HOUR_S, Period, SLOT_S, ServerIndex};
use crate::series::NetworkView;

/// The most octets of the hours: a year of 64 servers an hour takes 3 MB.
pub(crate) const MAX_HOUR_OCTETS: usize = 4 << 20;
/// The most octets of the ten minutes of three days.
pub(crate) const MAX_SLOT_OCTETS: usize = 512 << 10;
/// Hours are kept so long.
const HOUR_DAYS: u64 = 366;
/// Ten minutes are kept so long.
const SLOT_DAYS: u64 = 3;
/// The most changes; the oldest are forgotten first.
pub(crate) const MAX_CHANGES: usize = 256;
/// The most changes found in one hour.
const MAX_FOUND_AT_ONCE: usize = 8;
/// The longest wait of a query for its end, in seconds.
const LATE_S: u64 = HOUR_S;
/// A machine is off for no longer, in seconds: a longer gap may be a wrong clock.
const MAX_GAP_S: u64 = 30 * DAY_S;
/// Seconds after which a leap of the clock is believed: a machine without a battery begins in 1970 until a time server
/// replies, and must not lose the year for that.
const LEAP_S: u64 = DAY_S;

/// Latencies of a year, and the changes found in them.
#[derive(Debug)]
pub struct Baseline {
    pub(crate) numbering: Numbering,
    pub(crate) directory: Directory,
    pub(crate) hours: Archive,
    pub(crate) slots: Archive,
    /// Hours before this second are closed.
    pub(crate) closed_until_s: u64,
    pub(crate) changes: Vec<LatencyChange>,
    /// Old periods, old changes, and replies of servers, without room.
    pub(crate) lost: u64,
    /// The present network: the identifier, and the number.
    network_id: String,
    pub(crate) network: u64,
    pub(crate) watch: Option<NetworkWatch>,
    /// The beginning of the ten minutes under way.
    pub(crate) slot_s: u64,
    /// The first second after a leap of the clock that is not believed yet.
    leapt_s: Option<u64>,
    measurement: Measurement,
    has_news: bool,
    /// Changes of which the caller does not know yet.
    pub(crate) untold: Vec<LatencyChange>,
}

impl Baseline {
    /// An empty baseline.
    #[must_use]
    pub fn new(numbering: Numbering) -> Self {
        Baseline {
            numbering,
            directory: Directory::default(),
            hours: Archive::new(MAX_HOUR_OCTETS),
            slots: Archive::new(MAX_SLOT_OCTETS),
            closed_until_s: 0,
            changes: Vec::new(),
            lost: 0,
            network_id: String::new(),
            network: numbering.network(""),
            watch: None,
            slot_s: 0,
            leapt_s: None,
            measurement: Measurement::default(),
            has_news: false,
            untold: Vec::new(),
        }
    }

    /// The machine is on the network with this identifier from now on; `""` stands for every network without one.
    pub fn enter_network(&mut self, id: &str) {
        let network = self.numbering.network(id);
        if network != self.network {
            self.close_slot();
            id.clone_into(&mut self.network_id);
            self.network = network;
            self.begin_watch();
        }
    }

    /// Forgets everything; later numbers say nothing of earlier ones.
    pub fn erase(&mut self, numbering: Numbering) {
        let id = std::mem::take(&mut self.network_id);
        *self = Baseline::new(numbering);
        self.enter_network(&id);
    }

    /// Takes in a resolution.
    pub fn observe(&mut self, record: &ResolutionRecord) {
        if !self.advance(record.received_s) {
            return;
        }
        if self.directory.is_full() {
            self.forget_rare_servers();
        }
        self.lost += self.measurement.add(record, &mut self.directory, &self.numbering);
    }

    /// It is second `now_s` since 1970: closes the ten minutes and the hours that are over, and looks for changes. False
    /// after a leap of the clock that is not believed yet.
    pub fn advance(&mut self, now_s: u64) -> bool {
        let slot_s = now_s - now_s % SLOT_S;
        if !self.believes(slot_s) {
            return false;
        }
        if slot_s + LATE_S < self.slot_s {
            self.turn_back(slot_s);
        }
        if slot_s > self.slot_s {
            self.close_slot();
            self.slot_s = slot_s;
            self.close_hours(now_s - now_s % HOUR_S);
        }
        true
    }

    /// Whether the ten minutes from `slot_s` on are likely to be the present.
    fn believes(&mut self, slot_s: u64) -> bool {
        let is_near = slot_s + LATE_S >= self.slot_s && slot_s <= self.slot_s + MAX_GAP_S;
        if is_near || self.slot_s == 0 {
            self.leapt_s = None;
            return true;
        }
        let leapt_s = self.leapt_s.filter(|leapt| (*leapt..leapt + MAX_GAP_S).contains(&slot_s));
        let since = *self.leapt_s.insert(leapt_s.unwrap_or(slot_s));
        slot_s >= since + LEAP_S
    }

    /// Replies, old periods and old changes without room so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether hours were closed since the last call.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// The found changes, in the order of their discovery.
    #[must_use]
    pub fn changes(&self) -> &[LatencyChange] {
        &self.changes
    }

    /// Hours of every network.
    #[must_use]
    pub fn hours(&self) -> usize {
        self.hours.len()
    }

    /// The clock was set back: what lies in the future was no measurement.
    fn turn_back(&mut self, slot_s: u64) {
        self.measurement = Measurement::default();
        self.hours.drop_from(slot_s - slot_s % HOUR_S);
        self.slots.drop_from(slot_s);
        self.changes.retain(|change| change.found_s <= slot_s);
        self.closed_until_s = self.closed_until_s.min(slot_s - slot_s % HOUR_S);
        (self.watch, self.slot_s) = (None, slot_s);
    }

    /// Goes on where a file ends.
    pub(crate) fn resume(&mut self) {
        let last = |archive: &Archive| archive.iter().next_back().map(|last| last.begin_s);
        let (last_slot_s, last_hour_s) = (last(&self.slots), last(&self.hours));
        self.slot_s = last_slot_s.max(last_hour_s).unwrap_or_default();
        // A wrong moment of the file must neither close an hour twice nor keep every later hour open.
        let after_slots_s = self.slot_s - self.slot_s % HOUR_S + HOUR_S;
        let after_hours_s = last_hour_s.map_or(0, |hour_s| hour_s + HOUR_S);
        self.closed_until_s = self.closed_until_s.min(after_slots_s).max(after_hours_s);
        self.begin_watch();
    }

    /// Puts the measured latencies among the ten minutes.
    pub(crate) fn close_slot(&mut self) {
        let period = self.measurement.finish();
        if !period.is_empty() {
            self.lost += self.slots.push(self.slot_s, self.network, &period);
        }
    }

    /// Makes hours of the ten minutes before second `until_s`, and looks for changes in each.
    fn close_hours(&mut self, until_s: u64) {
        let mut hours = BTreeMap::<(u64, u64), Vec<Period>>::new();
        for slot in self.slots.range(self.closed_until_s, until_s) {
            let hour_s = slot.begin_s - slot.begin_s % HOUR_S;
            hours.entry((hour_s, slot.network)).or_default().push(slot.read());
        }
        self.closed_until_s = self.closed_until_s.max(until_s);
        for ((hour_s, network), slots) in hours {
            let hour = Period::merged(&slots);
            self.lost += self.hours.push(hour_s, network, &hour);
            self.has_news = true;
            if network == self.network {
                self.look(hour_s, &hour);
            }
        }
        self.slots.drop_before(until_s.saturating_sub(SLOT_DAYS * DAY_S));
        self.hours.drop_before(until_s.saturating_sub(HOUR_DAYS * DAY_S));
        self.changes.retain(|change| change.at_s + HOUR_DAYS * DAY_S >= until_s);
    }

    /// Looks for changes that show in an hour of the present network.
    fn look(&mut self, hour_s: u64, hour: &Period) {
        let is_of_today = self.watch.as_ref().is_some_and(|watch| hour_s < watch.day_s + DAY_S);
        if is_of_today {
            let view = NetworkView {
                network: self.network,
                directory: &self.directory,
                changes: &self.changes,
            };
            self.watch.iter_mut().for_each(|watch| watch.note_hour(hour_s, hour, &view));
        } else {
            self.begin_watch();
            self.correct_sizes();
        }
        for _ in 0..MAX_FOUND_AT_ONCE {
            let view = self.view();
            let found =
                self.watch.as_ref().and_then(|watch| watch.find(hour_s, &self.slots, &view));
            let Some(change) = found else { break };
            self.keep(change);
            self.untold.push(change);
            self.begin_watch();
        }
    }

    /// Keeps a change; without room, the oldest change is lost.
    fn keep(&mut self, change: LatencyChange) {
        if self.changes.len() >= MAX_CHANGES {
            self.changes.remove(0);
            self.lost += 1;
        }
        self.changes.push(change);
    }

    /// Learns anew what is usual on the present network.
    pub(crate) fn begin_watch(&mut self) {
        self.watch = NetworkWatch::begin(&self.hours, self.closed_until_s, &self.view());
    }

    /// Corrects the size of the latest change of each subject by the hours since.
    fn correct_sizes(&mut self) {
        let Some(watch) = &self.watch else { return };
        let network = self.network;
        let mut latest = BTreeMap::new();
        for change in self.changes.iter().filter(|change| change.network == network) {
            latest.insert(change.subject, change.at_s);
        }
        let mut is_corrected = false;
        let is_latest = |change: &&mut LatencyChange| {
            change.network == network && latest.get(&change.subject) == Some(&change.at_s)
        };
        for change in self.changes.iter_mut().filter(is_latest) {
            let Some(by) = watch.correction(change) else { continue };
            change.by_ms += by;
            change.low_ms += by;
            change.high_ms += by;
            is_corrected = true;
        }
        if is_corrected {
            self.begin_watch();
        }
    }

    pub(crate) fn view(&self) -> NetworkView<'_> {
        NetworkView { network: self.network, directory: &self.directory, changes: &self.changes }
    }

    /// Keeps the half of the servers that replied in the most periods.
    fn forget_rare_servers(&mut self) {
        let mut periods = vec![0_u32; self.directory.servers.len()];
        for stored in self.hours.iter().chain(self.slots.iter()) {
            for (server, _) in stored.read().servers {
                periods.get_mut(server as usize).into_iter().for_each(|count| *count += 1);
            }
        }
        let mut order: Vec<usize> = (0..periods.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(periods.get(*index).copied()));
        let mut is_kept = vec![false; periods.len()];
        for index in order.iter().take(MAX_SERVERS / 2) {
            is_kept.get_mut(*index).into_iter().for_each(|kept| *kept = true);
        }
        let moved =
            self.directory.retain(|index| is_kept.get(index as usize).copied().unwrap_or_default());
        let mut lost = 0;
        let mut renumbered = |period: Period| renumber(period, &moved, &mut lost);
        self.hours.rewrite(&mut renumbered);
        self.slots.rewrite(&mut renumbered);
        self.lost += lost;
        self.measurement.renumber(&moved);
        self.begin_watch();
    }
}

/// The period with servers at their new places, without servers that have none.
pub(crate) fn renumber(
    period: Period,
    moved: &BTreeMap<ServerIndex, ServerIndex>,
    lost: &mut u64,
) -> Period {
    let before = period.servers.len();
    let servers = period.servers.into_iter();
    let mut servers: Vec<_> =
        servers.filter_map(|(old, latency)| Some((*moved.get(&old)?, latency))).collect();
    servers.sort_unstable_by_key(|(server, _)| *server);
    *lost += (before - servers.len()) as u64;
    Period { servers, ..period }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::TrendSubject;

    #[test]
    fn without_room_the_oldest_change_is_lost_and_counted() {
        let mut baseline = Baseline::new(Numbering::new([3; 16]));
        let change = |second| LatencyChange {
            subject: TrendSubject::Line,
            network: 7,
            at_s: second,
            found_s: second,
            before_ms: 20.0,
            by_ms: 50.0,
            low_ms: 48.0,
            high_ms: 52.0,
            p: 0.001,
        };
        (0..MAX_CHANGES as u64).for_each(|second| baseline.keep(change(second)));
        assert_eq!((baseline.changes.len(), baseline.lost()), (MAX_CHANGES, 0));
        baseline.keep(change(1000));
        assert_eq!((baseline.changes.len(), baseline.lost()), (MAX_CHANGES, 1));
        assert_eq!(baseline.changes.first().map(|oldest| oldest.at_s), Some(1));
    }
}
