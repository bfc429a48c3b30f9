//! Permits: the packets of a race, and when they may be sent.
//!
//! A packet that an outsider can cause needs a permit: of the account of its zone while the zone is
//! silent, of the quota of its server, and of the limit for unproven addresses. A race without a
//! permit asks a different server, or waits for the permit; it never gives up for that reason
//! alone.

use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{Counter, Moment, Network};

use super::Race;
use crate::infra::fetch_quotas::QuotaLoad;
use crate::infra::unproven_addresses::{UnprovenPermit, is_watched};
use crate::infra::zone_silence::{STREAM_PACKETS, ZonePacket, ZonePermit};
use crate::model::answer::Unresolved;
use crate::model::trace::Hop;
use crate::selection::candidates::Attempt;

/// A server with too many queries under way is looked at again after this.
const CROWDED: Duration = Duration::from_millis(250);

/// The next step of a race.
pub(super) enum NextStep {
    /// To ask a server.
    Ask(Attempt),
    /// Nothing before then.
    Wait(Moment),
    /// No server is left to ask.
    Nothing,
}

/// Why a packet may not be sent now.
struct PermitRefused {
    until: Moment,
    /// The server has too many queries under way for its rate of replies.
    overloaded: bool,
}

impl<N: Network> Race<'_, N> {
    /// The best candidate that may be asked now; the attempt is charged.
    pub(super) fn next_attempt(&mut self) -> NextStep {
        if let Some(next) = self.zone_refuses() {
            self.env.count(Counter::InfraUnresponsiveHeld);
            return next;
        }
        if self.packets > 0 && self.env.zone_load(self.cut) != QuotaLoad::Light {
            self.env.count(Counter::LimitQueriesPerServer);
            return NextStep::Wait(self.env.shared().now().after(CROWDED));
        }
        let (mut until, mut overloaded) = (None::<Moment>, false);
        let next = loop {
            let Some(next) = self.candidates.choose() else { break None };
            match self.admit(&next) {
                Ok(()) => break Some(next),
                Err(refused) => {
                    overloaded |= refused.overloaded;
                    until = Some(until.map_or(refused.until, |until| until.min(refused.until)));
                    self.candidates.postpone(&next);
                }
            }
        };
        self.candidates.release_postponed();
        match (next, until) {
            (Some(next), _) => {
                self.charge(&next);
                NextStep::Ask(next)
            }
            (None, Some(_)) if overloaded && self.packets == 0 => {
                let zone = self.cut.zone.fmt_with_dot();
                let text = format!("too many queries are under way at the servers of {zone}");
                self.exhausted = Some(Unresolved::overloaded(&text));
                NextStep::Nothing
            }
            (None, Some(until)) => NextStep::Wait(until),
            (None, None) => NextStep::Nothing,
        }
    }

    /// Whether an optional attempt may be sent; if so it is charged.
    pub(super) fn may_add(&mut self, attempt: &Attempt) -> bool {
        let may = self.zone_refuses().is_none() && self.admit(attempt).is_ok();
        if may {
            self.charge(attempt);
        }
        may
    }

    /// The alternative if the zone has no permit now.
    fn zone_refuses(&self) -> Option<NextStep> {
        match self.probe {
            _ if !is_watched(self.cut) => None,
            Some(0) => Some(NextStep::Nothing),
            Some(_) => None,
            None => {
                let shared = self.env.shared();
                let is_first = self.packets == 0 || self.has_own_address;
                let packet = if is_first { ZonePacket::First } else { ZonePacket::Further };
                let uplink = shared.uplink_state(shared.uplinks.of(self.cut));
                let now = shared.now();
                match shared.zone_silences.permit(&self.cut.zone, packet, uplink, now) {
                    ZonePermit::Granted => None,
                    // A zone that has replied is not silent: it would reply the same again, and the
                    // permit is far.
                    ZonePermit::At(_) if self.contradicted && self.running.is_empty() => {
                        Some(NextStep::Nothing)
                    }
                    ZonePermit::At(until) => Some(NextStep::Wait(until)),
                }
            }
        }
    }

    fn admit(&self, next: &Attempt) -> Result<(), PermitRefused> {
        let (shared, now) = (self.env.shared(), self.env.shared().now());
        let address = next.endpoint.address.ip();
        let (quotas, usual) = (&shared.server_quotas, self.env.usual_of_servers(self.cut));
        let at = quotas.of_server(address);
        let load = quotas.load(at, usual);
        if self.probe.is_some_and(|left| left < packets(next)) {
            return Err(PermitRefused { until: now, overloaded: false });
        }
        // A hedge or a later query is sent only while less than half of the quota is used.
        if load == QuotaLoad::Full || load == QuotaLoad::Heavy && self.packets > 0 {
            self.env.count(Counter::LimitQueriesPerServer);
            let overloaded = load == QuotaLoad::Full && quotas.has_shrunk(at, usual);
            return Err(PermitRefused { until: now.after(CROWDED), overloaded });
        }
        if !next.is_unproven {
            return Ok(());
        }
        match self.env.admit_unproven(next.endpoint) {
            UnprovenPermit::Admitted { .. } => Ok(()),
            UnprovenPermit::At(until) => {
                self.step.trace(|| {
                    let address = next.endpoint;
                    Hop::Note(format!("held back: {address} has never answered and was just asked"))
                });
                Err(PermitRefused { until, overloaded: false })
            }
        }
    }

    /// Charges an attempt to the account of the zone. The first attempt is charged only after a
    /// late reply.
    fn charge(&mut self, next: &Attempt) {
        let packets = packets(next);
        self.packets += 1;
        self.has_own_address = false;
        self.uncharged += packets;
        if let Some(left) = &mut self.probe {
            *left = left.saturating_sub(packets);
        }
        let (shared, zone) = (self.env.shared(), &self.cut.zone);
        let now = shared.now();
        if is_watched(self.cut) && (self.packets > 1 || shared.zone_silences.has(zone, now)) {
            let packets = std::mem::take(&mut self.uncharged);
            let uplink = shared.uplink_state(shared.uplinks.of(self.cut));
            if shared.zone_silences.spend(zone, packets, uplink, now) {
                self.env.count(Counter::LimitUnresponsiveZones);
            }
        }
    }

    /// Waits until then, or until a server has replied that questions wait for.
    pub(super) fn wait_for_permit(&mut self, until: Moment) {
        let wait = until.since(self.env.shared().now());
        (self.waits_for_permit, self.hedge_at) = (true, Instant::now() + wait);
    }

    /// A server of the zone said something useful.
    pub(super) fn end_silence(&self) {
        let shared = self.env.shared();
        if is_watched(self.cut) && shared.zone_silences.end(&self.cut.zone) {
            shared.released.notify_waiters();
        }
    }
}

fn packets(attempt: &Attempt) -> u32 {
    if attempt.endpoint.transport.is_stream() { STREAM_PACKETS } else { 1 }
}
