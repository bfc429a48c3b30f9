use std::net::IpAddr;
use std::time::Duration;

use zoners_api::{DnssecStatus, QueryOutcome};
use zoners_dns::{EdeCode, OptRcode, Rtype, Transport, name};

use super::*;
use crate::hop::{AskReason, HopEvent, ReplyEnd};
use crate::record::{FailureKind, LineState};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn hop(server: &str, address: &str, begun: u64, took: u64, end: ReplyEnd) -> HopRecord {
    HopRecord {
        begun: ms(begun),
        took: ms(took),
        depth: 0,
        zone: name::parse("example.com").unwrap(),
        rtype: Rtype::A,
        event: HopEvent::Asked {
            server: ServerRecord {
                name: name::parse(server).unwrap(),
                address: (address.parse::<IpAddr>().unwrap(), 53).into(),
                transport: Transport::Udp,
            },
            reason: AskReason::First,
            end: HopEnd::Reply(end),
        },
    }
}

fn record(took: u64, failure: Option<FailureKind>, hops: Vec<HopRecord>) -> ResolutionRecord {
    let failed = failure.is_some();
    ResolutionRecord {
        received_s: 1_800_000_000,
        client: [192, 0, 2, 1].into(),
        transport: Transport::Udp,
        name: name::parse("www.example.com").unwrap(),
        rtype: Rtype::A,
        outcome: if failed { QueryOutcome::Failed } else { QueryOutcome::Recursed },
        rcode: Some(if failed { OptRcode::SERVFAIL } else { OptRcode::NOERROR }),
        reason: None,
        failure,
        dnssec: DnssecStatus::Insecure,
        took: ms(took),
        line: LineState::default(),
        hops,
        more_hops: 0,
    }
}

/// Other servers, each of which replied in 31 ms.
fn healthy() -> ResolutionRecord {
    let hops = (1..9).map(|server| {
        let (name, address) = (format!("ns.p{server}.net"), format!("45.0.0.{server}"));
        hop(&name, &address, 0, 31, ReplyEnd::Records)
    });
    record(31, None, hops.collect())
}

fn verdict_beside(record: &ResolutionRecord, others: &[ResolutionRecord]) -> VerdictReport {
    judge(record, &Surroundings::of(others.iter().chain([record])))
}

#[test]
fn servers_that_stay_silent_while_others_reply_are_at_fault() {
    let hops = vec![
        hop("ns1.prov.net", "203.0.113.1", 0, 1000, ReplyEnd::Timeout),
        hop("ns2.prov.net", "203.0.113.2", 300, 2000, ReplyEnd::Timeout),
    ];
    let failed = record(2300, Some(FailureKind::Silent), hops);
    let verdict = verdict_beside(&failed, &[healthy()]);
    assert_eq!(verdict.cause, VerdictCause::ProviderSilent);
    assert_eq!(verdict.accused.as_deref(), Some("prov.net"));
    assert_eq!(
        verdict.text,
        "no answer after 2.3 s: both servers of prov.net stayed silent; your line was fine (other servers answered in 31 ms)"
    );
}

#[test]
fn a_line_that_is_down_is_no_servers_fault() {
    let silent = |server: u8| {
        let (name, address) = (format!("ns.p{server}.net"), format!("45.0.0.{server}"));
        let hops = vec![hop(&name, &address, 0, 1000, ReplyEnd::Timeout)];
        record(1000, Some(FailureKind::Silent), hops)
    };
    let others: Vec<ResolutionRecord> = (2..5).map(silent).collect();
    assert_eq!(verdict_beside(&silent(1), &others).cause, VerdictCause::LineDown);
    let down = LineState { is_down: true, ..LineState::default() };
    let alone = ResolutionRecord { line: down, ..silent(1) };
    assert_eq!(verdict_beside(&alone, &[]).cause, VerdictCause::LineDown);
}

