//! Zones whose servers stay silent, and what may still be spent on them.
//!
//! A delegation may name 78 addresses that never answer, so a question must not try them all: a
//! zone has an account that all its questions share, whatever they ask for. It is opened when a server is
//! late, and closed when one says something useful. What it grants at once finds a living server among
//! thirteen; then packets are few. Once the silence has lasted, and others answered meanwhile, the zone is
//! taken for dead: one question at a time tries addresses that were not tried for longest, and the others
//! wait for what comes of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Moment, Name};

use crate::infra::recent_table::Recent;

/// Packets that a zone gets at once before a server has answered, the first of each question among
/// them: one for each server of as many as a zone has.
const AT_ONCE: u32 = 13;
/// So many while the silence may yet be ours, or …
const MOST: u32 = 16;
/// … where each question may still send its first.
const MOST_FIRST: u32 = 64;
/// Between these, one packet in such a time.
const PACE: Duration = Duration::from_millis(500);
/// The same while no server anywhere answers: when our line is back, no question shall wait for long.
const PACE_OF_SILENCE: Duration = Duration::from_millis(250);
/// A zone that was asked so often …
const DEAD_AFTER: u32 = 5;
/// … and silent for so long is dead; twice as long where the line loses much, so that a first question
/// has the time to try all that may help.
const DEAD_FOR: Duration = Duration::from_secs(3);
/// What a question to a dead zone may cost where the line loses nothing.
pub(crate) const PROBE: u32 = 3;
/// What a stream costs that is never opened: its SYN is sent again each second.
pub(crate) const STREAM: u32 = 3;
/// An account is closed when nothing was spent for so long.
const KEEP: Duration = Duration::from_secs(600);
/// Accounts that are kept.
const MOST_ZONES: usize = 4096;

/// The accounts of all zones that are silent now.
#[derive(Debug)]
pub(crate) struct Silences {
    /// How many there are: where there are none, no question looks for one.
    accounts: AtomicUsize,
    zones: Mutex<Recent<Name, Silence>>,
}

/// What happened to a zone since one of its servers last said something useful.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    /// When the first server was late.
    since: Moment,
    packets: u32,
    /// When the next may be sent where packets are few.
    free_at: Moment,
    /// That it is dead was told.
    told: bool,
    /// Questions wait for an answer.
    awaited: bool,
}

/// What is known of our own line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineState {
    /// When any server last answered.
    pub(crate) heard: Moment,
    /// What was missed up to here is forgiven.
    pub(crate) forgiven: Moment,
    /// No server answers.
    pub(crate) silent: bool,
    /// The time within which nearly all servers answer.
    pub(crate) late: Duration,
    /// The share of round trips that it loses.
    pub(crate) loss: f64,
}

impl LineState {
    /// So many packets where the line loses none, up to twice as many where it loses a fifth or more.
    pub(crate) fn allows(self, packets: u32) -> u32 {
        (f64::from(packets) * self.stretch()) as u32
    }

    fn stretch(self) -> f64 {
        1.0 + (self.loss * 5.0).clamp(0.0, 1.0)
    }
}

/// Whether a packet may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// At once.
    Granted,
    /// Not before then.
    At(Moment),
}

/// A zone that is silent, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentZone {
    /// Its name.
    pub zone: Name,
    /// Since when none of its servers has said anything useful.
    pub since: Moment,
    /// Packets that it was sent since.
    pub packets: u32,
    /// It is taken for dead.
    pub dead: bool,
}

impl Default for Silences {
    fn default() -> Self {
        let zones = Mutex::new(Recent::new(MOST_ZONES, KEEP));
        Silences { accounts: AtomicUsize::new(0), zones }
    }
}

impl Silences {
    /// Whether a question to the zone may send a packet, its `first` or a further one.
    pub(crate) fn leave(&self, zone: &Name, first: bool, line: LineState, now: Moment) -> Leave {
        if self.is_empty() {
            return Leave::Granted;
        }
        let mut zones = self.zones.lock();
        let Some(silence) = zones.get_mut(zone, now) else { return Leave::Granted };
        if silence.is_forgiven(line) {
            zones.remove(zone);
            self.accounts.store(zones.len(), Ordering::Relaxed);
            return Leave::Granted;
        }
        let leave = silence.leave(first, line, now);
        silence.awaited |= leave != Leave::Granted;
        leave
    }

