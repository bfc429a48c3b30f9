//! The effect of an exchange's result on the race, and the failure of a race.

use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{Counter, EdeCode, Endpoint, Message, Network, QueryMode};

use super::hearsay::empty_verdict;
use super::{Race, RunningAttempt};
use crate::ask::classify::classify;
use crate::ask::exchange::Report;
use crate::ask::race::child_nameservers::keep_child_servers;
use crate::ask::scrub::scrub;
use crate::model::answer::{Cause, Unresolved};
use crate::model::hop_log::LoggedEnd;
use crate::model::trace::Hop;
use crate::model::verdict::{Fault, Verdict};
use crate::selection::addresses::forget_addresses;
use crate::selection::candidates::Attempt;
use crate::selection::observation::{Observation, observe};

impl<N: Network> Race<'_, N> {
    /// The verdict of a good reply; other results are recorded.
    pub(super) fn judge(&mut self, report: Report) -> Option<Box<Verdict>> {
        let Report { attempt, took, .. } = report;
        self.candidates.resume(attempt.endpoint.address);
        let hearsay = self.observe_network(&report);
        let verdict = report.result.and_then(|message| self.classify(message, hearsay));
        self.trace(&attempt, took, || match &verdict {
            Ok(verdict) => Some(Ok(verdict.to_string())),
            Err(fault) => Some(Err(*fault)),
        });
        self.step.end_query(attempt.endpoint, took, || LoggedEnd::of(&verdict));
        if attempt.troubled && verdict.is_ok() {
            observe(self.env, attempt.endpoint, Observation::GoodAnswer);
        }
        match verdict {
            Ok(verdict) => {
                self.record_empty_replies();
                self.end_silence();
                self.try_encryption(&attempt);
                Some(Box::new(verdict.of(attempt.endpoint)))
            }
            // A middlebox answering for this server answers for every server.
            Err(fault) if hearsay && fault.says_nothing() && self.is_intercepted() => {
                let nothing = self.as_hearsay(empty_verdict(fault));
                Some(Box::new(nothing.of(attempt.endpoint)))
            }
            Err(Fault::Exhausted(exhausted)) => {
                self.exhausted.get_or_insert_with(|| exhausted.unresolved());
                None
            }
            Err(fault) => {
                self.take_fault(attempt, fault);
                None
            }
        }
    }

    /// The meaning of a reply, without the records out of bailiwick.
    fn classify(&self, mut message: Box<Message>, hearsay: bool) -> Result<Verdict, Fault> {
        self.env.learn_agent(self.cut, &message);
        let scrubbed = scrub(&mut message, &self.cut.zone);
        self.env.counters().add(Counter::UpstreamScrubbed, scrubbed.dropped);
        self.env.counters().add(Counter::LimitSignatures, message.dropped_signatures as u64);
        let (settings, now) = (self.env.settings(), self.env.shared().now());
        let verdict = classify(self.cut, &self.asking.question, &message, scrubbed, settings, now)?;
        if matches!(verdict, Verdict::Answer(_)) {
            keep_child_servers(self.env, self.cut, &message);
        }
        Ok(if hearsay { self.as_hearsay(verdict) } else { verdict })
    }

    /// Records the fault of an attempt, for the race and for its server.
    fn take_fault(&mut self, attempt: Attempt, fault: Fault) {
        match fault.says_nothing() {
            true => self.empty_replies.push((attempt, fault)),
            false => self.record_fault(&attempt, fault),
        }
        if fault == Fault::Lame || fault.says_nothing() {
            let (query, sent) = (&self.asking, Instant::now());
            observe(self.env, attempt.endpoint, Observation::NoUsefulReply { query, sent });
        }
        if fault.is_answer() {
            self.drop_followers(attempt.endpoint);
        }
        match fault {
            Fault::Network(_) => self.candidates.unreachable(attempt.endpoint),
            _ if fault.is_answer() => self.candidates.exclude(attempt.endpoint.address),
            _ => {}
        }
        self.contradicted |= fault.is_answer() && !fault.says_nothing();
        // One further server may do better; more would reply the same, and each such reply is
        // expensive.
        if fault.is_too_much() && self.has_met_message_limit() {
            let failure = self.failure();
            self.exhausted.get_or_insert(failure);
        }
        let says_less = |(_, known): &(Attempt, Fault)| fault.is_answer() && !known.is_answer();
        if self.fault.as_deref().is_none_or(says_less) {
            self.fault = Some(Box::new((attempt, fault)));
        }
    }

    /// Whether a reply was more than is read.
    pub(super) fn has_met_message_limit(&self) -> bool {
        self.fault.as_deref().is_some_and(|(_, fault)| fault.is_too_much())
    }

    /// Records the fault of a server.
    fn record_fault(&self, attempt: &Attempt, fault: Fault) {
        // An unreadable reply was recorded when it arrived.
        if fault.is_answer() && !fault.is_unreadable() {
            let zone = &self.cut.zone;
            observe(self.env, attempt.endpoint, Observation::BadAnswer { zone, fault });
        }
    }

    /// Charges the servers that said nothing, once a different server has answered or failed.
    fn record_empty_replies(&mut self) {
        for (attempt, fault) in std::mem::take(&mut self.empty_replies) {
            self.record_fault(&attempt, fault);
        }
    }

    /// The result of a race without a useful reply. If each reply says nothing, the result is
    /// NODATA: some servers have no better way to deny a type.
    pub(super) fn end(&mut self) -> Result<Box<Verdict>, Unresolved> {
        // With more time or budget, a server that says something might have been found; and a
        // silent server may be the only one with the zone, beside hosts that deny or refer.
        let all = self.step.client.budget.met().is_none()
            && (self.candidates.have_all_answered()
                || self.empty_replies.iter().all(|(_, fault)| *fault == Fault::Empty));
        let denies = |(_, fault): &(Attempt, Fault)| *fault == Fault::BareDenial;
        let (denied, silent) =
            (self.empty_replies.iter().any(denies), !self.empty_replies.iter().all(denies));
        let agreed = all && !self.contradicted && denied != silent;
        if !agreed {
            self.record_empty_replies();
            self.forget_addresses();
            return Err(self.failure());
        }
        let first = self.empty_replies.first().map(|(attempt, _)| attempt.endpoint);
        let nothing = empty_verdict(if denied { Fault::BareDenial } else { Fault::Empty });
        Ok(Box::new(match first {
            Some(first) => nothing.of(first),
            None => nothing,
        }))
    }

    /// Forgets addresses from hearsay whose servers do not reply.
    fn forget_addresses(&self) {
        if self.cut.mode == QueryMode::Iterative && !self.env.is_uplink_silent(self.cut) {
            let silent = self.candidates.unanswered();
            forget_addresses(self.env, silent.map(|server| &self.server(server).name));
        }
    }

    /// A bad answer counts once, however many attempts of this race wait for it.
    fn drop_followers(&mut self, endpoint: Endpoint) {
        let waits =
            |other: &RunningAttempt| other.exchange.joined && other.attempt.endpoint == endpoint;
        self.running.retain(|other| !waits(other));
    }

    /// Adds the end of an attempt to the trace.
    pub(super) fn trace(
        &self,
        attempt: &Attempt,
        took: Duration,
        outcome: impl FnOnce() -> Option<Result<String, Fault>>,
    ) {
        self.step.trace(|| Hop::Asked {
            zone: self.cut.zone.clone(),
            question: self.asking.question.clone(),
            server: self.server(attempt.server).name.clone(),
            endpoint: attempt.endpoint,
            why: attempt.why,
            took,
            outcome: outcome(),
        });
    }

    /// The failure of the race, by its most significant fault.
    fn failure(&self) -> Unresolved {
        // With more time or look-ups the servers might have replied.
        let told = self.fault.as_deref().is_some_and(|(_, fault)| fault.is_answer());
        if let Some(met) = self.step.client.budget.met().filter(|_| !told) {
            return met.unresolved();
        }
        let zone = self.cut.zone.fmt_with_dot();
        match self.fault.as_deref().copied() {
            None if self.candidates.is_empty() => {
                let text = format!("no usable server address for {zone}");
                Unresolved::new(Cause::NoAddress, text)
            }
            None => Unresolved::new(Cause::Silent, format!("no server of {zone} answered")),
            Some((attempt, fault)) => {
                let name = &self.server(attempt.server).name;
                let server = match name.is_root() {
                    true => attempt.endpoint.to_string(),
                    false => format!("{} at {}", name.fmt_with_dot(), attempt.endpoint),
                };
                let text = format!("{zone}: {server}: {fault}");
                match fault {
                    Fault::Timeout | Fault::Flooded => Unresolved::new(Cause::Silent, text),
                    Fault::Network(_) => {
                        Unresolved::new(Cause::Silent, text).with_code(EdeCode::NETWORK_ERROR)
                    }
                    _ if fault.is_unreadable() => Unresolved::new(Cause::Unusable, text),
                    _ => Unresolved::new(Cause::Unusable, text)
                        .with_code(EdeCode::NO_REACHABLE_AUTHORITY),
                }
            }
        }
    }
}
