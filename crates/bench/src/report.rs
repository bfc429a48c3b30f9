//! The results of a run, computed once for the terminal, the HTML page and JSON.

pub mod csv;
pub mod html;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::baseline::{Environment, SavedRun, differences};
use crate::compare::{Circumstances, Comparison};
use crate::diagnosis::{Diagnosis, TargetRun, findings};
use crate::figures::{Domain, Summary, describe};
use crate::nameservers::Nameserver;
use crate::providers::{self, Provider};
use crate::ramp::Ramp;
use crate::sample::{Phase, Sample};
use crate::target::{Came, Part};
use crate::time_parts::{Stretch, TimeParts, stretches};

/// The number of slowest domains that are listed.
const SLOWEST: usize = 10;
/// The upper ends of the bars of a histogram, in milliseconds; the last bar has the rest.
const BARS: [f64; 13] =
    [0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0];

/// The results of a run.
#[derive(Debug, Serialize)]
pub struct BenchReport<'a> {
    /// The machine, network and version of the run.
    pub environment: &'a Environment,
    /// Names in the list.
    pub names: usize,
    /// The origin of the names.
    pub source: &'a str,
    /// The load, in words.
    pub load: &'a str,
    /// The timeout in milliseconds, after which a question had failed.
    pub timeout_ms: u64,
    /// Whether the run ended before every question was asked.
    pub cut_short: bool,
    /// The environment of the baseline.
    pub baseline: Option<&'a Environment>,
    /// Differences between the environments of the run and the baseline.
    pub differences: Vec<String>,
    /// The results of each target.
    pub targets: Vec<TargetReport<'a>>,
    /// The run itself.
    #[serde(skip)]
    pub record: &'a SavedRun,
    /// The baseline itself.
    #[serde(skip)]
    pub before: Option<&'a SavedRun>,
}

/// The results of one target.
#[derive(Debug, Serialize)]
pub struct TargetReport<'a> {
    /// The label of the target.
    pub label: &'a str,
    /// The figures of the target.
    pub summary: Summary,
    /// The parts of the time of first asks; empty where the trace shows no hops.
    #[serde(serialize_with = "by_part")]
    pub way: TimeParts,
    /// How many first asks and repeats took how long.
    pub histogram: Vec<Bar>,
    /// The domains with the slowest first asks, without failures.
    pub slowest: Vec<SlowDomain>,
    /// The domains whose first asks failed.
    pub failed: Vec<SlowDomain>,
    /// The providers of the names, the longest waits first.
    pub providers: Vec<Provider>,
    /// The nameservers that the target asked, the most asked first.
    pub nameservers: &'a [Nameserver],
    /// The result of a ramp.
    pub ramp: Option<&'a Ramp>,
    /// The findings.
    pub findings: Vec<Diagnosis>,
    /// The comparison with the baseline.
    pub against: Option<Comparison>,
    /// The baseline's figures.
    #[serde(skip)]
    pub earlier: Option<Summary>,
    /// The comparison with the first target.
    pub beside_first: Option<Comparison>,
}

/// A bar of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// The upper end of the bar in milliseconds; `None` for the last bar.
    pub below_ms: Option<f64>,
    /// First asks.
    pub cold: usize,
    /// Repeats.
    pub warm: usize,
}

/// A slow domain, and the reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowDomain {
    /// The domain.
    pub name: String,
    /// The mean time of its first asks, in milliseconds.
    pub cold_ms: f64,
    /// The time of the slowest first ask, in milliseconds.
    pub slowest_ms: f64,
    /// The parts of the time of the slowest first ask.
    pub way: Vec<Stretch>,
    /// Why, in words.
    pub why: String,
}

impl<'a> BenchReport<'a> {
    /// The report of `record`, compared with `before` if given.
    #[must_use]
    pub fn of(record: &'a SavedRun, before: Option<&'a SavedRun>) -> Self {
        let mut report = BenchReport {
            environment: &record.environment,
            names: record.names.len(),
            source: &record.source,
            load: &record.load,
            timeout_ms: record.timeout_ms,
            cut_short: record.cut_short,
            baseline: before.map(|before| &before.environment),
            differences: before.map(|before| differences(record, before)).unwrap_or_default(),
            targets: Vec::new(),
            record,
            before,
        };
        for at in 0..record.targets.len() {
            let first = report.targets.first().map(|asked| &asked.summary);
            let asked = asked(record, at, before, first);
            report.targets.push(asked);
        }
        report
    }
}

/// The evaluated samples of a target.
struct Worked<'a> {
    summary: Summary,
    way: TimeParts,
    providers: Vec<Provider>,
    nameservers: &'a [Nameserver],
}

impl<'a> Worked<'a> {
    fn of(record: &'a SavedRun, at: usize) -> Self {
        let target = at as u16;
        let summary = Summary::of(&record.samples, target, record.penalty());
        Worked {
            way: record
                .first_asks(target)
                .map(TimeParts::of)
                .fold(TimeParts::default(), TimeParts::and),
            providers: providers::of_target(record, target, &summary),
            nameservers: record.nameservers.get(at).map_or(&[], Vec::as_slice),
            summary,
        }
    }

    fn known(&self, record: &SavedRun) -> TargetRun<'_> {
        TargetRun {
            summary: &self.summary,
            way: self.way,
            providers: &self.providers,
            nameservers: self.nameservers,
            gateway_ms: record.environment.gateway_ms,
        }
    }
}

