//! The cost of replies with thousands of records, counted in allocations.

use allocation_counter::measure;
use bytes::Bytes;
use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::{
    Delegation, DsStatus, Message, Moment, NameServer, OptRcode, QueryMode, Question, RRset,
    Records, Rtype, Transport, name,
};
use zoners_resolver::Settings;
use zoners_resolver::Verdict;
use zoners_resolver::{Scrubbed, classify};

#[test]
fn what_is_not_needed_is_not_built() {
    let settings = Settings::new(cut("."));
    let plain = referral(20, 0);
    let (few, few_servers) = cost(&plain, &settings);
    // Two allocations more for 236 further servers: their names belong to one RRset, and 20 names
    // are read.
    let (many, many_servers) = cost(&referral(256, 2_700), &settings);
    assert_eq!((few_servers, many_servers), (20, 20));
    assert!(many.blocks <= few.blocks + 10, "{many:?} beside {few:?}");
    // The RRset itself, which grows by doubling.
    assert!(many.octets <= few.octets + 3 * 256 * 24, "{many:?} beside {few:?}");
    let (foreign, _) = cost(&referral(20, 2_700), &settings);
    assert_eq!(foreign, few, "of foreign addresses nothing is built");
}

/// The allocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    blocks: u64,
    octets: u64,
}

/// The cost of reading and classifying a referral, and the number of servers found.
fn cost(reply: &Bytes, settings: &Settings) -> (Cost, usize) {
    let (cut, asked) = (cut("test"), question());
    let mut found = None;
    let allocated = measure(|| {
        let message = Message::parse(reply).unwrap();
        let verdict =
            classify(&cut, &asked, &message, Scrubbed::default(), settings, Moment::default());
        found = Some(verdict.unwrap());
    });
    let verdict = found.unwrap();
    let Verdict::Referral(child) = verdict else { panic!("{verdict}") };
    (Cost { blocks: allocated.count_total, octets: allocated.bytes_total }, child.servers.len())
}

/// A referral to `servers` servers, followed by the addresses of `foreign` unrelated names.
fn referral(servers: usize, foreign: usize) -> Bytes {
    let server = |number: usize| name::parse(&format!("ns{number:03}.zone.test")).unwrap();
    let names = (0..servers).map(|number| server(number).as_slice().to_vec());
    let zone = name::parse("zone.test").unwrap();
    let ns = RRset::new(zone, Rtype::NS, 60, names.collect::<Records>());
    let address = |owner| RRset::new(owner, Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]));
    let other = |number| name::parse(&format!("f{number}.zone.test")).unwrap();
    let glue = (0..20).map(server).chain((0..foreign).map(other)).map(address);
    Bytes::from(compose(&Response {
        question: &question(),
        rcode: OptRcode::NOERROR,
        flags: ResponseFlags::default(),
        answer: &[],
        authority: &[ns],
        additional: &glue.collect::<Vec<_>>(),
        signatures: false,
    }))
}

fn question() -> Question {
    Question::new(name::parse("www.zone.test").unwrap(), Rtype::A)
}

fn cut(zone: &str) -> Delegation {
    let servers = vec![NameServer::plain(name::root(), vec![])];
    Delegation {
        zone: name::parse(zone).unwrap(),
        mode: QueryMode::Iterative,
        transport: Transport::Udp,
        servers,
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}
