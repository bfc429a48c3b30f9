//! Interruptions of an uplink: servers of several zones that reply otherwise are late, and no other server replies either.
//!
//! A satellite dish behind a tree, or a train in a tunnel. Far shorter than an outage: nothing is known to be down yet.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Moment, Name};

/// The uplink is interrupted once servers of so many zones are late, without a reply of any server in between. The servers
/// of one zone may stand in one place.
const LATE_ZONES: u32 = 2;
/// Without a late server for so long, nothing is known: nothing was asked, or the machine slept.
const FORGOTTEN: Duration = Duration::from_secs(10);
/// While no server replies, one query at a time tries the uplink, at this interval.
pub(crate) const PACE: Duration = Duration::from_millis(50);

/// The zones with late servers since the last reply, and the latest interruptions.
#[derive(Debug, Default)]
pub(crate) struct Interruptions {
    late: AtomicU32,
    latest: Mutex<Latest>,
    /// When the next query may try a silent uplink.
    next_try_at: AtomicU64,
}

#[derive(Debug, Default)]
struct Latest {
    /// The zone whose server was late last, since the last reply.
    late: Option<Name>,
    /// When a server was late last.
    late_at: Moment,
    last: Option<Interruption>,
}

/// A time without replies: what was not answered then tells nothing of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interruption {
    /// The first query without a reply.
    pub(crate) from: Moment,
    /// The next reply.
    pub(crate) until: Moment,
}

impl Interruption {
    /// Whether a silence that began at `since` is explained by this.
    pub(crate) fn covers(self, since: Moment) -> bool {
        self.from <= since && since < self.until
    }
}

impl Interruptions {
    /// A server of `zone` that has replied so far is late.
    pub(crate) fn late(&self, zone: &Name, now: Moment) {
        let mut latest = self.latest.lock();
        if now.since(latest.late_at) >= FORGOTTEN {
            latest.late = None;
            self.late.store(0, Ordering::Relaxed);
        }
        latest.late_at = now;
        if latest.late.as_ref() != Some(zone) {
            latest.late = Some(zone.clone());
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A server replied, the first for the queries since `asked_at`. True if an interruption ends.
    pub(crate) fn replied(&self, asked_at: Moment, now: Moment) -> bool {
        if self.late.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut latest = self.latest.lock();
        latest.late = None;
        let ends = self.late.swap(0, Ordering::Relaxed) >= LATE_ZONES;
        if ends {
            latest.last = Some(Interruption { from: asked_at, until: now });
        }
        ends
    }

    /// Whether the uplink is interrupted now.
    pub(crate) fn is_interrupted(&self, now: Moment) -> bool {
        self.late.load(Ordering::Relaxed) >= LATE_ZONES
            && now.since(self.latest.lock().late_at) < FORGOTTEN
    }

    /// The last interruption.
    pub(crate) fn last(&self) -> Interruption {
        self.latest.lock().last.unwrap_or_default()
    }

    /// Whether a query may try a silent uplink now. Each permit is given once.
    pub(crate) fn may_try(&self, now: Moment) -> bool {
        let next = now.after(PACE).as_millis();
        let due = |at: u64| (at <= now.as_millis()).then_some(next);
        self.next_try_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok()
    }

    /// Resets the state, for a new network.
    pub(crate) fn forget(&self) {
        let Interruptions { late, latest, next_try_at } = self;
        late.store(0, Ordering::Relaxed);
        *latest.lock() = Latest::default();
        next_try_at.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(number: u8) -> Name {
        zoners_dns::name::parse(&format!("z{number}.test")).unwrap()
    }

    #[test]
    fn late_servers_of_two_zones_without_a_reply_are_an_interruption() {
        let (uplink, at) = (Interruptions::default(), Moment::from_millis);
        uplink.late(&zone(1), at(950));
        uplink.late(&zone(1), at(960));
        assert!(!uplink.is_interrupted(at(970)), "the servers of a zone may have died together");
        uplink.replied(at(900), at(1000));
        uplink.late(&zone(2), at(1600));
        assert!(!uplink.is_interrupted(at(1600)), "a reply came in between");
        uplink.late(&zone(1), at(1700));
        assert!(uplink.is_interrupted(at(1700)) && uplink.is_interrupted(at(11_699)));
        assert!(!uplink.is_interrupted(at(11_700)), "nothing was asked for long");
        uplink.replied(at(1500), at(2000));
        assert!(!uplink.is_interrupted(at(2000)));
        let last = uplink.last();
        assert!(last.covers(at(1500)) && last.covers(at(1999)));
        assert!(!last.covers(at(1499)) && !last.covers(at(2000)));
    }

    #[test]
    fn a_silent_uplink_is_tried_by_one_query_at_a_time() {
        let (uplink, at) = (Interruptions::default(), Moment::from_millis);
        assert!(uplink.may_try(at(1000)) && !uplink.may_try(at(1049)) && uplink.may_try(at(1050)));
    }
}
