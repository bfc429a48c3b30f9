//! The report on a terminal, in 80 columns.

use anstyle::{AnsiColor, Style};
use zoners_bench::compare::{Comparison, ComparisonVerdict, PhaseChange};
use zoners_bench::report::{Bar, SlowDomain, TargetReport};
use zoners_bench::{BenchReport, Figures, Part, Suspect};

use crate::output::println;
use crate::print::{clean, cut, wrapped};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Columns of the longest bar.
const LONGEST_BAR: usize = 30;
/// Providers, and failed names, in the report.
const MOST: usize = 6;

/// The whole report; `against` is the name of the baseline.
pub(super) fn report(report: &BenchReport, against: Option<&str>, all: bool) {
    let BenchReport { environment, names, source, load, .. } = report;
    println!("{BOLD}{names} names{BOLD:#} of {}", cut(&clean(source), 60));
    print_wrapped(&format!("{load}; {}, {}", environment.when(), environment.network), DIM);
    if report.cut_short {
        println!("{YELLOW}It ended before all was asked; this is what there is.{YELLOW:#}");
    }
    for asked in &report.targets {
        println!();
        target(report, asked, against);
        if all {
            every_name(report, asked);
        }
    }
}

fn target(report: &BenchReport, asked: &TargetReport, against: Option<&str>) {
    println!("{BOLD}{}{BOLD:#}", cut(&clean(asked.label), 78));
    println!(
        "  {:<8}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}   failed",
        "ms", "mean", "p50", "p90", "p95", "p99", "max"
    );
    line("first", &asked.summary.cold);
    line("again", &asked.summary.warm);
    if asked.summary.all.failed > 0 {
        let [cold, warm] = [asked.summary.cold, asked.summary.warm].map(|of| of.mean_answered);
        let text = format!(
            "A failure counts as {} ms, the whole time-out. The mean of the answers alone: {cold:.1} ms \
             (first), {warm:.1} ms (again).",
            report.timeout_ms
        );
        print_wrapped(&text, DIM);
    }
    for (failure, count) in &asked.summary.failures {
        println!("  {}", cut(&format!("{count} x {}", clean(failure)), 76));
    }
    histogram(&asked.histogram);
    way(asked);
    servers(asked);
    slowest(&asked.slowest, "Slowest names, average of their first asks");
    slowest(&asked.failed[..asked.failed.len().min(MOST)], "Names that failed");
    ramp(asked);
    heading("What stands out");
    for finding in &asked.findings {
        let colour = if finding.suspect == Suspect::Nothing { GREEN } else { YELLOW };
        print_wrapped(&finding.says, colour);
        finding.evidence.iter().for_each(|evidence| print_wrapped(evidence, DIM));
    }
    if let (Some(comparison), Some(baseline)) = (&asked.against, report.baseline) {
        let name = against.unwrap_or("the baseline");
        heading(&format!("Against {name:?} of {}", baseline.when()));
        compared(comparison, ComparisonVerdict::since);
        report.differences.iter().for_each(|difference| print_wrapped(difference, DIM));
    }
    if let (Some(comparison), Some(first)) = (&asked.beside_first, report.targets.first()) {
        heading(&format!("Beside {}", clean(first.label)));
        compared(comparison, ComparisonVerdict::beside);
    }
}

fn heading(text: &str) {
    println!("\n  {BOLD}{}{BOLD:#}", cut(text, 76));
}

fn print_wrapped(text: &str, style: Style) {
    wrapped(&clean(text), 78).iter().for_each(|line| println!("  {style}{line}{style:#}"));
}

fn line(what: &str, figures: &Figures) {
    if figures.count > 0 {
        let Figures { mean, p50, p90, p95, p99, max, failed, count, .. } = figures;
        println!(
            "  {what:<8}{mean:>8.1}{p50:>9.1}{p90:>9.1}{p95:>9.1}{p99:>9.1}{max:>9.1}   {failed} of {count}"
        );
    }
}

/// A bar of `share`, in eighths of a column.
fn bar(share: f64) -> String {
    let eighths = (share.clamp(0.0, 1.0) * LONGEST_BAR as f64 * 8.0).round() as usize;
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + rest
}

fn histogram(bars: &[Bar]) {
    let Some(most) = bars.iter().map(|bar| bar.cold + bar.warm).max().filter(|most| *most > 0)
    else {
        return;
    };
    let first = bars.iter().position(|bar| bar.cold + bar.warm > 0).unwrap_or_default();
    let last = bars.iter().rposition(|bar| bar.cold + bar.warm > 0).unwrap_or_default();
    println!("\n  {BOLD}{:<12}{:>7}{:>8}{BOLD:#}", "How long", "first", "again");
    for one in &bars[first..=last] {
        let below = match one.below_ms {
            Some(below) => format!("< {below} ms"),
            None => "longer".into(),
        };
        let share = (one.cold + one.warm) as f64 / most as f64;
        println!("  {below:<12}{:>7}{:>8}  {}", one.cold, one.warm, bar(share));
    }
}

