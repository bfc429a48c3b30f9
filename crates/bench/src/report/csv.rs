//! A line for each domain and target, for spreadsheets.

use std::io::Write;

use super::BenchReport;
use crate::figures::Figures;

/// The columns; times in milliseconds.
const COLUMNS: [&str; 17] = [
    "server",
    "name",
    "provider",
    "mean_ms",
    "first_asks",
    "first_failed",
    "first_mean_ms",
    "first_p50_ms",
    "first_p95_ms",
    "first_max_ms",
    "repeats",
    "repeats_failed",
    "repeats_mean_ms",
    "repeats_p50_ms",
    "repeats_p95_ms",
    "repeats_max_ms",
    "baseline_first_mean_ms",
];

/// Writes `report` as CSV (RFC 4180) with a heading.
///
/// # Errors
/// Errors of `to`.
pub fn write(report: &BenchReport, to: impl Write) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(COLUMNS)?;
    for asked in &report.targets {
        for domain in &asked.summary.domains {
            let at = domain.name as usize;
            let of = |list: &[String]| list.get(at).cloned().unwrap_or_default();
            let mut fields = vec![
                asked.label.to_owned(),
                of(&report.record.names),
                of(&report.record.providers),
                millis(domain.all.mean),
            ];
            fields.extend(figures(&domain.cold));
            fields.extend(figures(&domain.warm));
            let before = asked.earlier.as_ref().and_then(|earlier| earlier.domain(domain.name));
            let before = before.filter(|before| before.cold.count > 0);
            fields.push(before.map(|before| millis(before.cold.mean)).unwrap_or_default());
            writer.write_record(fields)?;
        }
    }
    writer.flush()
}

fn figures(figures: &Figures) -> Vec<String> {
    let Figures { count, failed, mean, p50, p95, max, .. } = *figures;
    let counts = [count, failed].map(|count| count.to_string());
    // A phase without samples has no times.
    let times =
        [mean, p50, p95, max].map(|time| if count > 0 { millis(time) } else { String::new() });
    counts.into_iter().chain(times).collect()
}

fn millis(value: f64) -> String {
    format!("{value:.3}")
}
