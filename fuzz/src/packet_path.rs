//! A packet of a client: whatever it is, the reply is one that a client may get.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Counters, Delegation, Message, Question, Random, Rtype, Transport, zonefile};
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_server::pipeline::{Cookies, Handled, Rules};
use zoners_server::{Client, Config, Service};
use zoners_sim::{SimClock, SimNetwork, world};

thread_local! {
    /// The service, and the runtime to which it hands what takes time.
    static SERVICE: (Runtime, Service<SimNetwork>) = service();
}

/// Not served.
const STRANGER: [u8; 4] = [203, 0, 113, 1];

/// Sends `packet` as clients near and far, over datagrams and streams.
pub fn run(packet: &[u8]) {
    let clients = [
        ([127, 0, 0, 1], Transport::Udp),
        ([192, 168, 1, 1], Transport::Udp),
        ([192, 168, 1, 1], Transport::Tcp),
        (STRANGER, Transport::Udp),
    ];
    for (address, transport) in clients {
        check(packet, Client::new(address.into(), transport));
    }
}

fn check(packet: &[u8], client: Client) {
    let mut reply = Vec::new();
    let stranger = client.address == IpAddr::from(STRANGER);
    let handled = SERVICE.with(|(runtime, service)| {
        runtime.block_on(async { service.handle(packet, client, service.clock(), &mut reply) })
    });
    match handled {
        Handled::Reply(_) if stranger => {
            assert!(2 * reply.len() <= 3 * packet.len(), "a reflector")
        }
        Handled::Reply(_) => {}
        // It is told so a few times a second.
        Handled::Nothing(_) if stranger => return,
        // Two servers that answered each other's answers would never stop; what is shorter than
        // a header has no ID to answer to.
        Handled::Nothing(_) => return assert!(packet.len() < 12 || packet[2] & 0x80 != 0),
        Handled::Miss(_) => return,
    }
    assert!(packet[2] & 0x80 == 0, "an answer was answered");
    assert_eq!(reply[..2], packet[..2], "the ID");
    assert_eq!(reply[2] & 0xF8, 0x80 | packet[2] & 0x78, "QR and the opcode");
    if client.transport == Transport::Udp {
        assert!(reply.len() <= 1232);
    }
    // NOTIMP may be all there is to say of another opcode.
    if reply.len() > 12 && packet[2] & 0x78 == 0 {
        // Class CHAOS is read nowhere else.
        let question = &packet[12..];
        let end = question.iter().position(|octet| *octet == 0).unwrap_or(0);
        if question.get(end + 3..end + 5) == Some(&[0, 1]) {
            assert!(Message::parse(&Bytes::from(reply)).is_ok());
        }
    }
}

/// A service that knows a few names already: present, large, absent.
fn service() -> (Runtime, Service<SimNetwork>) {
    let net = world::small(1);
    let long: String = (0..40).map(|line| format!("big TXT \"line {line:040}\"\n")).collect();
    let text = format!("@ NS ns1\nns1 A 203.0.114.1\nwww 300 A 203.0.115.2\n{long}");
    net.zone("example.com", &["203.0.114.1", "203.0.114.2"], &text);
    let text = "[server]\nversion = \"v\"\n[local]\nrecords = [\"nas.lan. 60 A 192.168.1.2\"]\n";
    let config = Config::parse(text, "fuzz").expect("it is right");
    let random = Random::seeded(1);
    let rules =
        Rules::new(&config, &[], Cookies::new(&random), &random, 0).expect("they are right");
    let cache = Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), random);
    let hints = zonefile::root_hints(world::HINTS).expect("they are right");
    let settings = Settings::new(Delegation::from_hints(&hints).expect("they have servers"));
    let worker = Resolver::new(shared, net, Arc::new(settings), Arc::<Counters>::default());
    let service = Service::new(worker, Arc::new(rules));
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("it is not much");
    runtime.block_on(async {
        for (name, rtype) in [
            ("www.example.com", Rtype::A),
            ("big.example.com", Rtype::TXT),
            ("gone.example.com", Rtype::A),
        ] {
            let question = Question::new(zoners_dns::name::parse(name).expect("a name"), rtype);
            for edns in [true, false] {
                let options = QueryOptions { id: 1, recursion_desired: true, edns };
                let packet = query(&question, options);
                for _ in 0..3 {
                    service.answer(&packet, Client::local(Transport::Tcp)).await;
                }
            }
        }
    });
    (runtime, service)
}
