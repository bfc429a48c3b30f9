//! A reply of a server: whatever it says, nothing is kept that its zone may not say, and the
//! client gets an answer.
//!
//! The first octets are flags, RCODE and the counts of the sections; the rest is what follows the
//! question. The ID and the question are those of the query, or nothing would ever be read.

use std::sync::Arc;

use bytes::Bytes;
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{
    Counters, Delegation, DsStatus, Endpoint, Exchange, ExchangeEvent, Message, Moment, Name,
    NameServer, Network, NetworkError, QueryMode, Question, Random, Rtype, Transport, name,
};
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_sim::SimClock;

/// The only server that answers.
const SERVER: [u8; 4] = [192, 0, 2, 53];

/// Lets a server of `zone.example.` answer every query with `octets`.
pub fn run(octets: &[u8]) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("it is not much").block_on(resolve(octets));
}

async fn resolve(octets: &[u8]) {
    let zone = parsed("zone.example");
    let asked = Question::new(parsed("www.sub.zone.example"), Rtype::A);
    let cache = Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(1));
    let mut settings = Settings::new(delegation(name::root(), [192, 0, 2, 1]));
    settings.routes = vec![delegation(zone.clone(), SERVER)];
    settings.priming = false;
    let forger = Forger(Bytes::copy_from_slice(octets));
    let shown = forger.reply(&zoners_dns::query::query(
        &asked,
        zoners_dns::query::QueryOptions { id: 0, recursion_desired: false, edns: false },
    ));
    let counters = Arc::<Counters>::default();
    let worker = Resolver::new(shared.clone(), forger, Arc::new(settings), counters);
    let _ = worker.resolve(&asked, None).await;
    let Some(message) = shown.and_then(|shown| Message::parse(&shown).ok()) else { return };
    let now = shared.now();
    let additional = message.additional.rrsets_of_all();
    for set in message.answer.iter().chain(&message.authority).chain(&additional) {
        if !name::is_within(&set.owner, &zone) {
            unknown(&shared.cache, &set.owner, set.rtype, now);
        }
    }
}

/// Nothing is known of a name that the zone has no business with.
fn unknown(cache: &Cache, name: &Name, rtype: Rtype, now: Moment) {
    assert!(cache.rrset(name, rtype, now).is_none(), "{name} {rtype}");
    assert!(cache.delegation(name, now).is_none(), "{name}");
    assert!(cache.nxdomain(name, now).is_none(), "{name}");
    assert!(cache.denial(name, rtype, now).is_none(), "{name} {rtype}");
}

fn parsed(text: &str) -> Name {
    name::parse(text).expect("a name")
}

fn delegation(zone: Name, server: [u8; 4]) -> Delegation {
    let name = parsed("ns.zone.example");
    Delegation {
        zone,
        mode: QueryMode::Stub,
        transport: Transport::Udp,
        servers: vec![NameServer::plain(name, vec![(server, 53).into()])],
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}

/// Answers all with the same.
struct Forger(Bytes);

impl Forger {
    fn reply(&self, query: &[u8]) -> Option<Bytes> {
        let ([f0, f1, answers, authority, additional], rest) = self.0.split_first_chunk::<5>()?;
        let mut end = 12;
        while *query.get(end)? != 0 {
            end += 1 + usize::from(*query.get(end)?);
        }
        let question = query.get(12..end + 5)?;
        let flags = [f0 | 0x80, *f1];
        let counts = [0, 1, 0, *answers, 0, *authority, 0, *additional];
        Some([&query[..2], &flags, &counts, question, rest].concat().into())
    }
}

struct Forged(Option<Bytes>);

impl Network for Forger {
    type Exchange = Forged;
    type Room = ();

    fn room(&self, _: Endpoint) -> Option<()> {
        Some(())
    }

    fn exchange(&self, to: Endpoint, query: Bytes, _: Option<()>) -> Forged {
        let ours = to.address.ip() == std::net::IpAddr::from(SERVER);
        Forged(ours.then(|| self.reply(&query)).flatten())
    }
}

impl Exchange for Forged {
    async fn receive(&mut self) -> ExchangeEvent {
        match self.0.take() {
            Some(reply) => ExchangeEvent::Message(reply),
            None => ExchangeEvent::Failed(NetworkError::Unreachable),
        }
    }

    fn resend(&mut self, _: Bytes) {}
}
