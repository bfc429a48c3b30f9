//! Prefetch: popular answers are refreshed before they expire, so that no client waits.
//!
//! A question in the last tenth of an answer's TTL triggers the refresh, so an idle machine sends
//! nothing. The query is an optional packet, lent: it is returned when a client asks for the fresh
//! answer, since then the query would have been necessary anyway. So at most an eighth of the
//! packets are wasted on unwanted answers.

use std::time::Duration;

use zoners_dns::{Checking, Counter, Moment, Network, Question};

use crate::cached::lookup::Lack;
use crate::env::environment::Env;
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::resolve::recursion::lead_question;
use crate::selection::question_uplinks::is_uplink_down_for;

/// Refreshes the answer to `question`, which was `made` a while ago and `expires` soon.
pub(crate) fn refresh<N: Network>(
    env: &Env<N>,
    question: &Question,
    checking: Checking,
    made: Moment,
    expires: Moment,
) {
    let (shared, limits) = (env.shared(), &env.settings().limits);
    let now = shared.now();
    // The fresh answer will last as long again.
    let until = expires.after(expires.since(made));
    let obstructed = is_uplink_down_for(env, question) || shared.interception.obstacle().is_some();
    if !env.settings().prefetch || env.network().is_short() || obstructed {
        return;
    }
    if !shared.probe_budget.is_left(limits.probe_budget)
        || !shared.prefetch_ledger.lend(question, until, limits.prefetched, now)
    {
        env.count(Counter::CachePrefetchesSkipped);
        return;
    }
    let step = Step::without_client(*limits)
        .validating(env.validates(checking))
        // Cached data that expires by then is not used either.
        .ahead(expires.since(now) + Duration::from_secs(1));
    let key = (question.clone(), step.validate);
    // A question under way already does the refresh.
    if let Some(leader) = Leader::unless_under_way(&shared.questions, &key, &step)
        && let Ok(work) = lead_question(env, leader, question.clone(), Lack::Something)
    {
        shared.probe_budget.take();
        env.count(Counter::CachePrefetches);
        tokio::spawn(work);
    } else {
        shared.prefetch_ledger.take(question);
    }
}

/// Records that a client asks `question`, whose answer may have been prefetched.
pub(crate) fn mark_wanted<N: Network>(env: &Env<N>, question: &Question) {
    if env.shared().prefetch_ledger.take(question) {
        env.count(Counter::CachePrefetchesUsed);
        env.shared().probe_budget.give_back();
    }
}