    /// Whether the zone has an account.
    pub(crate) fn has(&self, zone: &Name, now: Moment) -> bool {
        !self.is_empty() && self.zones.lock().get_mut(zone, now).is_some()
    }

    /// Packets are sent to the zone; true if another zone was forgotten.
    pub(crate) fn spend(&self, zone: &Name, packets: u32, line: LineState, now: Moment) -> bool {
        let mut zones = self.zones.lock();
        let Some((silence, forgotten)) = zones.touch(zone.clone(), now) else { return false };
        if silence.packets == 0 {
            silence.since = now;
        }
        silence.packets = silence.packets.saturating_add(packets);
        let pace = if line.silent { PACE_OF_SILENCE } else { PACE };
        silence.free_at = now.after(pace * packets.min(STREAM));
        self.accounts.store(zones.len(), Ordering::Relaxed);
        forgotten
    }

    /// Since when the zone is silent, if it is dead; true if that was not told before.
    pub(crate) fn death(
        &self,
        zone: &Name,
        line: LineState,
        now: Moment,
    ) -> Option<(Moment, bool)> {
        if self.is_empty() {
            return None;
        }
        let mut zones = self.zones.lock();
        let silence = zones.get_mut(zone, now)?;
        if !silence.is_dead(line, now) {
            return None;
        }
        let is_new = !std::mem::replace(&mut silence.told, true);
        Some((silence.since, is_new))
    }

