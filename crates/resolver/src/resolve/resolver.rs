//! The resolver: the façade of this crate, and the look-ups of upper rooms for lower rooms.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use zoners_cache::CachedFailure;
use zoners_dns::{Checking, Counters, Ede, Moment, Name, Network, Question, RRset, Security};
use zoners_dnssec::BogusReason;

use crate::cached::aggressive_nsec::synthesised;
use crate::cached::answer_path::{PathServer, path_servers};
use crate::cached::lookup::{Lack, cached_answer, known_failure};
use crate::env::environment::Env;
use crate::env::lookups::{AddressLookup, AddressSource, Boxed, Lookups};
use crate::env::shared::{Shared, SharedResult};
use crate::iterate::nameservers::look_up_addresses;
use crate::model::answer::{Answer, Resolution, Unresolved};
use crate::model::client_context::ClientContext;
use crate::model::settings::Settings;
use crate::model::step::Step;
use crate::model::trace::Trace;
use crate::resolve::dns64::{cached_translation, dns64_for, resolve_translated};
use crate::resolve::error_reports::report_failure;
use crate::resolve::prefetch::{mark_wanted, refresh};
use crate::resolve::recursion::{answer_question, recurse};
use crate::resolve::serve_stale::{in_time, in_time_or_stale, stale};
use crate::selection::report::{ServerReport, report, report_all};
use crate::validate::trust::{fetch_keys, prove_root};

/// Resolves questions over one network. A resolver is no thread: several may live on a single runtime, or
/// on a runtime each. A clone is the same resolver.
#[derive(Debug)]
pub struct Resolver<N: Network>(Arc<Env<N>>);

impl<N: Network> Clone for Resolver<N> {
    fn clone(&self) -> Self {
        Resolver(self.0.clone())
    }
}

impl<N: Network> Resolver<N> {
    /// A resolver that sends over `network`.
    #[must_use]
    pub fn new(
        shared: Arc<Shared>,
        network: N,
        settings: Arc<Settings>,
        counters: Arc<Counters>,
    ) -> Self {
        Resolver(Env::new(shared, network, settings, counters))
    }

    /// Answers a question of our own; see [`Resolver::resolve_for`].
    ///
    /// # Errors
    /// The question could not be answered, or not in time.
    pub async fn resolve(&self, question: &Question, trace: Option<Arc<Trace>>) -> Resolution {
        let env = &*self.0;
        let step = self.first_step(None, Checking::Enabled, trace);
        let resolution = match dns64_for(env.settings(), question, Checking::Enabled) {
            None => answer_question(env, question.clone(), step),
            Some(_) => resolve_translated(env, question.clone(), step, None),
        };
        in_time(env, question, Duration::ZERO, pin!(resolution)).await
    }

    /// Answers a question of `asker`, an address that stands for a client, within
    /// [`crate::Limits::client`]; if nothing better is at hand, with an expired answer. The caller has just
    /// looked into the cache: `lack` is the missing part. The work goes on without the client, whose next
    /// query may find the answer.
    ///
    /// # Errors
    /// The question could not be answered, or not in time.
    pub async fn resolve_for(
        &self,
        asker: Option<IpAddr>,
        question: &Question,
        checking: Checking,
        lack: Lack,
        trace: Option<Arc<Trace>>,
    ) -> Resolution {
        let env = &*self.0;
        let step = self.first_step(asker, checking, trace);
        if dns64_for(env.settings(), question, checking).is_some() {
            let resolution = resolve_translated(env, question.clone(), step, Some(lack));
            return in_time_or_stale(env, question, checking, pin!(resolution)).await;
        }
        let resolution = pin!(recurse(env, question.clone(), step, Some(lack)));
        in_time_or_stale(env, question, checking, resolution).await
    }

    fn first_step(
        &self,
        asker: Option<IpAddr>,
        checking: Checking,
        trace: Option<Arc<Trace>>,
    ) -> Step {
        let validate = self.0.validates(checking);
        let client = ClientContext::new(self.0.settings().limits, asker, trace);
        Step::first(client).validating(validate)
    }

    /// The answer from the cache alone, if it is proven or need not be.
    ///
    /// # Errors
    /// Part of the answer is not cached.
    #[inline]
    pub fn cached(
        &self,
        question: &Question,
        checking: Checking,
        now: Moment,
    ) -> Result<Answer, Lack> {
        match dns64_for(self.settings(), question, checking) {
            None => cached_answer(&self.0, question, checking, now),
            Some(dns64) => cached_translation(&self.0, dns64, question, now),
        }
    }

