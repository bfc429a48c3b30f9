//! The silence of one zone: the packets sent in vain, and whether a further packet may be sent.

use std::time::Duration;

use zoners_dns::Moment;

use crate::infra::uplink_state::UplinkState;

/// Packets granted at once before any reply, including the first of each question: a packet for
/// each server of the largest usual delegation.
pub(super) const PACKETS_AT_ONCE: u32 = 13;
/// Packets while the uplink may still be at fault, or …
pub(super) const MAX_PACKETS: u32 = 16;
/// … in total where each question may send its first packet.
pub(super) const MAX_FIRST_PACKETS: u32 = 64;
/// The interval of further packets.
const PACE: Duration = Duration::from_millis(500);
/// The same while no server anywhere answers: once the uplink is back, no question waits for long.
const PACE_OF_SILENCE: Duration = Duration::from_millis(250);
/// A zone with this many packets …
pub(super) const DEAD_AFTER_PACKETS: u32 = 5;
/// … and this long a silence is dead; twice as long on a lossy uplink, so that a first question has
/// time for each useful attempt.
const DEAD_FOR: Duration = Duration::from_secs(3);
/// The packets of a question to a dead zone, if the uplink loses nothing.
pub(crate) const PROBE_PACKETS: u32 = 3;
/// The packets of a stream without an answer: the SYN is sent again each second.
pub(crate) const STREAM_PACKETS: u32 = 3;

/// The silence of a zone since its last useful reply.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ZoneSilence {
    /// When the first server was late.
    pub(crate) since: Moment,
    /// Packets sent to the zone.
    pub(crate) packets: u32,
    /// When the next may be sent where packets are few.
    free_at: Moment,
    /// Whether the death was reported.
    is_reported: bool,
    /// Questions wait for a permit.
    pub(crate) is_awaited: bool,
}

/// A packet of a question to a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZonePacket {
    /// The first packet of the question.
    First,
    /// A further packet.
    Further,
}

/// Whether a packet may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZonePermit {
    /// At once.
    Granted,
    /// Not before then.
    At(Moment),
}

/// The death of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ZoneDeath {
    /// The start of the silence.
    pub(crate) since: Moment,
    /// The death was not reported before.
    pub(crate) is_new: bool,
}

impl ZoneSilence {
    /// Whether a packet may be sent to the zone now.
    pub(crate) fn permit(
        &self,
        packet: ZonePacket,
        uplink: UplinkState,
        now: Moment,
    ) -> ZonePermit {
        let may = match packet {
            ZonePacket::First => self.packets < MAX_FIRST_PACKETS,
            ZonePacket::Further => self.packets < uplink.allows(PACKETS_AT_ONCE),
        };
        // More is of no use: the uplink works.
        let spent = self.packets >= uplink.allows(MAX_PACKETS) && self.has_other_replies(uplink);
        match may || !spent && self.free_at <= now {
            true => ZonePermit::Granted,
            false if spent => ZonePermit::At(now.after(PACE)),
            false => ZonePermit::At(self.free_at),
        }
    }

    /// Counts packets sent to the zone.
    pub(crate) fn spend(&mut self, packets: u32, uplink: UplinkState, now: Moment) {
        if self.packets == 0 {
            self.since = now;
        }
        self.packets = self.packets.saturating_add(packets);
        let pace = if uplink.silent { PACE_OF_SILENCE } else { PACE };
        self.free_at = now.after(pace * packets.min(STREAM_PACKETS));
    }

    /// The death of the zone, if the silence suffices.
    pub(crate) fn death(&mut self, uplink: UplinkState, now: Moment) -> Option<ZoneDeath> {
        if !self.is_dead(uplink, now) {
            return None;
        }
        let is_new = !std::mem::replace(&mut self.is_reported, true);
        Some(ZoneDeath { since: self.since, is_new })
    }

    /// Whether the uplink was at fault.
    pub(crate) fn is_forgiven(&self, uplink: UplinkState) -> bool {
        self.since < uplink.forgiven || uplink.interruption.covers(self.since)
    }

    /// Whether other servers replied when a server of the zone should have replied.
    fn has_other_replies(&self, uplink: UplinkState) -> bool {
        uplink.last_reply_at >= self.since.after(uplink.late)
    }

    /// Whether the zone counts as dead.
    pub(crate) fn is_dead(&self, uplink: UplinkState, now: Moment) -> bool {
        self.packets >= DEAD_AFTER_PACKETS
            && now.since(self.since) >= DEAD_FOR.mul_f64(uplink.stretch())
            && self.has_other_replies(uplink)
            && !self.is_forgiven(uplink)
    }
}
