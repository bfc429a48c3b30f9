//! The diagnosis at the terminal: the verdict, the findings, and what is sound.

use std::time::SystemTime;

use zoners_api::Severity;
use zoners_doctor::{DoctorFinding, Examination, Observations};

use crate::print::{BOLD, DIM, GREEN, RED, YELLOW, clean, wrapped};

/// Columns of a topic with the indent.
const TOPIC: usize = 17;

/// The diagnosis in lines of at most `width` columns.
pub(super) fn page(examination: &Examination, width: usize) -> Vec<String> {
    let style = match examination.findings.first().map(|finding| finding.severity) {
        Some(Severity::Error) => RED,
        Some(Severity::Warning) => YELLOW,
        Some(Severity::Notice) | None => GREEN,
    };
    let verdict = wrapped(&clean(&examination.verdict.sentence), width);
    let mut lines: Vec<String> =
        verdict.iter().map(|line| format!("{style}{BOLD}{line}{BOLD:#}{style:#}")).collect();
    for (at, finding) in examination.findings.iter().enumerate() {
        // The verdict has the sentence of the first finding already.
        let is_told = at == 0 && examination.verdict.culprit.is_some();
        if !is_told {
            lines.push(String::new());
            lines.extend(sentence(finding, width));
        }
        lines.extend(details(finding, width));
    }
    if !examination.sound.is_empty() {
        lines.push(String::new());
    }
    for part in &examination.sound {
        let text = wrapped(&clean(&part.text), width.saturating_sub(TOPIC).max(20));
        for (at, text) in text.iter().enumerate() {
            let topic = if at == 0 { part.topic.as_str() } else { "" };
            lines.push(format!("  {DIM}{topic:<0$}{DIM:#}{text}", TOPIC - 2));
        }
    }
    lines
}

fn sentence(finding: &DoctorFinding, width: usize) -> Vec<String> {
    let (style, word) = match finding.severity {
        Severity::Error => (RED, "Problem"),
        Severity::Warning => (YELLOW, "Warning"),
        Severity::Notice => (BOLD, "Note"),
    };
    let lines = wrapped(&clean(&format!("{word}: {}", finding.sentence)), width);
    lines.iter().map(|line| format!("{style}{line}{style:#}")).collect()
}

/// The evidence, the advice and the line to type.
fn details(finding: &DoctorFinding, width: usize) -> Vec<String> {
    let indented = |text: &str| -> Vec<String> {
        let lines = wrapped(&clean(text), width.saturating_sub(2));
        lines.iter().map(|line| format!("  {line}")).collect()
    };
    let mut lines: Vec<String> =
        finding.evidence.iter().flat_map(|evidence| indented(evidence)).collect();
    lines.iter_mut().for_each(|line| *line = format!("{DIM}{line}{DIM:#}"));
    lines.extend(indented(&finding.advice));
    // A line to type stays whole for a copy.
    lines.push(format!("    {BOLD}{}{BOLD:#}", clean(&finding.command)));
    lines
}

/// Verdict, findings and sound parts, and the observations behind them.
pub(super) fn json(examination: &Examination, seen: &Observations) -> String {
    let value = serde_json::json!({
        "verdict": examination.verdict,
        "exit_code": examination.exit_code(),
        "findings": examination.findings,
        "sound": examination.sound,
        "observations": seen,
    });
    value.to_string()
}

/// The present time, as `2026-11-26 13:00 UTC`.
pub(super) fn when() -> String {
    let text = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let minutes = text.split_at_checked(16).map_or(text.as_str(), |(minutes, _)| minutes);
    format!("{} UTC", minutes.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_comes_first_and_lines_fit() {
        let examination = Examination::of(&Observations::default());
        let lines: Vec<String> = page(&examination, 60)
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert!(lines[0].starts_with("This machine: "), "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 60 || line.starts_with("    ")));
        assert!(lines.iter().any(|line| line.trim() == "ip -brief address"), "{lines:?}");
        let json: serde_json::Value =
            serde_json::from_str(&json(&examination, &Observations::default())).unwrap();
        assert_eq!(json["verdict"]["culprit"], "machine");
        assert_eq!(json["exit_code"], 10);
    }
}
