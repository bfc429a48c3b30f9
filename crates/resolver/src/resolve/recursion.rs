//! Answering a question, of a client or of our own, together with all who ask the same.

use std::sync::Arc;

use tokio::time::timeout_at;
use zoners_dns::{Counter, Ede, EdeCode, Network, Question};

use crate::cached::lookup::Lack;
use crate::env::admission::{Seat, Seating};
use crate::env::shared::{Landed, QuestionKey};
use crate::env::single_flight::{Leading, Turn};
use crate::env::worker::Worker;
use crate::model::answer::{Answer, Cause, Unresolved};
use crate::model::context::Context;
use crate::resolve::detached::Work;

impl<N: Network> Worker<N> {
    /// Answers a question of our own.
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

    /// Works the answer out, or waits for whoever already does. `lack` is what the cache lacks of it,
    /// if somebody has just looked.
    pub(crate) async fn join(
        self: &Arc<Self>,
        question: Question,
        context: Context,
        lack: Option<Lack>,
    ) -> Landed<Answer> {
        let lack = match lack {
            Some(lack) => lack,
            None => match self.remembered(&question, &context) {
                Ok(remembered) => return remembered,
                Err(lack) => lack,
            },
        };
        let (key, questions) = ((question.clone(), context.validate), &self.shared().questions);
        let (lead, lack) =
            match self.take_turn(questions, &key, (&question.name, &question), &context).await {
                Turn::First(lead) => (lead, lack),
                Turn::Next(lead) => match self.remembered(&question, &context) {
                    Ok(remembered) => {
                        lead.tell(&remembered, &context);
                        return remembered;
                    }
                    Err(lack) => (lead, lack),
                },
                Turn::Told(result) => return result,
                // Boxed, since it is rare and large.
                Turn::Alone => {
                    return Box::pin(self.answer(&question, &context, lack)).await.map(Arc::new);
                }
            };
        self.lead(lead, question, context, lack)?.await.unwrap_or_else(|| {
            self.count(Counter::RecursionPanics);
            Err(Unresolved::new(Cause::Cancelled, "an error inside the resolver"))
        })
    }

    /// What the cache has of a question: its answer, or that it failed; or what it lacks.
    fn remembered(&self, question: &Question, context: &Context) -> Result<Landed<Answer>, Lack> {
        let now = self.shared().now();
        let lack = match self.cached(question, !context.validate, now) {
            Ok(answer) => return Ok(Ok(Arc::new(answer))),
            Err(lack) => lack,
        };
        let failure = self.failed(question, !context.validate, now).ok_or(lack)?;
        let text = format!("failed before: {}", failure.ede);
        Ok(Err(Unresolved::new(Cause::Remembered, text)))
    }

    /// Works a question out and lands it, whether or not the one who asked is still there.
    pub(crate) fn lead(
        self: &Arc<Self>,
        lead: Leading<QuestionKey, Arc<Answer>>,
        question: Question,
        context: Context,
        lack: Lack,
    ) -> Result<Work<Landed<Answer>>, Unresolved> {
        let mut seat = self.sit(&context)?;
        let context = context.leading(lead.id());
        let worker = self.clone();
        Ok(Work::new(Box::pin(async move {
            let deadline = context.budget.deadline;
            // In one expression: a future that is moved is stored twice.
            let answer = tokio::select! {
                biased;
                () = seat.gives_way() => Err(Unresolved::overloaded("gave way to newer questions")),
                answer = timeout_at(deadline, worker.answer_or_find(&question, &context, lack)) => {
                    match answer {
                        Ok(answer) => answer,
                        Err(_) => Err(Unresolved::deadline(&question)),
                    }
                },
            };
            let answer = answer.map(Arc::new).map_err(|unresolved| {
                worker.name_obstacle(&question, worker.blame_clock(unresolved))
            });
            // That something cannot be refreshed says nothing while it holds.
            if context.ahead.is_zero() {
                worker.remember_failure(&question, answer.as_ref().err(), &context);
            }
            lead.tell(&answer, &context);
            answer
        })))
    }

    /// Remembers how a question failed, if it did, and if that says something of its name.
    fn remember_failure(
        &self,
        question: &Question,
        unresolved: Option<&Unresolved>,
        context: &Context,
    ) {
        let cache = &self.shared().cache;
        match unresolved {
            None => cache.remove_failure(question),
            Some(unresolved) if context.blames_the_name(unresolved) => {
                if self.is_bogus(unresolved.ede.code) {
                    // Not given when it has expired either.
                    self.forget(question);
                }
                let silent =
                    unresolved.cause == Cause::Silent || self.shared().passage.obstacle().is_some();
                cache.insert_failure(question, &unresolved.ede, silent, self.shared().now());
            }
            Some(_) => {}
        }
    }

    /// Whether a failure says that servers gave what is bogus; not those that a network does not let
    /// through.
    pub(crate) fn is_bogus(&self, code: EdeCode) -> bool {
        code.is_bogus() && !self.shared().passage.is_forged()
    }

    /// Says so where it is our own clock that makes a signature out of date.
    fn blame_clock(&self, unresolved: Unresolved) -> Unresolved {
        let Unresolved { cause, ede } = unresolved;
        let text = match self.shared().clock_doubt.wrong_by() {
            Some(by) if ede.code.is_bogus() => {
                format!("the resolver's clock is wrong by about {by} s; {}", ede.text)
            }
            _ => ede.text,
        };
        Unresolved { cause, ede: Ede::new(ede.code, text) }
    }

    /// A seat among the recursions under way.
    fn sit(&self, context: &Context) -> Result<Seat, Unresolved> {
        let limit = self.settings().limits.pending;
        match self.seats().sit(context.budget.asker, context.budget.arrived, limit) {
            Seating::Free(seat) => Ok(seat),
            Seating::InsteadOf(seat) => {
                self.count(Counter::RecursionEvicted);
                Ok(seat)
            }
            Seating::Full => {
                self.count(Counter::RecursionFull);
                Err(Unresolved::overloaded("too many recursions are pending"))
            }
        }
    }
}
