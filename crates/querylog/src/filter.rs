//! Which rows a search finds.

use zoners_api::QueryOutcome;
use zoners_dns::{Name, Prefix};

use crate::name_part::NamePart;
use crate::row::LogRow;

/// A filter of rows. A field that is empty or `None` admits every row.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Rows from this second on.
    pub since_s: u64,
    /// Rows up to this second.
    pub until_s: Option<u64>,
    /// Rows of clients in this prefix.
    pub client: Option<Prefix>,
    /// Rows with this name or a name below.
    pub name: Option<Name>,
    /// Rows with a name that has this part.
    pub part: Option<NamePart>,
    /// Rows with one of these outcomes.
    pub outcomes: Vec<QueryOutcome>,
}

impl LogFilter {
    /// Whether a row is wanted.
    #[must_use]
    pub fn admits(&self, row: &LogRow<'_>) -> bool {
        let of_client = |prefix: &Prefix| row.client.is_some_and(|client| prefix.contains(client));
        let of_name =
            |zone: &Name| row.question.is_some_and(|(name, _)| is_within(name, zone.as_slice()));
        let has_part = |part: &NamePart| row.question.is_some_and(|(name, _)| part.is_in(name));
        row.received_s >= self.since_s
            && (self.outcomes.is_empty() || self.outcomes.contains(&row.outcome))
            && self.client.as_ref().is_none_or(of_client)
            && self.until_s.is_none_or(|until_s| row.received_s <= until_s)
            && self.name.as_ref().is_none_or(of_name)
            && self.part.as_ref().is_none_or(has_part)
    }
}

/// Whether a name in wire format is `zone` or lies below, whatever the letter case.
#[must_use]
pub(crate) fn is_within(name: &[u8], zone: &[u8]) -> bool {
    let Some(above) = name.len().checked_sub(zone.len()) else { return false };
    if !name[above..].eq_ignore_ascii_case(zone) {
        return false;
    }
    // The zone begins where a label of the name begins.
    let mut at = 0;
    while at < above {
        at += 1 + usize::from(name[at]);
    }
    at == above
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{Transport, name};

    #[test]
    fn names_lie_within_zones_by_whole_labels() {
        let within = |owner: &str, zone: &str| {
            is_within(name::parse(owner).unwrap().as_slice(), name::parse(zone).unwrap().as_slice())
        };
        for zone in ["www.example.com", "EXAMPLE.com", "com", "."] {
            assert!(within("www.Example.com", zone), "{zone}");
        }
        for zone in ["ample.com", "a.www.example.com", "example.net"] {
            assert!(!within("www.example.com", zone), "{zone}");
        }
        // The octets within a label look like the end of a name.
        assert!(!is_within(b"\x04a\x01bc\x00", b"\x01b\x00"));
    }

    #[test]
    fn a_row_is_wanted_if_time_client_name_and_outcome_are() {
        let name = name::parse("www.example.com").unwrap();
        let row = LogRow {
            received_s: 100,
            client: "192.0.2.7".parse().ok(),
            transport: Transport::Udp,
            question: Some((name.as_slice(), 1)),
            outcome: QueryOutcome::Failed,
            rcode: Some(2),
            ede: None,
            took_ms: 7,
        };
        let all = LogFilter::default;
        assert!(all().admits(&row));
        assert!(LogFilter { since_s: 100, ..all() }.admits(&row));
        assert!(!LogFilter { since_s: 101, ..all() }.admits(&row));
        assert!(LogFilter { until_s: Some(100), ..all() }.admits(&row));
        assert!(!LogFilter { until_s: Some(99), ..all() }.admits(&row));
        let with = |part: &str| LogFilter { part: Some(NamePart::new(part)), ..all() };
        assert!(with("ww.exam").admits(&row) && !with("exam.").admits(&row));
        assert!(!with("w").admits(&LogRow { question: None, ..row }));
        let of = |client: &str| LogFilter { client: client.parse().ok(), ..all() };
        assert!(of("192.0.2.0/24").admits(&row) && !of("192.0.3.0/24").admits(&row));
        assert!(!of("192.0.2.7").admits(&LogRow { client: None, ..row }));
        let of = |zone: &str| LogFilter { name: name::parse(zone).ok(), ..all() };
        assert!(of("com").admits(&row) && !of("net").admits(&row));
        assert!(!of("com").admits(&LogRow { question: None, ..row }));
        let of = |outcomes: &[QueryOutcome]| LogFilter { outcomes: outcomes.into(), ..all() };
        assert!(of(&[QueryOutcome::Failed, QueryOutcome::Stale]).admits(&row));
        assert!(!of(&[QueryOutcome::Stale]).admits(&row));
    }
}
