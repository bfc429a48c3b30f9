//! Refreshing what is asked for a lot before it expires, so that nobody waits for it.
//!
//! Who asks in the last tenth of an answer's time sets it off, so an idle machine sends nothing. The
//! packet is one that is to spare, lent: it comes back when the fresh answer is asked for, since then
//! it would have had to be sent anyway. So what is lost on answers that nobody wants any more is an
//! eighth of all packets at most.

use std::time::Duration;

use zoners_dns::{Counter, Moment, Network, Question};

use crate::cached::lookup::Lack;
use crate::env::environment::Env;
use crate::model::context::Context;
use crate::model::flights::Boarding;
use crate::resolve::recursion::lead_question;

/// Asks for `question` anew, whose answer was `made` a while ago and `expires` soon.
pub(crate) fn refresh<N: Network>(
    env: &Env<N>,
    question: &Question,
    checking_disabled: bool,
    made: Moment,
    expires: Moment,
) {
    let (shared, limits) = (env.shared(), &env.settings().limits);
    let now = shared.now();
    // It will hold for as long again.
    let until = expires.after(expires.since(made));
    let obstructed = env.is_line_down_for(question) || shared.passage.obstacle().is_some();
    if !env.settings().prefetch || env.network().is_short() || obstructed {
        return;
    }
    if !shared.spare.is_left(limits.spare)
        || !shared.lent.lend(question, until, limits.prefetched, now)
    {
        env.count(Counter::CachePrefetchesSkipped);
        return;
    }
    let context = Context::new(*limits, None, None)
        .validating(env.validates(checking_disabled))
        // What goes with it by then is of no use either.
        .ahead(expires.since(now) + Duration::from_secs(1));
    let key = (question.clone(), context.validate);
    // Whoever asks for it already does so for us.
    if let Boarding::Lead(lead) = shared.questions.board(&key, None)
        && let Ok(work) = lead_question(env, lead, question.clone(), context, Lack::Something)
    {
        shared.spare.take();
        env.count(Counter::CachePrefetches);
        tokio::spawn(work);
    } else {
        shared.lent.take(question);
    }
}

/// Notes that `question` is asked for, which may have been refreshed before.
pub(crate) fn mark_wanted<N: Network>(env: &Env<N>, question: &Question) {
    if env.shared().lent.take(question) {
        env.count(Counter::CachePrefetchesUsed);
        env.shared().spare.give_back();
    }
}
