//! The questions of a household over a year: days and weeks with a rhythm, holidays, hours of trouble, and real shifts.

use std::net::SocketAddr;
use std::time::Duration;

use zoners_api::{DnssecStatus, QueryOutcome};
use zoners_dns::{Name, OptRcode, Random, Rtype, Transport, name};
use zoners_history::{
    AskReason, HopEnd, HopEvent, HopRecord, LineState, ReplyEnd, ResolutionRecord, ServerRecord,
};

/// 2026-01-05, a Monday, midnight (UTC).
pub(crate) const BEGIN_S: u64 = 1_767_571_200;
/// Minutes of a day.
const DAY: u64 = 1440;
/// Providers beside the root and two top-level domains.
const HOSTERS: usize = 14;

/// What shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShiftKind {
    Provider,
    Line,
    Ipv6,
    Resolver,
}

/// A real shift, from a minute to a minute of the year.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) kind: ShiftKind,
    pub(crate) by_ms: f64,
    pub(crate) at_min: u64,
    pub(crate) until_min: u64,
}

impl Shift {
    fn ms(&self, kind: ShiftKind, minute: u64) -> f64 {
        let is_on = self.kind == kind && (self.at_min..self.until_min).contains(&minute);
        if is_on { self.by_ms } else { 0.0 }
    }

    /// The hoster that shifts.
    pub(crate) fn hoster(&self) -> usize {
        (self.at_min / 1440 % 5) as usize
    }
}

/// Trouble of an hour or three, which is no lasting change.
struct Incident {
    /// `None` for the line.
    provider: Option<usize>,
    at_min: u64,
    minutes: u64,
    ms: f64,
}

struct SimServer {
    record: ServerRecord,
    provider: usize,
    base_ms: f64,
}

/// A household with an Internet.
pub(crate) struct House {
    random: Random,
    is_laptop: bool,
    servers: Vec<SimServer>,
    zones: Vec<Name>,
    incidents: Vec<Incident>,
}

fn uniform(random: &Random) -> f64 {
    random.below(1 << 30) as f64 / f64::from(1 << 30)
}

fn normal(random: &Random) -> f64 {
    (0..6).map(|_| uniform(random)).sum::<f64>() * 1.414 - 4.243
}

impl House {
    /// A household with a server that is always on.
    pub(crate) fn always_on(seed: u64) -> Self {
        House::new(seed, false)
    }

    /// A laptop: at home, on weekdays at work, closed at night.
    pub(crate) fn laptop(seed: u64) -> Self {
        House::new(seed, true)
    }

    fn new(seed: u64, is_laptop: bool) -> Self {
        let random = Random::seeded(seed);
        let mut servers = Vec::new();
        let domains = ["root-servers.net", "gtld-servers.net", "nic.example"].map(str::to_owned);
        let hosters = (0..HOSTERS).map(|number| format!("hoster{number}.example"));
        for (provider, domain) in domains.into_iter().chain(hosters).enumerate() {
            let near = 8.0 + uniform(&random) * 60.0;
            for number in 0..2 + random.below(3) {
                let base_ms = near + uniform(&random) * 40.0;
                let host = provider as u64 * 8 + number;
                let text = match number % 2 {
                    0 => format!("192.0.2.{host}:53"),
                    _ => format!("[2001:db8::{host:x}]:53"),
                };
                let record = ServerRecord {
                    name: name::parse(&format!("ns{number}.{domain}")).unwrap(),
                    address: text.parse::<SocketAddr>().unwrap(),
                    transport: Transport::Udp,
                };
                servers.push(SimServer { record, provider, base_ms });
            }
        }
        let zones = (0..40).map(|number| name::parse(&format!("zone{number}.example")).unwrap());
        let zones = zones.collect();
        let incidents = (0..HOSTERS as u64 * 12 + 24)
            .map(|number| Incident {
                provider: (number >= 24).then(|| random.below(HOSTERS as u64 + 3) as usize),
                at_min: random.below(366 * DAY),
                minutes: 20 + random.below(200),
                ms: 30.0 + uniform(&random) * 300.0,
            })
            .collect();
        House { random, is_laptop, servers, zones, incidents }
    }

    /// Whether the day is a holiday: two weeks in summer, one in winter, and single days.
    fn is_free(day: u64) -> bool {
        day % 7 >= 5 || (205..219).contains(&day) || (352..361).contains(&day) || day % 53 == 17
    }

