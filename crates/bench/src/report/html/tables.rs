//! The tables of the page.

use maud::{Markup, html};

use super::super::{BenchReport, SlowDomain, TargetReport};
use super::piece;
use crate::nameservers::Nameserver;

/// Rows of the tables of providers and nameservers.
const MOST_ROWS: usize = 100;

pub(super) fn slowest(slowest: &[SlowDomain]) -> Markup {
    let longest = slowest.iter().map(|slow| slow.slowest_ms).fold(1.0, f64::max) * 1000.0;
    let seen = slowest.iter().any(|slow| !slow.way.is_empty());
    let length = |from: u64, until: u64| (until - from) as f64 / longest;
    html! {
        table {
            tr {
                th { "name" } th class="n" { "ms" }
                @if seen { th { "the slowest ask" } }
                th { "why" }
            }
            @for slow in slowest {
                tr {
                    td { (slow.name) }
                    td class="n" { (ms(slow.cold_ms)) }
                    @if seen { td {
                        div class="bar" {
                            @for stretch in &slow.way {
                                @let millis = (stretch.until_us - stretch.from_us) as f64 / 1000.0;
                                @let title = format!("{}, {millis:.1} ms", stretch.part.describe());
                                (piece(stretch.part, length(stretch.from_us, stretch.until_us), &title))
                            }
                        }
                    } }
                    td class="why soft" { (slow.why) }
                }
            }
        }
    }
}

pub(super) fn providers(asked: &TargetReport) -> Markup {
    let columns = ["names", "waited s", "RTT ms", "servers", "asked", "answered", "lost"];
    html! {
        table {
            tr { th { "provider" } @for column in columns { th class="n" { (column) } } }
            @for provider in asked.providers.iter().take(MOST_ROWS) {
                tr {
                    td { (provider.name) }
                    td class="n" { (provider.domains) }
                    td class="n" { (format!("{:.1}", provider.waited_ms / 1000.0)) }
                    td class="n" { (provider.rtt_ms.map(ms).unwrap_or_default()) }
                    @for count in [provider.servers, provider.asked, provider.answered, provider.lost] {
                        td class="n" { (count) }
                    }
                }
            }
        }
    }
}

pub(super) fn nameservers(nameservers: &[Nameserver]) -> Markup {
    let columns = ["asked", "answered", "lost", "least ms", "p50 ms", "p90 ms"];
    html! {
        table {
            tr { th { "nameserver" } th { "address" } @for column in columns { th class="n" { (column) } } }
            @for server in nameservers.iter().take(MOST_ROWS) {
                tr {
                    td { (server.name.trim_end_matches('.')) }
                    td { (server.address) }
                    @for count in [server.asked, server.answered, server.lost] { td class="n" { (count) } }
                    @for time in [server.least_ms, server.p50_ms, server.p90_ms] {
                        td class="n" { (time.map(ms).unwrap_or_default()) }
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
    html! {
        table {
            tr {
                th { "name" } th { "provider" }
                @for column in ["average ms", "first ms", "again ms", "failed"] { th class="n" { (column) } }
            }
            @for domain in &asked.summary.domains {
                tr {
                    td { (of(&report.record.names, domain.name)) }
                    td class="soft" { (of(&report.record.providers, domain.name)) }
                    @for figures in [&domain.all, &domain.cold, &domain.warm] {
                        td class="n" { @if figures.count > 0 { (ms(figures.mean)) } }
                    }
                    td class="n" { (domain.all.failed) }
                }
            }
        }
    }
}

pub(super) fn ms(millis: f64) -> String {
    if millis < 1.0 { format!("{millis:.2}") } else { format!("{millis:.1}") }
}
