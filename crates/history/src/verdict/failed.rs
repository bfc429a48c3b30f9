//! The cause of a failure.

use zoners_api::{VerdictCause, VerdictReport};
use zoners_dns::Name;

use super::words::{distinct, list, servers};
use super::{AskedServer, VerdictCase, most_waited};
use crate::hop::HopEnd;
use crate::hop::ReplyEnd::NoSocket;
use crate::record::FailureKind;
use crate::report::end_in_words;

impl VerdictCase<'_> {
    /// The cause of a failure.
    pub(super) fn judge_failure(&self) -> VerdictReport {
        match self.record.failure {
            Some(FailureKind::Overloaded | FailureKind::Cancelled) => {
                self.judge_resolver("too many questions were under way in this resolver")
            }
            Some(FailureKind::Budget) if self.lacks_sockets() => {
                self.judge_resolver("this machine had no socket left for a query")
            }
            Some(FailureKind::Bogus) => self.judge_bogus(),
            Some(FailureKind::Sentinel) => {
                let text =
                    "the name asks for this failure (RFC 8509), to test the resolver".to_owned();
                VerdictCase::verdict(VerdictCause::Nothing, None, text, Vec::new())
            }
            Some(FailureKind::Cycle | FailureKind::Depth | FailureKind::Aliases) => {
                self.judge_zone("aliases or nameservers lead in a circle, or too far")
            }
            Some(FailureKind::Budget) => {
                self.judge_zone("an answer needs more queries than one question may cost")
            }
            Some(FailureKind::NoAddress) => self.judge_missing_address(),
            Some(
                FailureKind::Silent
                | FailureKind::Unusable
                | FailureKind::Deadline
                | FailureKind::Remembered,
            )
            | None => self.judge_servers(),
        }
    }

    fn lacks_sockets(&self) -> bool {
        self.asked().iter().any(|asked| asked.end == HopEnd::Reply(NoSocket))
    }

    fn judge_resolver(&self, what: &str) -> VerdictReport {
        let text = format!("{}: {what}", self.beginning());
        VerdictCase::verdict(VerdictCause::Resolver, Some("zoners".to_owned()), text, Vec::new())
    }

    /// The verdict on a zone that is set up wrongly.
    fn judge_zone(&self, what: &str) -> VerdictReport {
        let zone = self.deepest_zone().unwrap_or_else(|| self.record.name.clone());
        let zone = zone.fmt_with_dot().to_string();
        let text = format!("{}: {zone} is set up wrongly: {what}", self.beginning());
        VerdictCase::verdict(VerdictCause::Zone, Some(zone), text, Vec::new())
    }

    fn judge_bogus(&self) -> VerdictReport {
        let reason = self.record.reason.map_or("DNSSEC Bogus", |code| code.meaning());
        if let Some(verdict) = self.judge_obstacle() {
            return verdict;
        }
        if self.record.line.clock_wrong {
            let text = format!(
                "{}: the clock of this machine is wrong, so that signatures look out of date ({reason})",
                self.beginning()
            );
            return VerdictCase::verdict(VerdictCause::Clock, None, text, Vec::new());
        }
        let zone = self.deepest_zone().unwrap_or_else(|| self.record.name.clone());
        let zone = zone.fmt_with_dot().to_string();
        let text = format!(
            "{}: the signatures of {zone} are wrong ({reason}); its owner must repair them",
            self.beginning()
        );
        VerdictCase::verdict(VerdictCause::Dnssec, Some(zone), text, Vec::new())
    }

    /// The verdict where the network stands in the way. A line that is down explains no wrong signature.
    fn judge_obstacle(&self) -> Option<VerdictReport> {
        self.record.line.obstacle.and_then(|_| self.judge_line())
    }

    /// A zone without a server that has an address: nested look-ups failed, or the delegation is wrong.
    fn judge_missing_address(&self) -> VerdictReport {
        if let Some(verdict) = self.judge_line() {
            return verdict;
        }
        let nested: Vec<_> =
            self.useless().into_iter().filter(|asked| asked.hop.depth > 0).collect();
        match nested.is_empty() {
            true => self.judge_zone("its nameservers have no addresses"),
            false => self.judge_useless(&nested),
        }
    }

    /// Silent servers, and servers with useless replies.
    fn judge_servers(&self) -> VerdictReport {
        if let Some(verdict) = self.judge_line() {
            return verdict;
        }
        let useless = self.useless();
        let answered = |zone: &Name| {
            let mut asked = self.record.hops.iter().filter(|hop| hop.zone == *zone);
            asked.any(|hop| hop.asked().is_some_and(|(_, end)| end.is_useful()))
        };
        // A zone with a useful reply is not the reason of a failure, unless every zone has a useful reply.
        let of_silent_zones: Vec<_> =
            useless.iter().filter(|asked| !answered(&asked.hop.zone)).copied().collect();
        match of_silent_zones.is_empty() {
            true => self.judge_useless(&useless),
            false => self.judge_useless(&of_silent_zones),
        }
    }

    fn judge_useless(&self, useless: &[AskedServer<'_>]) -> VerdictReport {
        let (faulty, silent): (Vec<_>, Vec<_>) =
            useless.iter().copied().partition(|asked| asked.end.is_faulty());
        let faulty_first = self.record.failure == Some(FailureKind::Unusable);
        match (faulty.is_empty(), silent.is_empty()) {
            (true, true) => self.unknown(),
            (false, true) => self.judge_faulty(&faulty),
            (false, false) if faulty_first => self.judge_faulty(&faulty),
            (_, false) => self.judge_silence(&silent),
        }
    }

    /// Servers with useless replies.
    pub(super) fn judge_faulty(&self, faulty: &[AskedServer<'_>]) -> VerdictReport {
        let Some((provider, blamed, _)) = most_waited(faulty) else { return self.unknown() };
        let count = distinct(&blamed).len();
        let (zone, end) = match blamed.first() {
            Some(first) => (first.hop.zone.fmt_with_dot().to_string(), end_in_words(first.end)),
            None => return self.unknown(),
        };
        let text = format!(
            "{}: {} of {provider} gave no usable answer for {zone}: {end}",
            self.beginning(),
            servers(count, self.record.has_failed())
        );
        let evidence = vec![format!("Asked: {}.", list(&blamed))];
        VerdictCase::verdict(VerdictCause::ProviderFaulty, Some(provider), text, evidence)
    }

    /// The servers that were asked without a useful reply.
    pub(super) fn useless(&self) -> Vec<AskedServer<'_>> {
        let asked = self.asked();
        let useless = |asked: &AskedServer<'_>| asked.end.is_faulty() || self.is_silent(asked);
        asked.into_iter().filter(useless).collect()
    }

    /// The zone with the most labels that was asked for the question itself.
    fn deepest_zone(&self) -> Option<Name> {
        let own = self.record.hops.iter().filter(|hop| hop.depth == 0);
        own.map(|hop| &hop.zone).max_by_key(|zone| zone.label_count()).cloned()
    }
}