    /// The network at a minute; `None` while the machine sleeps.
    pub(crate) fn network_at(&self, minute: u64) -> Option<&'static str> {
        let (day, hour) = (minute / DAY, minute % DAY / 60);
        match hour {
            _ if !self.is_laptop => Some("home"),
            9..17 if !House::is_free(day) => Some("work"),
            10..23 if House::is_free(day) => Some("home"),
            7 | 18..23 => Some("home"),
            _ => None,
        }
    }

    /// The questions of ten minutes at `minute`.
    pub(crate) fn questions_at(&self, minute: u64) -> u64 {
        let busy = match minute % DAY / 60 {
            0..7 => 1,
            7..9 | 17..19 => 6,
            9..17 if House::is_free(minute / DAY) => 7,
            9..17 => 3,
            19..23 => 12,
            _ => 4,
        };
        let least = if self.is_laptop { 3 } else { 0 };
        least + self.random.below(busy * 2 + 1)
    }

    /// The milliseconds that the line adds at a minute: little at night, most in the evening, each day otherwise.
    fn line_ms(&self, network: &str, minute: u64) -> f64 {
        let (day, hour) = (minute / DAY, (minute % DAY) as f64 / 60.0);
        let mood = 0.4 + (day * 7919 % 97) as f64 / 80.0;
        let peak = if House::is_free(day) { 17.0 } else { 20.5 };
        let evening = 14.0 * mood * (-((hour - peak) / 2.5).powi(2)).exp();
        let own = if network == "work" { 25.0 } else { 0.0 };
        evening + own
    }

    /// The milliseconds that a provider adds: the load of its office hours, and a slow drift over weeks.
    fn provider_ms(provider: usize, minute: u64) -> f64 {
        let hour = (minute % DAY) as f64 / 60.0;
        let load = (provider % 5) as f64 * 1.5 * (-((hour - 14.0) / 4.0).powi(2)).exp();
        let phase = minute as f64 / (DAY as f64 * (20.0 + provider as f64 * 3.0));
        load + 2.5 * (phase * std::f64::consts::TAU).sin()
    }

    fn incident_ms(&self, provider: usize, minute: u64) -> f64 {
        let under_way = self.incidents.iter().filter(|incident| {
            (incident.at_min..incident.at_min + incident.minutes).contains(&minute)
                && incident.provider.is_none_or(|hit| hit == provider)
        });
        under_way.map(|incident| incident.ms).sum()
    }

    fn round_trip(&self, server: &SimServer, network: &str, minute: u64, shifts: &[Shift]) -> f64 {
        let noise = (normal(&self.random) * 0.06).exp();
        let tail = if self.random.chance(0.06) { uniform(&self.random) * 90.0 } else { 0.0 };
        let shifted = shifts.iter().map(|shift| {
            let mut ms = if network == "home" { shift.ms(ShiftKind::Line, minute) } else { 0.0 };
            if server.record.address.is_ipv6() {
                ms += shift.ms(ShiftKind::Ipv6, minute);
            }
            if server.provider == shift.hoster() + 3 {
                ms += shift.ms(ShiftKind::Provider, minute);
            }
            ms
        });
        server.base_ms * noise
            + tail
            + self.line_ms(network, minute)
            + House::provider_ms(server.provider, minute)
            + self.incident_ms(server.provider, minute)
            + shifted.sum::<f64>()
    }

    /// A question at a minute: on the way, a top-level domain now and then, and a hoster.
    pub(crate) fn question(
        &self,
        network: &str,
        minute: u64,
        shifts: &[Shift],
    ) -> ResolutionRecord {
        let own = shifts.iter().map(|shift| shift.ms(ShiftKind::Resolver, minute)).sum::<f64>();
        let own_ms = 0.4 + uniform(&self.random) * 0.8 + own;
        let mut begun = Duration::from_secs_f64(own_ms / 1000.0);
        let mut hops = Vec::new();
        let zone = self.random.below(self.zones.len() as u64) as usize;
        // A few hosters have most zones.
        let hoster = 3 + (zone % HOSTERS).min(self.random.below(HOSTERS as u64) as usize);
        let steps = if self.random.chance(0.3) {
            vec![self.random.below(3) as usize, hoster]
        } else {
            vec![hoster]
        };
        for provider in steps {
            let of_provider: Vec<&SimServer> =
                self.servers.iter().filter(|server| server.provider == provider).collect();
            let server = of_provider[self.random.below(of_provider.len() as u64) as usize];
            let ms = self.round_trip(server, network, minute, shifts);
            let took = Duration::from_secs_f64(ms / 1000.0);
            let zone =
                if provider < 3 { name::parse("example") } else { Ok(self.zones[zone].clone()) };
            hops.push(HopRecord {
                begun,
                took,
                depth: 0,
                zone: zone.unwrap(),
                rtype: Rtype::A,
                event: HopEvent::Asked {
                    server: server.record.clone(),
                    reason: AskReason::First,
                    end: HopEnd::Reply(ReplyEnd::Records),
                },
            });
            begun += took;
        }
        ResolutionRecord {
            received_s: BEGIN_S + minute * 60,
            client: "127.0.0.1".parse().unwrap(),
            transport: Transport::Udp,
            name: self.zones[zone].clone(),
            rtype: Rtype::A,
            outcome: QueryOutcome::Recursed,
            rcode: Some(OptRcode::NOERROR),
            reason: None,
            failure: None,
            dnssec: DnssecStatus::Insecure,
            took: begun,
            line: LineState::default(),
            hops,
            more_hops: 0,
        }
    }
}
