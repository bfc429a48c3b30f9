//! Servers at addresses, and the exchanges with them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use parking_lot::Mutex;
use tokio::time::Instant;
use zoners_dns::{
    Endpoint, Failure, Message, Name, Network, OptRcode, Outcome, Question, RRset, Random, Records,
    ReplyOpt, Rtype, Transport, compose, name,
};

pub use crate::exchange::SimExchange;
use crate::link::{Link, Manner};
use crate::sign::{Key, Signing};
use crate::zone::{Said, Zone};

/// How long after a bad datagram the good one comes.
const SECOND: Duration = Duration::from_millis(50);

/// A query that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Since the start.
    pub at: Duration,
    /// The exchange that it belongs to: over UDP a socket, and so a port. A query that is sent again
    /// on it has the same number.
    pub exchange: u64,
    /// The query's ID.
    pub id: u16,
    /// Where and how.
    pub to: Endpoint,
    /// What was asked.
    pub question: Question,
    /// With an OPT record.
    pub edns: bool,
    /// The UDP payload size in it; 0 without one.
    pub udp_payload_size: u16,
    /// DO.
    pub dnssec_ok: bool,
    /// CO.
    pub compact_ok: bool,
    /// RD.
    pub recursion_desired: bool,
}

#[derive(Debug, Default)]
struct Host {
    link: Link,
    zones: Vec<String>,
    altered: Option<Altered>,
}

/// What a server says in place of what its zones have; `None`: it stays silent.
#[derive(Clone)]
struct Altered(Arc<dyn Fn(&Question, Said) -> Option<Said> + Send + Sync>);

impl fmt::Debug for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Altered")
    }
}

/// Servers, zones and lines, and a record of all that was sent.
#[derive(Debug)]
pub struct Internet {
    hosts: BTreeMap<IpAddr, Host>,
    zones: BTreeMap<String, Zone>,
    random: Random,
    pub(crate) started: Instant,
    sent: Vec<Sent>,
    pub(crate) exchanges: u64,
    pub(crate) ended: BTreeMap<u64, Duration>,
    pub(crate) records: bool,
}

/// The Internet as a resolver sees it; clones see the same one.
#[derive(Clone, Debug)]
pub struct SimNetwork(pub(crate) Arc<Mutex<Internet>>);

impl SimNetwork {
    /// An Internet with nothing in it.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        SimNetwork(Arc::new(Mutex::new(Internet {
            hosts: BTreeMap::new(),
            zones: BTreeMap::new(),
            random: Random::seeded(seed),
            started: Instant::now(),
            sent: Vec::new(),
            exchanges: 0,
            ended: BTreeMap::new(),
            records: true,
        })))
    }

    /// Draws what is lost and late anew, the Internet staying as it is: another day on it.
    pub fn reseed(&self, seed: u64) {
        self.0.lock().random = Random::seeded(seed);
    }

    /// From now on what is sent is not recorded: a demonstration may run for days.
    pub fn stop_recording(&self) {
        self.0.lock().records = false;
    }

    /// Adds a zone, or replaces it, and lets the servers at `addresses` serve it.
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

    /// Lets another server serve a zone that is there.
    ///
    /// # Panics
    /// The address is none: the test is wrong.
    #[expect(clippy::panic, reason = "a test that is wrong must say so")]
    pub fn serve(&self, origin: &str, address: &str) -> &Self {
        let address = address.parse().unwrap_or_else(|_| panic!("{address}: no address"));
        self.0.lock().hosts.entry(address).or_default().zones.push(origin.to_owned());
        self
    }

    /// Signs zones, the deepest first, each with the DS record of the one before where it lies
    /// right above it. Gives the DS record of the last, the anchor of all.
    ///
    /// # Panics
    /// There is no such zone: the test is wrong.
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

    /// Lets the server at an address say something else than its zones have; `None` is silence.
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

    /// Puts a line between us and all servers that takes so long, and up to `jitter` longer.
    pub fn delay_all(&self, latency: Duration, jitter: Duration) {
        for host in self.0.lock().hosts.values_mut() {
            host.link.latency += latency;
            host.link.jitter += jitter;
        }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        Instant::now() - self.0.lock().started
    }

    /// All that was sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.0.lock().sent.clone()
    }

    /// When exchanges ended, by their number, with a reply to their query or because nobody waited any
    /// more. Those that are under way have no end.
    #[must_use]
    pub fn ended(&self) -> BTreeMap<u64, Duration> {
        self.0.lock().ended.clone()
    }

    /// Forgets what was sent so far.
    pub fn forget_sent(&self) {
        let mut internet = self.0.lock();
        (internet.sent, internet.ended) = (Vec::new(), BTreeMap::new());
    }

    /// How many queries went to an address.
    #[must_use]
    pub fn sent_to(&self, address: &str) -> usize {
        let sent = self.sent();
        sent.iter().filter(|sent| sent.to.address.ip().to_string() == address).count()
    }
}

