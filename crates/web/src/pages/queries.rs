//! Queries as they end, the latest on top.

use std::sync::Arc;

use maud::{Markup, html};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use zoners_api::{Admin, FinishedQuery, QueryOutcome};
use zoners_http::{HttpBody, HttpBodyWriter, HttpRequest, HttpResponse, Method, Route, StatusCode};

use super::{failure, percent};
use crate::dashboard::Dashboard;
use crate::feed::EndedQueries;
use crate::layout::{self, Refresh};
use crate::words::{millis, name, time_of_day};

/// Rows of the table.
const MAX_ROWS: usize = 200;
/// Pieces of the stream that wait for a slow browser.
const ROOM: usize = 8;

/// The page and the stream behind it.
pub(super) fn routes<A: Admin>(dashboard: &Arc<Dashboard<A>>) -> Vec<Route> {
    let page = dashboard.route(Method::GET, "/queries", |dashboard, request| async move {
        let content = match dashboard.feed.begin(&*dashboard.admin) {
            Ok(()) => content(&Filter::of(&request), &dashboard.feed.recent()),
            Err(error) => failure(&error),
        };
        layout::page("/queries", Refresh::Never, &content)
    });
    let stream = dashboard.route(Method::GET, "/events", |dashboard, request| async move {
        if let Err(error) = dashboard.feed.begin(&*dashboard.admin) {
            return HttpResponse::text(StatusCode::SERVICE_UNAVAILABLE, &error.message);
        }
        let (writer, body) = HttpBody::written_on(ROOM);
        tokio::spawn(send(dashboard.feed.subscribe(), Filter::of(&request), writer));
        HttpResponse::new(StatusCode::OK, "text/event-stream", body)
    });
    vec![page, stream]
}

/// The queries that are shown: the fields of the form.
#[derive(Debug, Default)]
struct Filter {
    text: String,
    only: String,
}

impl Filter {
    fn of(request: &HttpRequest) -> Self {
        let text = request.parameter("text").unwrap_or_default();
        Filter { text, only: request.parameter("only").unwrap_or_default() }
    }

    fn admits(&self, query: &FinishedQuery) -> bool {
        let text = self.text.trim().to_ascii_lowercase();
        let has_text = |field: &str| field.to_ascii_lowercase().contains(&text);
        let is_found = query.name.as_deref().is_some_and(has_text) || has_text(&query.client);
        let is_chosen = match &*self.only {
            "failed" => query.failed,
            "policy" => query.outcome == Some(QueryOutcome::Policy),
            "recursed" => query.outcome == Some(QueryOutcome::Recursed),
            _ => true,
        };
        is_chosen && (text.is_empty() || is_found)
    }

    /// The address of the stream with the same filter.
    fn stream(&self) -> String {
        format!("/events?text={}&only={}", percent(&self.text), percent(&self.only))
    }
}

fn content(filter: &Filter, recent: &[FinishedQuery]) -> Markup {
    let choices =
        [("", "all"), ("failed", "failed"), ("policy", "policy"), ("recursed", "by recursion")];
    html! {
        h1 { "Queries" }
        p class="soft" { "The latest on top; times are from the query to the response. "
            span id="live" role="status" { "Fetch the page again for later queries." } }
        form class="row" {
            label { "Name or client" input name="text" value=(filter.text) autocomplete="off" spellcheck="false"; }
            label { "Show"
                select name="only" {
                    @for (value, title) in choices {
                        option value=(value) selected[filter.only == value] { (title) }
                    }
                }
            }
            button { "Filter" }
            button type="button" id="pause" hidden aria-pressed="false" { "Pause" }
        }
        table {
            caption class="soft" { "At most " (MAX_ROWS) " queries" }
            thead { tr { th { "Name" } th { "Type" } th { "Ended" } th class="n" { "Took" } th { "Client" } th { "Time" } th { "Reason" } } }
            tbody data-events=(filter.stream()) data-most=(MAX_ROWS) {
                @for query in recent.iter().filter(|query| filter.admits(query)).take(MAX_ROWS) { (row(query)) }
            }
        }
    }
}

