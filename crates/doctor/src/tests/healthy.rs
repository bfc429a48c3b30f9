//! A machine without a fault.

use zoners_api::DaemonStatus;

use crate::{
    ClientObservation, ClockObservation, DaemonObservation, DescriptorObservation,
    FamilyObservation, IpFamily, LinkSummary, Observations, OwnAnswer, PortObservation,
    PortSocketUse, PortalObservation, ProbeCounts, ReplyTraits, RouterObservation, RouterPassage,
    ServerProbe, SettingsObservation, SizeProbe, StateObservation,
};

const NOW: i64 = 1_790_000_000;
/// The release of program and daemon.
const RELEASE: &str = "1.0.0";

/// A machine with IPv4 and IPv6 on a line without faults.
pub(super) fn healthy() -> Observations {
    let address = |family| if family == IpFamily::Ipv4 { "192.168.1.5" } else { "2001:db8:1::5" };
    Observations {
        links: vec![LinkSummary { name: "eth0".into(), addresses: vec!["192.168.1.5/24".into()] }],
        families: [IpFamily::Ipv4, IpFamily::Ipv6]
            .map(|family| way(family, address(family)))
            .into(),
        portal: PortalObservation::Open,
        clock: ClockObservation {
            now_s: NOW,
            windows: vec![(NOW - 86_400, NOW + 12 * 86_400)],
            ahead_of_http_s: None,
        },
        settings: SettingsObservation {
            asks_zoners: true,
            names_this_machine: true,
            servers: vec!["127.0.0.1".into()],
            nss_hosts: Some("files mdns4_minimal [NOTFOUND=return] dns myhostname".into()),
            multicast_responder: Some("Avahi".into()),
            ..SettingsObservation::default()
        },
        port: PortObservation {
            sockets: vec![PortSocketUse {
                is_daemon: true,
                serves_loopback: true,
                ..PortSocketUse::default()
            }],
        },
        daemon: DaemonObservation {
            status: Some(Box::new(DaemonStatus {
                program: RELEASE.into(),
                listen: vec!["127.0.0.1:53".into()],
                ..DaemonStatus::default()
            })),
            is_running: false,
            is_installed: true,
            udp: answered(),
            tcp: answered(),
            ..DaemonObservation::default()
        },
        state: Some(StateObservation {
            folder: "/var/lib/zoners".into(),
            free_octets: Some(1 << 30),
            ..StateObservation::default()
        }),
        descriptors: Some(DescriptorObservation { limit: 65_536, open: Some(40) }),
        clients: Some(ClientObservation { queries: 1000, refused: 0 }),
        program: RELEASE.into(),
        ..Observations::default()
    }
}

fn answered() -> OwnAnswer {
    OwnAnswer::Answered { rcode: "NOERROR".into(), took_ms: 1.0, reason: None }
}

fn way(family: IpFamily, source: &str) -> FamilyObservation {
    FamilyObservation {
        family,
        source: source.parse().ok(),
        router: Some(RouterObservation {
            address: "192.168.1.1".into(),
            echo: Some(counts(20, 20)),
            knock_answered: true,
            is_neighbour: Some(true),
        }),
        servers: vec![ServerProbe { address: "192.0.2.1".parse().unwrap(), counts: counts(8, 8) }],
        tcp: counts(5, 5),
        echo: Some(counts(10, 10)),
        traits: ReplyTraits {
            replies: 8,
            random_denied: 1,
            named_servers: 4,
            same_named: 2,
            ..ReplyTraits::default()
        },
        passage: RouterPassage { udp: true, tcp: true, other: true },
        sizes: [512, 1232, 4096]
            .map(|offered| SizeProbe {
                offered,
                sent: 3,
                replied: 3,
                octets: 900,
                truncated: false,
            })
            .into(),
        ..FamilyObservation::default()
    }
}

pub(super) fn counts(sent: u32, replied: u32) -> ProbeCounts {
    let median_ms = (replied > 0).then_some(20.0);
    ProbeCounts { sent, replied, median_ms, ..ProbeCounts::default() }
}
