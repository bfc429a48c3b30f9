//! Queries: live as each ends, or past queries, the latest on top.

mod filter;
mod row;
mod stream;

use std::sync::Arc;

use maud::{Markup, html};
use zoners_api::{Admin, AdminError, FinishedQuery, PastQueries, PastQuerySource};
use zoners_http::{HttpBody, HttpRequest, HttpResponse, Method, Route, StatusCode};

use super::{failure, rule};
use crate::dashboard::Dashboard;
use crate::layout::{self, Refresh};
use crate::words::millis;
use filter::{KINDS, QueryFilter};
use row::{past_row, row};

/// Rows of the table.
const MAX_ROWS: usize = 200;
/// Pieces of the stream that wait for a slow browser.
const ROOM: usize = 8;

/// The page and the stream behind it.
pub(super) fn routes<A: Admin>(dashboard: &Arc<Dashboard<A>>) -> Vec<Route> {
    let page = dashboard.route(Method::GET, "/queries", |dashboard, request| async move {
        layout::page("/queries", Refresh::Never, &page(&dashboard, &request).await)
    });
    let stream = dashboard.route(Method::GET, "/events", |dashboard, request| async move {
        if let Err(error) = dashboard.feed.begin(&*dashboard.admin) {
            return HttpResponse::text(StatusCode::SERVICE_UNAVAILABLE, &error.message);
        }
        let (writer, body) = HttpBody::written_on(ROOM);
        let filter = QueryFilter::of(&request);
        tokio::spawn(stream::send(dashboard.feed.subscribe(), filter, writer));
        HttpResponse::new(StatusCode::OK, "text/event-stream", body)
    });
    vec![page, stream]
}

async fn page<A: Admin>(dashboard: &Dashboard<A>, request: &HttpRequest) -> Markup {
    let filter = QueryFilter::of(request);
    let table = match filter.is_past {
        true => past(&filter, dashboard.admin.past_queries(&filter.past(MAX_ROWS as u32)).await),
        false => match dashboard.feed.begin(&*dashboard.admin) {
            Ok(()) => live(&filter, &dashboard.feed.recent()),
            Err(error) => failure(&error),
        },
    };
    html! {
        h1 { "Queries" }
        (rule::outcome(&*dashboard.admin, request))
        (form(&filter))
        (table)
    }
}

fn form(filter: &QueryFilter) -> Markup {
    html! {
        form class="row" {
            label { "Name or client" input name="text" value=(filter.text) autocomplete="off" spellcheck="false"; }
            label { "Show"
                select name="only" {
                    @for (value, title) in KINDS {
                        option value=(value) selected[filter.only == value] { (title) }
                    }
                }
            }
            label { "When"
                select name="when" {
                    option value="" { "as they end" }
                    option value="past" selected[filter.is_past] { "past" }
                }
            }
            button { "Search" }
            @if !filter.is_past { button type="button" id="pause" hidden aria-pressed="false" { "Pause" } }
        }
    }
}

fn live(filter: &QueryFilter, recent: &[FinishedQuery]) -> Markup {
    html! {
        p class="soft" { "The latest on top; times are from the query to the response. "
            span id="live" role="status" { "Fetch the page again for later queries." } }
        table {
            caption class="soft" { "At most " (MAX_ROWS) " queries" }
            (row::head())
            tbody data-events=(filter.stream()) data-most=(MAX_ROWS) {
                @for query in recent.iter().filter(|query| filter.admits(query)).take(MAX_ROWS) { (row(query)) }
            }
        }
    }
}

fn past(filter: &QueryFilter, found: Result<PastQueries, AdminError>) -> Markup {
    let PastQueries { source, queries, more, took_ms } = match found {
        Ok(found) => found,
        Err(error) => return failure(&error),
    };
    let (place, more_about) = match source {
        PastQuerySource::Log => ("in the query log", ""),
        PastQuerySource::History => (
            "in the history",
            " The history has each query that needed recursion, and one hit every ten seconds; query-log.queries keeps every query on disk.",
        ),
    };
    let older = if more { filter.older(&queries) } else { None };
    html! {
        p class="soft" { "Found " (place) " in " (millis(took_ms)) "." (more_about) }
        @if queries.is_empty() { p { "No query is found." } } @else {
            table { (row::head()) tbody { @for query in &queries { (past_row(query)) } } }
        }
        @if let Some(older) = older { p { a href=(older) { "Older queries" } } }
    }
}