fn asked<'a>(
    record: &'a SavedRun,
    at: usize,
    before: Option<&'a SavedRun>,
    first: Option<&Summary>,
) -> TargetReport<'a> {
    let now = Worked::of(record, at);
    let providers = &record.providers;
    let same_server = |before: &SavedRun| {
        !record.forgetful.get(at).is_some_and(|forgets| *forgets)
            && before.targets.get(at) == record.targets.get(at)
    };
    let earlier = before.map(|before| {
        let earlier = Worked::of(before, at);
        let circumstances = Circumstances { same_server: same_server(before), providers };
        let comparison = Comparison::of(&earlier.summary, &now.summary, circumstances);
        (before, earlier, comparison)
    });
    let compared =
        earlier.as_ref().map(|(before, earlier, comparison)| (earlier.known(before), comparison));
    let known = now.known(record);
    let findings =
        findings(&known, compared.as_ref().map(|(earlier, comparison)| (earlier, *comparison)));
    let beside = |first| {
        let circumstances = Circumstances { same_server: false, providers };
        Comparison::of(first, &now.summary, circumstances)
    };
    TargetReport {
        label: &record.targets[at],
        way: now.way,
        histogram: histogram(record, at as u16),
        slowest: slowest(record, at as u16, &now.summary, false),
        failed: slowest(record, at as u16, &now.summary, true),
        ramp: record.ramps.get(at),
        findings,
        beside_first: first.map(beside),
        against: earlier.as_ref().map(|(_, _, comparison)| comparison.clone()),
        earlier: earlier.map(|(_, earlier, _)| earlier.summary),
        providers: now.providers,
        nameservers: now.nameservers,
        summary: now.summary,
    }
}

fn histogram(record: &SavedRun, target: u16) -> Vec<Bar> {
    let ends = BARS.iter().copied().map(Some).chain([None]);
    let mut bars: Vec<Bar> = ends.map(|below_ms| Bar { below_ms, cold: 0, warm: 0 }).collect();
    for sample in record.samples.iter().filter(|sample| sample.target == target) {
        let millis = sample.millis(record.penalty());
        let bar = &mut bars[BARS.partition_point(|end| *end <= millis)];
        match sample.phase {
            Phase::Cold => bar.cold += 1,
            Phase::Warm => bar.warm += 1,
        }
    }
    bars
}

/// The slowest domains, either of the failed or of the answered domains.
fn slowest(record: &SavedRun, target: u16, summary: &Summary, failed: bool) -> Vec<SlowDomain> {
    let wanted = |domain: &&Domain| domain.cold.count > 0 && (domain.cold.failed > 0) == failed;
    let mut domains: Vec<&Domain> = summary.domains.iter().filter(wanted).collect();
    domains.sort_by(|one, other| other.cold.mean.total_cmp(&one.cold.mean));
    domains.truncate(SLOWEST);
    let wanted: BTreeSet<u32> = domains.iter().map(|domain| domain.name).collect();
    let samples: Vec<&Sample> =
        record.first_asks(target).filter(|sample| wanted.contains(&sample.name)).collect();
    let told = |domain: &Domain| {
        let own = samples.iter().filter(|sample| sample.name == domain.name);
        let slowest = own.max_by(|one, other| {
            one.millis(record.penalty()).total_cmp(&other.millis(record.penalty()))
        })?;
        Some(SlowDomain {
            name: record.names.get(domain.name as usize)?.clone(),
            cold_ms: domain.cold.mean,
            slowest_ms: slowest.millis(record.penalty()),
            way: stretches(slowest),
            why: why(record, slowest),
        })
    };
    domains.into_iter().filter_map(told).collect()
}

/// The reason of a slow question: the failure, and the longest wait.
fn why(record: &SavedRun, sample: &Sample) -> String {
    let failed = (!sample.ending.is_good()).then(|| describe(&sample.ending));
    let longest =
        stretches(sample).into_iter().max_by_key(|stretch| stretch.until_us - stretch.from_us);
    let waited = longest.map(|stretch| {
        let millis = (stretch.until_us - stretch.from_us) as f64 / 1000.0;
        let Some(hop) = stretch.hop.map(|at| &sample.hops[at]) else {
            return format!("{millis:.0} ms in the resolver itself");
        };
        let who = match hop.server.trim_end_matches('.') {
            "" if hop.address.is_empty() => format!("servers of {}", hop.zone),
            "" => hop.address.clone(),
            name => format!("{name} ({})", hop.address),
        };
        let how = match hop.came {
            Came::Answer | Came::Shared => "",
            Came::Nonsense => ", which was of no use",
            Came::Silence => ", which did not answer",
            Came::Outpaced => ", which was late",
        };
        format!("{millis:.0} ms for {who}{how}")
    });
    let provider = record.providers.get(sample.name as usize).filter(|name| !name.is_empty());
    let served = || provider.map(|provider| format!("served by {provider}"));
    let parts: Vec<String> = failed.into_iter().chain(waited.or_else(served)).collect();
    parts.join("; ")
}

fn by_part<S: serde::Serializer>(way: &TimeParts, serializer: S) -> Result<S::Ok, S::Error> {
    let parts = Part::ALL.into_iter().map(|part| (part, way.part_us(part) as f64 / 1000.0));
    serializer.collect_map(parts.filter(|(_, millis)| *millis > 0.0))
}

#[cfg(test)]
mod tests;
