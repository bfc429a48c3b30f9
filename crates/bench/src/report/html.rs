//! The report as an HTML page: self-contained, without scripts, light or dark as the browser
//! prefers.

mod curves;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{BenchReport, TargetReport};
use crate::compare::{Comparison, ComparisonVerdict, PhaseChange};
use crate::diagnosis::{Diagnosis, Suspect};
use crate::figures::Figures;
use crate::sample::Phase;
use crate::target::Part;
use curves::{Curve, draw};
use tables::{every_name, ms, nameservers, number, providers, slowest};

const STYLE: &str = include_str!("html/style.css");
/// The column of an interval of confidence.
const INTERVAL: &str = "99 % interval";

/// The page.
#[must_use]
pub fn page(report: &BenchReport) -> String {
    let BenchReport { environment, names, source, load, .. } = report;
    let facts = [&environment.machine, &environment.network, &environment.configuration];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "How names resolve, " (environment.when()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "How " (names) " names resolve" }
                    p class="soft" {
                        (environment.when()) " · Zoners " (environment.version) " · " (source) " · " (load)
                    }
                    @for fact in facts { @if !fact.is_empty() { p class="soft" { (fact) } } }
                    @if report.cut_short {
                        p class="note" { "It ended before all was asked; this is what there is." }
                    }
                    h2 { "Which share was answered within which time" }
                    div class="card" { (draw(&all_curves(report))) }
                    div class="card" {
                        (figures(report))
                        p class="soft" {
                            "In the mean, a failure counts as " (report.timeout_ms) " ms, the whole time-out; "
                            "“of answers” is the mean without failures."
                        }
                    }
                    @for asked in &report.targets { (target(report, asked)) }
                }
            }
        }
    };
    page.into_string()
}

fn all_curves(report: &BenchReport) -> Vec<Curve> {
    let BenchReport { record, before, .. } = report;
    let mut curves = Vec::new();
    for (at, asked) in report.targets.iter().enumerate() {
        for phase in [Phase::Cold, Phase::Warm] {
            let now = Curve::of(record, asked.label, at, phase, false);
            let then = before.and_then(|before| Curve::of(before, asked.label, at, phase, true));
            curves.extend(now.into_iter().chain(then));
        }
    }
    curves
}

fn figures(report: &BenchReport) -> Markup {
    let columns = ["mean", "of answers", "p50", "p90", "p95", "p99", "max"];
    let row = |who: &str, what: &str, figures: &Figures| {
        let Figures { count, failed, mean, mean_answered, p50, p90, p95, p99, max } = *figures;
        html! {
            @if count > 0 {
                tr {
                    td { (who) ", " (what) }
                    @let times = [mean, mean_answered, p50, p90, p95, p99, max];
                    @for (column, millis) in columns.iter().zip(times) { (number(&format!("{column} ms"), ms(millis))) }
                    (number("failed", format!("{failed} of {count}")))
                }
            }
        }
    };
    html! {
        table {
            tr class="head" {
                th { "ms" }
                @for column in columns { th class="n" { (column) } }
                th class="n" { "failed" }
            }
            @for asked in &report.targets {
                (row(asked.label, "first", &asked.summary.cold))
                (row(asked.label, "again", &asked.summary.warm))
            }
        }
    }
}

fn target(report: &BenchReport, asked: &TargetReport) -> Markup {
    html! {
        h2 { (asked.label) }
        @for finding in &asked.findings { (told(finding)) }
        @if let (Some(comparison), Some(baseline)) = (&asked.against, report.baseline) {
            h3 { "Against the baseline of " (baseline.when()) }
            (compared(comparison, ComparisonVerdict::since))
            @for difference in &report.differences { p class="soft" { (difference) } }
        }
        @if let (Some(comparison), Some(first)) = (&asked.beside_first, report.targets.first()) {
            h3 { "Beside " (first.label) }
            (compared(comparison, ComparisonVerdict::beside))
        }
        @if asked.way.total_us() > 0 {
            h3 { "Where the time of first asks went" }
            div class="card" { (way(asked)) }
        }
        @for (heading, names) in [("Slowest names", &asked.slowest), ("Names that failed", &asked.failed)] {
            @if !names.is_empty() {
                h3 { (heading) }
                div class="card" { (slowest(names)) }
            }
        }
        @if let Some(ramp) = asked.ramp {
            h3 { "As the rate grew" }
            p { (ramp.describe()) "." }
            div class="card" {
                table {
                    tr class="head" {
                        @for column in ["a second", "p50 ms", "p95 ms", "failed"] { th class="n" { (column) } }
                    }
                    @for step in &ramp.steps {
                        tr {
                            (number("a second", format!("{:.0}", step.rate)))
                            (number("p50 ms", ms(step.answered.p50)))
                            (number("p95 ms", ms(step.answered.p95)))
                            (number("failed", step.all.failed))
                        }
                    }
                }
            }
        }
        @if !asked.nameservers.is_empty() {
            h3 { "Providers" }
            div class="card" { (providers(asked)) }
            h3 { "Nameservers" }
            div class="card" { (nameservers(asked.nameservers)) }
        }
        details class="card" {
            summary { "All names" }
            (every_name(report, asked))
        }
    }
}

