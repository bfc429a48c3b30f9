//! The output of commands. Colour is for terminals only, and never with `NO_COLOR`; `anstream`
//! decides.

use anstyle::{AnsiColor, Style};
use zoners_api::{LookupReport, StepOutcome, TraceEvent, TraceStep};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// An error as a coloured line.
pub(crate) fn error(message: &str) -> String {
    format!("{RED}error:{RED:#} {message}")
}

/// A warning, likewise.
pub(crate) fn warning(message: &str) -> String {
    format!("{YELLOW}warning:{YELLOW:#} {message}")
}

/// A line for standard error, with or without colours.
pub(crate) fn for_errors(line: &str) -> String {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(line).to_string(),
        _ => line.to_owned(),
    }
}

/// The way to the end of a question, a step in three lines of at most 80 columns.
pub(crate) fn trace(report: &LookupReport) -> Vec<String> {
    let heading = format!("{BOLD}{} {}{BOLD:#}", clean(&report.name), report.r#type);
    let steps = report.trace.iter().flatten().flat_map(step);
    [heading].into_iter().chain(steps).collect()
}

fn step(step: &TraceStep) -> Vec<String> {
    let at = millis(step.at_ms);
    let indent = "  ".repeat(usize::from(step.depth.min(8)));
    let room = 70 - indent.len();
    let note = |text: &str| format!("{at:>8}  {indent}{DIM}{}{DIM:#}", cut(&clean(text), room));
    match &step.event {
        TraceEvent::Note { text } => vec![note(text)],
        TraceEvent::Wait { zone, question, took_ms } => {
            vec![note(&format!("shared a wait of {} for {question} of {zone}", millis(*took_ms)))]
        }
        TraceEvent::Query {
            zone,
            question,
            server,
            address,
            transport,
            why,
            took_ms,
            outcome,
            text,
        } => {
            let asked = clean(&format!("{question} of {zone} server"));
            let name = if server == "." { String::new() } else { format!("{server} ") };
            let server = clean(&format!("{name}{address} {transport}, {why}"));
            let colour = match outcome {
                StepOutcome::Useful => GREEN,
                StepOutcome::Failed => RED,
                StepOutcome::Outpaced => YELLOW,
            };
            let (took, text) = (millis(*took_ms), cut(&clean(text), room - 16));
            vec![
                format!("{at:>8}  {indent}{}", cut(&asked, room)),
                format!("{:>8}  {indent}  {DIM}{}{DIM:#}", "", cut(&server, room - 2)),
                format!("{:>8}  {indent}  {took}: {colour}{text}{colour:#}", ""),
            ]
        }
    }
}

fn millis(milliseconds: f64) -> String {
    format!("{milliseconds:.1} ms")
}

/// Text from outside, without control characters.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// Text in lines of a width, broken between words.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cuts text to a width.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
