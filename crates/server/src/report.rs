//! Answers, traces, servers, cache entries and finished queries as the types of `zoners_api`.

mod finished_query;
mod local_networks;
pub(crate) mod metrics;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zoners_api::{
    AnswerSource, AnsweringServer, CacheEntry, DnssecStatus, EdeReport, EncryptionReport,
    KnownServer, LookupReport, PassageReport, PassageState, Reachability, SilentZoneReport,
    StepOutcome, TraceEvent, TraceStep,
};
use zoners_cache::{EncryptionState, InspectedEntry};
use zoners_dns::{
    Ede, Endpoint, Message, Moment, Name, Network, OptRcode, Question, RRset, Records, Security,
};
use zoners_net::Sockets;
use zoners_resolver::{
    BrokenPaths, Cause, Hop, NetworkState, Obstacle, Resolution, ServerReport, SilentZone,
    TimedHop, Trace, trouble_in_words,
};

use crate::pipeline::Service;
pub(crate) use finished_query::finished_query;
pub use finished_query::logged_query;
pub use local_networks::local_networks;

/// Resolves a question of a person, and tells the way.
pub async fn look_up<N: Network>(service: &Service<N>, question: &Question) -> LookupReport {
    let (trace, began) = (Arc::new(Trace::default()), Instant::now());
    let resolution = service.look_up(question, Some(trace.clone())).await;
    let took = began.elapsed();
    let is_local = service.is_local(question);
    let steps: Vec<TraceStep> = trace.steps().iter().map(step).collect();
    LookupReport { took_ms: millis(took), ..resolved(question, &resolution, is_local, steps) }
}

/// As [`look_up`], over the sockets of this process. A caller of the generic function compiles the resolver once more;
/// the boxed future is compiled here.
pub fn look_up_by_sockets<'a>(
    service: &'a Service<Arc<Sockets>>,
    question: &'a Question,
) -> Pin<Box<dyn Future<Output = LookupReport> + Send + 'a>> {
    Box::pin(look_up(service, question))
}

fn resolved(
    question: &Question,
    resolution: &Resolution,
    is_local: bool,
    trace: Vec<TraceStep>,
) -> LookupReport {
    let asked = |step: &TraceStep| !matches!(step.event, TraceEvent::Note { .. });
    let source = match resolution {
        _ if is_local => AnswerSource::Local,
        Ok(answer) if answer.stale => AnswerSource::Stale,
        _ if trace.iter().any(asked) => AnswerSource::Network,
        _ => AnswerSource::Cache,
    };
    let report = LookupReport {
        name: text(&question.name),
        r#type: question.rtype.to_string(),
        rcode: OptRcode::SERVFAIL.to_string(),
        answer: Vec::new(),
        authority: Vec::new(),
        signatures: Vec::new(),
        ede: None,
        dnssec: DnssecStatus::Unchecked,
        source,
        server: answering(question, &trace)
            .filter(|_| source == AnswerSource::Network && resolution.is_ok()),
        flags: Vec::new(),
        took_ms: 0.0,
        trace: Some(trace),
    };
    match resolution {
        Ok(answer) => LookupReport {
            rcode: answer.rcode.to_string(),
            answer: records(&answer.answer),
            authority: records(&answer.authority),
            signatures: signatures(&[&answer.answer, &answer.authority]),
            dnssec: dnssec(answer.security),
            ..report
        },
        Err(unresolved) => {
            let dnssec = match unresolved.cause {
                Cause::Bogus | Cause::BogusZone => DnssecStatus::Bogus,
                _ => DnssecStatus::Unchecked,
            };
            LookupReport { ede: Some(ede(&unresolved.ede)), dnssec, ..report }
        }
    }
}

/// The server of the last useful reply to a question of this type that is no look-up of a nameserver.
fn answering(question: &Question, trace: &[TraceStep]) -> Option<AnsweringServer> {
    let of_type = format!(" {}", question.rtype);
    let replied = |step: &TraceStep| match &step.event {
        TraceEvent::Query {
            question,
            server,
            address,
            transport,
            outcome: StepOutcome::Useful,
            ..
        } if question.ends_with(&of_type) => {
            let name = Some(server.clone()).filter(|name| name != ".");
            Some(AnsweringServer { name, address: address.clone(), transport: transport.clone() })
        }
        _ => None,
    };
    trace.iter().rev().filter(|step| step.depth == 0).find_map(replied)
}