    /// The answer synthesised from proven ranges (RFC 8198). Where an address must be made (RFC 6147), a recursion
    /// finds it.
    #[must_use]
    #[inline]
    pub fn synthesised(&self, question: &Question, now: Moment) -> Option<Answer> {
        let answer = synthesised(&self.0, question, now)?;
        let dns64 = dns64_for(self.settings(), question, Checking::Enabled);
        dns64.is_none_or(|dns64| !dns64.lacks_addresses(&answer)).then_some(answer)
    }

    /// The last known answer, if it did not expire too long ago and is proven or need not be.
    #[must_use]
    pub fn stale(&self, question: &Question, checking: Checking, now: Moment) -> Option<Answer> {
        stale(&self.0, question, checking, now)
    }

    /// The cached failure of a question, if it applies to this client. A failure without an address may still have
    /// one made (RFC 6147 section 5.1.2).
    #[must_use]
    pub fn failed(
        &self,
        question: &Question,
        checking: Checking,
        now: Moment,
    ) -> Option<CachedFailure> {
        let failure = known_failure(&self.0, question, checking, now)?;
        let is_final =
            dns64_for(self.settings(), question, checking).is_none() || failure.ede.code.is_bogus();
        is_final.then_some(failure)
    }

    /// The reason why an answer of a signed zone is insecure.
    #[must_use]
    pub fn why_unsigned(&self, question: &Question, security: Security) -> Option<Ede> {
        if security != Security::Insecure {
            return None;
        }
        match self.0.known_unsigned(&question.name) {
            Some(unsigned) => unsigned.ede,
            None => self.shared().cache.unprovable(&question.name, self.shared().now()),
        }
    }

    /// The nameservers of the zones on the way to an answer, as far as the cache knows them.
    #[must_use]
    pub fn path_servers(&self, question: &Question, answer: &Answer) -> Vec<PathServer> {
        path_servers(&self.0, question, answer)
    }

    /// Refreshes the answer to `question`, which was `made` a while ago and `expires` soon.
    pub fn refresh(&self, question: &Question, checking: Checking, made: Moment, expires: Moment) {
        refresh(&self.0, question, checking, made, expires);
    }

    /// Records that a client asks `question`, whose answer may have been prefetched.
    pub fn mark_wanted(&self, question: &Question) {
        mark_wanted(&self.0, question);
    }

    /// The zone whose servers would be asked for `name`, and a report of each server, also over TCP
    /// and TLS if used. No query is sent.
    #[must_use]
    pub fn server_reports(&self, name: &Name) -> (Name, Vec<ServerReport>) {
        report(&self.0, name)
    }

    /// Reports of the servers in the infra cache, the nearest first, at most `most`.
    #[must_use]
    pub fn all_server_reports(&self, most: usize) -> Vec<ServerReport> {
        report_all(&self.0, most)
    }

    /// The state shared by the resolvers of the process.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        self.0.shared()
    }

    /// How this resolver behaves.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.0.settings()
    }

    /// The counters of this resolver.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        self.0.counters()
    }

    /// The network of this resolver.
    #[must_use]
    pub fn network(&self) -> &N {
        self.0.network()
    }

    /// Recursions under way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.0.pending()
    }
}

impl<N: Network> Lookups for Env<N> {
    fn look_up_addresses(
        &self,
        server: usize,
        name: &Name,
        source: AddressSource,
        step: &Step,
    ) -> Result<AddressLookup, Unresolved> {
        look_up_addresses(self, server, name, source, step)
    }

    fn answer_question(
        &self,
        question: Question,
        step: Step,
    ) -> Boxed<'static, SharedResult<Answer>> {
        answer_question(self, question, step)
    }

    fn report_failure(&self, question: &Question, unresolved: &Unresolved, step: &Step) {
        report_failure(self, question, unresolved, step);
    }

    fn fetch_keys(&self, zone: &Name, step: &Step) {
        fetch_keys(self, zone, step);
    }

    fn prove_root_keys<'a>(
        &'a self,
        keys: &'a RRset,
        step: &'a Step,
    ) -> Boxed<'a, Result<(), BogusReason>> {
        Box::pin(prove_root(self, keys, step))
    }
}
