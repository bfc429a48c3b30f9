//! What a race may send, and when.
//!
//! A packet that an outsider can make us send must have leave: of the account of its zone while that is
//! silent, of the quota of its server, and of the bound for those who have never answered. A race that
//! gets none asks another server, or waits until it does; it never gives up for that alone.

use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{Counter, Delegation, Endpoint, Moment, Network, QueryMode, Transport, name};

use super::Race;
use crate::env::worker::Worker;
use crate::infra::fetch_quotas::{Load, UnderWay, Usual};
use crate::infra::silent_zones::{Leave, STREAM};
use crate::infra::unproven_addresses::{Admission, is_watched};
use crate::model::answer::Unresolved;
use crate::model::trace::Hop;
use crate::selection::candidates::Attempt;

/// A server with too many queries under way is looked at again after this.
const CROWDED: Duration = Duration::from_millis(250);

/// The next step of a race.
pub(super) enum Next {
    /// To ask a server.
    Ask(Attempt),
    /// Nothing before then.
    Wait(Moment),
    /// No server is left to ask.
    Nothing,
}

/// Why a packet may not be sent now.
struct Refused {
    until: Moment,
    /// Its server leaves too many unanswered for what is under way.
    overloaded: bool,
}

impl<N: Network> Race<'_, N> {
    /// The best server that may be asked now; the attempt is charged.
    pub(super) fn next_attempt(&mut self) -> Next {
        if let Some(next) = self.zone_refuses() {
            self.worker.count(Counter::InfraUnresponsiveHeld);
            return next;
        }
        if self.packets > 0 && self.worker.zone_load(self.cut) != Load::Light {
            self.worker.count(Counter::LimitQueriesPerServer);
            return Next::Wait(self.worker.shared().now().after(CROWDED));
        }
        let (mut until, mut overloaded) = (None::<Moment>, false);
        let next = loop {
            let Some(next) = self.candidates.next() else { break None };
            match self.admit(&next) {
                Ok(()) => break Some(next),
                Err(refused) => {
                    overloaded |= refused.overloaded;
                    until = Some(until.map_or(refused.until, |until| until.min(refused.until)));
                    self.candidates.hold(&next);
                }
            }
        };
        self.candidates.let_back();
        match (next, until) {
            (Some(next), _) => {
                self.charge(&next);
                Next::Ask(next)
            }
            (None, Some(_)) if overloaded && self.packets == 0 => {
                let zone = self.cut.zone.fmt_with_dot();
                let text = format!("too many queries are under way at the servers of {zone}");
                self.exhausted = Some(Unresolved::overloaded(&text));
                Next::Nothing
            }
            (None, Some(until)) => Next::Wait(until),
            (None, None) => Next::Nothing,
        }
    }

    /// Whether an attempt that need not be made may be, and is charged then.
    pub(super) fn may_add(&mut self, attempt: &Attempt) -> bool {
        let may = self.zone_refuses().is_none() && self.admit(attempt).is_ok();
        if may {
            self.charge(attempt);
        }
        may
    }

    /// What is left to do if the zone may be sent nothing now.
    fn zone_refuses(&self) -> Option<Next> {
        match self.probe {
            _ if !is_watched(self.cut) => None,
            Some(0) => Some(Next::Nothing),
            Some(_) => None,
            None => {
                let (shared, first) = (self.worker.shared(), self.packets == 0);
                let line = shared.line_state(shared.lines.of(self.cut));
                let now = shared.now();
                match shared.silences.leave(&self.cut.zone, first, line, now) {
                    Leave::Granted => None,
                    // What said something is not silent: it would say the same again, and leave is far.
                    Leave::At(_) if self.contradicted && self.running.is_empty() => {
                        Some(Next::Nothing)
                    }
                    Leave::At(until) => Some(Next::Wait(until)),
                }
            }
        }
    }

    fn admit(&self, next: &Attempt) -> Result<(), Refused> {
        let (shared, now) = (self.worker.shared(), self.worker.shared().now());
        let address = next.endpoint.address.ip();
        let (quotas, usual) = (&shared.server_quotas, self.worker.usual_of_servers(self.cut));
        let at = quotas.of_server(address);
        let load = quotas.load(at, usual);
        if self.probe.is_some_and(|left| left < packets(next)) {
            return Err(Refused { until: now, overloaded: false });
        }
        // Beside another query, or after it, there is room while not half of the quota is taken.
        if load == Load::Full || load == Load::Heavy && self.packets > 0 {
            self.worker.count(Counter::LimitQueriesPerServer);
            let overloaded = load == Load::Full && quotas.has_shrunk(at, usual);
            return Err(Refused { until: now.after(CROWDED), overloaded });
        }
        if !next.stranger {
            return Ok(());
        }
        match self.worker.admit_stranger(next.endpoint) {
            Admission::Admitted(_) => Ok(()),
            Admission::At(until) => {
                self.context.trace(|| {
                    let address = next.endpoint;
                    Hop::Note(format!("held back: {address} has never answered and was just asked"))
                });
                Err(Refused { until, overloaded: false })
            }
        }
    }

    /// Charges an attempt to the zone's account. The first is, only where others have been late.
    fn charge(&mut self, next: &Attempt) {
        let packets = packets(next);
        self.packets += 1;
        self.uncharged += packets;
        if let Some(left) = &mut self.probe {
            *left = left.saturating_sub(packets);
        }
        let (shared, zone) = (self.worker.shared(), &self.cut.zone);
        let now = shared.now();
        if is_watched(self.cut) && (self.packets > 1 || shared.silences.has(zone, now)) {
            let packets = std::mem::take(&mut self.uncharged);
            let line = shared.line_state(shared.lines.of(self.cut));
            if shared.silences.spend(zone, packets, line, now) {
                self.worker.count(Counter::LimitUnresponsiveZones);
            }
        }
    }

    /// Waits until then, or until a server has answered that questions wait for.
    pub(super) fn hold(&mut self, until: Moment) {
        let wait = until.since(self.worker.shared().now());
        (self.held, self.hedge_at) = (true, Instant::now() + wait);
    }

    /// A server of the zone said something useful.
    pub(super) fn end_silence(&self) {
        let shared = self.worker.shared();
        if is_watched(self.cut) && shared.silences.end(&self.cut.zone) {
            shared.released.notify_waiters();
        }
    }
}

