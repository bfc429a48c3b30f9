//! A worker: a value that resolves questions over one network.

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use zoners_cache::{CachedFailure, Evidence, ServerFault};
use zoners_dns::{
    Counter, Counters, Ede, Endpoint, Moment, Name, Network, Question, Rtype, Security, name,
};

use crate::cached::lookup::{Lack, Sought, follow};
use crate::cached::root_key_sentinel;
use crate::env::admission::Pending;
use crate::env::shared::Shared;
use crate::env::stragglers::Nursery;
use crate::model::answer::{Answer, Unresolved};
use crate::model::context::Context;
use crate::model::settings::Settings;
use crate::model::trace::Trace;

/// Resolves questions. It is no thread: several may live on one runtime, or each on its own.
#[derive(Debug)]
pub struct Worker<N: Network> {
    this: Weak<Self>,
    shared: Arc<Shared>,
    network: N,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    nursery: Nursery,
    pending: Arc<Pending>,
}

/// How a client's question ended.
pub type Resolution = Result<Arc<Answer>, Unresolved>;

impl<N: Network> Worker<N> {
    /// A worker that asks over `network`.
    #[must_use]
    pub fn new(
        shared: Arc<Shared>,
        network: N,
        settings: Arc<Settings>,
        counters: Arc<Counters>,
    ) -> Arc<Self> {
        shared.lines.lay(&settings);
        Arc::new_cyclic(|this| Worker {
            this: this.clone(),
            shared,
            network,
            settings,
            counters,
            nursery: Nursery::default(),
            pending: Arc::default(),
        })
    }

    /// Answers a question of our own; see [`Worker::resolve_for`].
    ///
    /// # Errors
    /// The question could not be answered, or not in time.
    pub async fn resolve(
        self: &Arc<Self>,
        question: &Question,
        trace: Option<Arc<Trace>>,
    ) -> Resolution {
        let context = self.context(None, false, trace);
        self.in_time(question, Duration::ZERO, self.question(question.clone(), context)).await
    }

    /// Answers a question of `asker`, an address that stands for a client, or says why not, within
    /// [`crate::Limits::client`]; what has expired does where there is nothing better. The asker has
    /// just seen what the cache lacks of it. The work goes on behind it, so that who asks again may
    /// find the answer.
    ///
    /// # Errors
    /// The question could not be answered, or not in time.
    pub async fn resolve_for(
        self: &Arc<Self>,
        asker: Option<IpAddr>,
        question: &Question,
        checking_disabled: bool,
        lack: Lack,
        trace: Option<Arc<Trace>>,
    ) -> Resolution {
        let context = self.context(asker, checking_disabled, trace);
        let resolution = self.join(question.clone(), context, Some(lack));
        self.in_time_or_stale(question, checking_disabled, resolution).await
    }

    fn context(
        &self,
        asker: Option<IpAddr>,
        checking_disabled: bool,
        trace: Option<Arc<Trace>>,
    ) -> Context {
        let validate = self.validates(checking_disabled);
        Context::new(self.settings.limits, asker, trace).validating(validate)
    }

    /// The answer from the cache alone, if it is proven or need not be.
    ///
    /// # Errors
    /// The cache lacks some of it.
    pub fn cached(
        &self,
        question: &Question,
        checking_disabled: bool,
        now: Moment,
    ) -> Result<Answer, Lack> {
        let limits = &self.settings.limits;
        let known = |name: &Name| self.sought(name, question.rtype).known(&self.shared.cache, now);
        let answer = follow(question, limits, known)?;
        match self.may_be_given(question, answer.security, checking_disabled) {
            true => Ok(answer),
            false => Err(Lack::Something),
        }
    }

