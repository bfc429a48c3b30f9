//! The ways to break a machine.

use zoners_api::{CrashReport, DaemonStatus, RefusedClient, StrategyReport};

use super::healthy::counts;
use crate::{
    BrowserDnsMode, BrowserFamily, BrowserObservation, ClientObservation, Culprit,
    DaemonObservation, DescriptorObservation, FamilyObservation, NameObservation, Observations,
    OwnAnswer, PortSocketUse, PortalObservation, ReplyTraits, RouterObservation, RouterPassage,
    ServerProbe,
};

/// A way to break a machine.
pub(super) struct MachineFault {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) culprit: Culprit,
    pub(super) is_of_the_line: bool,
    /// Findings explained by this fault.
    pub(super) hides: &'static [&'static str],
    pub(super) breaks: fn(&mut Observations),
}

/// Findings about names past Zoners, which need Zoners in the settings.
const PAST_ZONERS: &[&str] = &["second-server", "nss-beside-zoners", "browser-beside-zoners"];
/// Findings hidden by a faulty line for hosts.
const NSS: &[&str] = &["name-fails", "nss-without-dns", "nss-beside-zoners", "multicast-silent"];
/// Findings behind a working line alone.
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
    line("one server in the place of all", "intercepted", Provider, |seen| {
        each(seen, |family| {
            (family.traits.named_servers, family.traits.same_named) = (5, 5);
        })
    }),
    line("blocked, and the network's resolver asked", "dns-blocked", Router, |seen| {
        each(seen, |family| {
            silence(family);
            family.passage = RouterPassage { other: true, ..RouterPassage::default() };
        });
        told_by_daemon(seen, |status| {
            status.network.strategy = Some(Box::new(StrategyReport {
                strategy: "forward-validating".into(),
                resolvers: vec!["192.168.1.1".into()],
                ..StrategyReport::default()
            }));
        });
    }),
    light(line("denials rewritten", "denials-rewritten", Provider, |seen| {
        each(seen, |family| {
            (family.traits.random_denied, family.traits.random_answered) = (0, 2);
        })
    })),
    light(line("fragments lost", "fragments-lost", Provider, |seen| {
        each(seen, |family| family.sizes[2].replied = 0)
    })),
    light(line("IPv6 alone", "no-nat64", Provider, |seen| seen.families[0].source = None)),
    light(line("NAT64 silent", "nat64-silent", Provider, |seen| {
        seen.families[0].source = None;
        seen.nat64.prefixes = vec!["64:ff9b::/96".into()];
        seen.nat64.translated = Some(counts(3, 0));
    })),
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
        told_by_daemon(seen, |status| status.network.outages.below_5_s = 40);
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
        &[
            "not-asked",
            "daemon-fails",
            "name-fails",
            "port-taken",
            "daemon-mute",
            "outages",
            "device-refused",
            "crashed",
            "other-release",
        ],
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
    beside("settings overwritten", "not-asked", Settings, PAST_ZONERS, |seen| {
        seen.settings.asks_zoners = false;
        seen.settings.servers = vec!["192.168.1.1".to_owned()];
    }),
    beside("second server", "second-server", Settings, &["not-asked"], |seen| {
        seen.settings.servers.push("192.168.1.1".to_owned());
        seen.settings.foreign.push("192.168.1.1".to_owned());
    }),
    beside("no dns in nsswitch.conf", "nss-without-dns", Settings, NSS, |seen| {
        seen.settings.nss_hosts = Some("files".to_owned());
    }),
    beside("nsswitch.conf ends before dns", "nss-without-dns", Settings, NSS, |seen| {
        seen.settings.nss_hosts = Some("files mdns4 [NOTFOUND=return] dns".to_owned());
    }),
    beside("systemd-resolved by NSS", "nss-beside-zoners", Settings, NSS, |seen| {
        seen.settings.nss_hosts = Some("files resolve [!UNAVAIL=return] dns".to_owned());
        seen.settings.resolved_servers = Some(vec!["192.168.1.1".to_owned()]);
    }),
    beside("Avahi dead", "multicast-silent", Machine, &[], |seen| {
        seen.settings.multicast_responder = None;
    }),
    beside("DNS over HTTPS in Firefox", "browser-beside-zoners", Settings, &[], |seen| {
        seen.settings.browsers = vec![BrowserObservation {
            browser: "Firefox".into(),
            place: "/home/a/.mozilla/firefox/x.default/prefs.js".into(),
            mode: BrowserDnsMode::HttpsOnly,
            ..BrowserObservation::default()
        }];
    }),
    beside("a policy of Chromium", "browser-beside-zoners", Settings, &[], |seen| {
        seen.settings.browsers = vec![BrowserObservation {
            browser: "Chromium".into(),
            family: BrowserFamily::Chromium,
            place: "/etc/chromium/policies/managed/dns.json".into(),
            is_policy: true,
            mode: BrowserDnsMode::HttpsFirst,
            ..BrowserObservation::default()
        }];
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
    beside("strangers refused", "clients-refused", Settings, &["device-refused"], |seen| {
        seen.clients = Some(ClientObservation { queries: 100, refused: 50 });
    }),
    beside("a device refused", "device-refused", Settings, &["clients-refused"], |seen| {
        told_by_daemon(seen, |status| {
            let address = "192.168.1.7".to_owned();
            status.refused.push(RefusedClient { address, queries: 12, ago_s: 30 });
        });
    }),
    beside("crashes", "crashed", Machine, &[], |seen| {
        let program = "1.0.0".to_owned();
        let at_unix_s = 1_789_999_000;
        seen.crashes.last =
            Some(CrashReport { at_unix_s, ago_s: 1000, program, process: 7, crashes: 4 });
    }),
    beside("an upgrade without a restart", "other-release", Machine, &[], |seen| {
        seen.program = "1.1.0".to_owned();
    }),
];

/// Changes the status of a running daemon.
fn told_by_daemon(seen: &mut Observations, change: fn(&mut DaemonStatus)) {
    if let Some(status) = seen.daemon.status.as_mut() {
        change(status);
    }
}

fn each(seen: &mut Observations, change: fn(&mut FamilyObservation)) {
    seen.families.iter_mut().for_each(change);
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