    /// A server of the zone said something useful; true if questions wait for that.
    pub(crate) fn end(&self, zone: &Name) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut zones = self.zones.lock();
        let ended = zones.remove(zone);
        self.accounts.store(zones.len(), Ordering::Relaxed);
        ended.is_some_and(|silence| silence.awaited)
    }

    /// The zones that are silent, those with the most packets first, no more than `most` of them.
    pub(crate) fn list(&self, most: usize, line: LineState, now: Moment) -> Vec<SilentZone> {
        let zones = self.zones.lock();
        let mut list: Vec<SilentZone> = zones
            .iter(now)
            .filter(|(_, silence)| !silence.is_forgiven(line))
            .map(|(zone, silence)| SilentZone {
                zone: zone.clone(),
                since: silence.since,
                packets: silence.packets,
                dead: silence.is_dead(line, now),
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

impl Silence {
    fn leave(&self, first: bool, line: LineState, now: Moment) -> Leave {
        let may = match first {
            true => self.packets < MOST_FIRST,
            false => self.packets < line.allows(AT_ONCE),
        };
        // More is of no use: the line works.
        let spent = self.packets >= line.allows(MOST) && self.is_theirs(line);
        match may || !spent && self.free_at <= now {
            true => Leave::Granted,
            false if spent => Leave::At(now.after(PACE)),
            false => Leave::At(self.free_at),
        }
    }

    /// Whether the silence was our own line's.
    fn is_forgiven(&self, line: LineState) -> bool {
        self.since < line.forgiven
    }

    /// Whether others answered when a server of the zone should have.
    fn is_theirs(&self, line: LineState) -> bool {
        line.heard >= self.since.after(line.late)
    }

    fn is_dead(&self, line: LineState, now: Moment) -> bool {
        self.packets >= DEAD_AFTER
            && now.since(self.since) >= DEAD_FOR.mul_f64(line.stretch())
            && self.is_theirs(line)
            && !self.is_forgiven(line)
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

    /// Others answered so long after the zone was first asked.
    fn heard(millis: u64) -> LineState {
        LineState {
            heard: AT.shifted(millis as i64),
            forgiven: Moment::default(),
            silent: false,
            late: Duration::from_millis(200),
            loss: 0.0,
        }
    }

    /// Packets that are granted within a time, where as many as may be are sent.
    fn granted(silences: &Silences, line: LineState, millis: u64) -> u32 {
        let mut packets = 0;
        for later in 0..millis {
            let now = AT.shifted(later as i64);
            while silences.leave(&zone(), false, line, now) == Leave::Granted {
                silences.spend(&zone(), 1, line, now);
                packets += 1;
            }
        }
        packets
    }

    #[test]
    fn a_zone_gets_so_many_at_once_and_then_few() {
        let silences = Silences::default();
        assert_eq!(granted(&silences, heard(0), 1), AT_ONCE);
        assert_eq!(granted(&silences, heard(0), 2400), 4, "the line may be gone");
        let silences = Silences::default();
        assert_eq!(granted(&silences, heard(300), 60_000), MOST, "the line is not gone");
        let first = || silences.leave(&zone(), true, heard(300), AT);
        let more = (0..100).take_while(|_| {
            let granted = first() == Leave::Granted;
            silences.spend(&zone(), u32::from(granted), heard(300), AT);
            granted
        });
        assert_eq!(more.count() as u32, MOST_FIRST - MOST);
    }

    #[test]
    fn on_a_line_that_loses_much_a_zone_gets_twice_as_many() {
        for (loss, packets) in [(0.0, MOST), (0.1, MOST * 3 / 2), (0.2, 2 * MOST), (0.9, 2 * MOST)]
        {
            let line = LineState { loss, ..heard(300) };
            assert_eq!(granted(&Silences::default(), line, 60_000), packets, "{loss}");
        }
    }

    #[test]
    fn a_zone_is_dead_once_it_was_silent_for_long_while_others_answered() {
        let silences = Silences::default();
        silences.spend(&zone(), DEAD_AFTER, heard(0), AT);
        let death = |millis, line| silences.death(&zone(), line, AT.shifted(millis));
        assert_eq!(death(3000, heard(0)), None, "the line may be gone");
        assert_eq!(death(2999, heard(300)), None);
        assert_eq!(death(3000, heard(300)), Some((AT, true)));
        assert_eq!(death(3000, heard(300)), Some((AT, false)));
        let pardoned = LineState { forgiven: AT.shifted(1), ..heard(300) };
        assert_eq!(death(3000, pardoned), None);
        let lossy = LineState { loss: 0.2, ..heard(300) };
        assert_eq!((death(5999, lossy), death(6000, lossy)), (None, Some((AT, false))));
        silences.end(&zone());
        assert!(silences.is_empty());
        assert_eq!(death(3000, heard(300)), None, "a server answered");
        silences.spend(&zone(), DEAD_AFTER - 1, heard(0), AT);
        assert_eq!(death(3000, heard(300)), None, "few packets say little");
        assert!(death(1, heard(300)).is_none() && !silences.list(9, heard(300), AT)[0].dead);
    }

    #[test]
    fn an_account_is_closed_by_time_and_by_forgiveness() {
        let silences = Silences::default();
        assert_eq!(granted(&silences, heard(0), 1), AT_ONCE);
        let pardoned = LineState { forgiven: AT.shifted(1), ..heard(0) };
        assert_eq!(silences.leave(&zone(), false, pardoned, AT), Leave::Granted);
        assert_eq!(granted(&silences, heard(0), 1), AT_ONCE);
        let later = AT.after(KEEP);
        assert_eq!(silences.leave(&zone(), false, heard(0), later), Leave::Granted);
        assert!(silences.list(9, heard(0), later).is_empty());
    }

    #[test]
    fn no_more_zones_are_kept_than_there_is_room_for() {
        let silences = Silences::default();
        let mut forgotten = 0;
        for number in 0..2 * MOST_ZONES {
            let zone = name::parse(&format!("z{number}.test")).unwrap();
            forgotten += usize::from(silences.spend(&zone, 1, heard(0), AT));
        }
        let kept = silences.list(usize::MAX, heard(0), AT).len();
        assert!(kept <= MOST_ZONES && kept + forgotten == 2 * MOST_ZONES, "{kept} {forgotten}");
    }
}
