//! The chart of the day: stacked bars, a bar for a period.

use maud::{Markup, html};
use zoners_api::words::grouped;
use zoners_api::{DayPeriod, DayReport};

use crate::words::time_of_day;

/// The height of the chart in its own units; the width is a unit for a period.
const HEIGHT: f64 = 100.0;

/// A part of a bar: class, label, and its queries in a period.
type BarPart = (&'static str, &'static str, fn(&DayPeriod) -> u64);

/// The parts of a bar, from the bottom.
const PARTS: [BarPart; 5] = [
    ("cached", "from the cache", |period| period.cached),
    ("recursed", "by recursion", |period| period.recursed),
    ("stale", "with expired records", |period| period.stale),
    ("policy", "blocked or rewritten", |period| period.policy),
    ("failed", "failed", |period| period.failed),
];

/// The chart with its legend.
pub(crate) fn draw(day: &DayReport) -> Markup {
    let most = day.periods.iter().map(height).max().unwrap_or(0);
    if most == 0 {
        return html! { p class="soft" { "No query has come yet." } };
    }
    // A daemon that started today has fewer periods, which stand on the right.
    let slots = (86_400 / day.period_s.max(1)) as usize;
    let (left, total) = (day.periods.len() as i64 - slots as i64, day.total());
    let sides = format!("{left} 0 {slots} {HEIGHT}");
    let label = format!("{} queries since {}", grouped(total.queries), begin(&day.periods));
    html! {
        figure {
            div class="chart" {
                svg viewBox=(sides) preserveAspectRatio="none" role="img" aria-label=(label) {
                    @for (part, (class, _, _)) in PARTS.iter().enumerate() {
                        path class=(class) d=(bars(&day.periods, part, most)) {}
                    }
                }
                span class="most" { (grouped(most)) }
            }
            div class="axis" {
                span { "24 hours ago" }
                span { "now" }
            }
            figcaption {
                ul class="legend" {
                    @for (class, label, of) in PARTS {
                        @if of(&total) > 0 { li { i class=(class) {} (label) " " b { (grouped(of(&total))) } } }
                    }
                }
            }
        }
    }
}

fn begin(periods: &[DayPeriod]) -> String {
    let first = periods.first().map_or(0, |first| first.begin_unix_s);
    format!("{} UTC", time_of_day(first).get(..5).unwrap_or_default())
}

/// The queries in the bar of a period.
fn height(period: &DayPeriod) -> u64 {
    PARTS.iter().map(|(_, _, of)| of(period)).sum()
}

/// The same part of every bar, as a path.
fn bars(periods: &[DayPeriod], part: usize, most: u64) -> String {
    let scale = |queries: u64| queries as f64 * HEIGHT / most as f64;
    let bar = |(at, period): (usize, &DayPeriod)| {
        let counts = || PARTS.iter().map(|(_, _, of)| of(period));
        let own = counts().nth(part).filter(|own| *own > 0)?;
        let below: u64 = counts().take(part).sum();
        let (top, high) = (HEIGHT - scale(below + own), scale(own));
        Some(format!("M{at} {top:.2}h.9v{high:.2}h-.9z"))
    };
    periods.iter().enumerate().filter_map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_stacked_and_scaled_to_the_highest() {
        let periods = [
            DayPeriod { cached: 3, failed: 1, ..DayPeriod::default() },
            DayPeriod { failed: 1, ..DayPeriod::default() },
        ];
        assert_eq!(bars(&periods, 0, 4), "M0 25.00h.9v75.00h-.9z");
        assert_eq!(bars(&periods, 4, 4), "M0 0.00h.9v25.00h-.9zM1 75.00h.9v25.00h-.9z");
        assert_eq!(bars(&periods, 1, 4), "");
    }

    #[test]
    fn a_day_without_queries_says_so() {
        let text = draw(&DayReport { period_s: 600, periods: vec![DayPeriod::default()] });
        assert!(text.into_string().contains("No query has come yet."));
    }
}
