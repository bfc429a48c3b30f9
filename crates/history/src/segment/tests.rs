use std::net::IpAddr;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use zoners_api::{DnssecStatus, QueryOutcome};
use zoners_dns::{EdeCode, Name, OptRcode, Rtype, Transport, name};

use super::*;
use crate::hop::{AskReason, HopEnd, HopEvent, HopRecord, ReplyEnd, ServerRecord, ServerTrouble};
use crate::record::{FailureKind, LineObstacle, LineState, MAX_HOPS};

fn any_name() -> impl Strategy<Value = Name> {
    vec("[a-z0-9]{1,12}", 0..5).prop_map(|labels| name::parse(&(labels.join(".") + ".")).unwrap())
}

fn any_time() -> impl Strategy<Value = Duration> {
    (0_u64..100_000).prop_map(|units| Duration::from_micros(units * 100))
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
        .prop_map(|address| address.to_canonical())
}

fn any_transport() -> impl Strategy<Value = Transport> {
    proptest::sample::select(Transport::ALL.to_vec())
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    (0..all.len()).prop_map(|at| all[at].clone())
}

fn any_server() -> impl Strategy<Value = ServerRecord> {
    let port = prop_oneof![Just(53), any::<u16>()];
    (any_name(), any_address(), port, any_transport()).prop_map(
        |(name, address, port, transport)| ServerRecord {
            name,
            address: (address, port).into(),
            transport,
        },
    )
}

fn any_end() -> impl Strategy<Value = HopEnd> {
    let reply = one_of(ReplyEnd::ALL).prop_map(HopEnd::Reply);
    prop_oneof![reply, (0_u8..24).prop_map(HopEnd::Rcode)]
}

fn any_event() -> impl Strategy<Value = HopEvent> {
    prop_oneof![
        (any_server(), one_of(AskReason::ALL), any_end())
            .prop_map(|(server, reason, end)| HopEvent::Asked { server, reason, end }),
        Just(HopEvent::Waited),
        (any_server(), one_of(ServerTrouble::ALL))
            .prop_map(|(server, trouble)| HopEvent::Skipped { server, trouble }),
    ]
}

/// A hop, and whether its zone is an ancestor of QNAME, and how far above.
fn any_hop() -> impl Strategy<Value = (HopRecord, Option<usize>)> {
    let zone = (any_name(), proptest::option::of(0_usize..4));
    (any_time(), any_time(), 0_u8..8, zone, any::<u16>(), any_event()).prop_map(
        |(begun, took, depth, (zone, above), rtype, event)| {
            let rtype = Rtype::from_int(rtype);
            (HopRecord { begun, took, depth, zone, rtype, event }, above)
        },
    )
}

fn any_line() -> impl Strategy<Value = LineState> {
    let obstacle = proptest::option::of(one_of(LineObstacle::ALL));
    (any::<[bool; 5]>(), obstacle).prop_map(|(flags, obstacle)| LineState {
        is_down: flags[0],
        ipv4_broken: flags[1],
        ipv6_broken: flags[2],
        udp_broken: flags[3],
        clock_wrong: flags[4],
        obstacle,
    })
}

