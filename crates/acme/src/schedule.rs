//! When the next order is due: renewals in time, and orders that fail rarely enough for the limits of Let's Encrypt.
//!
//! A pure state machine: wall clock and random bits go in. The clock may jump; no wait is longer than it was made.

#[cfg(test)]
mod tests;

use zoners_tls::Validity;

use crate::FaultKind;

/// Orders within an hour, across restarts. Let's Encrypt allows five failed proofs of a name in an hour.
pub const MAX_ORDERS_AN_HOUR: usize = 4;
/// An hour, in seconds.
const HOUR_S: u64 = 3600;
/// A certificate is renewed once this part of its lifetime is left.
const LEFT_PART: u64 = 3;
/// Machines that started together renew within this part of the lifetime.
const JITTER_PART: u64 = 24;
/// The first wait, in seconds, after the server was unreachable …
const FIRST_UNREACHABLE_S: u64 = 30;
/// … and the longest.
const MAX_UNREACHABLE_S: u64 = HOUR_S;
/// The first wait after an order without a certificate …
const FIRST_REFUSED_S: u64 = 15 * 60;
/// … and the longest: a third of the shortest lifetime, 53 hours, has room for some.
const MAX_REFUSED_S: u64 = 12 * HOUR_S;
/// The wait after a certificate that is of no use: Let's Encrypt issues five for the same names in a week.
const UNUSABLE_S: u64 = 36 * HOUR_S;
/// An unreachable server is asked again this soon after the network has changed, in seconds.
const AFTER_CHANGE_S: u64 = 10;

/// The schedule of one certificate.
#[derive(Clone, Debug, Default)]
pub struct AcmeSchedule {
    /// The time of the certificate in force, if it has the wanted names.
    certificate: Option<Validity>,
    /// Spreads renewals; chosen for each certificate.
    jitter: u64,
    /// Failures in a row.
    failures: u32,
    /// The wait after the last failure: since when, how long, and after what.
    wait: Option<(u64, u64, FaultKind)>,
    /// The moments of the last orders, in seconds since 1970, the oldest first.
    placed_s: Vec<u64>,
}

impl AcmeSchedule {
    /// A schedule with the certificate at hand, if it has the wanted names, and with the moments of the last orders.
    #[must_use]
    pub fn new(certificate: Option<Validity>, placed_s: Vec<u64>, jitter: u64) -> Self {
        let mut schedule = AcmeSchedule { certificate, jitter, placed_s, ..Self::default() };
        schedule.forget_old_orders();
        schedule
    }

    /// Seconds until the next order is due.
    #[must_use]
    pub fn wait_s(&self, now_s: u64) -> u64 {
        let needed = self.certificate.map_or(0, |own| self.renewal_s(own).saturating_sub(now_s));
        needed.max(self.pause_s(now_s)).max(self.quota_s(now_s))
    }

    /// Notes that an order begins, and returns the moments of the last orders, to be kept.
    pub fn begin(&mut self, now_s: u64) -> &[u64] {
        self.placed_s.push(now_s);
        self.forget_old_orders();
        &self.placed_s
    }

    /// Notes the end of an order with a certificate.
    pub fn issued(&mut self, certificate: Validity, jitter: u64) {
        (self.certificate, self.jitter) = (Some(certificate), jitter);
        (self.failures, self.wait) = (0, None);
    }

    /// Notes the end of an order without a certificate. `wanted_s` is the pause that the server wants.
    pub fn failed(&mut self, kind: FaultKind, wanted_s: Option<u64>, now_s: u64, random: u64) {
        self.failures = self.failures.saturating_add(1);
        if kind == FaultKind::Unreachable {
            // No order was placed.
            self.placed_s.pop();
        }
        let wait_s = failure_wait_s(kind, self.failures, random).max(wanted_s.unwrap_or_default());
        // A server that wants a pause was reached: a change of the network changes nothing.
        let kind = if wanted_s.is_some() { FaultKind::Refused } else { kind };
        self.wait = Some((now_s, wait_s, kind));
    }

    /// The network has changed: an unreachable server is asked again soon.
    pub fn network_changed(&mut self, now_s: u64) {
        if let Some((_, _, FaultKind::Unreachable)) = self.wait
            && self.pause_s(now_s) > AFTER_CHANGE_S
        {
            self.wait = Some((now_s, AFTER_CHANGE_S, FaultKind::Unreachable));
        }
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The moment of the renewal.
    fn renewal_s(&self, own: Validity) -> u64 {
        let lifetime_s = own.not_after.saturating_sub(own.not_before);
        let early_s = lifetime_s / LEFT_PART + part(lifetime_s / JITTER_PART, self.jitter);
        own.not_after.saturating_sub(early_s)
    }

    /// What is left of the wait after the last failure.
    fn pause_s(&self, now_s: u64) -> u64 {
        let Some((since_s, wait_s, _)) = self.wait else { return 0 };
        // After a backward jump of the clock, the wait begins anew.
        since_s.saturating_add(wait_s).saturating_sub(now_s).min(wait_s)
    }

    /// The time until there may be another order within the hour.
    fn quota_s(&self, now_s: u64) -> u64 {
        let Some(place) = self.placed_s.len().checked_sub(MAX_ORDERS_AN_HOUR) else { return 0 };
        let Some(oldest_s) = self.placed_s.get(place) else { return 0 };
        oldest_s.saturating_add(HOUR_S).saturating_sub(now_s).min(HOUR_S)
    }

    fn forget_old_orders(&mut self) {
        let surplus = self.placed_s.len().saturating_sub(MAX_ORDERS_AN_HOUR);
        self.placed_s.drain(..surplus);
    }
}

/// The wait after a number of failures in a row, up to a fifth longer by chance.
fn failure_wait_s(kind: FaultKind, failures: u32, random: u64) -> u64 {
    let doubled = |first_s: u64, most_s: u64| {
        first_s.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(most_s)
    };
    let wait_s = match kind {
        FaultKind::Unreachable => doubled(FIRST_UNREACHABLE_S, MAX_UNREACHABLE_S),
        FaultKind::Refused => doubled(FIRST_REFUSED_S, MAX_REFUSED_S),
        FaultKind::Unusable => UNUSABLE_S,
    };
    wait_s + part(wait_s / 5, random)
}

/// A random part of a span.
fn part(span: u64, random: u64) -> u64 {
    ((u128::from(span) * u128::from(random)) >> 64) as u64
}
