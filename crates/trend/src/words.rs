//! Changes in words.

use jiff::Timestamp;

use crate::change::TrendSubject;
use crate::levels::DAY_S;

/// Within so many days, the name of the weekday tells the day.
const WEEKDAY_DAYS: u64 = 6;

/// A moment in the past: a weekday and a time, or a date and a time (UTC).
pub(crate) fn moment(second: u64, now_s: u64) -> String {
    let form = match now_s.saturating_sub(second) < WEEKDAY_DAYS * DAY_S {
        true => "%A %H:%M",
        false => "%-d %B %Y %H:%M",
    };
    let time = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    time.map(|time| time.strftime(form).to_string()).unwrap_or_default()
}

/// What a change says, in parts of a sentence.
pub(crate) struct ChangeInWords<'a> {
    pub(crate) subject: TrendSubject,
    /// The name of the provider, if known.
    pub(crate) provider: Option<&'a str>,
    pub(crate) by_ms: f64,
    pub(crate) at_s: u64,
    pub(crate) ended_s: Option<u64>,
}

impl ChangeInWords<'_> {
    /// The change as a sentence without a full stop.
    pub(crate) fn text(&self, now_s: u64) -> String {
        let by = format!("{:.0} ms", self.by_ms.abs());
        let time = match self.ended_s {
            None => format!("since {} UTC", moment(self.at_s, now_s)),
            Some(ended) => {
                format!("from {} to {} UTC", moment(self.at_s, now_s), moment(ended, now_s))
            }
        };
        let slower = if self.by_ms > 0.0 { "slower" } else { "quicker" };
        let (is, are) = match self.ended_s {
            None => ("is", "are"),
            Some(_) => ("was", "were"),
        };
        match (self.subject, self.ended_s) {
            (TrendSubject::Provider(_), _) => {
                let whose = match self.provider {
                    Some(name) => format!("{name}'s servers"),
                    None => "The servers of a provider not asked since the start".to_owned(),
                };
                format!("{whose} {are} {by} {slower} {time}")
            }
            (TrendSubject::Line, _) => {
                format!("your line {is} {by} {slower} {time}: the servers of all providers {are}")
            }
            (TrendSubject::Ipv4, _) => format!("IPv4 {is} {by} {slower} {time}, and IPv6 {is} not"),
            (TrendSubject::Ipv6, _) => format!("IPv6 {is} {by} {slower} {time}, and IPv4 {is} not"),
            (TrendSubject::Resolver, ended) => {
                let longer = if self.by_ms > 0.0 { "longer" } else { "less" };
                let takes = if ended.is_some() { "took" } else { "takes" };
                format!("your own resolver {takes} {by} {longer} for itself {time}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24, a Tuesday, 14:10 UTC.
    const TUESDAY: u64 = 1_795_529_400;

    #[test]
    fn changes_are_told_in_words() {
        let change = |subject, by_ms, ended_s| {
            let provider = Some("hoster8.example");
            let words = ChangeInWords { subject, provider, by_ms, at_s: TUESDAY, ended_s };
            words.text(TUESDAY + 2 * DAY_S)
        };
        assert_eq!(
            change(TrendSubject::Provider(7), 82.2, None),
            "hoster8.example's servers are 82 ms slower since Tuesday 14:10 UTC"
        );
        assert_eq!(
            change(TrendSubject::Line, 40.0, Some(TUESDAY + DAY_S)),
            "your line was 40 ms slower from Tuesday 14:10 to Wednesday 14:10 UTC: the servers of all providers were"
        );
        assert_eq!(
            change(TrendSubject::Ipv6, -31.0, None),
            "IPv6 is 31 ms quicker since Tuesday 14:10 UTC, and IPv4 is not"
        );
        assert_eq!(
            change(TrendSubject::Resolver, 22.0, None),
            "your own resolver takes 22 ms longer for itself since Tuesday 14:10 UTC"
        );
        assert_eq!(moment(TUESDAY, TUESDAY + 30 * DAY_S), "24 November 2026 14:10");
    }
}
