//! Silent zones: zones whose servers do not reply, and the packets that may still be spent on each.
//!
//! A delegation may name 78 addresses that never reply, so no question may try each of them. A zone
//! has an account that its questions share. The account is opened when a server is late, and closed
//! by a useful reply. The packets granted at once find one live server among thirteen; then packets
//! are few. If the silence lasts while other servers reply, the zone counts as dead: one question
//! at a time tries the addresses tried longest ago, and further questions wait for its result.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Moment, Name};

use crate::infra::recent_table::RecentTable;

/// Packets granted at once before any reply, including the first of each question: one for each
/// server of the largest usual delegation.
const AT_ONCE: u32 = 13;
/// Packets while the uplink may still be at fault, or …
const MOST: u32 = 16;
/// … in total where each question may send its first packet.
const MOST_FIRST: u32 = 64;
/// The interval of further packets.
const PACE: Duration = Duration::from_millis(500);
/// The same while no server anywhere answers: once the uplink is back, no question waits for long.
const PACE_OF_SILENCE: Duration = Duration::from_millis(250);
/// A zone with this many packets …
const DEAD_AFTER: u32 = 5;
/// … and this long a silence is dead; twice as long on a lossy uplink, so that a first question has
/// time for each useful attempt.
const DEAD_FOR: Duration = Duration::from_secs(3);
/// The packets of a question to a dead zone, if the uplink loses nothing.
pub(crate) const PROBE: u32 = 3;
/// The packets of a stream that never opens: the SYN is sent again each second.
pub(crate) const STREAM: u32 = 3;
/// An account is closed after this time without packets.
const KEEP: Duration = Duration::from_secs(600);
/// The most accounts.
const MOST_ZONES: usize = 4096;

/// The accounts of the silent zones.
#[derive(Debug)]
pub(crate) struct ZoneSilences {
    /// The number of accounts: with none, no question takes the lock.
    accounts: AtomicUsize,
    zones: Mutex<RecentTable<Name, ZoneSilence>>,
}

/// The silence of a zone since its last useful reply.
#[derive(Clone, Copy, Debug, Default)]
struct ZoneSilence {
    /// When the first server was late.
    since: Moment,
    packets: u32,
    /// When the next may be sent where packets are few.
    free_at: Moment,
    /// Whether the death was logged.
    told: bool,
    /// Questions wait for an answer.
    awaited: bool,
}

/// The state of the uplink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UplinkState {
    /// When any server last answered.
    pub(crate) last_reply_at: Moment,
    /// Timeouts up to this moment are ignored.
    pub(crate) forgiven: Moment,
    /// No server answers.
    pub(crate) silent: bool,
    /// The time within which nearly every server replies.
    pub(crate) late: Duration,
    /// The loss rate of the uplink.
    pub(crate) loss: f64,
}

impl UplinkState {
    /// The packets allowed on this uplink: `packets` without loss, up to twice as many at a loss of
    /// a fifth or more.
    pub(crate) fn allows(self, packets: u32) -> u32 {
        (f64::from(packets) * self.stretch()) as u32
    }

    fn stretch(self) -> f64 {
        1.0 + (self.loss * 5.0).clamp(0.0, 1.0)
    }
}

/// Whether a packet may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZonePermit {
    /// At once.
    Granted,
    /// Not before then.
    At(Moment),
}

/// A silent zone, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentZone {
    /// The name of the zone.
    pub zone: Name,
    /// The start of the silence.
    pub since: Moment,
    /// Packets sent to the zone since then.
    pub packets: u32,
    /// Whether the zone counts as dead.
    pub dead: bool,
}

impl Default for ZoneSilences {
    fn default() -> Self {
        let zones = Mutex::new(RecentTable::new(MOST_ZONES, KEEP));
        ZoneSilences { accounts: AtomicUsize::new(0), zones }
    }
}

impl ZoneSilences {
    /// Whether a question to the zone may send a packet, either its `first` or a further packet.
    pub(crate) fn leave(
        &self,
        zone: &Name,
        first: bool,
        uplink: UplinkState,
        now: Moment,
    ) -> ZonePermit {
        if self.is_empty() {
            return ZonePermit::Granted;
        }
        let mut zones = self.zones.lock();
        let Some(silence) = zones.get_mut(zone, now) else { return ZonePermit::Granted };
        if silence.is_forgiven(uplink) {
            zones.remove(zone);
            self.accounts.store(zones.len(), Ordering::Relaxed);
            return ZonePermit::Granted;
        }
        let leave = silence.leave(first, uplink, now);
        silence.awaited |= leave != ZonePermit::Granted;
        leave
    }