    /// What is looked for in the cache, under this configuration.
    pub(crate) fn sought<'a>(&self, name: &'a Name, rtype: Rtype) -> Sought<'a> {
        Sought { name, rtype, configured: self.configured_depth(name, rtype) }
    }

    /// Labels of the deepest zone around `name` that the configuration has its own word on: a stub,
    /// a forwarder, a trust anchor or a negative one. What zones above it prove not to exist does
    /// not count there.
    fn configured_depth(&self, name: &Name, rtype: Rtype) -> usize {
        let Settings { routes, anchors, negative_anchors, .. } = self.settings();
        let routes = routes.iter().map(|route| &route.zone);
        let anchors = anchors.iter().map(|anchor| &anchor.zone);
        let zones = routes.chain(anchors).chain(negative_anchors);
        // DS records stand above the cut.
        let below =
            |zone: &&Name| name::is_within(name, zone) && !(rtype == Rtype::DS && *zone == name);
        let configured = zones.filter(below).map(name::depth).max().unwrap_or(0);
        configured.max(self.shared.negative_anchors.deepest_above(name, self.shared.now()))
    }

    /// Whether an answer of this status is proven, or need not be.
    pub(crate) fn may_be_given(
        &self,
        question: &Question,
        security: Security,
        checking_disabled: bool,
    ) -> bool {
        !self.validates(checking_disabled)
            || security > Security::Unchecked
                && !root_key_sentinel::fails(&self.settings, &question.name, question.rtype)
    }

    /// The failure that is remembered of a question, if it is one for those who disable checking or
    /// do not.
    #[must_use]
    pub fn failed(
        &self,
        question: &Question,
        checking_disabled: bool,
        now: Moment,
    ) -> Option<CachedFailure> {
        let failure = self.shared.cache.failure(question, now)?;
        (!checking_disabled || !failure.ede.code.is_bogus()).then_some(failure)
    }

    /// Why an insecure answer to `question` is not proven, where its zone is signed after all.
    #[must_use]
    pub fn why_unsigned(&self, question: &Question, security: Security) -> Option<Ede> {
        if security != Security::Insecure {
            return None;
        }
        match self.known_unsigned(&question.name) {
            Some(unsigned) => unsigned.ede,
            None => self.shared.cache.unprovable(&question.name, self.shared.now()),
        }
    }

    /// Whether answers are proven.
    pub(crate) fn validates(&self, checking_disabled: bool) -> bool {
        !checking_disabled && !self.settings.anchors.is_empty()
    }

    /// What all workers share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How this worker behaves.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What this worker has counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Recursions under way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.taken()
    }

    pub(crate) fn count(&self, counter: Counter) {
        self.counters.count(counter);
    }

    /// What it asks over.
    #[must_use]
    pub fn network(&self) -> &N {
        &self.network
    }

    pub(crate) fn seats(&self) -> &Arc<Pending> {
        &self.pending
    }

    pub(crate) fn nursery(&self) -> &Nursery {
        &self.nursery
    }

    /// Counts what is wrong with a server by its cause, and remembers it.
    pub(crate) fn blame(&self, server: Endpoint, trouble: ServerFault) {
        self.count(match trouble {
            ServerFault::Timeout => Counter::UpstreamTimeouts,
            ServerFault::Refused => Counter::UpstreamConnectionRefused,
            ServerFault::Unreachable => Counter::UpstreamUnreachable,
            ServerFault::Lame => Counter::UpstreamLame,
            ServerFault::ServFail => Counter::UpstreamServfail,
            ServerFault::FormErr => Counter::UpstreamFormerr,
            ServerFault::Bogus => Counter::UpstreamBogus,
        });
        self.shared.teach(server, Evidence::Trouble(trouble));
        if trouble == ServerFault::Timeout {
            self.missed(server);
        }
    }

    /// This worker, to be held by what outlives the call.
    pub(crate) fn arc(&self) -> Arc<Self> {
        // Whoever calls a method holds a strong reference.
        #[expect(clippy::expect_used, reason = "see above")]
        self.this.upgrade().expect("a worker in use is alive")
    }
}