#[test]
fn a_server_that_replies_to_others_has_lost_a_packet() {
    let hops = vec![
        hop("ns1.prov.net", "203.0.113.1", 0, 420, ReplyEnd::Outpaced),
        hop("ns2.prov.net", "203.0.113.2", 400, 20, ReplyEnd::Records),
    ];
    let slow = record(420, None, hops);
    let before =
        record(20, None, vec![hop("ns1.prov.net", "203.0.113.1", 0, 20, ReplyEnd::Records)]);
    assert_eq!(verdict_beside(&slow, &[healthy(), before]).cause, VerdictCause::LineLossy);
    assert_eq!(verdict_beside(&slow, &[healthy()]).cause, VerdictCause::ProviderSilent);
}

#[test]
fn a_server_with_late_replies_is_slow_and_many_servers_are_steps() {
    let late = vec![hop("ns1.prov.net", "203.0.113.1", 0, 900, ReplyEnd::Records)];
    let verdict = verdict_beside(&record(900, None, late), &[healthy()]);
    assert_eq!(verdict.cause, VerdictCause::ProviderSlow);
    assert_eq!(verdict.accused.as_deref(), Some("prov.net"));
    let steps = (0..9).map(|step| {
        let (name, address) = (format!("ns.q{step}.net"), format!("46.0.0.{step}"));
        hop(&name, &address, step * 40, 40, ReplyEnd::Referral)
    });
    let verdict = verdict_beside(&record(360, None, steps.collect()), &[healthy()]);
    assert_eq!((verdict.cause, verdict.accused), (VerdictCause::Steps, None));
}

#[test]
fn useless_replies_are_their_providers_fault() {
    let mut hops = vec![
        hop("ns1.prov.net", "203.0.113.1", 0, 20, ReplyEnd::Lame),
        hop("ns2.prov.net", "203.0.113.2", 20, 20, ReplyEnd::Lame),
    ];
    if let HopEvent::Asked { end, .. } = &mut hops[0].event {
        *end = HopEnd::Rcode(5);
    }
    let verdict = verdict_beside(&record(40, Some(FailureKind::Unusable), hops), &[healthy()]);
    assert_eq!(verdict.cause, VerdictCause::ProviderFaulty);
    assert_eq!(
        verdict.text,
        "no answer after 40 ms: both servers of prov.net gave no usable answer for example.com.: REFUSED"
    );
}

#[test]
fn an_address_family_that_does_not_work_is_named() {
    let hops = vec![hop("ns1.prov.net", "2001:db8::1", 0, 1000, ReplyEnd::Timeout)];
    let failed = record(1000, Some(FailureKind::Silent), hops);
    let verdict = verdict_beside(&failed, &[healthy()]);
    assert_eq!((verdict.cause, verdict.accused), (VerdictCause::Ipv6, None));
}

#[test]
fn signatures_are_their_owners_fault_unless_the_clock_is_wrong_or_the_network_lies() {
    let hops = vec![hop("ns1.prov.net", "203.0.113.1", 0, 20, ReplyEnd::Records)];
    let bogus =
        ResolutionRecord { reason: Some(EdeCode(7)), ..record(20, Some(FailureKind::Bogus), hops) };
    let verdict = verdict_beside(&bogus, &[healthy()]);
    assert_eq!(verdict.cause, VerdictCause::Dnssec);
    assert_eq!(verdict.accused.as_deref(), Some("example.com."));
    assert!(verdict.text.contains("Signature Expired"), "{}", verdict.text);
    for (line, cause) in [
        (LineState { clock_wrong: true, ..LineState::default() }, VerdictCause::Clock),
        (
            LineState { obstacle: Some(LineObstacle::Portal), ..LineState::default() },
            VerdictCause::Network,
        ),
    ] {
        let bogus = ResolutionRecord { line, ..bogus.clone() };
        let verdict = verdict_beside(&bogus, &[healthy()]);
        assert_eq!((verdict.cause, verdict.accused), (cause, None));
    }
}

#[test]
fn a_quick_answer_and_a_busy_resolver_are_no_servers_fault() {
    assert_eq!(verdict_beside(&healthy(), &[]).cause, VerdictCause::Nothing);
    let busy = record(1, Some(FailureKind::Overloaded), Vec::new());
    assert_eq!(verdict_beside(&busy, &[healthy()]).cause, VerdictCause::Resolver);
    let idle = record(800, None, Vec::new());
    assert_eq!(verdict_beside(&idle, &[healthy()]).cause, VerdictCause::Resolver);
}
