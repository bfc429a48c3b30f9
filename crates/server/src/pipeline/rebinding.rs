//! Rebinding protection: an answer with a private address for a name of the Internet is not passed on.
//!
//! The check happens when an answer is put together, after the policy, and an answer that was kept as finished has passed
//! it. The client gets NODATA for the whole answer: REFUSED and SERVFAIL make a client ask its next resolver, which may
//! lack the protection, and an answer with the remaining records would not be what a signature covers.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use zoners_api::{QueryOutcome, RebindingReport};
use zoners_dns::{Checking, Counter, Ede, EdeCode, Moment, Name, Network, Prefix, Question, name};
use zoners_policy::RebindingProtection;
use zoners_resolver::Answer;

use super::query::Query;
use super::{Service, denial, finish};
use crate::config::{Config, PrivateZone};

/// The time between two lines of the log.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The protection in force.
#[derive(Clone, Debug)]
pub(super) struct RebindingGuard {
    protection: RebindingProtection,
    /// The zones of private names, for reports.
    zones: Arc<[PrivateZone]>,
    /// Seconds for which clients may keep the denial.
    ttl: u32,
    /// The moment of the next line of the log, in milliseconds.
    next_line: Arc<AtomicU64>,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerOrigin {
    /// Recursion, the cache, or a route.
    Resolver,
    /// The resolver of the network in the window of a captive portal.
    Portal,
}

impl RebindingGuard {
    /// The protection of a configuration, unless the configuration does without.
    pub(super) fn of(config: &Config) -> Option<Self> {
        if !config.policy.rebinding_protection {
            return None;
        }
        let zones: Arc<[PrivateZone]> = config.private_zones().into();
        let names = zones.iter().map(|private| private.zone.clone()).collect();
        let protection = RebindingProtection::new(names, config.nat64_prefix());
        let (ttl, next_line) = (config.policy.ttl, Arc::default());
        Some(RebindingGuard { protection, zones, ttl, next_line })
    }

    /// The same protection on links with these prefixes. An IPv6 prefix of more than one address is that of a link in a
    /// home or an office; private IPv4 addresses are private everywhere.
    pub(super) fn near(&self, nearby: &[Prefix]) -> Self {
        let links = nearby.iter().filter(|it| it.first().is_ipv6() && it.bits() < 128);
        RebindingGuard { protection: self.protection.near(links.copied()), ..self.clone() }
    }

    /// Whether both let the same answers pass.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.protection == other.protection
    }

    /// The address for which an answer is not passed on.
    fn private_address(
        &self,
        asked: &Question,
        answer: &Answer,
        origin: AnswerOrigin,
    ) -> Option<IpAddr> {
        match origin {
            AnswerOrigin::Resolver => self.protection.private_address(&asked.name, &answer.answer),
            // The login page of a network has a private address, and any name may lead to it.
            AnswerOrigin::Portal => RebindingProtection::loopback_address(&answer.answer),
        }
    }

    /// Why a name may have private addresses, if so.
    fn exemption(&self, asked: &Name) -> Option<String> {
        let zones = self.zones.iter().filter(|private| name::is_within(asked, &private.zone));
        let of_zone = zones.max_by_key(|private| name::depth(&private.zone));
        let of_zone = of_zone.map(|private| {
            format!("{} is private by {}", private.zone.fmt_with_dot(), private.origin)
        });
        let by_name = || self.protection.is_exempt(asked).then(|| "tells the NAT64 prefix".into());
        of_zone.or_else(by_name)
    }

    /// Logs an answer that is not passed on, once a minute at most. The unspecified address is no attack: filters on
    /// the way answer so for a blocked name.
    fn log(&self, asked: &Question, address: IpAddr, now: Moment) {
        let (now, interval) = (now.as_millis(), LOG_INTERVAL.as_millis() as u64);
        let next_line = self.next_line.load(Ordering::Relaxed);
        if now < next_line || address.is_unspecified() {
            return;
        }
        self.next_line.store(now + interval, Ordering::Relaxed);
        tracing::warn!(
            "policy: rebinding protection: {asked} leads to {address} and gets no answer; a private name belongs into \
             policy.rebinding-allow (client_rebinding counts such answers)"
        );
    }
}

impl<N: Network> Service<N> {
    /// Denies an answer with a private address for a name of the Internet.
    pub(super) fn deny_private_address(
        &self,
        query: &Query<'_>,
        question: &Question,
        (answer, origin): (&Answer, AnswerOrigin),
        now: Moment,
        reply: &mut Vec<u8>,
    ) -> Option<(QueryOutcome, Option<EdeCode>)> {
        let guard = self.rules.rebinding.as_ref()?;
        let address = guard.private_address(question, answer, origin)?;
        guard.log(question, address, now);
        self.count(Counter::ClientRebinding);
        let text =
            format!("rebinding protection: {address} is private; see policy.rebinding-allow");
        let ede = Ede::new(EdeCode::BLOCKED, text);
        let (told, denial) =
            (self.in_form_of_client(query, &ede), denial::nodata(&question.name, guard.ttl));
        finish::answer(query, &denial, Some(&told), reply);
        Some((QueryOutcome::Policy, Some(ede.code)))
    }

    /// What the protection says of a name, and of the answer in the cache.
    pub(crate) fn explain_rebinding(&self, asked: &Question) -> Option<RebindingReport> {
        let guard = self.rules.rebinding.as_ref()?;
        if self.own_answer(asked.name.for_slice(), asked.rtype).is_some() {
            let exemption = Some("the answer is local data".to_owned());
            return Some(RebindingReport { exemption, denied: None });
        }
        let now = self.worker.shared().now();
        let cached = self.worker.cached(asked, Checking::Enabled, now).ok();
        let mut sets = cached.iter().flat_map(|answer| &answer.answer);
        let denied = sets.find_map(|set| {
            let one = std::slice::from_ref(set);
            guard.protection.private_address(&asked.name, one).map(|_| set.to_string())
        });
        Some(RebindingReport { exemption: guard.exemption(&asked.name), denied })
    }

    /// The answer as shown: rotated, and without private addresses in the additional section, which a full answer has.
    pub(super) fn shown<'a>(&self, question: &Question, answer: &'a Answer) -> Cow<'a, Answer> {
        let shown = self.order.of(answer);
        let Some(guard) = self.rules.rebinding.as_ref().filter(|_| !answer.additional.is_empty())
        else {
            return shown;
        };
        let private = |sets: &[_]| guard.protection.private_address(&question.name, sets).is_some();
        if !private(&answer.additional) {
            return shown;
        }
        let mut trimmed = shown.into_owned();
        trimmed.additional.retain(|set| !private(std::slice::from_ref(set)));
        Cow::Owned(trimmed)
    }
}