    /// Whether the zone has an account.
    pub(crate) fn has(&self, zone: &Name, now: Moment) -> bool {
        !self.is_empty() && self.zones.lock().get_mut(zone, now).is_some()
    }

    /// Packets are sent to the zone; true if the account of a different zone was forgotten.
    pub(crate) fn spend(
        &self,
        zone: &Name,
        packets: u32,
        uplink: UplinkState,
        now: Moment,
    ) -> bool {
        let mut zones = self.zones.lock();
        let Some((silence, forgotten)) = zones.touch(zone.clone(), now) else { return false };
        if silence.packets == 0 {
            silence.since = now;
        }
        silence.packets = silence.packets.saturating_add(packets);
        let pace = if uplink.silent { PACE_OF_SILENCE } else { PACE };
        silence.free_at = now.after(pace * packets.min(STREAM));
        self.accounts.store(zones.len(), Ordering::Relaxed);
        forgotten
    }

    /// The start of the silence if the zone is dead; true if that was not logged before.
    pub(crate) fn death(
        &self,
        zone: &Name,
        uplink: UplinkState,
        now: Moment,
    ) -> Option<(Moment, bool)> {
        if self.is_empty() {
            return None;
        }
        let mut zones = self.zones.lock();
        let silence = zones.get_mut(zone, now)?;
        if !silence.is_dead(uplink, now) {
            return None;
        }
        let is_new = !std::mem::replace(&mut silence.told, true);
        Some((silence.since, is_new))
    }

    /// A server of the zone gave a useful reply; true if questions wait for that.
    pub(crate) fn end(&self, zone: &Name) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut zones = self.zones.lock();
        let ended = zones.remove(zone);
        self.accounts.store(zones.len(), Ordering::Relaxed);
        ended.is_some_and(|silence| silence.awaited)
    }

    /// The silent zones with the most packets, at most `most`.
    pub(crate) fn list(&self, most: usize, uplink: UplinkState, now: Moment) -> Vec<SilentZone> {
        let zones = self.zones.lock();
        let mut list: Vec<SilentZone> = zones
            .iter(now)
            .filter(|(_, silence)| !silence.is_forgiven(uplink))
            .map(|(zone, silence)| SilentZone {
                zone: zone.clone(),
                since: silence.since,
                packets: silence.packets,
                dead: silence.is_dead(uplink, now),
            })
            .collect();
        drop(zones);
        list.sort_by(|one, two| (two.packets, &one.zone).cmp(&(one.packets, &two.zone)));
        list.truncate(most);
        list
    }

    fn is_empty(&self) -> bool {
        self.accounts.load(Ordering::Relaxed) == 0
    }
}

impl ZoneSilence {
    fn leave(&self, first: bool, uplink: UplinkState, now: Moment) -> ZonePermit {
        let may = match first {
            true => self.packets < MOST_FIRST,
            false => self.packets < uplink.allows(AT_ONCE),
        };
        // More is of no use: the uplink works.
        let spent = self.packets >= uplink.allows(MOST) && self.has_other_replies(uplink);
        match may || !spent && self.free_at <= now {
            true => ZonePermit::Granted,
            false if spent => ZonePermit::At(now.after(PACE)),
            false => ZonePermit::At(self.free_at),
        }
    }

    /// Whether the uplink was at fault.
    fn is_forgiven(&self, uplink: UplinkState) -> bool {
        self.since < uplink.forgiven
    }

    /// Whether other servers replied when a server of the zone should have replied.
    fn has_other_replies(&self, uplink: UplinkState) -> bool {
        uplink.last_reply_at >= self.since.after(uplink.late)
    }