fn packets(attempt: &Attempt) -> u32 {
    if attempt.endpoint.transport == Transport::Tcp { STREAM } else { 1 }
}

/// The quota of a zone or its servers. What was configured has none: all that one server is asked may go
/// to it, and names that it never answers shall not take the others along. What lies at the top is asked a
/// lot before anything else is known.
fn usual(limit: u32, cut: &Delegation) -> Usual {
    let limit = if cut.mode == QueryMode::Iterative { limit } else { 0 };
    Usual { limit, trusted: name::depth(&cut.zone) <= 1 }
}

impl<N: Network> Worker<N> {
    fn usual_of_servers(&self, cut: &Delegation) -> Usual {
        usual(self.settings().limits.queries_per_server, cut)
    }

    /// Asks for leave to send a packet, or to open a stream, to an address that has never answered.
    pub(crate) fn admit_stranger(&self, server: Endpoint) -> Admission {
        let (strangers, now) = (&self.shared().strangers, self.shared().now());
        let admission = strangers.admit(server.address.ip(), server.transport, now);
        match admission {
            Admission::Admitted(true) => self.count(Counter::LimitUnprovenAddresses),
            Admission::Admitted(false) => {}
            Admission::At(_) => self.count(Counter::InfraUnprovenHeld),
        }
        admission
    }

    /// The place of a query among those to its server.
    pub(crate) fn enter_server(&self, server: Endpoint) -> UnderWay {
        let quotas = &self.shared().server_quotas;
        let usual = Usual { limit: self.settings().limits.queries_per_server, trusted: false };
        quotas.enter(quotas.of_server(server.address.ip()), usual)
    }

    /// A query to a server stayed unanswered. While none is answered on the line to it, that says nothing of it.
    pub(crate) fn missed(&self, server: Endpoint) {
        let line = self.shared().lines.to(server.address.ip());
        if line.is_silent(self.shared().now()) {
            return;
        }
        let quotas = &self.shared().server_quotas;
        let usual = Usual { limit: self.settings().limits.queries_per_server, trusted: false };
        quotas.ended(quotas.of_server(server.address.ip()), false, usual);
    }

    /// Whether no server answers on the line to those of a zone, so that it may be the line.
    pub(crate) fn is_line_silent(&self, cut: &Delegation) -> bool {
        self.shared().lines.of(cut).is_silent(self.shared().now())
    }

    fn usual_of_zones(&self, cut: &Delegation) -> Usual {
        usual(self.settings().limits.questions_per_zone, cut)
    }

    fn zone_load(&self, cut: &Delegation) -> Load {
        let quotas = &self.shared().zone_quotas;
        quotas.load(quotas.of_zone(&cut.zone), self.usual_of_zones(cut))
    }

    /// The place of a question among those to its zone.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn enter_zone(&self, cut: &Delegation) -> Result<UnderWay, Unresolved> {
        let (quotas, usual) = (&self.shared().zone_quotas, self.usual_of_zones(cut));
        let at = quotas.of_zone(&cut.zone);
        if quotas.load(at, usual) == Load::Full {
            self.count(Counter::LimitQuestionsPerZone);
            let zone = cut.zone.fmt_with_dot();
            return Err(Unresolved::overloaded(&format!(
                "too many questions to {zone} are under way"
            )));
        }
        Ok(quotas.enter(at, usual))
    }
}
