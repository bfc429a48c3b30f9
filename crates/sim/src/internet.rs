//! Servers at addresses, and what comes back from there.

mod cookies;
mod interposed;
mod nat;
mod react;
mod record;
pub(crate) mod streams;
mod tls;
mod way;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use zoners_dns::{Endpoint, ExchangeEvent, Message, Question, RRset, Random, name};

use crate::link::Link;
use crate::middlebox::Middlebox;
use crate::sign::{Key, Signing};
use crate::uplink::Uplink;
use crate::zone::{Said, Zone};
use nat::{Flow, NatTable};
pub use record::Sent;

#[derive(Debug, Default)]
struct Host {
    link: Link,
    zones: Vec<String>,
    altered: Option<Altered>,
}

/// A function that alters the answer of a server; `None` means silence.
#[derive(Clone)]
struct Altered(Arc<Alter>);

type Alter = dyn Fn(&Question, Said) -> Option<Said> + Send + Sync;

impl fmt::Debug for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Altered")
    }
}

/// Servers, zones and links, and a record of the queries.
#[derive(Debug)]
pub struct Internet {
    hosts: BTreeMap<IpAddr, Host>,
    zones: BTreeMap<String, Zone>,
    middlebox: Option<Middlebox>,
    /// The table of the router between the machine and the Internet, if its size matters.
    nat: Option<NatTable>,
    /// The uplink of the machine.
    uplink: Option<Uplink>,
    /// Addresses on this side of the middlebox.
    near: BTreeSet<IpAddr>,
    random: Random,
    pub(crate) started: Instant,
    sent: Vec<Sent>,
    pub(crate) exchanges: u64,
    pub(crate) ended: BTreeMap<u64, Duration>,
    streams: BTreeMap<Endpoint, streams::Stream>,
    /// Streams opened so far.
    opened: u64,
    /// The last change of network: older sockets get no reply, even to queries sent again.
    pub(crate) renewed: Duration,
    /// The sockets of the machine, if their number is limited.
    pub(crate) sockets: Option<Arc<Semaphore>>,
    /// Queries waiting for a socket.
    pub(crate) waiting: usize,
    pub(crate) records: bool,
}

/// The Internet as a resolver sees it; clones share one Internet.
#[derive(Clone, Debug)]
pub struct SimNetwork(pub(crate) Arc<Mutex<Internet>>);

impl SimNetwork {
    /// An empty Internet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        SimNetwork(Arc::new(Mutex::new(Internet {
            hosts: BTreeMap::new(),
            zones: BTreeMap::new(),
            middlebox: None,
            nat: None,
            uplink: None,
            near: BTreeSet::new(),
            random: Random::seeded(seed),
            started: Instant::now(),
            sent: Vec::new(),
            exchanges: 0,
            ended: BTreeMap::new(),
            streams: BTreeMap::new(),
            opened: 0,
            renewed: Duration::ZERO,
            sockets: None,
            waiting: 0,
            records: true,
        })))
    }

    /// Restarts the random source of losses and delays; zones and servers stay.
    pub fn reseed(&self, seed: u64) {
        self.0.lock().random = Random::seeded(seed);
    }

    /// Adds or replaces a zone, served by the servers at `addresses`.
    ///
    /// # Panics
    /// The text is no zone, or an address is none: the test is wrong.
    #[expect(clippy::panic, reason = "a test that is wrong must say so")]
    pub fn zone(&self, origin: &str, addresses: &[&str], text: &str) -> &Self {
        let zone = Zone::parse(origin, text).unwrap_or_else(|error| panic!("{origin}: {error}"));
        let mut internet = self.0.lock();
        internet.zones.insert(origin.to_owned(), zone);
        for address in addresses {
            let address = address.parse().unwrap_or_else(|_| panic!("{address}: no address"));
            let host = internet.hosts.entry(address).or_default();
            if !host.zones.iter().any(|served| served == origin) {
                host.zones.push(origin.to_owned());
            }
        }
        self
    }

    /// Adds a server of an existing zone.
    ///
    /// # Panics
    /// The address is none: the test is wrong.
    #[expect(clippy::panic, reason = "a test that is wrong must say so")]
    pub fn serve(&self, origin: &str, address: &str) -> &Self {
        let address = address.parse().unwrap_or_else(|_| panic!("{address}: no address"));
        self.0.lock().hosts.entry(address).or_default().zones.push(origin.to_owned());
        self
    }

    /// Signs zones, the deepest first. Each zone gets the DS record of the zone before, if that is
    /// its child. Returns the DS record of the last zone, for use as a trust anchor.
    ///
    /// # Panics
    /// If there is no such zone, which is an error of the test.
    #[expect(clippy::panic, reason = "a test that is wrong must say so")]
    pub fn sign(&self, origins: &[&str], signing: &Signing) -> RRset {
        let mut internet = self.0.lock();
        let mut last = None;
        for origin in origins {
            let apex = name::parse(origin).unwrap_or_else(|error| panic!("{error}"));
            let key = Key::new(&apex, signing.algorithm);
            let ds = key.ds();
            let zone = internet.zones.get_mut(*origin);
            let zone = zone.unwrap_or_else(|| panic!("{origin}: no such zone"));
            zone.sign(&key, signing);
            let above =
                internet.zones.values_mut().filter(|zone| name::is_below(&apex, &zone.origin));
            if let Some(parent) = above.max_by_key(|zone| name::depth(&zone.origin)) {
                parent.add(ds.clone());
            }
            last = Some(ds);
        }
        last.unwrap_or_else(|| panic!("nothing to sign"))
    }

    /// Changes a zone.
    pub fn change(&self, origin: &str, change: impl FnOnce(&mut Zone)) {
        if let Some(zone) = self.0.lock().zones.get_mut(origin) {
            change(zone);
        }
    }

    /// Sets how an address behaves.
    ///
    /// # Panics
    /// The address is none: the test is wrong.
    #[expect(clippy::panic, reason = "a test that is wrong must say so")]
    pub fn link(&self, address: &str, link: Link) -> &Self {
        let address = address.parse().unwrap_or_else(|_| panic!("{address}: no address"));
        self.0.lock().hosts.entry(address).or_default().link = link;
        self
    }

    /// Puts the machine behind an uplink.
    pub fn behind(&self, uplink: Uplink) {
        self.0.lock().uplink = Some(uplink);
    }

    /// Alters the answers of the server at an address; `None` means silence.
    ///
    /// # Panics
    /// The address is none: the test is wrong.
    #[expect(clippy::panic, reason = "a test that is wrong must say so")]
    pub fn alter(
        &self,
        address: &str,
        altered: impl Fn(&Question, Said) -> Option<Said> + Send + Sync + 'static,
    ) -> &Self {
        let address = address.parse().unwrap_or_else(|_| panic!("{address}: no address"));
        let altered = Some(Altered(Arc::new(altered)));
        self.0.lock().hosts.entry(address).or_default().altered = altered;
        self
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        Instant::now() - self.0.lock().started
    }
}

