//! Past queries, from the query log on disk or from the history in memory.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use zoners_api::{
    AdminError, FinishedQuery, PastQueries, PastQueryFilter, PastQuerySource, QueryOutcome,
};
use zoners_dns::{Network, Prefix};
use zoners_querylog::{LogFilter, NamePart, search};
use zoners_resolver::Shared;

use super::Overseer;
use super::requests::beside;
use crate::history::{HistoryStore, PastFilter};
use crate::report::logged_query;

/// Queries in a reply without a limit.
const DEFAULT_LIMIT: u32 = 200;
/// The most queries in a reply.
const MAX_LIMIT: u32 = 1000;

/// The newest queries that the filter admits.
pub(super) async fn find<N: Network>(
    overseer: &Overseer<N>,
    filter: &PastQueryFilter,
) -> Result<PastQueries, AdminError> {
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(AdminError::invalid(format!("limit: write 1 to {MAX_LIMIT}")));
    }
    let most = limit as usize;
    let wanted = wanted(filter)?;
    let begun = Instant::now();
    let log = overseer.about.query_log.folder();
    let (source, found) = match log {
        Some(folder) => {
            let found = beside(move || in_log(&folder, wanted, most)).await?;
            (PastQuerySource::Log, found)
        }
        None => {
            let store = super::history::store(overseer)?;
            let shared = overseer.service().worker().shared().clone();
            let found = beside(move || Ok(in_history(&store, &shared, wanted, most))).await?;
            (PastQuerySource::History, found)
        }
    };
    let (queries, more) = found;
    let took_ms = begun.elapsed().as_secs_f64() * 1000.0;
    Ok(PastQueries { source, queries, more, took_ms })
}

/// The queries that a caller wants.
struct WantedQueries {
    name: Option<NamePart>,
    client: Option<Prefix>,
    outcomes: Vec<QueryOutcome>,
    is_failed: bool,
    since_s: u64,
    until_s: u64,
}

fn wanted(filter: &PastQueryFilter) -> Result<WantedQueries, AdminError> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let client = text(&filter.client).map(|client| client.trim().parse()).transpose();
    Ok(WantedQueries {
        name: text(&filter.name).map(|name| NamePart::new(name.trim())),
        client: client.map_err(AdminError::invalid)?,
        outcomes: filter.outcome.into_iter().collect(),
        is_failed: filter.failed,
        since_s: filter.since_s.unwrap_or(0),
        until_s: filter.until_s.unwrap_or(u64::MAX),
    })
}

/// The newest queries of the log, and whether there are older ones.
fn in_log(
    folder: &Path,
    wanted: WantedQueries,
    most: usize,
) -> Result<(Vec<FinishedQuery>, bool), String> {
    let WantedQueries { name, client, outcomes, is_failed, since_s, until_s } = wanted;
    let filter = LogFilter {
        since_s,
        until_s: Some(until_s),
        client,
        part: name,
        outcomes,
        ..LogFilter::default()
    };
    let mut newest: VecDeque<FinishedQuery> = VecDeque::with_capacity(most + 1);
    let mut more = false;
    search(folder, &filter, |row| {
        if is_failed && !row.has_failed() {
            return true;
        }
        newest.push_back(logged_query(row));
        if newest.len() > most {
            newest.pop_front();
            more = true;
        }
        true
    })
    .map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok((newest.into_iter().rev().collect(), more))
}

/// The newest queries of the history, and whether there are older ones.
fn in_history(
    store: &Arc<HistoryStore>,
    shared: &Shared,
    wanted: WantedQueries,
    most: usize,
) -> (Vec<FinishedQuery>, bool) {
    let WantedQueries { name, client, outcomes, is_failed, since_s, until_s } = wanted;
    let filter = PastFilter { client, since_s, until_s };
    let found = store.past(
        shared,
        &filter,
        |query| {
            let has_part =
                |part: &NamePart| query.name.as_deref().is_some_and(|name| part.is_in_text(name));
            (!is_failed || query.failed)
                && (outcomes.is_empty()
                    || query.outcome.is_some_and(|outcome| outcomes.contains(&outcome)))
                && name.as_ref().is_none_or(has_part)
        },
        most + 1,
    );
    let more = found.len() > most;
    (found.into_iter().take(most).collect(), more)
}
