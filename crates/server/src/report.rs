//! Answers, traces and counters as JSON: what the command line prints and the control socket says.

use serde_json::{Map, Value, json};
use zoners_cache::InspectedEntry;
use zoners_dns::{Counter, Moment, OptRcode, Question, RRset, Security};
use zoners_resolver::Resolution;
use zoners_resolver::{Hop, ServerReport, SilentZone, Step, trouble_in_words};
use zoners_resolver::{NetworkState, Obstacle};

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
        Hop::Waited { zone, question, took } => {
            let (zone, took) = (zone.fmt_with_dot(), took.as_secs_f64() * 1000.0);
            let note = format!("shared a wait of {took:.1} ms for {question} of {zone}");
            object["note"] = note.into();
        }
        Hop::Asked { zone, question, server, endpoint, why, took, outcome } => {
            object["zone"] = zone.fmt_with_dot().to_string().into();
            object["question"] = question.to_string().into();
            object["server"] = server.fmt_with_dot().to_string().into();
            object["address"] = endpoint.to_string().into();
            object["transport"] = endpoint.transport.to_string().into();
            object["why"] = (*why).into();
            object["took_ms"] = millis(*took).into();
            object["outcome"] = match outcome {
                Some(Ok(said)) => said.as_str().into(),
                Some(Err(fault)) => fault.to_string().into(),
                None => "no answer yet when another came".into(),
            };
        }
    }
    object
}

/// What is known of a server: `name` (null where none was asked for), `address`, `transport`,
/// `srtt_ms` and `rttvar_ms` (null before it first answered), `loss` (0 to 1), `answered_s` and
/// `asked_s` (ago; null for never), `unanswered` (in a row), `trouble` in words, `lame`,
/// `edns`, `expected_ms`, `patience_ms`, `skipped_s` (null where it is not).
#[must_use]
pub fn standing(standing: &ServerReport, now: Moment) -> Value {
    let info = &standing.info;
    let ago = |at: u64| (at > 0).then(|| now.since(Moment::from_millis(at)).as_secs());
    json!({
        "name": standing.name.as_ref().map(|name| name.fmt_with_dot().to_string()),
        "address": standing.endpoint.to_string(),
        "transport": standing.endpoint.transport.to_string(),
        "srtt_ms": info.srtt().map(millis),
        "rttvar_ms": info.srtt().map(|_| millis(info.rttvar())),
        "loss": (f64::from(info.loss) / 65536.0 * 1000.0).round() / 1000.0,
        "answered_s": ago(info.replied_at),
        "asked_s": ago(info.asked_at),
        "unanswered": info.unanswered,
        "trouble": trouble_in_words(info),
        "lame": standing.lame,
        "edns": !info.mishandles_edns(),
        "expected_ms": millis(standing.expected),
        "patience_ms": millis(standing.patience),
        "skipped_s": standing.skipped_for.map(|left| left.as_secs_f64().ceil()),
    })
}

/// A zone of which no server says anything useful: `zone`, `silent_s` (for so long), `packets` (sent
/// meanwhile), `dead` (few are sent now).
#[must_use]
pub fn silent_zone(silent: &SilentZone, now: Moment) -> Value {
    json!({
        "zone": silent.zone.fmt_with_dot().to_string(),
        "silent_s": now.since(silent.since).as_secs(),
        "packets": silent.packets,
        "dead": silent.dead,
    })
}

/// How this network lets DNS to foreign servers pass: `state` (`unknown`, `doubtful` until it has proven that
/// servers themselves answer, `open`, `intercepted`, `refused`, `rejected` or `silent`), `proves` (whether
/// what is signed can be proven; null where it is not intercepted), `says` (an obstacle in words, or null).
#[must_use]
pub fn passage(passage: NetworkState) -> Value {
    let obstacle = match passage {
        NetworkState::Obstructed(obstacle) => Some(obstacle),
        NetworkState::Unknown | NetworkState::Doubtful | NetworkState::Open => None,
    };
    let state = match passage {
        NetworkState::Unknown => "unknown",
        NetworkState::Doubtful => "doubtful",
        NetworkState::Open => "open",
        NetworkState::Obstructed(Obstacle::Intercepted { .. }) => "intercepted",
        NetworkState::Obstructed(Obstacle::Refused) => "refused",
        NetworkState::Obstructed(Obstacle::Rejected) => "rejected",
        NetworkState::Obstructed(Obstacle::Silent) => "silent",
    };
    let proves = match obstacle {
        Some(Obstacle::Intercepted { proves }) => Some(proves),
        _ => None,
    };
    json!({ "state": state, "proves": proves, "says": obstacle.map(Obstacle::says) })
}

/// An entry of the cache: `kind`, `records` as lines in zone-file format, `denies` (a type, or `all`;
/// null where it denies nothing), `security` in words, `left_s` (negative where it has expired).
#[must_use]
pub fn entry(entry: &InspectedEntry) -> Value {
    let security = match entry.security {
        Security::Secure => "proven",
        Security::Insecure => "of an unsigned zone",
        Security::Unchecked => "not proven",
    };
    json!({
        "kind": entry.kind,
        "records": records(&entry.sets),
        "denies": entry.denies,
        "security": security,
        "left_s": entry.left,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_has_its_word_and_a_sentence() {
        let intercepted = |proves| NetworkState::Obstructed(Obstacle::Intercepted { proves });
        let states = [
            (NetworkState::Unknown, "unknown", None),
            (NetworkState::Doubtful, "doubtful", None),
            (NetworkState::Open, "open", None),
            (intercepted(true), "intercepted", Some(true)),
            (intercepted(false), "intercepted", Some(false)),
            (NetworkState::Obstructed(Obstacle::Refused), "refused", None),
            (NetworkState::Obstructed(Obstacle::Rejected), "rejected", None),
            (NetworkState::Obstructed(Obstacle::Silent), "silent", None),
        ];
        for (state, word, proves) in states {
            let told = passage(state);
            assert_eq!((&told["state"], &told["proves"]), (&word.into(), &proves.into()));
            assert_eq!(told["says"].is_string(), matches!(state, NetworkState::Obstructed(_)));
        }
        let says = passage(intercepted(true))["says"].to_string();
        assert!(says.contains("DNS on this network is intercepted"), "{says}");
    }
}
