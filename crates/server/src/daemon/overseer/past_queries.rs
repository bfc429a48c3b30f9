//! Past queries, from the query log on disk or from the history in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use zoners_api::{
    AdminError, FinishedQuery, PastQueries, PastQueryFilter, PastQuerySource, QueryOutcome,
};
use zoners_dns::{Network, Prefix};
use zoners_querylog::{LogFilter, NamePart, newest};
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
    let (skip, max_skip) = (filter.skip, PastQueryFilter::MAX_SKIP);
    if skip > max_skip {
        return Err(AdminError::invalid(format!("skip: write 0 to {max_skip}")));
    }
    let page = ResultPage { skip: skip as usize, most: limit as usize };
    let wanted = wanted(filter)?;
    let begun = Instant::now();
    let log = overseer.about.query_log.folder();
    let (source, found) = match log {
        Some(folder) => {
            let found = beside(move || in_log(&folder, wanted, page)).await?;
            (PastQuerySource::Log, found)
        }
        None => {
            let store = super::history::store(overseer)?;
            let shared = overseer.service().worker().shared().clone();
            let found = beside(move || Ok(in_history(&store, &shared, wanted, page))).await?;
            (PastQuerySource::History, found)
        }
    };
    let (queries, more) = found;
    let took_ms = begun.elapsed().as_secs_f64() * 1000.0;
    Ok(PastQueries { source, queries, more, took_ms })
}

/// A part of the found queries.
#[derive(Clone, Copy)]
struct ResultPage {
    /// Newer queries that are left out.
    skip: usize,
    /// The most queries.
    most: usize,
}

impl ResultPage {
    /// The queries of the page among the newest ones, and whether there are older ones.
    fn of(self, newest: impl Iterator<Item = FinishedQuery>) -> (Vec<FinishedQuery>, bool) {
        let mut left = newest.skip(self.skip);
        let queries = left.by_ref().take(self.most).collect();
        (queries, left.next().is_some())
    }

    /// The queries that a search must hold: one more than the page tells whether there are older ones.
    fn needed(self) -> usize {
        self.skip + self.most + 1
    }
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
    page: ResultPage,
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
    let found = newest(folder, &filter, page.needed(), |row| {
        (!is_failed || row.has_failed()).then(|| logged_query(row))
    });
    let found = found.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(page.of(found.into_iter()))
}

/// The newest queries of the history, and whether there are older ones.
fn in_history(
    store: &Arc<HistoryStore>,
    shared: &Shared,
    wanted: WantedQueries,
    page: ResultPage,
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
        page.needed(),
    );
    page.of(found.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(received_s: u64) -> FinishedQuery {
        FinishedQuery {
            received_s,
            client: "192.0.2.7".into(),
            transport: "udp".into(),
            name: None,
            r#type: None,
            outcome: None,
            rcode: None,
            ede: None,
            failed: false,
            took_ms: 0.1,
        }
    }

    #[test]
    fn pages_follow_each_other_up_to_the_oldest_query() {
        let seconds = |skip, most, all: u64| {
            let (queries, more) = ResultPage { skip, most }.of((0..all).rev().map(query));
            (queries.iter().map(|query| query.received_s).collect::<Vec<_>>(), more)
        };
        assert_eq!(seconds(0, 2, 5), (vec![4, 3], true));
        assert_eq!(seconds(2, 2, 5), (vec![2, 1], true));
        assert_eq!(seconds(4, 2, 5), (vec![0], false));
        assert_eq!(seconds(2, 2, 4), (vec![1, 0], false));
        assert_eq!(seconds(6, 2, 5), (vec![], false));
        assert_eq!(ResultPage { skip: 4, most: 2 }.needed(), 7);
    }
}
