//! What the commands print. Colour goes to terminals alone, and never with `NO_COLOR`; that is
//! `anstream`'s to know.

use std::time::Duration;

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use zoners_dns::{OptRcode, Question, RRset, name};
use zoners_resolver::{Hop, Step, worker::Resolution};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// An error, on standard error.
pub(crate) fn error(message: &str) {
    eprintln!("{RED}error:{RED:#} {message}");
}

/// The end of a question.
pub(crate) fn resolution(question: &Question, resolution: &Resolution) {
    match resolution {
        Err(unresolved) => {
            println!("{RED}{question}: no answer{RED:#}");
            wrapped(&unresolved.to_string()).iter().for_each(|line| println!("  {line}"));
        }
        Ok(answer) if answer.rcode == OptRcode::NXDOMAIN => {
            answer.answer.iter().for_each(|set| println!("{set}"));
            println!("{YELLOW}{question}: no such name{YELLOW:#}");
        }
        Ok(answer) => {
            answer.answer.iter().for_each(|set| println!("{set}"));
            let found = answer.answer.iter().any(|set| set.rtype == question.rtype);
            if !found {
                println!("{YELLOW}{question}: no records of this type{YELLOW:#}");
            }
        }
    }
}

/// The way to the end of a question, a step in two lines of at most 80 columns.
pub(crate) fn trace(question: &Question, steps: &[Step]) {
    println!("{BOLD}{question}{BOLD:#}");
    for step in steps {
        let (at, indent) = (millis(step.at), "  ".repeat(step.depth.into()));
        match &step.hop {
            Hop::Note(note) => println!("{at:>8}  {indent}{DIM}{}{DIM:#}", cut(note, 68)),
            Hop::Asked { zone, question, server, endpoint, why, took, outcome } => {
                let server = match server == &name::root() {
                    true => endpoint.to_string(),
                    false => format!("{} {endpoint}", server.fmt_with_dot()),
                };
                let asked = format!("{question} of {} server", zone.fmt_with_dot());
                println!("{at:>8}  {indent}{}", cut(&asked, 68));
                let who = cut(&format!("{server} {}, {why}", endpoint.transport), 66);
                println!("{:>8}  {indent}  {DIM}{who}{DIM:#}", "");
                let took = millis(*took);
                let good = ["referral", "alias", "record", "no such"]
                    .iter()
                    .any(|word| outcome.contains(word));
                let colour = if good { GREEN } else { RED };
                println!("{:>8}  {indent}  {took}: {colour}{}{colour:#}", "", cut(outcome, 56));
            }
        }
    }
}

/// Everything about the end of a question, as one JSON object on a line.
pub(crate) fn json(question: &Question, resolution: &Resolution, steps: Option<Vec<Step>>) {
    let mut object = json!({
        "name": question.name.fmt_with_dot().to_string(),
        "type": question.rtype.to_string(),
    });
    match resolution {
        Ok(answer) => {
            object["rcode"] = answer.rcode.to_string().into();
            object["answer"] = records(&answer.answer);
            object["authority"] = records(&answer.authority);
        }
        Err(unresolved) => {
            object["rcode"] = OptRcode::SERVFAIL.to_string().into();
            let ede = &unresolved.ede;
            object["ede"] =
                json!({ "code": ede.code.0, "meaning": ede.code.meaning(), "text": ede.text });
        }
    }
    if let Some(steps) = steps {
        object["trace"] = steps.iter().map(step).collect();
    }
    println!("{object}");
}

fn records(sets: &[RRset]) -> Value {
    sets.iter()
        .flat_map(|set| set.to_string().lines().map(Value::from).collect::<Vec<_>>())
        .collect()
}

fn step(step: &Step) -> Value {
    let mut object = json!({ "at_ms": step.at.as_secs_f64() * 1000.0, "depth": step.depth });
    match &step.hop {
        Hop::Note(note) => object["note"] = note.as_str().into(),
        Hop::Asked { zone, question, server, endpoint, why, took, outcome } => {
            object["zone"] = zone.fmt_with_dot().to_string().into();
            object["question"] = question.to_string().into();
            object["server"] = server.fmt_with_dot().to_string().into();
            object["address"] = endpoint.address.to_string().into();
            object["transport"] = endpoint.transport.to_string().into();
            object["why"] = (*why).into();
            object["took_ms"] = (took.as_secs_f64() * 1000.0).into();
            object["outcome"] = outcome.as_str().into();
        }
    }
    object
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// Text in lines that fit 80 columns behind an indent, broken between words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < 78 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cuts text from outside to a width, and takes its control characters away.
fn cut(text: &str, width: usize) -> String {
    let clean: String =
        text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    if clean.chars().count() <= width {
        return clean;
    }
    clean.chars().take(width - 1).chain(['…']).collect()
}
