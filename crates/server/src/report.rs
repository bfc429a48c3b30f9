//! Answers, traces and counters as JSON: what the command line prints and the control socket says.

use serde_json::{Map, Value, json};
use zoners_dns::{Counter, OptRcode, Question, RRset};
use zoners_resolver::worker::Resolution;
use zoners_resolver::{Hop, Step};

/// The end of a question; with the way there, if `steps` are given.
///
/// `name`, `type`, `rcode`; then `answer` and `authority` as lines in zone-file format, or `ede`
/// with `code`, `meaning` and `text`; then `trace`, an object a step.
#[must_use]
pub fn resolution(question: &Question, resolution: &Resolution, steps: Option<&[Step]>) -> Value {
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
    object
}

fn records(sets: &[RRset]) -> Value {
    sets.iter()
        .flat_map(|set| set.to_string().lines().map(Value::from).collect::<Vec<_>>())
        .collect()
}

fn step(step: &Step) -> Value {
    let mut object = json!({ "at_ms": millis(step.at), "depth": step.depth });
    match &step.hop {
        Hop::Note(note) => object["note"] = note.as_str().into(),
        Hop::Asked { zone, question, server, endpoint, why, took, outcome } => {
            object["zone"] = zone.fmt_with_dot().to_string().into();
            object["question"] = question.to_string().into();
            object["server"] = server.fmt_with_dot().to_string().into();
            object["address"] = endpoint.to_string().into();
            object["transport"] = endpoint.transport.to_string().into();
            object["why"] = (*why).into();
            object["took_ms"] = millis(*took).into();
            object["outcome"] = outcome.as_str().into();
        }
    }
    object
}

/// Milliseconds, to the microsecond.
fn millis(duration: std::time::Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// Every counter by name, as `count` has it.
#[must_use]
pub fn counters(count: impl Fn(Counter) -> u64) -> Value {
    let entry = |counter: &Counter| (counter.name().to_owned(), count(*counter).into());
    Value::Object(Counter::ALL.iter().map(entry).collect::<Map<_, _>>())
}
