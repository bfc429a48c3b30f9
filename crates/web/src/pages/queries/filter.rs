//! The queries that are shown: the fields of the form.

use std::net::IpAddr;

use zoners_api::{FinishedQuery, PastQueryFilter, QueryOutcome};
use zoners_http::HttpRequest;

use crate::pages::percent;

/// The kinds of queries in the form: value, title.
pub(super) const KINDS: [(&str, &str); 5] = [
    ("", "all"),
    ("failed", "failed"),
    ("policy", "blocked"),
    ("recursed", "by recursion"),
    ("stale", "with expired records"),
];

/// The queries that are shown.
#[derive(Clone, Debug, Default)]
pub(super) struct QueryFilter {
    /// A part of the name, or of the client.
    pub(super) text: String,
    /// A kind of [`KINDS`].
    pub(super) only: String,
    /// Past queries instead of queries as they end.
    pub(super) is_past: bool,
    /// Past queries up to this second.
    until_s: Option<u64>,
    /// Past queries on the pages before.
    skip: u32,
}

impl QueryFilter {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let field = |name| request.parameter(name).unwrap_or_default();
        QueryFilter {
            text: field("text").trim().to_owned(),
            only: field("only"),
            is_past: field("when") == "past",
            until_s: field("until").parse().ok(),
            skip: field("skip").parse().unwrap_or_default(),
        }
    }

    /// Whether a query is shown as it ends.
    pub(super) fn admits(&self, query: &FinishedQuery) -> bool {
        let text = self.text.to_ascii_lowercase();
        let has_text = |field: &str| field.to_ascii_lowercase().contains(&text);
        let is_found = query.name.as_deref().is_some_and(has_text) || has_text(&query.client);
        let is_chosen = match (&*self.only, self.outcome()) {
            ("failed", _) => query.failed,
            (_, Some(outcome)) => query.outcome == Some(outcome),
            _ => true,
        };
        is_chosen && (text.is_empty() || is_found)
    }

    /// The same filter for past queries. A whole address or a prefix means the client.
    pub(super) fn past(&self, limit: u32) -> PastQueryFilter {
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        let is_client = |text: &String| {
            let address = text.split('/').next().unwrap_or_default();
            address.parse::<IpAddr>().is_ok()
        };
        let (client, name) = match text {
            Some(text) if is_client(&text) => (Some(text), None),
            name => (None, name),
        };
        PastQueryFilter {
            name,
            client,
            outcome: self.outcome(),
            failed: self.only == "failed",
            since_s: None,
            until_s: self.until_s,
            limit: Some(limit),
            skip: self.skip,
        }
    }

    /// The address of the stream with the same filter.
    pub(super) fn stream(&self) -> String {
        format!("/events?text={}&only={}", percent(&self.text), percent(&self.only))
    }

    /// The address of the page after the page with these queries; `None` without a query.
    pub(super) fn older(&self, shown: &[FinishedQuery]) -> Option<String> {
        let seconds = || shown.iter().map(|query| query.received_s);
        let (newest, oldest) = (seconds().max()?, seconds().min()?);
        let seen = u64::from(self.skip) + shown.len() as u64;
        let of_oldest = seconds().filter(|second| *second == oldest).count();
        let (until, skip) = match seen <= u64::from(PastQueryFilter::MAX_SKIP) {
            true => (self.until_s.unwrap_or(newest), seen),
            // Beyond the limit the next page begins at the oldest second, or a second earlier, so that no page links to
            // itself.
            false if of_oldest < shown.len() => (oldest, of_oldest as u64),
            false => (oldest.saturating_sub(1), 0),
        };
        let (text, only) = (percent(&self.text), percent(&self.only));
        Some(format!("/queries?when=past&text={text}&only={only}&until={until}&skip={skip}"))
    }

    fn outcome(&self) -> Option<QueryOutcome> {
        match &*self.only {
            "policy" => Some(QueryOutcome::Policy),
            "recursed" => Some(QueryOutcome::Recursed),
            "stale" => Some(QueryOutcome::Stale),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str, only: &str) -> QueryFilter {
        QueryFilter { text: text.into(), only: only.into(), ..QueryFilter::default() }
    }

    fn query(received_s: u64) -> FinishedQuery {
        FinishedQuery {
            received_s,
            client: "192.0.2.7".into(),
            transport: "udp".into(),
            name: Some("Www.Example.".into()),
            r#type: Some("A".into()),
            outcome: Some(QueryOutcome::Cached),
            rcode: None,
            ede: None,
            failed: false,
            took_ms: 0.1,
        }
    }

    #[test]
    fn a_filter_finds_names_and_clients() {
        let query = query(0);
        for admitted in [filter("", ""), filter("www.ex", ""), filter("0.2.7", "other")] {
            assert!(admitted.admits(&query), "{admitted:?}");
        }
        for refused in [filter("example.net", ""), filter("", "failed"), filter("", "policy")] {
            assert!(!refused.admits(&query), "{refused:?}");
        }
        assert_eq!(filter("a&b c", "failed").stream(), "/events?text=a%26b%20c&only=failed");
    }

    #[test]
    fn past_queries_are_found_by_client_or_by_a_part_of_the_name() {
        for client in ["192.0.2.7", "192.0.2.0/24", "2001:db8::1"] {
            let past = filter(client, "").past(7);
            assert_eq!((past.client.as_deref(), past.name), (Some(client), None));
        }
        let past = filter("ads.", "policy").past(7);
        assert_eq!((past.name.as_deref(), past.client), (Some("ads."), None));
        assert_eq!((past.outcome, past.failed), (Some(QueryOutcome::Policy), false));
        assert!(filter("", "failed").past(7).failed);
    }

    #[test]
    fn no_page_leads_to_itself_however_many_queries_a_second_has() {
        let shown = |seconds: &[u64]| -> Vec<FinishedQuery> {
            seconds.iter().map(|second| query(*second)).collect()
        };
        let first = filter("a b", "stale");
        let way = "/queries?when=past&text=a%20b&only=stale";
        assert_eq!(first.older(&[]), None);
        assert_eq!(first.older(&shown(&[9, 9, 8])), Some(format!("{way}&until=9&skip=3")));
        let second = QueryFilter { until_s: Some(9), skip: 3, ..first.clone() };
        assert_eq!(second.past(7).skip, 3);
        assert_eq!(second.older(&shown(&[8, 8])), Some(format!("{way}&until=9&skip=5")));
        let last = QueryFilter { skip: PastQueryFilter::MAX_SKIP - 2, ..second };
        assert_eq!(last.older(&shown(&[8, 8])), Some(format!("{way}&until=9&skip=10000")));
        assert_eq!(last.older(&shown(&[8, 8, 8])), Some(format!("{way}&until=7&skip=0")));
        assert_eq!(last.older(&shown(&[9, 8, 8])), Some(format!("{way}&until=8&skip=2")));
    }
}