/// What a server asked directly replied.
#[must_use]
pub fn replied(
    question: &Question,
    message: &Message,
    from: Endpoint,
    took: Duration,
) -> LookupReport {
    let header = message.header;
    let flags = [
        (header.aa(), "aa"),
        (header.tc(), "tc"),
        (header.rd(), "rd"),
        (header.ra(), "ra"),
        (header.ad(), "ad"),
        (header.cd(), "cd"),
    ];
    let error = message.edns.as_ref().and_then(|edns| edns.errors.first());
    LookupReport {
        name: text(&question.name),
        r#type: question.rtype.to_string(),
        rcode: message.rcode.to_string(),
        answer: records(&message.answer),
        authority: records(&message.authority),
        signatures: signatures(&[&message.answer, &message.authority]),
        ede: error.map(ede),
        dnssec: DnssecStatus::Unchecked,
        source: AnswerSource::Server,
        server: Some(AnsweringServer {
            name: None,
            address: from.to_string(),
            transport: from.transport.to_string(),
        }),
        flags: flags.iter().filter(|(on, _)| *on).map(|(_, flag)| (*flag).to_owned()).collect(),
        took_ms: millis(took),
        trace: None,
    }
}

/// A name with the final dot.
pub(crate) fn text(name: &Name) -> String {
    name.fmt_with_dot().to_string()
}

/// The records as lines in zone-file format, without their signatures.
fn records(sets: &[RRset]) -> Vec<String> {
    let unsigned = |set: &RRset| RRset { signatures: Records::NONE, ..set.clone() };
    let lines = |set: &RRset| lines(&unsigned(set));
    sets.iter().flat_map(lines).collect()
}

/// The signatures over all these.
fn signatures(sections: &[&[RRset]]) -> Vec<String> {
    let of = |set: &RRset| lines(set).split_off(lines(set).len() - set.signatures.len());
    sections.iter().copied().flatten().flat_map(of).collect()
}

fn lines(set: &RRset) -> Vec<String> {
    set.to_string().lines().map(str::to_owned).collect()
}

fn dnssec(security: Security) -> DnssecStatus {
    match security {
        Security::Secure => DnssecStatus::Secure,
        Security::Insecure => DnssecStatus::Insecure,
        Security::Unchecked => DnssecStatus::Unchecked,
    }
}

fn ede(ede: &Ede) -> EdeReport {
    let meaning = ede.code.meaning().to_owned();
    EdeReport { code: ede.code.0, meaning, text: ede.text.clone() }
}

fn step(step: &TimedHop) -> TraceStep {
    let event = match &step.hop {
        Hop::Note(note) => TraceEvent::Note { text: note.clone() },
        Hop::Waited { zone, question, took } => TraceEvent::Wait {
            zone: text(zone),
            question: question.to_string(),
            took_ms: millis(*took),
        },
        Hop::Asked { zone, question, server, endpoint, why, took, outcome } => {
            let (outcome, words) = match outcome {
                Some(Ok(said)) => (StepOutcome::Useful, said.clone()),
                Some(Err(fault)) => (StepOutcome::Failed, fault.to_string()),
                None => (StepOutcome::Outpaced, "no reply yet when another came".to_owned()),
            };
            TraceEvent::Query {
                zone: text(zone),
                question: question.to_string(),
                server: text(server),
                address: endpoint.to_string(),
                transport: endpoint.transport.to_string(),
                why: (*why).to_owned(),
                took_ms: millis(*took),
                outcome,
                text: words,
            }
        }
    };
    TraceStep { at_ms: millis(step.at), depth: step.depth, event }
}

