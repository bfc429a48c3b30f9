use std::time::Duration;

use zoners_api::{DnssecStatus, HistoryFill, QueryOutcome, VerdictCause};
use zoners_dns::{OptRcode, Transport, name};

use super::*;
use crate::hop::{AskReason, HopEnd, HopEvent, HopRecord, ReplyEnd, ServerRecord};
use crate::record::{FailureKind, LineState};

/// A question at a second, after so many milliseconds, with a hop to a server of `prov.net` and to a healthy server.
fn record(second: u64, client: u8, took: u64, failure: Option<FailureKind>) -> ResolutionRecord {
    let hop = |server: &str, address: [u8; 4], took, end| HopRecord {
        begun: Duration::ZERO,
        took: Duration::from_millis(took),
        depth: 0,
        zone: name::parse("example.com").unwrap(),
        rtype: Rtype::A,
        event: HopEvent::Asked {
            server: ServerRecord {
                name: name::parse(server).unwrap(),
                address: (address, 53).into(),
                transport: Transport::Udp,
            },
            reason: AskReason::First,
            end: HopEnd::Reply(end),
        },
    };
    let end = if failure.is_some() { ReplyEnd::Timeout } else { ReplyEnd::Records };
    let hops = match failure {
        Some(FailureKind::Remembered) => Vec::new(),
        _ => vec![
            hop("ns.prov.net", [192, 0, 2, 1], took, end),
            hop("ns.well.org", [192, 0, 2, 2], 30, ReplyEnd::Referral),
        ],
    };
    let rcode = if failure.is_some() { OptRcode::SERVFAIL } else { OptRcode::NOERROR };
    ResolutionRecord {
        received_s: 1_800_000_000 + second,
        client: [192, 168, 1, client].into(),
        transport: Transport::Udp,
        name: name::parse("www.example.com").unwrap(),
        rtype: Rtype::A,
        outcome: QueryOutcome::Recursed,
        rcode: Some(rcode),
        reason: None,
        failure,
        dnssec: DnssecStatus::Insecure,
        took: Duration::from_millis(took),
        line: LineState::default(),
        hops,
        more_hops: 0,
    }
}

#[test]
fn failures_are_counted_by_name_provider_and_server() {
    let records = [
        record(300, 7, 0, Some(FailureKind::Remembered)),
        record(200, 8, 900, None),
        record(0, 7, 4900, Some(FailureKind::Silent)),
        record(1, 8, 30, None),
    ];
    let fill = HistoryFill::default();
    let report = ranking(&records, TroubleKind::Failed, 3600, fill);
    assert_eq!((report.questions, report.hurt, report.clients), (4, 2, 1));
    let [name] = &report.names[..] else { panic!("{:?}", report.names) };
    assert_eq!(
        (name.name.as_str(), name.questions, name.worst_ms),
        ("www.example.com.", 2, 4900.0)
    );
    // The remembered failure has the cause of the first.
    assert_eq!(report.causes.len(), 1);
    assert_eq!(report.causes[0].questions, 2);
    let servers: Vec<&str> = report.servers.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(servers, ["ns.prov.net 192.0.2.1"]);
    let slow = ranking(&records, TroubleKind::Slow, 3600, fill);
    assert_eq!((slow.hurt, slow.names[0].cause), (1, VerdictCause::ProviderSlow));
    assert_eq!(slow.providers[0].name, "prov.net");
}

#[test]
fn without_trouble_there_is_no_entry() {
    let report = ranking(&[record(1, 8, 30, None)], TroubleKind::Slow, 60, HistoryFill::default());
    assert_eq!((report.questions, report.hurt), (1, 0));
    assert!(report.names.is_empty() && report.causes.is_empty());
}
