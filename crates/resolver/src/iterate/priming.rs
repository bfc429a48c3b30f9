//! Priming: asks the root servers for their own names and addresses (RFC 9609), so that the hints
//! only serve as a start.

use std::sync::Arc;

use zoners_dns::{Delegation, Network, Question, RRset, Rtype, name};

use crate::ask::race::race;
use crate::ask::zone_copy::reply_of_copy;
use crate::cached::store::keep_reply;
use crate::env::environment::Env;
use crate::env::shared::ExchangeKey;
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::model::verdict::{Finding, Verdict};

/// Seconds for which the hints are in force again where the root servers tell no addresses.
const FRUITLESS: u32 = 60;

/// Starts priming beside the question that found the root servers unknown; one at a time.
pub(crate) fn prime<N: Network>(env: &Env<N>) {
    if !env.settings().priming {
        return;
    }
    let (root, env) = (env.settings().root.clone(), env.arc());
    let question = Question::new(name::root(), Rtype::NS);
    let key = ExchangeKey { zone: name::root(), asked: question.clone() };
    let step = Step::without_client(env.settings().limits);
    let exchanges = &env.shared().exchanges;
    let Some(leader) = Leader::unless_under_way(exchanges, &key, &step) else { return };
    tokio::spawn(async move {
        let verdict = match reply_of_copy(&env, &root, &question, leader.step()) {
            Some(verdict) => verdict,
            None => race(&env, &root, &question, leader.step()).await,
        };
        if let Ok(verdict) = &verdict
            && let Verdict::Answer(reply) = verdict.as_ref()
            && let Finding::Records(sets) = &reply.finding
            && let Some(ns) = sets.iter().find(|set| set.rtype == Rtype::NS)
        {
            // An interceptor does not give the addresses of root servers.
            let glue = if reply.hearsay { &[][..] } else { &reply.additional };
            learn_root(&env, ns, glue);
            keep_reply(&env, &question, reply);
        }
        leader.land(&verdict.map(Arc::from));
    });
}

fn learn_root<N: Network>(env: &Env<N>, ns: &RRset, glue: &[RRset]) {
    let now = env.shared().now();
    let most = env.settings().limits.servers;
    let mut root = Delegation::from_ns(ns, glue, most, now.after_seconds(ns.ttl));
    for server in &mut root.servers {
        server.addresses.retain(|address| env.settings().may_ask(address.ip()));
    }
    // A reply without addresses leaves the hints in force, and is not asked for again at once.
    if !root.servers.iter().any(|server| !server.addresses.is_empty()) {
        root.servers.clone_from(&env.settings().root.servers);
        root.expires = root.expires.min(now.after_seconds(FRUITLESS));
    }
    env.shared().cache.insert_delegation(&root, now);
}
