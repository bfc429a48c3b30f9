//! A healthy machine, and the ways to break it.

use zoners_api::DaemonStatus;

use crate::{
    ClientObservation, ClockObservation, Culprit, DaemonObservation, DescriptorObservation,
    FamilyObservation, IpFamily, LinkSummary, NameObservation, Observations, OwnAnswer,
    PortObservation, PortSocketUse, PortalObservation, ProbeCounts, ReplyTraits, RouterObservation,
    RouterPassage, ServerProbe, SettingsObservation, SizeProbe, StateObservation,
};

const NOW: i64 = 1_790_000_000;

/// A way to break a machine.
pub(super) struct MachineFault {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) culprit: Culprit,
    pub(super) is_of_the_line: bool,
    /// Findings of other faults that this fault explains.
    pub(super) hides: &'static [&'static str],
    pub(super) breaks: fn(&mut Observations),
}

/// Findings that need a working line.
const BEHIND: &[&str] = &["clock-wrong", "daemon-fails", "name-fails"];

const fn line(
    name: &'static str,
    id: &'static str,
    culprit: Culprit,
    breaks: fn(&mut Observations),
) -> MachineFault {
    MachineFault { name, id, culprit, is_of_the_line: true, hides: BEHIND, breaks }
}

const fn beside(
    name: &'static str,
    id: &'static str,
    culprit: Culprit,
    hides: &'static [&'static str],
    breaks: fn(&mut Observations),
) -> MachineFault {
    MachineFault { name, id, culprit, is_of_the_line: false, hides, breaks }
}

/// A fault after which names resolve.
const fn light(fault: MachineFault) -> MachineFault {
    MachineFault { hides: &[], ..fault }
}

use Culprit::{Machine, OtherSide, Provider, Router, Settings};

