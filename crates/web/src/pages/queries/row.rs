//! A query as a row of the table.

use std::net::IpAddr;

use maud::{Markup, html};
use zoners_api::{FinishedQuery, QueryOutcome};

use crate::pages::percent;
use crate::words::{day_and_time, instant, millis, name, time_of_day};

/// The head of the table.
pub(super) fn head() -> Markup {
    html! {
        thead { tr { th { "Name" } th { "Type" } th { "Ended" } th class="n" { "Took" } th { "Client" } th { "Time" } th { "Reason" }
            th { span class="unseen" { "Rule" } } } }
    }
}

/// The row of a query that has just ended: the time is enough.
pub(super) fn row(query: &FinishedQuery) -> Markup {
    let at = query.received_s;
    let time = html! { time datetime=(instant(at)) { (time_of_day(at)) " UTC" } };
    cells(query, &html! { td class="short" { (time) } })
}

/// The row of a past query, with the day. On a telephone, day and time need a whole line.
pub(super) fn past_row(query: &FinishedQuery) -> Markup {
    let at = query.received_s;
    let time = html! { time datetime=(instant(at)) data-day { (day_and_time(at)) " UTC" } };
    cells(query, &html! { td class="short whole" { (time) } })
}

/// The row; a link leads to a rule for the name.
fn cells(query: &FinishedQuery, time: &Markup) -> Markup {
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
            (time)
            td class="whole" { (query.ede.as_ref().map_or("", |ede| &*ede.meaning)) }
            td class="short" { @if let Some(asked) = asked { (rule_link(query, asked)) } }
        }
    }
}

/// The way to a rule for the name with the opposite effect.
fn rule_link(query: &FinishedQuery, asked: &str) -> Markup {
    let (verb, effect) = match query.outcome {
        Some(QueryOutcome::Policy) => ("Allow", "allow"),
        _ => ("Block", "block"),
    };
    // A log may have no addresses.
    let client = query.client.parse::<IpAddr>().map_or(String::new(), |client| client.to_string());
    let way = format!("/rule?name={}&client={}&effect={effect}", percent(asked), percent(&client));
    html! { a href=(way) aria-label=(format!("{verb} {}", name(asked))) { (verb) "…" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_leads_to_the_rule_that_would_change_the_outcome() {
        let query = |outcome, client: &str| FinishedQuery {
            received_s: 0,
            client: client.into(),
            transport: "udp".into(),
            name: Some("a&b.example.".into()),
            r#type: Some("A".into()),
            outcome: Some(outcome),
            rcode: None,
            ede: None,
            failed: false,
            took_ms: 0.1,
        };
        let blocked = row(&query(QueryOutcome::Policy, "192.0.2.7")).into_string();
        assert!(
            blocked.contains("name=a%26b.example.&amp;client=192.0.2.7&amp;effect=allow"),
            "{blocked}"
        );
        assert!(blocked.contains(">00:00:00 UTC<"), "{blocked}");
        let past = past_row(&query(QueryOutcome::Policy, "192.0.2.7")).into_string();
        assert!(past.contains(" data-day>1970-01-01 00:00:00 UTC<"), "{past}");
        let cached = row(&query(QueryOutcome::Cached, "hidden")).into_string();
        assert!(cached.contains("&amp;client=&amp;effect=block"), "{cached}");
    }
}