impl Network for SimNetwork {
    type Exchange = SimExchange;

    fn send(&self, to: Endpoint, query: Bytes) -> SimExchange {
        SimExchange::begin(self.clone(), to, query)
    }
}

type Arrivals = Vec<(Duration, Outcome)>;

impl Internet {
    /// What comes back for a query, and after how long.
    pub(crate) fn deliver(
        &mut self,
        to: Endpoint,
        exchange: u64,
        query: &Bytes,
        at: Duration,
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
            });
        }
        let Some(host) = self.hosts.get(&to.address.ip()) else { return vec![] };
        let (link, udp) = (&host.link, to.transport == Transport::Udp);
        let jitter = self.random.below(link.jitter.as_micros() as u64 + 1);
        let mut trip = link.latency + Duration::from_micros(jitter);
        if self.random.chance(link.late) {
            trip += link.latency.mul_f64(self.random.below(1000) as f64 / 1000.0 * 3.0);
        }
        let lost = udp && self.random.chance(link.loss);
        if lost || link.outages.iter().any(|outage| outage.contains(&at)) {
            return vec![];
        }
        // A stream is opened first.
        let trip = if udp { trip } else { trip * 2 };
        self.react(host, &question, &message, udp)
            .into_iter()
            .map(|(later, outcome)| (trip + later, outcome))
            .collect()
    }

    fn react(&self, host: &Host, question: &Question, query: &Message, udp: bool) -> Arrivals {
        let edns = query.edns.is_some();
        let good = || self.reply(host, question, query);
        let say = |said: Said| encode(&said, question, query);
        let now = |message: Vec<u8>| vec![(Duration::ZERO, Outcome::Message(message.into()))];
        let then = |first: Vec<u8>, second: Vec<u8>| {
            let mut arrivals = now(first);
            arrivals.push((SECOND, Outcome::Message(second.into())));
            arrivals
        };
        if let Some(Altered(altered)) = &host.altered {
            let said = altered(question, self.say(host, question));
            return said.map_or_else(Vec::new, |said| now(say(said)));
        }
        match host.link.manner {
            Manner::Dead => vec![],
            Manner::TcpOnly if udp => vec![],
            Manner::DropsEdns if edns => vec![],
            Manner::UdpOnly if udp => now(good()),
            Manner::Closed | Manner::UdpOnly => {
                vec![(Duration::ZERO, Outcome::Failed(Failure::Refused))]
            }
            Manner::Refuses => now(say(Said::error(OptRcode::REFUSED))),
            Manner::RefersUpward => now(say(Said::upward())),
            Manner::ServFail => now(say(Said::error(OptRcode::SERVFAIL))),
            Manner::FormErrOnEdns if edns => {
                let mut message = Said::error(OptRcode::FORMERR).message(question, false);
                message[..2].copy_from_slice(&query.header.id().to_be_bytes());
                now(message)
            }
            Manner::ClosesStreams if !udp => {
                vec![(Duration::ZERO, Outcome::Failed(Failure::Closed))]
            }
            Manner::Truncates | Manner::ClosesStreams if udp => {
                let mut message = say(Said::error(OptRcode::NOERROR));
                message[2] |= 0x02;
                now(message)
            }
            Manner::AlwaysTruncates => {
                let mut message = say(Said::error(OptRcode::NOERROR));
                message[2] |= 0x02;
                now(message)
            }
            Manner::BreaksRecords => now(with_broken_record(question, query)),
            Manner::LowerCases => {
                let lower = Question { name: name::lowercase(&question.name), ..question.clone() };
                now(encode(&self.say(host, question), &lower, query))
            }
            Manner::WrongId if udp => {
                let mut forged = good();
                forged[1] ^= 0x55;
                then(forged, good())
            }
            Manner::WrongQuestion if udp => {
                let other = Question { name: name::root(), ..question.clone() };
                then(encode(&self.say(host, question), &other, query), good())
            }
            Manner::Garbage => {
                let mut garbage = query.header.id().to_be_bytes().to_vec();
                garbage.extend([0x84, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0, 0xC0, 0x0C, 7]);
                now(garbage)
            }
            Manner::OmitsSignatures => {
                let mut message = self.say(host, question).message(question, false);
                message[..2].copy_from_slice(&query.header.id().to_be_bytes());
                if edns {
                    compose::add_opt(&mut message, &ReplyOpt::default());
                }
                now(message)
            }
            _ => now(good()),
        }
    }

    fn reply(&self, host: &Host, question: &Question, query: &Message) -> Vec<u8> {
        encode(&self.say(host, question), question, query)
    }

    /// What the deepest of the host's zones that has the name says.
    fn say(&self, host: &Host, question: &Question) -> Said {
        let zones = host.zones.iter().filter_map(|origin| self.zones.get(origin));
        let has = |zone: &&Zone| {
            name::is_within(&question.name, &zone.origin)
                && (question.rtype != Rtype::DS || question.name != zone.origin)
        };
        let Some(zone) = zones.filter(has).max_by_key(|zone| name::depth(&zone.origin)) else {
            return Said::error(OptRcode::REFUSED);
        };
        let mut said = Said { agent: zone.agent.clone(), ..zone.answer(question) };
        let empty = said.answer.is_empty() && said.aa;
        match host.link.manner {
            Manner::DeniesEmptyNonTerminals if empty => said.rcode = OptRcode::NXDOMAIN,
            Manner::Forges => {
                let forged = Records::from_iter([[203, 0, 113, 66]]);
                let addresses = said.answer.iter_mut().filter(|set| set.rtype == Rtype::A);
                addresses.for_each(|set| set.records = forged.clone());
            }
            Manner::KnowsItsServers if question.rtype != Rtype::NS => {
                return Said::error(OptRcode::SERVFAIL);
            }
            Manner::FailsShortened if empty => return Said::error(OptRcode::SERVFAIL),
            _ => {}
        }
        said
    }
}