fn told(finding: &Diagnosis) -> Markup {
    let well = finding.suspect == Suspect::Nothing;
    html! {
        div class=(if well { "card finding well" } else { "card finding" }) {
            p { (finding.says) }
            @for evidence in &finding.evidence { p class="soft" { (evidence) } }
        }
    }
}

fn compared(comparison: &Comparison, in_words: fn(ComparisonVerdict) -> &'static str) -> Markup {
    let verdict = in_words(comparison.verdict);
    let class = match comparison.verdict {
        ComparisonVerdict::Improved | ComparisonVerdict::NoChange => "good",
        ComparisonVerdict::Regressed => "bad",
        ComparisonVerdict::Mixed => "note",
    };
    let row = |what: &str, change: &Option<PhaseChange>| {
        let share = |value: f64| format!("{:+.1} %", (value - 1.0) * 100.0);
        html! {
            @if let Some(PhaseChange { typical, mean, .. }) = change {
                tr {
                    td { (what) }
                    (number("typical name", share(typical.value)))
                    (number(INTERVAL, format!("{} to {}", share(typical.low), share(typical.high))))
                    (number("mean", format!("{:+.2} ms", mean.value)))
                    (number(INTERVAL, format!("{:+.2} to {:+.2} ms", mean.low, mean.high)))
                }
            }
        }
    };
    let [before, now] = comparison.failures;
    html! {
        div class="card" {
            p { b class=(class) { (verdict) } ", by " (comparison.pairs) " names" }
            @if let Some([before, now]) = comparison.knew {
                p class="note" {
                    "First asks are not compared: the server knew "
                    (format!("{:.0} % of the names already, and {:.0} % before.", now * 100.0, before * 100.0))
                }
            }
            table class="pairs" {
                tr class="head" {
                    th {}
                    th class="n" { "typical name" } th class="n" { (INTERVAL) }
                    th class="n" { "mean" } th class="n" { (INTERVAL) }
                }
                (row("first", &comparison.cold))
                (row("again", &comparison.warm))
            }
            p class="soft" {
                "Failed: " (now.0) " of " (now.1) ", then " (before.0) " of " (before.1) ". "
                "Typical by Wilcoxon's signed ranks, mean by sign flips, domain by domain; corrected by "
                "Holm for all that is asked."
            }
        }
    }
}

fn way(asked: &TargetReport) -> Markup {
    let each = asked.summary.cold.count.max(1) as f64 * 1000.0;
    let parts = || Part::ALL.into_iter().filter(|part| asked.way.part_us(*part) > 0);
    html! {
        div class="bar" {
            @for part in parts() { (piece(part, asked.way.share(part), part.describe())) }
        }
        ul class="legend" {
            @for part in parts() {
                li {
                    i style=(format!("background: var(--{})", class(part))) {}
                    (part.describe())
                    (format!(" {:.0} %, {:.1} ms", asked.way.share(part) * 100.0, asked.way.part_us(part) as f64 / each))
                }
            }
        }
    }
}

/// A segment of a bar, as long as `share`.
fn piece(part: Part, share: f64, title: &str) -> Markup {
    let style = format!("width: {:.2}%; background: var(--{})", share * 100.0, class(part));
    html! { span style=(style) title=(title) {} }
}

/// How the style calls a part.
fn class(part: Part) -> &'static str {
    match part {
        Part::Root => "root",
        Part::TopLevel => "top_level",
        Part::Provider => "provider",
        Part::Address => "address",
        Part::Keys => "keys",
        Part::Retries => "retries",
        Part::Resolver => "resolver",
    }
}
