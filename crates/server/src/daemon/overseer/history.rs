//! Questions to the history.

use std::sync::Arc;

use zoners_api::{
    AdminError, HistoryErased, QueryOutcome, TrendQuery, TrendReport, TrendStatus, TroubleReport,
    WhyQuery, WhyReport,
};
use zoners_dns::{Network, OptRcode, Transport};
use zoners_history::TroubleKind;
use zoners_resolver::Trace;

use super::Overseer;
use super::requests::{beside, parse};
use crate::client::Client;
use crate::control::question;
use crate::daemon::run_history::now_s;
use crate::events::recorder::ResolvedMiss;
use crate::history::{HistoryStore, WhyFilter};

/// The history, if one is kept.
pub(super) fn store<N: Network>(overseer: &Overseer<N>) -> Result<Arc<HistoryStore>, AdminError> {
    let store = overseer.about.history.clone().filter(|store| store.is_kept());
    store.ok_or_else(|| AdminError::failed("no history is kept: history.size is 0"))
}

/// Past resolutions of a name, or one of now beside them.
pub(super) async fn why<N: Network>(
    overseer: &Overseer<N>,
    query: &WhyQuery,
) -> Result<WhyReport, AdminError> {
    let store = store(overseer)?;
    let client = query.client.as_deref().map(str::parse).transpose();
    let filter = WhyFilter {
        name: parse(&query.name)?,
        client: client.map_err(AdminError::invalid)?,
        at_s: query.at_s,
    };
    let now = match &query.live_type {
        Some(rtype) => Some(resolve(overseer, &query.name, rtype).await?),
        None => None,
    };
    let shared = overseer.service().worker().shared().clone();
    beside(move || {
        let past = store.why(&shared, &filter);
        Ok(match now {
            Some(now) => store.with_now(&shared, &now, past),
            None => past,
        })
    })
    .await
}

/// Resolves a question now, as a client of this machine.
async fn resolve<N: Network>(
    overseer: &Overseer<N>,
    name: &str,
    rtype: &str,
) -> Result<ResolvedMiss, AdminError> {
    let question = question(name, rtype).map_err(AdminError::invalid)?;
    let service = overseer.service();
    let (trace, received) = (Arc::new(Trace::of_hops()), service.clock());
    let resolution = service.look_up(&question, Some(trace.clone())).await;
    let took = trace.elapsed();
    let (hops, more_hops) = trace.close_hops();
    let (outcome, rcode) = match &resolution {
        Ok(answer) if answer.stale => (QueryOutcome::Stale, answer.rcode),
        Ok(answer) if hops.is_empty() => (QueryOutcome::Cached, answer.rcode),
        Ok(answer) => (QueryOutcome::Recursed, answer.rcode),
        Err(_) => (QueryOutcome::Failed, OptRcode::SERVFAIL),
    };
    let reason = resolution.as_ref().err().map(|unresolved| unresolved.ede.code);
    let resolution = match resolution {
        Ok(answer) => Ok(answer.security),
        Err(unresolved) => Err(unresolved.cause),
    };
    Ok(ResolvedMiss {
        question,
        client: Client::local(Transport::Udp),
        received,
        took,
        outcome,
        rcode: Some(rcode),
        reason,
        resolution,
        hops,
        more_hops,
    })
}

/// What changed in the latencies.
pub(super) async fn trend<N: Network>(
    overseer: &Overseer<N>,
    query: &TrendQuery,
) -> Result<TrendReport, AdminError> {
    let store = store(overseer)?;
    let (shared, query) = (overseer.service().worker().shared().clone(), query.clone());
    beside(move || {
        let report = store.trend(&shared, &query, now_s());
        report.ok_or_else(|| "no latencies are kept: history.trend is false".to_owned())
    })
    .await
}

/// What changed in the latencies, in short.
pub(super) fn trend_status<N: Network>(overseer: &Overseer<N>) -> Option<TrendStatus> {
    overseer.about.history.as_ref()?.trend_status(now_s())
}

/// Forgets past resolutions and latencies, of files from before too.
pub(super) fn erase<N: Network>(overseer: &Overseer<N>) -> Result<HistoryErased, AdminError> {
    let store = overseer.about.history.as_ref();
    let store = store.ok_or_else(|| AdminError::failed("there is no history here"))?;
    let erased = store.erase(overseer.service().worker().shared());
    tracing::info!("history: erased: {} records, {} hours", erased.records, erased.hours);
    Ok(erased)
}

/// The worst names, providers and servers of the last `seconds`.
pub(super) async fn troubles<N: Network>(
    overseer: &Overseer<N>,
    failures: bool,
    seconds: u64,
) -> Result<TroubleReport, AdminError> {
    let store = store(overseer)?;
    let trouble = if failures { TroubleKind::Failed } else { TroubleKind::Slow };
    let shared = overseer.service().worker().shared().clone();
    beside(move || Ok(store.troubles(&shared, trouble, seconds, now_s()))).await
}
