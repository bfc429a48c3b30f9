//! A worker: a value that resolves questions over one network.

use std::net::IpAddr;
use std::sync::{Arc, Weak};

use tokio::time::{timeout, timeout_at};
use zoners_cache::{CachedFailure, Evidence, Trouble};
use zoners_dns::{Counter, Counters, Ede, Endpoint, Moment, Network, Question, Security};

use crate::answer::{Answer, Cause, Unresolved};
use crate::context::Context;
use crate::flights::{Boarding, Lead};
use crate::known::{Lack, complete};
use crate::nursery::Nursery;
use crate::pending::{Pending, Seat, Seating};
use crate::sentinel;
use crate::settings::Settings;
use crate::shared::{Landed, QuestionKey, Shared};
use crate::trace::Trace;

/// How often one whose leader went away tries to lead, or finds another leader.
const REBOARD: usize = 3;

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
        self.in_time(question, self.question(question.clone(), context)).await
    }

    /// Answers a question of `asker`, an address that stands for a client, or says why not, within
    /// [`crate::Limits::client`]. The asker has just seen what the cache lacks of it. The work goes on
    /// behind it, so that who asks again may find the answer.
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
        self.in_time(question, self.join(question.clone(), context, Some(lack))).await
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

    /// Waits for an answer as long as a client does.
    async fn in_time(
        &self,
        question: &Question,
        resolution: impl Future<Output = Resolution>,
    ) -> Resolution {
        let resolution = timeout(self.settings.limits.client, resolution).await;
        resolution.unwrap_or_else(|_| Err(Unresolved::deadline(question)))
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
        let answer = complete(&self.shared.cache, question, &self.settings.limits, now)?;
        let unproven = self.validates(checking_disabled)
            && (answer.security == Security::Unchecked
                || sentinel::fails(&self.settings, &question.name, question.rtype));
        if unproven { Err(Lack::Something) } else { Ok(answer) }
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
    pub fn why_unsigned(
        &self,
        question: &Question,
        security: Security,
        now: Moment,
    ) -> Option<Ede> {
        let insecure = security == Security::Insecure;
        let unsigned = insecure.then(|| self.shared.cache.unsigned(&question.name, now))?;
        unsigned?.ede
    }

    /// Whether answers are proven.
    fn validates(&self, checking_disabled: bool) -> bool {
        !checking_disabled && !self.settings.anchors.is_empty()
    }

    /// Answers a question of a client or of our own, together with all who ask the same.
    ///
    /// Boxed, since looking up a nameserver's address leads back here.
    pub(crate) fn question(
        self: &Arc<Self>,
        question: Question,
        context: Context,
    ) -> std::pin::Pin<Box<dyn Future<Output = Landed<Answer>> + Send>> {
        let worker = self.clone();
        Box::pin(async move { worker.join(question, context, None).await })
    }

    /// `lack` is what the cache lacks of the answer, if somebody has just looked.
    async fn join(
        self: &Arc<Self>,
        question: Question,
        context: Context,
        mut lack: Option<Lack>,
    ) -> Landed<Answer> {
        for _ in 0..REBOARD {
            let lacking = match lack.take() {
                Some(lack) => lack,
                None => match self.remembered(&question, &context) {
                    Ok(remembered) => return remembered,
                    Err(lack) => lack,
                },
            };
            let key = (question.clone(), context.validate);
            let (landing, own) = match self.shared.questions.board(&key, context.flight()) {
                Boarding::Lead(lead) => {
                    let landing = lead.follow(context.flight());
                    self.lead(lead, question.clone(), context.clone(), lacking)?;
                    (landing, true)
                }
                Boarding::Follow(follow) => {
                    self.count(Counter::Joined);
                    (follow, false)
                }
                Boarding::Cycle(flight) if context.descends_from(flight) => {
                    self.count(Counter::Cycles);
                    return Err(Unresolved::new(
                        Cause::Cycle,
                        format!("{question} depends on itself"),
                    ));
                }
                Boarding::Cycle(_) => {
                    // Boxed, since it is rare and large.
                    return Box::pin(self.answer(&question, &context, lacking)).await.map(Arc::new);
                }
            };
            match landing.landing().await {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(unresolved)) if own || unresolved.cause.is_about_the_name() => {
                    return Err(unresolved);
                }
                // The leader's own limits are not ours.
                Some(Err(_)) => {}
                None if own => {
                    self.count(Counter::PanicCaught);
                    return Err(Unresolved::new(Cause::Cancelled, "an error inside the resolver"));
                }
                None => {}
            }
        }
        Err(Unresolved::new(Cause::Cancelled, "those who asked the same before gave up"))
    }

    /// What the cache has of a question: its answer, or that it failed; or what it lacks.
    fn remembered(&self, question: &Question, context: &Context) -> Result<Landed<Answer>, Lack> {
        let now = self.shared.now();
        self.cached(question, !context.validate, now).map(|answer| Ok(Arc::new(answer))).or_else(
            |lack| {
                let failure = self.failed(question, !context.validate, now).ok_or(lack)?;
                let text = format!("failed before: {}", failure.ede);
                Ok(Err(Unresolved::new(Cause::Remembered, text)))
            },
        )
    }

    /// Works a question out, detached from the one who asked: others may have joined.
    fn lead(
        self: &Arc<Self>,
        lead: Lead<QuestionKey, Landed<Answer>>,
        question: Question,
        context: Context,
        lack: Lack,
    ) -> Result<(), Unresolved> {
        let mut seat = self.sit(&context)?;
        let context = context.leading(lead.id());
        let worker = self.clone();
        // Boxed, since spawning copies a future five times.
        tokio::spawn(Box::pin(async move {
            let deadline = context.budget.deadline;
            // In one expression: a future that is moved is stored twice.
            let answer = tokio::select! {
                biased;
                () = seat.gives_way() => Err(Unresolved::overloaded("gave way to newer questions")),
                answer = timeout_at(deadline, worker.answer(&question, &context, lack)) => match answer {
                    Ok(answer) => answer,
                    Err(_) => Err(Unresolved::deadline(&question)),
                },
            };
            let answer = answer.map_err(|unresolved| worker.blame_clock(unresolved));
            let (cache, now) = (&worker.shared.cache, worker.shared.now());
            match &answer {
                Ok(_) => cache.remove_failure(&question),
                Err(unresolved) if unresolved.cause.is_about_the_name() => {
                    let silent = unresolved.cause == Cause::Silent;
                    cache.insert_failure(&question, &unresolved.ede, silent, now);
                }
                Err(_) => {}
            }
            lead.land(answer.map(Arc::new));
        }));
        Ok(())
    }

    /// Says so where it is our own clock that makes a signature out of date.
    fn blame_clock(&self, unresolved: Unresolved) -> Unresolved {
        let Unresolved { cause, ede } = unresolved;
        let text = match self.shared.clock_doubt.wrong_by() {
            Some(by) if ede.code.is_bogus() => {
                format!("the resolver's clock is wrong by about {by} s; {}", ede.text)
            }
            _ => ede.text,
        };
        Unresolved { cause, ede: Ede::new(ede.code, text) }
    }

    /// A seat among the recursions under way.
    fn sit(&self, context: &Context) -> Result<Seat, Unresolved> {
        let limit = self.settings.limits.pending;
        match self.pending.sit(context.budget.asker, context.budget.arrived, limit) {
            Seating::Free(seat) => Ok(seat),
            Seating::InsteadOf(seat) => {
                self.count(Counter::PendingGaveWay);
                Ok(seat)
            }
            Seating::Full => {
                self.count(Counter::PendingFull);
                Err(Unresolved::overloaded("too many recursions are pending"))
            }
        }
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

    pub(crate) fn network(&self) -> &N {
        &self.network
    }

    pub(crate) fn nursery(&self) -> &Nursery {
        &self.nursery
    }

    /// Counts what is wrong with a server by its cause, and remembers it.
    pub(crate) fn blame(&self, server: Endpoint, trouble: Trouble) {
        self.count(match trouble {
            Trouble::Timeout => Counter::UpstreamTimeouts,
            Trouble::Refused => Counter::UpstreamRefused,
            Trouble::Unreachable => Counter::UpstreamUnreachable,
            Trouble::Lame => Counter::UpstreamLame,
            Trouble::ServFail => Counter::UpstreamServfail,
            Trouble::FormErr => Counter::UpstreamFormerr,
            Trouble::Bogus => Counter::UpstreamBogus,
        });
        self.shared.teach(server, Evidence::Trouble(trouble));
    }

    /// This worker, to be held by what outlives the call.
    pub(crate) fn arc(&self) -> Arc<Self> {
        // Whoever calls a method holds a strong reference.
        #[expect(clippy::expect_used, reason = "see above")]
        self.this.upgrade().expect("a worker in use is alive")
    }
}