/// An answer of one record, whose RDATA is an octet short of an address.
fn with_broken_record(question: &Question, query: &Message) -> Vec<u8> {
    let mut message = Said::authoritative().message(question, false);
    message[..2].copy_from_slice(&query.header.id().to_be_bytes());
    message[7] = 1;
    let [high, low] = question.rtype.to_int().to_be_bytes();
    message.extend([0xC0, 12, high, low, 0, 1, 0, 0, 1, 0, 0, 3, 192, 0, 2]);
    message
}

/// Puts what is said on the wire, mirroring the query's ID and OPT.
fn encode(said: &Said, question: &Question, query: &Message) -> Vec<u8> {
    let dnssec_ok = query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
    let mut message = said.message(question, dnssec_ok);
    if let Some(id) = message.first_chunk_mut::<2>() {
        *id = query.header.id().to_be_bytes();
    }
    if query.edns.is_some() {
        let extended_rcode = (said.rcode.to_int() >> 4) as u8;
        let opt = ReplyOpt { dnssec_ok, extended_rcode, ..ReplyOpt::default() };
        compose::add_opt(&mut message, &opt);
        if let Some(agent) = &said.agent {
            name_agent(&mut message, agent);
        }
    }
    message
}

/// Adds the option that names an agent (RFC 9567 section 5) to the OPT record at the end, which has
/// none yet.
fn name_agent(message: &mut Vec<u8>, agent: &Name) {
    message.truncate(message.len() - 2);
    message.put_u16(4 + agent.len() as u16);
    message.put_u16(18);
    message.put_u16(agent.len() as u16);
    message.put_slice(agent.as_slice());
}
