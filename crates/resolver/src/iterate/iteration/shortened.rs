//! How much of the name the servers of a zone cut are shown (QNAME minimisation, RFC 9156).

use std::time::Duration;

use tokio::time::timeout;
use zoners_cache::DenialKind;
use zoners_dns::{Counter, Moment, Network, QueryMode, Question, name};

use super::Iteration;
use crate::env::environment::Env;
use crate::env::shared::SharedResult;
use crate::iterate::minimise::is_reverse;
use crate::model::trace::Hop;
use crate::model::verdict::{Finding, Reply, Verdict};

/// The least and greatest time after which the full question is asked beside an unanswered
/// shortened question: long enough for several servers to be late.
const SILENCE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// A question to the servers of the zone cut.
pub(super) struct CutQuestion {
    pub(super) question: Question,
    pub(super) is_shortened: bool,
}

impl<N: Network> Iteration<'_, N> {
    /// Asks the servers of the cut the next question. Returns the question that the verdict belongs to.
    pub(super) async fn ask(&mut self) -> (CutQuestion, SharedResult<Verdict>) {
        let next = self.next_question();
        if !next.is_shortened {
            let verdict = self.ask_zone(&next.question).await;
            return (next, verdict);
        }
        match self.ask_shortened(&next.question).await {
            (true, verdict) => (next, verdict),
            (false, verdict) => {
                let question = self.question.clone();
                (CutQuestion { question, is_shortened: false }, verdict)
            }
        }
    }

    /// The next question on the way down without a known answer.
    fn next_question(&mut self) -> CutQuestion {
        let (cache, now) = (&self.env.shared().cache, self.env.shared().now());
        let zone = &self.cut.zone;
        let mut question = self.minimiser.next(zone);
        if question != *self.question
            && (cache.fails_minimisation(zone, now) || cache.has_no_cuts(zone, now))
        {
            self.minimiser.give_up();
            question = self.minimiser.next(zone);
        }
        loop {
            let is_shortened = question != *self.question;
            if !is_shortened || !is_known_to_exist(self.env, &question, now) {
                return CutQuestion { question, is_shortened };
            }
            self.minimiser.passed(&question.name);
            question = self.minimiser.next(zone);
        }
    }

    /// Asks a shortened question, and the full question beside it after silence; true if the verdict
    /// belongs to the shortened question.
    async fn ask_shortened(&self, asked: &Question) -> (bool, SharedResult<Verdict>) {
        let env = self.env;
        env.count(Counter::UpstreamMinimised);
        let hedge_after = (env.shared().rtt_prior.late() * 3).clamp(SILENCE.0, SILENCE.1);
        // Boxed: both futures are large, and the second is rare.
        let mut shortened = Box::pin(self.ask_zone(asked));
        if let Ok(verdict) = timeout(hedge_after, &mut shortened).await {
            return (true, verdict);
        }
        env.count(Counter::UpstreamMinimiseFallbacks);
        let note = || format!("minimisation: no reply to {asked} yet: the full name is shown");
        self.step.trace(|| Hop::Note(note()));
        let mut whole = Box::pin(self.ask_zone(self.question));
        tokio::select! {
            biased;
            verdict = &mut shortened => match verdict {
                Ok(verdict) => (true, Ok(verdict)),
                Err(_) => (false, whole.await),
            },
            verdict = &mut whole => match verdict {
                Ok(verdict) => {
                    // For the root and top-level domains, lost datagrams are more likely.
                    if name::depth(&self.cut.zone) > 1 {
                        self.note_minimisation_failure();
                    }
                    (false, Ok(verdict))
                }
                Err(_) => (true, shortened.await),
            },
        }
    }

    /// Goes on below the name of a shortened question, given what was found there.
    pub(super) fn pass(&mut self, asked: &Question, finding: &Finding) {
        match finding {
            // Some servers deny empty non-terminals, so the full name decides (RFC 9156 section 2.3).
            Finding::NxDomain(_) => self.show_full_name(asked),
            // No zone lies below a CNAME; a DNAME redirects the tree below it.
            Finding::Alias(_) | Finding::TooLong => self.minimiser.give_up(),
            Finding::Records(..) | Finding::NoData(_) => {
                self.note_cuts(false);
                self.minimiser.passed(&asked.name);
            }
        }
    }

    /// Records whether a question found a cut in the zone of the cut. The root and top-level domains are full of cuts,
    /// and reverse names have cuts at any depth.
    pub(super) fn note_cuts(&self, is_cut: bool) {
        let (shared, zone) = (self.env.shared(), &self.cut.zone);
        if name::depth(zone) < 2 || is_reverse(zone) || self.cut.mode != QueryMode::Iterative {
            return;
        }
        match is_cut {
            true => shared.cache.note_cut(zone, shared.now()),
            false => shared.cache.note_no_cut(zone, shared.now()),
        }
    }

    /// Shows the full name from here on, since the servers of the cut refused a shortened question.
    pub(super) fn show_full_name(&mut self, asked: &Question) {
        self.env.count(Counter::UpstreamMinimiseFallbacks);
        self.step.trace(|| {
            Hop::Note(format!("minimisation: no usable reply to {asked}: the full name is shown"))
        });
        self.minimiser.give_up();
        self.refused_at = Some(self.cut.zone.clone());
    }

    /// Remembers that the servers of the cut answer full questions alone.
    pub(super) fn note_minimisation_failure(&self) {
        let shared = self.env.shared();
        shared.cache.insert_minimisation_failure(&self.cut.zone, shared.now());
    }

    /// Whether a reply denies the name of the question itself; the type does not matter then.
    pub(super) fn denies_full_name(&self, reply: &Reply, asked: &CutQuestion) -> bool {
        asked.question.name == self.question.name
            && reply.aliases.is_empty()
            && matches!(reply.finding, Finding::NxDomain(_))
    }
}

/// Whether the cache proves that the name exists and needs no question.
fn is_known_to_exist<N: Network>(env: &Env<N>, question: &Question, now: Moment) -> bool {
    let cache = &env.shared().cache;
    let denial = cache.denial(&question.name, question.rtype, now);
    denial.is_some_and(|(denied, _)| denied == DenialKind::NoData)
        || cache.rrset(&question.name, question.rtype, now).is_some()
}
