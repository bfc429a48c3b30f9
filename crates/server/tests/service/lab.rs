//! The pipeline of a query over a simulated Internet.

use std::sync::Arc;

use zoners_cache::Cache;
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{
    Counter, Counters, Delegation, Message, Question, Random, Rtype, Transport, name, zonefile,
};
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_server::pipeline::{Cookies, Rules};
use zoners_server::{Client, Config, Service};
use zoners_sim::world::{COM_SERVERS, NET_SERVERS, ROOT_SERVERS};
use zoners_sim::{Link, Manner, SimClock, SimNetwork, world};

pub(crate) struct ServiceLab {
    pub(crate) net: SimNetwork,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) service: Service<SimNetwork>,
}

/// The servers above `example.com.` and beside it: those of the root, `com.` and `net.`
pub(crate) fn above() -> impl Iterator<Item = &'static str> {
    ROOT_SERVERS.into_iter().chain(COM_SERVERS).chain(NET_SERVERS)
}

pub(crate) fn lab() -> ServiceLab {
    lab_with("")
}

/// With a configuration, of which only the routes and zones apply to the resolver.
pub(crate) fn lab_with(config: &str) -> ServiceLab {
    let net = world::small(1);
    let mut text = String::from(
        "@ NS ns1\nns1 A 203.0.114.1\nwww 300 A 203.0.115.2\na.b.ent A 203.0.115.5\n\
                              *.wild 300 A 203.0.115.6\nall 300 A 203.0.115.7\nall 300 AAAA 2001:db8:1::7\nall 300 HTTPS 1 . alpn=h2\n",
    );
    for number in 0..40 {
        text += &format!("big TXT \"{number:040}\"\n");
    }
    net.zone("example.com", &["203.0.114.1", "203.0.114.2"], &text);
    let config = Config::parse(config, "zoners.toml").unwrap();
    let cookies = Cookies::new(&Random::seeded(2));
    let routes = config.settings().unwrap().routes;
    let rules = Rules::new(&config, &routes, cookies, &Random::seeded(3), 0).unwrap();
    let clock = Arc::new(SimClock::new(None));
    let cache = Cache::new(8 << 20, config.ttl_limits(), [1, 2]);
    let shared = Shared::new(cache, clock.clone(), Random::seeded(1));
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let mut settings = Settings::new(Delegation::from_hints(&hints).unwrap());
    settings.routes = routes;
    settings.zone_copies = rules.zone_copies();
    let worker =
        Resolver::new(shared, net.clone(), Arc::new(settings), Arc::new(Counters::default()));
    ServiceLab { net, clock, service: Service::new(worker, Arc::new(rules)) }
}

/// Over a network of the caller, with settings that differ from the defaults as told.
pub(crate) fn lab_over(net: SimNetwork, change: impl FnOnce(&mut Settings)) -> ServiceLab {
    let config = Config::default();
    let cookies = Cookies::new(&Random::seeded(2));
    let rules = Rules::new(&config, &[], cookies, &Random::seeded(3), 0).unwrap();
    let clock = Arc::new(SimClock::new(None));
    let cache = Cache::new(8 << 20, config.ttl_limits(), [1, 2]);
    let shared = Shared::new(cache, clock.clone(), Random::seeded(1));
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let mut settings = Settings::new(Delegation::from_hints(&hints).unwrap());
    change(&mut settings);
    let worker =
        Resolver::new(shared, net.clone(), Arc::new(settings), Arc::new(Counters::default()));
    ServiceLab { net, clock, service: Service::new(worker, Arc::new(rules)) }
}

pub(crate) fn asked(text: &str, rtype: Rtype) -> Question {
    Question::new(name::parse(text).unwrap(), rtype)
}

/// A client's query: RD, with or without EDNS (and then DO).
pub(crate) fn packet(question: &Question, edns: bool) -> Vec<u8> {
    query(question, QueryOptions { id: 0xABCD, recursion_desired: true, edns }).to_vec()
}

impl ServiceLab {
    /// Makes each of these servers behave so, 20 ms away.
    pub(crate) fn link_all<'a>(
        &self,
        addresses: impl IntoIterator<Item = &'a str>,
        manner: Manner,
    ) {
        for address in addresses {
            self.net.link(address, Link::of(20).with(manner));
        }
    }

    pub(crate) async fn send(&self, packet: &[u8], transport: Transport) -> Option<Message> {
        self.send_from(packet, Client::local(transport)).await
    }

    pub(crate) async fn send_from(&self, packet: &[u8], client: Client) -> Option<Message> {
        let reply = self.service.answer(packet, client).await?;
        Some(Message::parse(&reply.into()).unwrap())
    }

    pub(crate) async fn ask(&self, text: &str, rtype: Rtype, transport: Transport) -> Message {
        self.send(&packet(&asked(text, rtype), true), transport).await.unwrap()
    }

    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.service.worker().counters().get(counter)
    }
}

/// A query whose OPT record has these options.
pub(crate) fn with_options(question: &Question, options: &[u8]) -> Vec<u8> {
    let mut packet = packet(question, true);
    let length = packet.len() - 2;
    packet[length..].copy_from_slice(&(options.len() as u16).to_be_bytes());
    packet.extend(options);
    packet
}