fn way(asked: &TargetReport) {
    if asked.way.total_us() == 0 {
        return;
    }
    heading("Where the time of first asks went");
    let each = asked.summary.cold.count.max(1) as f64 * 1000.0;
    for part in Part::ALL {
        let share = asked.way.share(part);
        println!(
            "  {:<26}{:>4.0} %{:>8.1} ms  {}",
            part.describe(),
            share * 100.0,
            asked.way.part_us(part) as f64 / each,
            bar(share)
        );
    }
}

fn servers(asked: &TargetReport) {
    if asked.nameservers.is_empty() {
        return;
    }
    heading("Providers that were waited for the longest");
    println!(
        "  {DIM}{:<30}{:>7}{:>9}{:>9}{:>9}{:>9}{DIM:#}",
        "", "names", "waited", "RTT ms", "asked", "lost"
    );
    for provider in asked.providers.iter().take(MOST) {
        let rtt = provider.rtt_ms.map_or_else(|| "-".into(), |rtt| format!("{rtt:.1}"));
        println!(
            "  {:<30}{:>7}{:>7.1} s{rtt:>9}{:>9}{:>9}",
            cut(&clean(&provider.name), 30),
            provider.domains,
            provider.waited_ms / 1000.0,
            provider.asked,
            provider.lost
        );
    }
    let met = asked.nameservers.len();
    let asked_in_all: usize = asked.nameservers.iter().map(|server| server.asked).sum();
    let lost: usize = asked.nameservers.iter().map(|server| server.lost).sum();
    let dead = asked.nameservers.iter().filter(|server| !server.is_alive()).count();
    println!(
        "  {DIM}{met} nameservers, {dead} of them without an answer; {lost} of {asked_in_all} queries lost\
         {DIM:#}"
    );
}

fn slowest(names: &[SlowDomain], title: &str) {
    if names.is_empty() {
        return;
    }
    heading(title);
    for slow in names {
        println!("  {:>8.1} ms  {}", slow.cold_ms, cut(&clean(&slow.name), 62));
        for line in wrapped(&clean(&slow.why), 64).iter().filter(|line| !line.is_empty()) {
            println!("  {:>11}  {DIM}{line}{DIM:#}", "");
        }
    }
}

fn ramp(asked: &TargetReport) {
    let Some(ramp) = asked.ramp else { return };
    heading("As the rate grew");
    println!("  {DIM}{:>10}{:>10}{:>10}{:>10}{DIM:#}", "a second", "p50 ms", "p95 ms", "failed");
    for step in &ramp.steps {
        let Figures { p50, p95, .. } = step.answered;
        println!("  {:>10.0}{p50:>10.1}{p95:>10.1}{:>10}", step.rate, step.all.failed);
    }
    print_wrapped(&format!("{}.", ramp.describe()), BOLD);
}

fn compared(comparison: &Comparison, in_words: fn(ComparisonVerdict) -> &'static str) {
    let colour = match comparison.verdict {
        ComparisonVerdict::Improved | ComparisonVerdict::NoChange => GREEN,
        ComparisonVerdict::Regressed => RED,
        ComparisonVerdict::Mixed => YELLOW,
    };
    let verdict = in_words(comparison.verdict);
    println!("  {colour}{verdict}{colour:#}, by {} names", comparison.pairs);
    if let Some([before, now]) = comparison.knew {
        print_wrapped(
            &format!(
                "First asks are not compared: the server knew {:.0} % of the names already, and {:.0} % \
                 before. Restart it or flush its cache before each run, or measure --in-process.",
                now * 100.0,
                before * 100.0
            ),
            YELLOW,
        );
    }
    for (what, change) in [("first", &comparison.cold), ("again", &comparison.warm)] {
        if let Some(change) = change {
            changed(what, change);
        }
    }
    let [before, now] = comparison.failures;
    println!("  failed: {} of {}, then {} of {}", now.0, now.1, before.0, before.1);
}

fn changed(what: &str, change: &PhaseChange) {
    let share = |value: f64| (value - 1.0) * 100.0;
    let PhaseChange { typical, mean, .. } = change;
    println!(
        "  {what}: typically {:+.1} % ({:+.1} to {:+.1}), mean {} ms ({} to {})",
        share(typical.value),
        share(typical.low),
        share(typical.high),
        millis(mean.value),
        millis(mean.low),
        millis(mean.high)
    );
}

/// With a sign, and as many places as matter.
fn millis(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:+.2}") } else { format!("{value:+.1}") }
}

fn every_name(report: &BenchReport, asked: &TargetReport) {
    heading("Average of each name, in ms");
    println!("  {DIM}{:<46}{:>10}{:>10}{:>10}{DIM:#}", "", "first", "again", "failed");
    for domain in &asked.summary.domains {
        let name = report.record.names.get(domain.name as usize).map_or("", String::as_str);
        println!(
            "  {:<46}{:>10.1}{:>10.1}{:>10}",
            cut(&clean(name), 46),
            domain.cold.mean,
            domain.warm.mean,
            domain.all.failed
        );
    }
}
