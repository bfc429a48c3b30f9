//! What changed, as types of `zoners_api`.

use zoners_api::words::{capitalised, counted, listed};
use zoners_api::{
    BaselineFill, TrendChange, TrendPart, TrendQuery, TrendReport, TrendStatus, UsualLatency,
};

use crate::baseline::{Baseline, MAX_HOUR_OCTETS, MAX_SLOT_OCTETS};
use crate::change::{LatencyChange, TrendSubject};
use crate::levels::{DAY_S, MIN_HOURS};
use crate::words::ChangeInWords;

/// The days whose changes are reported, unless the caller names a time.
const REPORTED_DAYS: u64 = 30;
/// The days for which a found change is an alarm; later the latency is the usual latency.
const ALARM_DAYS: u64 = 7;
/// The most changes of a report.
const MAX_REPORTED: usize = 100;
/// The most changes of a sentence.
const MAX_TOLD: usize = 3;

impl Baseline {
    /// The changes before second `now_s` wanted by `query`, and the usual latencies on the present network.
    #[must_use]
    pub fn report(&self, query: &TrendQuery, now_s: u64) -> TrendReport {
        let reported_s = now_s.saturating_sub(REPORTED_DAYS * DAY_S);
        let since = query.seconds.map_or(reported_s, |seconds| now_s.saturating_sub(seconds));
        let provider = query.provider.as_ref();
        let provider = provider.map(|name| {
            TrendSubject::Provider(self.numbering.provider(name.trim_end_matches('.')))
        });
        // The sentence tells the present state, even if the query wants a shorter time.
        let told_since = since.min(reported_s);
        // The end of a change is told with the change.
        let is_end = |change: &LatencyChange| {
            self.changes.iter().any(|earlier| {
                self.end_of(earlier) == Some(change.at_s) && change.takes_back(earlier)
            })
        };
        let is_told = |change: &&LatencyChange| {
            change.found_s >= told_since
                && provider.is_none_or(|provider| change.subject == provider)
                && !is_end(change)
        };
        let told: Vec<TrendChange> = self
            .changes
            .iter()
            .rev()
            .filter(is_told)
            .map(|change| self.change_report(change, now_s))
            .collect();
        let is_lasting = |change: &&TrendChange| change.here && change.ended_unix_s.is_none();
        let lasting: Vec<&TrendChange> = told.iter().filter(is_lasting).collect();
        let usual = self.usual(provider);
        let text = self.text(&lasting, query.provider.as_deref(), &usual);
        let lasting = lasting.len() as u64;
        let is_wanted = |change: &TrendChange| change.found_unix_s >= since;
        let changes = told.into_iter().filter(is_wanted).take(MAX_REPORTED).collect();
        TrendReport { text, lasting, changes, usual, baseline: self.fill() }
    }

    /// The state in short at second `now_s`.
    #[must_use]
    pub fn status(&self, now_s: u64) -> TrendStatus {
        let alarms = self.changes.iter().rev().filter(|change| {
            change.network == self.network
                && change.by_ms > 0.0
                && change.found_s + ALARM_DAYS * DAY_S > now_s
                && self.end_of(change).is_none()
        });
        let alarms: Vec<TrendChange> =
            alarms.take(MAX_REPORTED).map(|change| self.change_report(change, now_s)).collect();
        let text = self.text(&alarms.iter().collect::<Vec<_>>(), None, &self.usual(None));
        TrendStatus { text, alarms }
    }

    /// The changes that were found since the last call, each as a sentence without a full stop.
    pub fn take_found(&mut self, now_s: u64) -> Vec<String> {
        let untold = std::mem::take(&mut self.untold);
        untold.iter().map(|change| self.change_report(change, now_s).text).collect()
    }

    /// When an earlier change was taken back.
    fn end_of(&self, change: &LatencyChange) -> Option<u64> {
        let later = self.changes.iter().filter(|later| {
            later.network == change.network
                && later.subject == change.subject
                && later.at_s > change.at_s
        });
        let next = later.min_by_key(|later| later.at_s)?;
        next.takes_back(change).then_some(next.at_s)
    }

    fn change_report(&self, change: &LatencyChange, now_s: u64) -> TrendChange {
        let LatencyChange { subject, at_s, by_ms, .. } = *change;
        let (part, provider) = self.part(subject);
        let ended_s = self.end_of(change);
        let provider_name = provider.as_deref();
        let words = ChangeInWords { subject, provider: provider_name, by_ms, at_s, ended_s };
        TrendChange {
            subject: part,
            here: change.network == self.network,
            at_unix_s: at_s,
            found_unix_s: change.found_s,
            ended_unix_s: ended_s,
            before_ms: tenth(change.before_ms),
            by_ms: tenth(by_ms),
            low_ms: tenth(change.low_ms),
            high_ms: tenth(change.high_ms),
            chance: change.p,
            text: words.text(now_s),
            provider,
        }
    }

