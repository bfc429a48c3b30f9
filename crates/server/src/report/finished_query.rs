//! A finished query as a type of `zoners_api`.

use zoners_api::{EdeReport, FinishedQuery};
use zoners_dns::{EdeCode, NameSlice, OptRcode, Rtype};
use zoners_querylog::LogRow;

use super::millis;
use crate::events::QueryEvent;

/// A finished query, for the reports of a watch.
pub(crate) fn finished_query(event: &QueryEvent) -> FinishedQuery {
    let question = event.question.as_ref();
    FinishedQuery {
        received_s: event.received.wall_seconds,
        client: event.client.address.to_canonical().to_string(),
        transport: event.client.transport.to_string(),
        name: question.and_then(|question| name_with_dot(&question.name)),
        r#type: question.map(|question| question.rtype.to_string()),
        outcome: Some(event.outcome),
        rcode: event.rcode.map(|rcode| rcode.to_string()),
        ede: event.reason.map(reason),
        failed: event.has_failed(),
        took_ms: millis(event.took),
    }
}

/// A row of the query log.
#[must_use]
pub fn logged_query(row: &LogRow<'_>) -> FinishedQuery {
    let rcode = row.rcode.map(OptRcode::masked_from_int);
    FinishedQuery {
        received_s: row.received_s,
        client: row.client.map_or_else(|| "hidden".to_owned(), |client| client.to_string()),
        transport: row.transport.to_string(),
        name: row.question.and_then(|(name, _)| name_with_dot(name)),
        r#type: row.question.map(|(_, rtype)| Rtype::from_int(rtype).to_string()),
        outcome: Some(row.outcome),
        rcode: rcode.map(|rcode| rcode.to_string()),
        ede: row.ede.map(|code| reason(EdeCode(code))),
        failed: row.has_failed(),
        took_ms: row.took_ms.into(),
    }
}

/// The name with the final dot.
fn name_with_dot(name: &[u8]) -> Option<String> {
    let name = NameSlice::from_slice(name).ok()?;
    Some(name.fmt_with_dot().to_string())
}

/// The reason without a text: an event has the code alone.
fn reason(code: EdeCode) -> EdeReport {
    EdeReport { code: code.0, meaning: code.meaning().to_owned(), text: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use smallvec::SmallVec;
    use zoners_api::QueryOutcome;
    use zoners_dns::{ClockReading, Moment, Transport, name};

    use crate::client::Client;
    use crate::events::EventQuestion;

    #[test]
    fn every_field_of_an_event_is_told() {
        let asked = name::parse("www.Example.com").unwrap();
        let question =
            EventQuestion { name: SmallVec::from_slice(asked.as_slice()), rtype: Rtype::A };
        let event = QueryEvent {
            question: Some(question),
            client: Client::new("::ffff:192.0.2.7".parse().unwrap(), Transport::Tcp),
            outcome: QueryOutcome::RateLimited,
            rcode: Some(OptRcode::BADCOOKIE),
            reason: Some(EdeCode::OTHER),
            received: ClockReading { now: Moment::from_millis(5), wall_seconds: 1_800_000_000 },
            took: Duration::from_millis(12),
        };
        let other = EdeReport { code: 0, meaning: "Other".into(), text: String::new() };
        let expected = FinishedQuery {
            received_s: 1_800_000_000,
            client: "192.0.2.7".into(),
            transport: "tcp".into(),
            name: Some("www.Example.com.".into()),
            r#type: Some("A".into()),
            outcome: Some(QueryOutcome::RateLimited),
            rcode: Some("BADCOOKIE".into()),
            ede: Some(other),
            failed: true,
            took_ms: 12.0,
        };
        assert_eq!(finished_query(&event), expected);
        let unreadable = QueryEvent { question: None, rcode: None, reason: None, ..event };
        let none = FinishedQuery { name: None, r#type: None, rcode: None, ede: None, ..expected };
        assert_eq!(finished_query(&unreadable), none);
    }

    #[test]
    fn a_row_of_the_log_is_told_as_its_event() {
        let asked = name::parse("www.Example.com").unwrap();
        let row = LogRow {
            received_s: 1_800_000_000,
            client: None,
            transport: Transport::Udp,
            question: Some((asked.as_slice(), Rtype::A.to_int())),
            outcome: QueryOutcome::Cached,
            rcode: Some(OptRcode::SERVFAIL.to_int()),
            ede: Some(EdeCode::CACHED_ERROR.0),
            took_ms: 3,
        };
        let query = logged_query(&row);
        assert_eq!((&*query.client, &*query.transport), ("hidden", "udp"));
        assert_eq!(
            (query.name.as_deref(), query.r#type.as_deref()),
            (Some("www.Example.com."), Some("A"))
        );
        assert_eq!(
            (query.rcode.as_deref(), query.failed),
            (Some("SERVFAIL"), true),
            "a failure kept"
        );
        assert_eq!(query.ede.unwrap().code, EdeCode::CACHED_ERROR.0);
    }
}
