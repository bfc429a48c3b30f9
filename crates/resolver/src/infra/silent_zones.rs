//! Silent zones: zones whose servers do not reply, and the packets that may still be spent on each.
//!
//! A delegation may name 78 addresses without a server, so no question may try each address. The
//! questions to a zone share an account. A late server opens the account, and a useful reply closes
//! it. The packets granted at once find one live server among thirteen; then packets are few. If the
//! silence lasts while further servers reply, the zone counts as dead: one question at a time tries
//! the addresses tried longest ago, and the rest wait for the result.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Moment, Name};

use crate::infra::recent_table::{RecentTable, TouchedEntry};
use crate::infra::uplink_state::UplinkState;
use crate::infra::zone_silence::{ZoneDeath, ZonePacket, ZonePermit, ZoneSilence};

/// An account is closed after this time without packets.
const KEEP_FOR: Duration = Duration::from_secs(600);
/// The most accounts.
const MAX_ZONES: usize = 4096;

/// The accounts of the silent zones.
#[derive(Debug)]
pub(crate) struct ZoneSilences {
    /// The number of accounts: with none, no question takes the lock.
    accounts: AtomicUsize,
    zones: Mutex<RecentTable<Name, ZoneSilence>>,
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
        let zones = Mutex::new(RecentTable::new(MAX_ZONES, KEEP_FOR));
        ZoneSilences { accounts: AtomicUsize::new(0), zones }
    }
}

impl ZoneSilences {
    /// Whether a question may send this packet to the zone.
    pub(crate) fn permit(
        &self,
        zone: &Name,
        packet: ZonePacket,
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
        let permit = silence.permit(packet, uplink, now);
        silence.is_awaited |= permit != ZonePermit::Granted;
        permit
    }

    /// Whether the zone has an account.
    pub(crate) fn has(&self, zone: &Name, now: Moment) -> bool {
        !self.is_empty() && self.zones.lock().get_mut(zone, now).is_some()
    }

    /// Packets are sent to the zone; true if the account of a different zone was evicted.
    pub(crate) fn spend(
        &self,
        zone: &Name,
        packets: u32,
        uplink: UplinkState,
        now: Moment,
    ) -> bool {
        let mut zones = self.zones.lock();
        let Some(TouchedEntry { value: silence, evicted }) = zones.touch(zone.clone(), now) else {
            return false;
        };
        silence.spend(packets, uplink, now);
        self.accounts.store(zones.len(), Ordering::Relaxed);
        evicted
    }

    /// The death of the zone, if the silence suffices.
    pub(crate) fn death(&self, zone: &Name, uplink: UplinkState, now: Moment) -> Option<ZoneDeath> {
        if self.is_empty() {
            return None;
        }
        self.zones.lock().get_mut(zone, now)?.death(uplink, now)
    }

    /// A server of the zone gave a useful reply; true if questions wait for a permit.
    pub(crate) fn end(&self, zone: &Name) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut zones = self.zones.lock();
        let ended = zones.remove(zone);
        self.accounts.store(zones.len(), Ordering::Relaxed);
        ended.is_some_and(|silence| silence.is_awaited)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::interruptions::Interruption;
    use crate::infra::zone_silence::{
        DEAD_AFTER_PACKETS, MAX_FIRST_PACKETS, MAX_PACKETS, PACKETS_AT_ONCE,
    };
    use zoners_dns::name;

    const AT: Moment = Moment::from_millis(1_000_000);

    fn zone() -> Name {
        name::parse("dead.test").unwrap()
    }

    fn dead(is_new: bool) -> Option<ZoneDeath> {
        Some(ZoneDeath { since: AT, is_new })
    }

    /// Other servers replied this long after the first packet to the zone.
    fn last_reply_at(millis: u64) -> UplinkState {
        UplinkState {
            last_reply_at: AT.shifted(millis as i64),
            forgiven: Moment::default(),
            interruption: Interruption::default(),
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
            while silences.permit(&zone(), ZonePacket::Further, uplink, now) == ZonePermit::Granted
            {
                silences.spend(&zone(), 1, uplink, now);
                packets += 1;
            }
        }
        packets
    }