    fn is_dead(&self, uplink: UplinkState, now: Moment) -> bool {
        self.packets >= DEAD_AFTER
            && now.since(self.since) >= DEAD_FOR.mul_f64(uplink.stretch())
            && self.has_other_replies(uplink)
            && !self.is_forgiven(uplink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    const AT: Moment = Moment::from_millis(1_000_000);

    fn zone() -> Name {
        name::parse("dead.test").unwrap()
    }

    /// Other servers replied this long after the first packet to the zone.
    fn last_reply_at(millis: u64) -> UplinkState {
        UplinkState {
            last_reply_at: AT.shifted(millis as i64),
            forgiven: Moment::default(),
            silent: false,
            late: Duration::from_millis(200),
            loss: 0.0,
        }
    }

    /// Packets granted within a time, if each permitted packet is sent.
    fn granted(silences: &ZoneSilences, uplink: UplinkState, millis: u64) -> u32 {
        let mut packets = 0;
        for later in 0..millis {
            let now = AT.shifted(later as i64);
            while silences.leave(&zone(), false, uplink, now) == ZonePermit::Granted {
                silences.spend(&zone(), 1, uplink, now);
                packets += 1;
            }
        }
        packets
    }

    #[test]
    fn a_zone_gets_so_many_at_once_and_then_few() {
        let silences = ZoneSilences::default();
        assert_eq!(granted(&silences, last_reply_at(0), 1), AT_ONCE);
        assert_eq!(granted(&silences, last_reply_at(0), 2400), 4, "the uplink may be gone");
        let silences = ZoneSilences::default();
        assert_eq!(granted(&silences, last_reply_at(300), 60_000), MOST, "the uplink is not gone");
        let first = || silences.leave(&zone(), true, last_reply_at(300), AT);
        let more = (0..100).take_while(|_| {
            let granted = first() == ZonePermit::Granted;
            silences.spend(&zone(), u32::from(granted), last_reply_at(300), AT);
            granted
        });
        assert_eq!(more.count() as u32, MOST_FIRST - MOST);
    }

    #[test]
    fn on_a_lossy_uplink_a_zone_gets_twice_as_many_packets() {
        for (loss, packets) in [(0.0, MOST), (0.1, MOST * 3 / 2), (0.2, 2 * MOST), (0.9, 2 * MOST)]
        {
            let uplink = UplinkState { loss, ..last_reply_at(300) };
            assert_eq!(granted(&ZoneSilences::default(), uplink, 60_000), packets, "{loss}");
        }
    }

    #[test]
    fn a_zone_is_dead_once_it_was_silent_for_long_while_others_answered() {
        let silences = ZoneSilences::default();
        silences.spend(&zone(), DEAD_AFTER, last_reply_at(0), AT);
        let death = |millis, uplink| silences.death(&zone(), uplink, AT.shifted(millis));
        assert_eq!(death(3000, last_reply_at(0)), None, "the uplink may be gone");
        assert_eq!(death(2999, last_reply_at(300)), None);
        assert_eq!(death(3000, last_reply_at(300)), Some((AT, true)));
        assert_eq!(death(3000, last_reply_at(300)), Some((AT, false)));
        let pardoned = UplinkState { forgiven: AT.shifted(1), ..last_reply_at(300) };
        assert_eq!(death(3000, pardoned), None);
        let lossy = UplinkState { loss: 0.2, ..last_reply_at(300) };
        assert_eq!((death(5999, lossy), death(6000, lossy)), (None, Some((AT, false))));
        silences.end(&zone());
        assert!(silences.is_empty());
        assert_eq!(death(3000, last_reply_at(300)), None, "a server answered");
        silences.spend(&zone(), DEAD_AFTER - 1, last_reply_at(0), AT);
        assert_eq!(death(3000, last_reply_at(300)), None, "few packets say little");
        assert!(
            death(1, last_reply_at(300)).is_none()
                && !silences.list(9, last_reply_at(300), AT)[0].dead
        );
    }

    #[test]
    fn an_account_is_closed_by_time_and_by_forgiveness() {
        let silences = ZoneSilences::default();
        assert_eq!(granted(&silences, last_reply_at(0), 1), AT_ONCE);
        let pardoned = UplinkState { forgiven: AT.shifted(1), ..last_reply_at(0) };
        assert_eq!(silences.leave(&zone(), false, pardoned, AT), ZonePermit::Granted);
        assert_eq!(granted(&silences, last_reply_at(0), 1), AT_ONCE);
        let later = AT.after(KEEP);
        assert_eq!(silences.leave(&zone(), false, last_reply_at(0), later), ZonePermit::Granted);
        assert!(silences.list(9, last_reply_at(0), later).is_empty());
    }

    #[test]
    fn no_more_zones_are_kept_than_there_is_room_for() {
        let silences = ZoneSilences::default();
        let mut forgotten = 0;
        for number in 0..2 * MOST_ZONES {
            let zone = name::parse(&format!("z{number}.test")).unwrap();
            forgotten += usize::from(silences.spend(&zone, 1, last_reply_at(0), AT));
        }
        let kept = silences.list(usize::MAX, last_reply_at(0), AT).len();
        assert!(kept <= MOST_ZONES && kept + forgotten == 2 * MOST_ZONES, "{kept} {forgotten}");
    }
}