pub(super) const FAULTS: &[MachineFault] = &[
    line("cable pulled", "no-network", Machine, |seen| {
        seen.links.clear();
        each(seen, |family| family.source = None);
    }),
    line("firewall of this machine", "own-firewall", Machine, |seen| {
        each(seen, |family| {
            silence(family);
            family.servers[0].counts.forbidden = 8;
            family.passage = RouterPassage::default();
        });
    }),
    line("router off", "router-silent", Router, |seen| {
        each(seen, |family| {
            silence(family);
            family.router = Some(RouterObservation {
                address: "192.168.1.1".into(),
                ..RouterObservation::default()
            });
            family.passage = RouterPassage::default();
        });
    }),
    line("line down", "line-down", Provider, |seen| {
        each(seen, |family| {
            silence(family);
            family.passage = RouterPassage::default();
        })
    }),
    line("log-in page", "portal", Router, |seen| {
        each(seen, intercept);
        seen.portal = PortalObservation::Portal { location: "http://login.example/".to_owned() };
    }),
    line("router drops port 53", "dns-blocked", Router, |seen| {
        each(seen, |family| {
            silence(family);
            family.passage = RouterPassage { other: true, ..RouterPassage::default() };
        })
    }),
    line("provider drops port 53", "dns-blocked", Provider, |seen| {
        each(seen, |family| {
            silence(family);
            family.echo = Some(counts(10, 10));
        })
    }),
    line("provider rejects port 53", "dns-blocked", Provider, |seen| {
        each(seen, |family| {
            silence(family);
            family.echo = None;
            family.servers[0].counts.refused = 8;
        })
    }),
    line("interception by the provider", "intercepted", Provider, |seen| each(seen, intercept)),
    line("interception by the router", "intercepted", Router, |seen| {
        each(seen, |family| {
            intercept(family);
            family.first_hop_replied = true;
        })
    }),
    light(line("UDP dropped", "udp-blocked", Provider, |seen| {
        each(seen, |family| {
            for server in &mut family.servers {
                server.counts = counts(8, 0);
            }
        })
    })),
    light(line("TCP dropped by the router", "tcp-blocked", Router, |seen| {
        each(seen, |family| {
            family.tcp = counts(5, 0);
            family.passage.tcp = false;
        })
    })),
    line("signatures stripped", "signatures-stripped", Provider, |seen| {
        each(seen, |family| {
            family.traits.unsigned = family.traits.replies;
        })
    }),
    light(line("loss behind the router", "loss", Provider, |seen| {
        each(seen, |family| {
            family.servers[0].counts.replied = 3;
        })
    })),
    light(line("loss at home", "loss", Router, |seen| {
        each(seen, |family| {
            family.servers[0].counts.replied = 3;
            family.router.as_mut().unwrap().echo = Some(counts(20, 15));
        })
    })),
    light(line("slow line", "slow", Provider, |seen| {
        each(seen, |family| {
            family.servers[0].counts.median_ms = Some(900.0);
        })
    })),
    light(line("long replies lost", "large-replies-lost", Provider, |seen| {
        each(seen, |family| {
            family.sizes[1].replied = 0;
        })
    })),
    light(line("satellite behind a tree", "outages", Provider, |seen| {
        let status = seen.daemon.status.as_mut().unwrap();
        status.network.outages.below_5_s = 40;
    })),
    light(line("a root server dead", "root-server-silent", OtherSide, |seen| {
        let dead = "192.0.2.9".parse().unwrap();
        seen.families[0].servers.push(ServerProbe { address: dead, counts: counts(8, 0) });
    })),
    beside("clock ahead", "clock-wrong", Machine, &["daemon-fails", "name-fails"], |seen| {
        seen.clock.now_s += 40 * 86_400;
    }),
    beside("clock behind", "clock-wrong", Machine, &["daemon-fails", "name-fails"], |seen| {
        seen.clock.now_s -= 400 * 86_400;
    }),
    beside(
        "daemon dead",
        "daemon-down",
        Machine,
        &["not-asked", "daemon-fails", "name-fails", "port-taken", "daemon-mute", "outages"],
        |seen| {
            seen.daemon = DaemonObservation { is_installed: true, ..DaemonObservation::default() };
            seen.port.sockets.clear();
        },
    ),
    beside("daemon mute", "daemon-mute", Machine, &["daemon-fails", "name-fails"], |seen| {
        seen.daemon.udp = OwnAnswer::Silent;
    }),
    beside("daemon fails", "daemon-fails", Machine, &["name-fails"], |seen| {
        if let OwnAnswer::Answered { rcode, .. } = &mut seen.daemon.udp {
            *rcode = "SERVFAIL".to_owned();
        }
    }),
    beside(
        "port taken",
        "port-taken",
        Machine,
        &["daemon-down", "not-asked", "name-fails"],
        |seen| {
            let foreign = PortSocketUse {
                owner: Some("dnsmasq (process 7)".into()),
                serves_loopback: true,
                ..PortSocketUse::default()
            };
            seen.port.sockets.push(foreign);
        },
    ),
    beside("settings overwritten", "not-asked", Settings, &["second-server"], |seen| {
        seen.settings.asks_zoners = false;
        seen.settings.servers = vec!["192.168.1.1".to_owned()];
    }),
    beside("second server", "second-server", Settings, &["not-asked"], |seen| {
        seen.settings.servers.push("192.168.1.1".to_owned());
        seen.settings.foreign.push("192.168.1.1".to_owned());
    }),
    beside("no dns in nsswitch.conf", "nss-without-dns", Settings, &["name-fails"], |seen| {
        seen.settings.nss_hosts = Some(vec!["files".to_owned()]);
    }),
    beside("configuration wrong", "configuration-wrong", Settings, &["name-fails"], |seen| {
        seen.configuration.error = Some("zoners.toml:3: no such key".to_owned());
    }),
    beside("disk full", "state-not-writable", Machine, &[], |seen| {
        seen.state.as_mut().unwrap().free_octets = Some(0);
    }),
    beside("few descriptors", "few-descriptors", Machine, &[], |seen| {
        seen.descriptors = Some(DescriptorObservation { limit: 64, open: Some(60) });
    }),
    beside("zone dead", "name-fails", OtherSide, &[], |seen| {
        seen.name = Some(NameObservation {
            name: "dead.example".into(),
            rcode: Some("SERVFAIL".into()),
            reason: None,
        });
    }),
    beside("clients refused", "clients-refused", Settings, &[], |seen| {
        seen.clients = Some(ClientObservation { queries: 100, refused: 50 });
    }),
];

fn each(seen: &mut Observations, change: fn(&mut FamilyObservation)) {
    seen.families.iter_mut().for_each(change);
}

fn counts(sent: u32, replied: u32) -> ProbeCounts {
    let median_ms = (replied > 0).then_some(20.0);
    ProbeCounts { sent, replied, median_ms, ..ProbeCounts::default() }
}

/// No reply from behind the router.
pub(super) fn silence(family: &mut FamilyObservation) {
    for server in &mut family.servers {
        server.counts = counts(8, 0);
    }
    family.tcp = counts(5, 0);
    family.echo = Some(counts(10, 0));
    family.traits = ReplyTraits::default();
    for size in &mut family.sizes {
        size.replied = 0;
    }
}

fn intercept(family: &mut FamilyObservation) {
    family.traits = ReplyTraits {
        replies: 8,
        not_authoritative: 8,
        recursion_available: 8,
        unsigned: 8,
        random_answered: 1,
        ..ReplyTraits::default()
    };
}

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
            nss_hosts: Some(vec!["files".into(), "dns".into()]),
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
        traits: ReplyTraits { replies: 8, random_denied: 1, ..ReplyTraits::default() },
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
