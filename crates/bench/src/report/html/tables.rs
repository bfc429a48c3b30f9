//! The tables of the page.

use maud::{Markup, Render, html};

use super::super::{BenchReport, SlowDomain, TargetReport};
use super::piece;
use crate::nameservers::Nameserver;
use crate::providers::Provider;

/// Rows of the tables of providers and nameservers.
const MOST_ROWS: usize = 100;

/// A cell with a number. A narrow screen shows `column` beside the number, instead of the row of headings.
pub(super) fn number(column: &str, number: impl Render) -> Markup {
    html! { td class="n" data-column=(column) { (number) } }
}

pub(super) fn slowest(slowest: &[SlowDomain]) -> Markup {
    let longest = slowest.iter().map(|slow| slow.slowest_ms).fold(1.0, f64::max) * 1000.0;
    let seen = slowest.iter().any(|slow| !slow.way.is_empty());
    let length = |from: u64, until: u64| (until - from) as f64 / longest;
    html! {
        table {
            tr class="head" {
                th { "name" } th class="n" { "ms" }
                @if seen { th { "the slowest ask" } }
                th { "why" }
            }
            @for slow in slowest {
                tr {
                    td { (slow.name) }
                    (number("ms", ms(slow.cold_ms)))
                    @if seen { td class="whole" {
                        div class="bar" {
                            @for stretch in &slow.way {
                                @let millis = (stretch.until_us - stretch.from_us) as f64 / 1000.0;
                                @let title = format!("{}, {millis:.1} ms", stretch.part.describe());
                                (piece(stretch.part, length(stretch.from_us, stretch.until_us), &title))
                            }
                        }
                    } }
                    td class="whole why soft" { (slow.why) }
                }
            }
        }
    }
}

pub(super) fn providers(asked: &TargetReport) -> Markup {
    let columns = ["names", "waited s", "RTT ms", "servers", "asked", "answered", "lost"];
    html! {
        table {
            tr class="head" { th { "provider" } @for column in columns { th class="n" { (column) } } }
            @for provider in asked.providers.iter().take(MOST_ROWS) {
                @let Provider { name, domains, waited_ms, rtt_ms, servers, asked, answered, lost, .. } = provider;
                @let cells = [
                    domains.to_string(),
                    format!("{:.1}", waited_ms / 1000.0),
                    rtt_ms.map(ms).unwrap_or_default(),
                    servers.to_string(),
                    asked.to_string(),
                    answered.to_string(),
                    lost.to_string(),
                ];
                tr { td { (name) } @for (column, cell) in columns.iter().zip(cells) { (number(column, cell)) } }
            }
        }
    }
}

pub(super) fn nameservers(nameservers: &[Nameserver]) -> Markup {
    let columns = ["asked", "answered", "lost", "least ms", "p50 ms", "p90 ms"];
    html! {
        table {
            tr class="head" {
                th { "nameserver" } th { "address" } @for column in columns { th class="n" { (column) } }
            }
            @for server in nameservers.iter().take(MOST_ROWS) {
                @let counts = [server.asked, server.answered, server.lost].map(|count| count.to_string());
                @let times = [server.least_ms, server.p50_ms, server.p90_ms];
                @let times = times.map(|time| time.map(ms).unwrap_or_default());
                tr {
                    td { (server.name.trim_end_matches('.')) }
                    td class="whole" { (server.address) }
                    @for (column, cell) in columns.iter().zip(counts.into_iter().chain(times)) {
                        (number(column, cell))
                    }
                }
            }
        }
        @if nameservers.len() > MOST_ROWS {
            p class="soft" { "and " (nameservers.len() - MOST_ROWS) " that were asked less" }
        }
    }
}

pub(super) fn every_name(report: &BenchReport, asked: &TargetReport) -> Markup {
    let of = |list: &[String], at: u32| list.get(at as usize).cloned().unwrap_or_default();
    let columns = ["average ms", "first ms", "again ms"];
    html! {
        table {
            tr class="head" {
                th { "name" } th { "provider" }
                @for column in columns { th class="n" { (column) } }
                th class="n" { "failed" }
            }
            @for domain in &asked.summary.domains {
                tr {
                    td { (of(&report.record.names, domain.name)) }
                    td class="whole soft" { (of(&report.record.providers, domain.name)) }
                    @for (column, figures) in columns.iter().zip([&domain.all, &domain.cold, &domain.warm]) {
                        (number(column, if figures.count > 0 { ms(figures.mean) } else { String::new() }))
                    }
                    (number("failed", domain.all.failed))
                }
            }
        }
    }
}

pub(super) fn ms(millis: f64) -> String {
    if millis < 1.0 { format!("{millis:.2}") } else { format!("{millis:.1}") }
}
