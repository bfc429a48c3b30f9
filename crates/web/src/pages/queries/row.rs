//! A query as a row of the table.

use std::net::IpAddr;

use maud::{Markup, html};
use zoners_api::{FinishedQuery, QueryOutcome};

use crate::pages::percent;
use crate::words::{millis, name, time_of_day};

/// The head of the table.
pub(super) fn head() -> Markup {
    html! {
        thead { tr { th { "Name" } th { "Type" } th { "Ended" } th class="n" { "Took" } th { "Client" } th { "Time" } th { "Reason" }
            th { span class="unseen" { "Rule" } } } }
    }
}

/// The row; a link leads to a rule for the name.
pub(super) fn row(query: &FinishedQuery) -> Markup {
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
            td class="short" { @if let Some(asked) = asked { (rule_link(query, asked)) } }
        }
    }
}

/// The way to a rule that changes what happens to the name.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_for_a_browser() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(instant(4_102_444_799), "2099-12-31T23:59:59Z");
    }

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
        let cached = row(&query(QueryOutcome::Cached, "hidden")).into_string();
        assert!(cached.contains("&amp;client=&amp;effect=block"), "{cached}");
    }
}