pub(crate) fn any_record() -> impl Strategy<Value = ResolutionRecord> {
    let question = (any_name(), any::<u16>(), any_address(), any_transport());
    let end = (
        one_of(&QueryOutcome::ALL),
        proptest::option::of(0_u16..4096),
        proptest::option::of(any::<u16>()),
        proptest::option::of(one_of(FailureKind::ALL)),
        one_of(&[
            DnssecStatus::Secure,
            DnssecStatus::Insecure,
            DnssecStatus::Bogus,
            DnssecStatus::Unchecked,
        ]),
    );
    let rest = (1_800_000_000_u64..1_800_100_000, any_time(), any_line(), any::<u16>());
    (question, end, rest, vec(any_hop(), 0..8)).prop_map(
        |((name, rtype, client, transport), end, (received_s, took, line, more_hops), hops)| {
            let (outcome, rcode, reason, failure, dnssec) = end;
            let hops = hops.into_iter().map(|(hop, above)| match above {
                Some(labels) => HopRecord { zone: name::ancestor(&name, labels), ..hop },
                None => hop,
            });
            let mut hops: Vec<HopRecord> = hops.collect();
            hops.sort_by_key(|hop| hop.begun);
            ResolutionRecord {
                received_s,
                client,
                transport,
                rtype: Rtype::from_int(rtype),
                outcome,
                rcode: rcode.map(OptRcode::masked_from_int),
                reason: reason.map(EdeCode),
                failure,
                dnssec,
                took,
                line,
                hops,
                more_hops,
                name,
            }
        },
    )
}

fn segment(records: &[ResolutionRecord]) -> Segment {
    let mut writer = SegmentWriter::default();
    records.iter().for_each(|record| writer.add(record));
    assert_eq!(writer.view().find(&RecordFilter::default(), usize::MAX).len(), records.len());
    writer.finish()
}

proptest! {
    #[test]
    fn records_are_read_as_they_were_written(records in vec(any_record(), 1..12)) {
        let mut read = segment(&records).view().find(&RecordFilter::default(), usize::MAX);
        read.reverse();
        prop_assert_eq!(read, records);
    }

    #[test]
    fn a_filter_finds_what_a_plain_look_finds(
        records in vec(any_record(), 1..12),
        wanted in 0_usize..12,
        subtree: bool,
        by_client: bool,
        since in 1_800_000_000_u64..1_800_100_000,
    ) {
        let one = &records[wanted % records.len()];
        let filter = RecordFilter {
            name: (!by_client).then(|| one.name.clone()),
            subtree,
            client: by_client.then(|| Prefix::of(one.client, 128)),
            since_s: Some(since),
            until_s: Some(since + 50_000),
        };
        let is_wanted = |record: &&ResolutionRecord| {
            let of_name = match subtree {
                true => name::is_within(&record.name, &one.name),
                false => record.name == one.name,
            };
            (if by_client { record.client == one.client } else { of_name })
                && (since..=since + 50_000).contains(&record.received_s)
        };
        let expected: Vec<ResolutionRecord> =
            records.iter().rev().filter(is_wanted).cloned().collect();
        prop_assert_eq!(segment(&records).view().find(&filter, usize::MAX), expected);
    }

    #[test]
    fn foreign_octets_are_no_records_and_no_panic(octets: Vec<u8>, names: Vec<u8>) {
        let segment = Segment {
            base_s: 0,
            last_s: u64::MAX,
            count: 0,
            records: octets.clone().into(),
            names: names.clone().into(),
            servers: octets.into(),
            clients: names.into(),
        };
        let _ = segment.view().find(&RecordFilter::default(), usize::MAX);
    }
}

#[test]
fn hops_beyond_the_limit_are_counted() {
    let hop = HopRecord {
        begun: Duration::ZERO,
        took: Duration::ZERO,
        depth: 0,
        zone: name::root(),
        rtype: Rtype::A,
        event: HopEvent::Waited,
    };
    let record = ResolutionRecord {
        received_s: 1,
        client: [192, 0, 2, 1].into(),
        transport: Transport::Udp,
        name: name::root(),
        rtype: Rtype::A,
        outcome: QueryOutcome::Recursed,
        rcode: None,
        reason: None,
        failure: None,
        dnssec: DnssecStatus::Insecure,
        took: Duration::ZERO,
        line: LineState::default(),
        hops: vec![hop; MAX_HOPS + 5],
        more_hops: 2,
    };
    let read = segment(&[record]).view().find(&RecordFilter::default(), 1);
    assert_eq!((read[0].hops.len(), read[0].more_hops), (MAX_HOPS, 7));
}
