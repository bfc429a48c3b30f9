//! The overview: is my Internet fine, and how was the day?

use maud::{Markup, html};
use zoners_api::words::grouped;
use zoners_api::{DaemonStatus, DayReport, PolicyListReport, Problem, Severity};

use crate::chart;
use crate::words::{octets, of_them, share, span};

/// The content of the page.
pub(super) fn content(status: &DaemonStatus, day: &DayReport, policy: &PolicyListReport) -> Markup {
    let (total, outages) = (day.total(), &status.network.outages);
    let paused = policy.groups.iter().filter(|group| group.paused).map(|group| &*group.name);
    let paused: Vec<&str> = paused.collect();
    html! {
        (verdict(status))
        @for problem in status.problems.iter().skip(usize::from(status.is_failing())) { (problem_card(problem)) }
        @if !paused.is_empty() {
            p class="note" { "The policy is paused: " (paused.join(", ")) ". " a href="/policy" { "To the policy" } }
        }
        dl class="figures" {
            (figure("queries, last 24 hours", &grouped(total.queries)))
            (figure("from the cache", &share(total.cached, total.queries)))
            @if policy.names > 0 { (figure("blocked or rewritten", &share(total.policy, total.queries))) }
            (figure("failed", &share(total.failed, total.queries)))
            (figure("outages of the line", &outages_of(outages.count(), outages.total_s)))
        }
        h2 { "The last 24 hours" }
        div class="card" { (chart::draw(day)) }
        h2 { "Now" }
        div class="card" {
            dl class="facts" {
                dt { "Strategy" }
                dd { (status.network.strategy.as_ref().map_or("recursion", |strategy| &*strategy.text)) }
                dt { "Lost on the line" }
                dd { (format!("{:.1} %", status.network.loss * 100.0)) " of queries" }
                @if let Some(trend) = &status.trend {
                    dt { "Latencies" }
                    dd { (trend.text) }
                }
                dt { "Waiting for servers" }
                dd { (of_them(status.waiting, "query", "queries")) }
                dt { "Cache" }
                dd { (of_them(status.cache.entries, "entry", "entries")) ", " (octets(status.cache.used_bytes)) " of "
                    (octets(status.cache.limit_bytes)) }
                dt { "Running for" }
                dd { (span(status.uptime_s)) ", release " (status.program) }
            }
        }
    }
}

/// The state of the server in a sentence.
fn verdict(status: &DaemonStatus) -> Markup {
    let class = match status.problems.first().map(|problem| problem.severity) {
        Some(Severity::Error) => "card verdict error",
        Some(Severity::Warning) => "card verdict warning",
        Some(Severity::Notice) | None => "card verdict",
    };
    let worst = status.problems.first().filter(|_| status.is_failing());
    html! {
        section class=(class) {
            @match worst {
                Some(problem) => { h1 { (problem.text) } p { (problem.advice) } }
                None => { h1 { (well(status)) } }
            }
        }
    }
}

fn well(status: &DaemonStatus) -> &'static str {
    match (status.validation.on, status.problems.is_empty()) {
        (true, true) => "All is well: names resolve, and signed answers are proven.",
        (false, true) => "Names resolve. Answers are not validated.",
        (_, false) => "Names resolve, with a remark:",
    }
}

fn problem_card(problem: &Problem) -> Markup {
    let class = match problem.severity {
        Severity::Error => "card problem error",
        Severity::Warning => "card problem",
        Severity::Notice => "card problem notice",
    };
    html! { section class=(class) { p { (problem.text) } p class="soft" { (problem.advice) } } }
}

fn figure(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn outages_of(number: u32, total_s: u64) -> String {
    match number {
        0 => "none".to_owned(),
        _ => format!("{number}, {}", span(total_s)),
    }
}