fn row(query: &FinishedQuery) -> Markup {
    let class = match query.outcome {
        _ if query.failed => "short bad",
        Some(QueryOutcome::Policy | QueryOutcome::Stale) => "short note",
        _ => "short",
    };
    let outcome = query.outcome.map_or("other", QueryOutcome::name);
    let (asked, rtype) = (query.name.as_deref(), query.r#type.as_deref().unwrap_or_default());
    html! {
        tr {
            td class="name" {
                @match asked {
                    Some(asked) => { a href=(format!("/why?name={}", percent(asked))) { (name(asked)) } }
                    None => { "(no question)" }
                }
            }
            td data-column="type" { (rtype) }
            td class=(class) { (outcome) }
            td class="n" data-column="took" { (millis(query.took_ms)) }
            td data-column="client" { (query.client) }
            td class="short" { time datetime=(instant(query.received_s)) { (time_of_day(query.received_s)) " UTC" } }
            td class="whole" { (query.ede.as_ref().map_or("", |ede| &*ede.meaning)) }
        }
    }
}

/// The moment in the form of a browser's `Date`: the day is not told, since the table is of the last minutes.
fn instant(unix_s: u64) -> String {
    let days = unix_s / 86_400;
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{}Z", time_of_day(unix_s))
}

/// The date of a day since 1970 in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the day of a leap year comes last.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// Sends queries as events (server-sent events of HTML), until the browser leaves.
async fn send(mut live: Receiver<Arc<EndedQueries>>, filter: Filter, writer: HttpBodyWriter) {
    // The head of the response goes out with the first octets.
    let mut piece = ": the queries as they end\n\n".to_owned();
    loop {
        if !piece.is_empty() && !writer.write(piece).await {
            return;
        }
        let ended = tokio::select! {
            biased;
            () = writer.is_left() => return,
            ended = live.recv() => ended,
        };
        piece = match ended {
            Ok(ended) => events(&ended, &filter),
            Err(RecvError::Lagged(looks)) => format!("event: left-out\ndata: {looks}\n\n"),
            Err(RecvError::Closed) => return,
        };
    }
}

fn events(ended: &EndedQueries, filter: &Filter) -> String {
    let rows = ended.queries.iter().rev().filter(|query| filter.admits(query)).map(row);
    // Data of an event lies in a line.
    let rows: String = rows.map(|row| row.into_string().replace(['\r', '\n'], " ")).collect();
    let mut events = String::new();
    if !rows.is_empty() {
        events = format!("event: rows\ndata: {rows}\n\n");
    }
    if ended.left_out > 0 {
        events = format!("{events}event: left-out\ndata: {}\n\n", ended.left_out);
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_for_a_browser() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(instant(4_102_444_799), "2099-12-31T23:59:59Z");
    }

    fn query(name: &str, client: &str, failed: bool) -> FinishedQuery {
        FinishedQuery {
            received_s: 0,
            client: client.into(),
            transport: "udp".into(),
            name: Some(name.into()),
            r#type: Some("A".into()),
            outcome: Some(QueryOutcome::Cached),
            rcode: None,
            ede: None,
            failed,
            took_ms: 0.1,
        }
    }

    #[test]
    fn a_filter_finds_names_and_clients() {
        let filter = |text: &str, only: &str| Filter { text: text.into(), only: only.into() };
        let query = query("Www.Example.", "192.0.2.7", false);
        for admitted in [filter("", ""), filter("www.ex", ""), filter(" 0.2.7", "other")] {
            assert!(admitted.admits(&query), "{admitted:?}");
        }
        for refused in [filter("example.net", ""), filter("", "failed"), filter("", "policy")] {
            assert!(!refused.admits(&query), "{refused:?}");
        }
        assert_eq!(filter("a&b c", "failed").stream(), "/events?text=a%26b%20c&only=failed");
    }

    #[test]
    fn rows_are_escaped_and_lie_in_one_line() {
        let queries = vec![query("<b>\"x\n.", "192.0.2.7", true)];
        let events = events(&EndedQueries { queries, left_out: 3 }, &Filter::default());
        assert!(events.contains("&lt;b&gt;") && !events.contains("<b>"), "{events}");
        assert!(events.ends_with("event: left-out\ndata: 3\n\n"), "{events}");
        assert_eq!(events.lines().count(), 6, "{events}");
    }
}
