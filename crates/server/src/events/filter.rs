//! The events that a reader wants.

use zoners_api::{QueryOutcome, WatchFilter};
use zoners_dns::{Name, NameSlice, Prefix, name};

use super::{EventQuestion, QueryEvent};

/// A filter of events. The worker applies the filter, so that an unwanted event takes no room in the ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    client: Option<Prefix>,
    name: Option<Name>,
    failed: bool,
    /// Without queries answered from the cache or from local data.
    without_hits: bool,
}

impl EventFilter {
    /// The filter of a request.
    ///
    /// # Errors
    /// The client is no address or prefix, or the name is none.
    pub fn of(request: &WatchFilter) -> Result<Self, String> {
        let client = request.client.as_deref().map(str::parse).transpose()?;
        let name = request.name.as_deref().map(name::parse).transpose()?;
        Ok(EventFilter { client, name, failed: request.failed, without_hits: false })
    }

    /// The same filter, for failed queries alone.
    #[must_use]
    pub fn only_failed(self) -> Self {
        EventFilter { failed: true, ..self }
    }

    /// The same filter, without answers from the cache and from local data. Remembered failures stay.
    #[must_use]
    pub fn without_hits(self) -> Self {
        EventFilter { without_hits: true, ..self }
    }

    /// Whether the reader wants an event.
    pub(super) fn admits(&self, event: &QueryEvent) -> bool {
        let EventFilter { client, name, failed, without_hits } = self;
        let is_hit = || {
            matches!(event.outcome, QueryOutcome::Cached | QueryOutcome::Local)
                && !event.has_failed()
        };
        let of_client = |prefix: &Prefix| prefix.contains(event.client.address);
        let of_name =
            |zone: &Name| event.question.as_ref().is_some_and(|asked| lies_in(asked, zone));
        (!failed || event.has_failed())
            && !(*without_hits && is_hit())
            && client.as_ref().is_none_or(of_client)
            && name.as_ref().is_none_or(of_name)
    }
}

/// Whether the name in a question is `zone` or lies below.
fn lies_in(asked: &EventQuestion, zone: &Name) -> bool {
    let asked = NameSlice::from_slice(&asked.name);
    asked.is_ok_and(|asked| asked.iter_suffixes().any(|suffix| suffix == *zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use smallvec::SmallVec;
    use zoners_dns::{ClockReading, Moment, OptRcode, Rtype, Transport};

    use crate::client::Client;

    fn event(name: Option<&str>, outcome: QueryOutcome, rcode: OptRcode) -> QueryEvent {
        let question = |text| EventQuestion {
            name: SmallVec::from_slice(name::parse(text).unwrap().as_slice()),
            rtype: Rtype::A,
        };
        QueryEvent {
            question: name.map(question),
            client: Client::new("192.0.2.7".parse().unwrap(), Transport::Udp),
            outcome,
            rcode: Some(rcode),
            reason: None,
            received: ClockReading { now: Moment::from_millis(1), wall_seconds: 1 },
            took: Duration::ZERO,
        }
    }

    fn filter(client: Option<&str>, name: Option<&str>, failed: bool) -> EventFilter {
        let (client, name) = (client.map(str::to_owned), name.map(str::to_owned));
        EventFilter::of(&WatchFilter { client, name, failed, ..WatchFilter::default() }).unwrap()
    }

    #[test]
    fn an_event_is_wanted_if_client_name_and_failure_are() {
        let found = event(Some("www.Example.com"), QueryOutcome::Cached, OptRcode::NOERROR);
        let none = event(None, QueryOutcome::Dropped, OptRcode::NOERROR);
        let remembered = event(Some("."), QueryOutcome::Cached, OptRcode::SERVFAIL);
        let wanted = |filter: EventFilter| [&found, &none, &remembered].map(|e| filter.admits(e));
        assert_eq!(wanted(EventFilter::default()), [true; 3]);
        assert_eq!(wanted(filter(Some("192.0.2.7"), None, false)), [true; 3]);
        assert_eq!(wanted(filter(Some("192.0.2.0/29"), None, false)), [true; 3]);
        assert_eq!(wanted(filter(Some("192.0.2.6"), None, false)), [false; 3]);
        for above in ["www.example.com.", "EXAMPLE.com", "com"] {
            assert_eq!(wanted(filter(None, Some(above), false)), [true, false, false], "{above}");
        }
        for beside in ["ample.com", "a.www.example.com", "example.net"] {
            assert_eq!(wanted(filter(None, Some(beside), false)), [false; 3], "{beside}");
        }
        assert_eq!(wanted(filter(None, Some("."), false)), [true, false, true]);
        assert_eq!(wanted(filter(None, None, true)), [false, true, true]);
        assert_eq!(wanted(EventFilter::default().only_failed()), [false, true, true]);
        assert_eq!(wanted(EventFilter::default().without_hits()), [false, true, true]);
        assert_eq!(wanted(filter(Some("192.0.2.7"), Some("com"), true)), [false; 3]);
    }

    #[test]
    fn a_filter_that_is_none_is_an_error() {
        let of = |client: Option<&str>, name: Option<&str>| {
            let (client, name) = (client.map(str::to_owned), name.map(str::to_owned));
            EventFilter::of(&WatchFilter { client, name, ..WatchFilter::default() }).unwrap_err()
        };
        assert!(of(Some("192.0.2.0/33"), None).contains("no address or prefix"));
        assert!(of(None, Some("a..b")).contains("no domain name"));
    }
}