/// A server in the infra cache.
pub(crate) fn server(known: &ServerReport, now: Moment) -> KnownServer {
    let info = &known.info;
    let ago = |at: u64| (at > 0).then(|| now.since(Moment::from_millis(at)).as_secs());
    KnownServer {
        name: known.name.as_ref().map(text),
        address: known.endpoint.to_string(),
        transport: known.endpoint.transport.to_string(),
        srtt_ms: info.srtt().map(millis),
        rttvar_ms: info.srtt().map(|_| millis(info.rttvar())),
        loss: thousandths(f64::from(info.loss) / 65536.0),
        replied_s: ago(info.replied_at),
        asked_s: ago(info.asked_at),
        unanswered: info.unanswered.into(),
        trouble: trouble_in_words(info),
        lame: known.lame,
        edns: !info.mishandles_edns(),
        encryption: match info.encryption.state(now) {
            EncryptionState::Unknown => EncryptionReport::Unknown,
            EncryptionState::Works => EncryptionReport::Works,
            EncryptionState::Fails => EncryptionReport::Fails,
        },
        expected_ms: millis(known.expected),
        hedge_after_ms: millis(known.hedge_after),
        backoff_s: known.skipped_for.map(|left| left.as_millis().div_ceil(1000) as u64),
    }
}

/// A zone of which no server replies usefully.
pub(crate) fn silent_zone(silent: &SilentZone, now: Moment) -> SilentZoneReport {
    SilentZoneReport {
        zone: text(&silent.zone),
        silent_s: now.since(silent.since).as_secs(),
        queries: silent.packets.into(),
        dead: silent.dead,
    }
}

/// Which ways out work.
pub(crate) fn reachability(broken: BrokenPaths) -> Reachability {
    let BrokenPaths { ipv4, ipv6, udp } = broken;
    Reachability { ipv4: !ipv4, ipv6: !ipv6, udp: !udp }
}

/// How this network treats queries to foreign servers.
pub(crate) fn passage(state: NetworkState) -> PassageReport {
    let (word, obstacle) = match state {
        NetworkState::Unknown => (PassageState::Unknown, None),
        NetworkState::Doubtful => (PassageState::Doubtful, None),
        NetworkState::Open => (PassageState::Open, None),
        NetworkState::Obstructed(obstacle) => (obstructed(obstacle), Some(obstacle)),
    };
    let proves = match obstacle {
        Some(Obstacle::Intercepted { proves }) => Some(proves),
        _ => None,
    };
    PassageReport { state: word, proves, text: obstacle.map(|one| one.says().to_owned()) }
}

fn obstructed(obstacle: Obstacle) -> PassageState {
    match obstacle {
        Obstacle::Intercepted { .. } => PassageState::Intercepted,
        Obstacle::Refused => PassageState::Refused,
        Obstacle::Rejected => PassageState::Rejected,
        Obstacle::Silent => PassageState::Silent,
    }
}

/// An entry of the cache.
pub(crate) fn cache_entry(entry: &InspectedEntry) -> CacheEntry {
    CacheEntry {
        kind: entry.kind.to_owned(),
        records: records(&entry.sets),
        denies: entry.denies.clone(),
        dnssec: dnssec(entry.security),
        left_s: entry.left,
    }
}

/// Milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// A share to the thousandth.
pub(crate) fn thousandths(share: f64) -> f64 {
    (share * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_has_a_state_and_a_sentence() {
        let intercepted = |proves| NetworkState::Obstructed(Obstacle::Intercepted { proves });
        let states = [
            (NetworkState::Unknown, PassageState::Unknown, None),
            (NetworkState::Doubtful, PassageState::Doubtful, None),
            (NetworkState::Open, PassageState::Open, None),
            (intercepted(true), PassageState::Intercepted, Some(true)),
            (intercepted(false), PassageState::Intercepted, Some(false)),
            (NetworkState::Obstructed(Obstacle::Refused), PassageState::Refused, None),
            (NetworkState::Obstructed(Obstacle::Rejected), PassageState::Rejected, None),
            (NetworkState::Obstructed(Obstacle::Silent), PassageState::Silent, None),
        ];
        for (state, word, proves) in states {
            let told = passage(state);
            assert_eq!((told.state, told.proves), (word, proves));
            assert_eq!(told.text.is_some(), matches!(state, NetworkState::Obstructed(_)));
        }
        let text = passage(intercepted(true)).text.unwrap();
        assert!(text.contains("DNS on this network is intercepted"), "{text}");
    }
}
