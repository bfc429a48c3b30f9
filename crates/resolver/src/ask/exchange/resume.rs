//! Asks a server differently after a reply that rejects the query.

use zoners_cache::EchoEvidence;
use zoners_dns::{Counter, Message, Network};

use super::matching::{rejects_edns, wants_cookie};
use super::outstanding::QueryTurn;
use super::{QueryResult, ServerQuery};
use crate::ask::exchange::carry_out;
use crate::ask::exchange::outstanding::{join_outstanding, lead_or_join_query};
use crate::ask::exchange::query_secrets::shows_cookie;
use crate::env::environment::Env;
use crate::selection::observation::{Observation, observe};

/// Repeats the query with the server cookie of the reply, if the server requires it; else, if the
/// server may have failed on it, without a cookie and then without EDNS. Each once.
pub(super) async fn ask_in_another_way<N: Network>(
    env: &Env<N>,
    query: &ServerQuery<'_>,
    mut reply: Box<Message>,
) -> QueryResult {
    if wants_cookie(&reply) {
        reply = ask_with_cookie(env, query).await?;
    }
    if rejects_edns(&reply) && has_cookie(env, query) {
        env.count(Counter::UpstreamCookieFallbacks);
        reply = ask_anew(env, &ServerQuery { cookie: false, ..*query }).await?;
        if !rejects_edns(&reply) {
            let repeated = EchoEvidence::CookieMissing;
            observe(env, query.endpoint, Observation::Secrets { repeated });
        }
    }
    if rejects_edns(&reply) {
        env.count(Counter::UpstreamEdnsFallbacks);
        reply = ask_anew(env, &ServerQuery { edns: false, ..*query }).await?;
        if !rejects_edns(&reply) {
            observe(env, query.endpoint, Observation::PlainOnly);
        }
    }
    Ok(reply)
}

/// Repeats the query with the last server cookie. If that fails too, TCP needs no cookie (RFC 7873
/// section 5.3); without TCP, the server may accept a query without a cookie.
async fn ask_with_cookie<N: Network>(env: &Env<N>, query: &ServerQuery<'_>) -> QueryResult {
    env.count(Counter::UpstreamBadcookie);
    let reply = ask_anew(env, query).await?;
    if !wants_cookie(&reply) {
        return Ok(reply);
    }
    let repeated = EchoEvidence::CookieMissing;
    observe(env, query.endpoint, Observation::Secrets { repeated });
    let without = ServerQuery { cookie: false, ..*query };
    match carry_out(env, &without.over_tcp(), &mut None).await {
        Ok(reply) => Ok(reply),
        Err(_) => ask_anew(env, &without).await,
    }
}

fn has_cookie<N: Network>(env: &Env<N>, query: &ServerQuery<'_>) -> bool {
    let shared = env.shared();
    shows_cookie(env, query, &shared.cache.server(query.endpoint, shared.now()).echo)
}

async fn ask_anew<N: Network>(env: &Env<N>, query: &ServerQuery<'_>) -> QueryResult {
    match lead_or_join_query(env, query.asking, query.endpoint) {
        QueryTurn::Send(mut lead) => carry_out(env, query, &mut lead).await,
        QueryTurn::Wait(follow) => join_outstanding(env, query, follow).await,
    }
}