    fn part(&self, subject: TrendSubject) -> (TrendPart, Option<String>) {
        match subject {
            TrendSubject::Line => (TrendPart::Line, None),
            TrendSubject::Ipv4 => (TrendPart::Ipv4, None),
            TrendSubject::Ipv6 => (TrendPart::Ipv6, None),
            TrendSubject::Resolver => (TrendPart::Resolver, None),
            TrendSubject::Provider(number) => {
                (TrendPart::Provider, self.directory.name(number).map(str::to_owned))
            }
        }
    }

    /// What is usual on the present network: of one provider, or of all.
    fn usual(&self, wanted: Option<TrendSubject>) -> Vec<UsualLatency> {
        let Some(watch) = &self.watch else { return Vec::new() };
        let known = watch.usual.subjects.iter();
        let known = known.filter(|(subject, _)| wanted.is_none_or(|wanted| wanted == **subject));
        let usual = known.map(|(subject, usual)| {
            let (subject, provider) = self.part(*subject);
            let (usual_ms, hours) = (tenth(usual.level_ms), usual.hours as u64);
            UsualLatency { subject, provider, usual_ms, hours }
        });
        usual.collect()
    }

    /// Lasting changes as a sentence; else the parts without a change.
    fn text(
        &self,
        lasting: &[&TrendChange],
        provider: Option<&str>,
        usual: &[UsualLatency],
    ) -> String {
        if self.watch.is_none() {
            let hours = counted(self.hours_here().count() as u64, "hour");
            return format!(
                "Too little is known of this network yet: {hours} with replies so far; what is usual is known \
                 after {MIN_HOURS} such hours and a few days."
            );
        }
        if let (Some(provider), true) = (provider, lasting.is_empty()) {
            return match usual.is_empty() {
                true => format!("Too little is known of {provider} on this network."),
                false => format!("{provider}'s servers are as quick as usual."),
            };
        }
        match lasting.len() {
            0 => all_as_usual(usual),
            count => {
                let rest = match count.saturating_sub(MAX_TOLD) as u64 {
                    0 if provider.is_some() || usual.len() <= count => String::new(),
                    0 if count == 1 => "; all else as before".to_owned(),
                    0 => "; all besides as before".to_owned(),
                    more => format!("; and {}", counted(more, "further change")),
                };
                let told: Vec<&str> =
                    lasting.iter().take(MAX_TOLD).map(|change| &*change.text).collect();
                begin(lasting, format!("{}{rest}.", told.join("; ")))
            }
        }
    }

    fn hours_here(&self) -> impl Iterator<Item = u64> {
        let here = self.hours.iter().filter(|hour| hour.network == self.network);
        here.map(|hour| hour.begin_s)
    }

    fn fill(&self) -> BaselineFill {
        BaselineFill {
            hours: self.hours_here().count() as u64,
            all_hours: self.hours.len() as u64,
            since_unix_s: self.hours_here().next(),
            used_bytes: (self.hours.octets() + self.slots.octets()) as u64,
            limit_bytes: (MAX_HOUR_OCTETS + MAX_SLOT_OCTETS) as u64,
            lost: self.lost,
        }
    }
}

/// The parts that were measured, without a change.
fn all_as_usual(usual: &[UsualLatency]) -> String {
    let is_of_line = |part| matches!(part, TrendPart::Line | TrendPart::Ipv4 | TrendPart::Ipv6);
    let line = usual.iter().any(|usual| is_of_line(usual.subject)).then(|| "the line".to_owned());
    let resolver = usual.iter().any(|usual| usual.subject == TrendPart::Resolver);
    let resolver = resolver.then(|| "your own resolver".to_owned());
    let providers = usual.iter().filter(|usual| usual.subject == TrendPart::Provider).count();
    let providers = (providers > 0).then(|| counted(providers as u64, "provider"));
    let parts: Vec<String> = line.into_iter().chain(resolver).chain(providers).collect();
    match parts.is_empty() {
        true => "Too little is known of this network yet.".to_owned(),
        false => format!("All as usual on this network: {}.", listed(&parts)),
    }
}

/// The sentence with a first letter in upper case, unless the name of a provider comes first.
fn begin(lasting: &[&TrendChange], text: String) -> String {
    match lasting.first() {
        Some(first) if first.provider.is_some() => text,
        _ => capitalised(&text),
    }
}

/// Milliseconds to the tenth.
fn tenth(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