type Arrivals = Vec<(Duration, ExchangeEvent)>;

impl Internet {
    /// The reply to a query and its delay; over TCP, on a stream that was open then.
    pub(crate) fn deliver(
        &mut self,
        to: Endpoint,
        exchange: u64,
        query: &Bytes,
        at: Duration,
        opened: Option<Duration>,
    ) -> Arrivals {
        let Ok(message) = Message::parse(query) else { return vec![] };
        let Some(question) = message.question.clone() else { return vec![] };
        let edns = message.edns.as_ref();
        if self.records {
            self.sent.push(Sent {
                at,
                exchange,
                id: message.header.id(),
                to,
                question: question.clone(),
                edns: edns.is_some(),
                udp_payload_size: edns.map_or(0, |edns| edns.udp_payload_size),
                dnssec_ok: edns.is_some_and(|edns| edns.dnssec_ok),
                compact_ok: edns.is_some_and(|edns| edns.compact_ok),
                recursion_desired: message.header.rd(),
                cookie: edns.and_then(|edns| edns.cookie.clone()).unwrap_or_default(),
            });
        }
        let udp = !to.transport.is_stream();
        let passes = |middlebox: &Middlebox| {
            let streams = [Middlebox::DropsDatagrams, Middlebox::ClosesDatagrams];
            self.near.contains(&to.address.ip()) || !udp && streams.contains(middlebox)
        };
        if let Some(middlebox) = self.middlebox.filter(|middlebox| !passes(middlebox)) {
            // Nothing but DNS in clear gets through, or is answered in the name of servers.
            if to.transport.is_encrypted() {
                return vec![];
            }
            return self.interposed(middlebox, &question, &message, udp);
        }
        let flow =
            opened.map_or(Flow::Datagrams(exchange), |opened| Flow::Stream(to.address, opened));
        let is_near = self.near.contains(&to.address.ip());
        if self.nat.as_mut().is_some_and(|nat| !is_near && !nat.passes(flow, at)) {
            return vec![];
        }
        let Some(host) = self.hosts.get(&to.address.ip()) else { return vec![] };
        let link = &host.link;
        let jitter = self.random.below(link.jitter.as_micros() as u64 + 1);
        let mut trip = link.latency + Duration::from_micros(jitter);
        if self.random.chance(link.late) {
            trip += link.latency.mul_f64(self.random.below(1000) as f64 / 1000.0 * 3.0);
        }
        match self.uplink.as_ref().filter(|_| !is_near) {
            Some(uplink) if udp => match uplink.round_trip(at, trip, &self.random) {
                Some(whole) => trip = whole,
                None => return vec![],
            },
            // Streams send lost segments again.
            Some(uplink) => trip = uplink.heard_again(at) - at + trip + uplink.access(at),
            None => {}
        }
        let lost = udp && self.random.chance(link.loss);
        let forgotten =
            |since: Duration| link.forgets.iter().any(|then| since < *then && *then <= at);
        if lost
            || opened.is_some_and(forgotten)
            || link.outages.iter().any(|outage| outage.contains(&at))
        {
            return vec![];
        }
        if to.transport.is_encrypted() {
            let stream = opened.map(|since| at.saturating_sub(since)).unwrap_or_default();
            let said = || self.react(host, &question, &message, udp);
            return tls::react(link.tls, to, trip, stream, said);
        }
        // A stream is opened first.
        let trip = if udp { trip } else { trip * 2 };
        self.react(host, &question, &message, udp)
            .into_iter()
            .map(|(later, outcome)| (trip + later, outcome))
            .collect()
    }
}