    #[test]
    fn a_zone_gets_thirteen_packets_at_once_and_then_few() {
        let silences = ZoneSilences::default();
        assert_eq!(granted(&silences, last_reply_at(0), 1), PACKETS_AT_ONCE);
        assert_eq!(granted(&silences, last_reply_at(0), 2400), 4, "the uplink may be gone");
        let silences = ZoneSilences::default();
        assert_eq!(
            granted(&silences, last_reply_at(300), 60_000),
            MAX_PACKETS,
            "the uplink is not gone"
        );
        let first = || silences.permit(&zone(), ZonePacket::First, last_reply_at(300), AT);
        let more = (0..100).take_while(|_| {
            let granted = first() == ZonePermit::Granted;
            silences.spend(&zone(), u32::from(granted), last_reply_at(300), AT);
            granted
        });
        assert_eq!(more.count() as u32, MAX_FIRST_PACKETS - MAX_PACKETS);
    }

    #[test]
    fn on_a_lossy_uplink_a_zone_gets_twice_as_many_packets() {
        for (loss, packets) in [
            (0.0, MAX_PACKETS),
            (0.1, MAX_PACKETS * 3 / 2),
            (0.2, 2 * MAX_PACKETS),
            (0.9, 2 * MAX_PACKETS),
        ] {
            let uplink = UplinkState { loss, ..last_reply_at(300) };
            assert_eq!(granted(&ZoneSilences::default(), uplink, 60_000), packets, "{loss}");
        }
    }

    #[test]
    fn a_zone_is_dead_after_a_long_silence_while_other_servers_reply() {
        let silences = ZoneSilences::default();
        silences.spend(&zone(), DEAD_AFTER_PACKETS, last_reply_at(0), AT);
        let death = |millis, uplink| silences.death(&zone(), uplink, AT.shifted(millis));
        assert_eq!(death(3000, last_reply_at(0)), None, "the uplink may be gone");
        assert_eq!(death(2999, last_reply_at(300)), None);
        assert_eq!(death(3000, last_reply_at(300)), dead(true));
        assert_eq!(death(3000, last_reply_at(300)), dead(false));
        let pardoned = UplinkState { forgiven: AT.shifted(1), ..last_reply_at(300) };
        assert_eq!(death(3000, pardoned), None);
        let lossy = UplinkState { loss: 0.2, ..last_reply_at(300) };
        assert_eq!((death(5999, lossy), death(6000, lossy)), (None, dead(false)));
        silences.end(&zone());
        assert!(silences.is_empty());
        assert_eq!(death(3000, last_reply_at(300)), None, "a server answered");
        silences.spend(&zone(), DEAD_AFTER_PACKETS - 1, last_reply_at(0), AT);
        assert_eq!(death(3000, last_reply_at(300)), None, "few packets say little");
        assert!(
            death(1, last_reply_at(300)).is_none()
                && !silences.list(9, last_reply_at(300), AT)[0].dead
        );
    }

    #[test]
    fn an_account_is_closed_by_time_and_by_forgiveness() {
        let silences = ZoneSilences::default();
        assert_eq!(granted(&silences, last_reply_at(0), 1), PACKETS_AT_ONCE);
        let pardoned = UplinkState { forgiven: AT.shifted(1), ..last_reply_at(0) };
        assert_eq!(
            silences.permit(&zone(), ZonePacket::Further, pardoned, AT),
            ZonePermit::Granted
        );
        assert_eq!(granted(&silences, last_reply_at(0), 1), PACKETS_AT_ONCE);
        let later = AT.after(KEEP_FOR);
        assert_eq!(
            silences.permit(&zone(), ZonePacket::Further, last_reply_at(0), later),
            ZonePermit::Granted
        );
        assert!(silences.list(9, last_reply_at(0), later).is_empty());
    }

    #[test]
    fn silent_zones_are_bounded() {
        let silences = ZoneSilences::default();
        let mut forgotten = 0;
        for number in 0..2 * MAX_ZONES {
            let zone = name::parse(&format!("z{number}.test")).unwrap();
            forgotten += usize::from(silences.spend(&zone, 1, last_reply_at(0), AT));
        }
        let kept = silences.list(usize::MAX, last_reply_at(0), AT).len();
        assert!(kept <= MAX_ZONES && kept + forgotten == 2 * MAX_ZONES, "{kept} {forgotten}");
    }
}
