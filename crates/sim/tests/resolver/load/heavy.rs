//! Replies of thousands of records cost in proportion to their useful records.

use crate::common::Lab;
use zoners_dns::message::{MAX_GLUE, MAX_OWNERS, MAX_SIGNATURES};
use zoners_dns::{Counter, Question, RRset, Records, Rtype, name};
use zoners_sim::{Said, SimNetwork, world};

/// The servers of `example.com.`, and those of its parent.
const SERVERS: [&str; 2] = ["203.0.114.1", "203.0.114.2"];
const PARENTS: [&str; 3] = ["192.5.6.1", "192.5.6.2", "2001:503::1"];

/// An Internet in which some servers alter their answers.
fn net(
    servers: &[&str],
    alter: impl Fn(&Question, Said) -> Option<Said> + Clone + Send + Sync + 'static,
) -> SimNetwork {
    let net = world::small(1);
    for server in servers {
        net.alter(server, alter.clone());
    }
    net
}

/// Whether a reply refers to the servers of a zone below.
fn refers(said: &Said) -> bool {
    !said.aa && said.authority.iter().any(|set| set.rtype == Rtype::NS)
}

/// `count` address RRsets of unrelated names.
fn foreign(count: usize) -> Vec<RRset> {
    let set = |number: usize| {
        let owner = name::parse(&format!("f{number}.example.com")).unwrap();
        RRset::new(owner, Rtype::A, 60, Records::from_iter([[192, 0, 2, 1]]))
    };
    (0..count).map(set).collect()
}

#[tokio::test(start_paused = true)]
async fn a_referral_to_hundreds_of_servers_leads_down_by_the_first() {
    let server = |number: usize| name::parse(&format!("n{number}.example.com")).unwrap();
    let names: Records = (0..256).map(|number| server(number).as_slice().to_vec()).collect();
    let net = net(&PARENTS, move |_, mut said| {
        if refers(&said) {
            said.authority[0].records = names.clone();
            let addresses = said.additional[0].clone();
            let glue = (0..256).map(|number| RRset { owner: server(number), ..addresses.clone() });
            said.additional = glue.chain(foreign(2_300)).collect();
        }
        Some(said)
    });
    let lab = Lab::frugal(net);
    let answer = lab.ask("www.example.com", Rtype::A).await;
    assert!(answer.contains("203.0.115.2"), "{answer}");
    assert_eq!(lab.count(Counter::LimitDelegationServers), 1);
    let (cache, zone) = (&lab.worker.shared().cache, name::parse("example.com").unwrap());
    let kept = cache.delegation(&zone, lab.worker.shared().now()).unwrap();
    assert_eq!(kept.servers.len(), lab.worker.settings().limits.servers);
    assert!(kept.servers.iter().all(|server| server.addresses.len() == 1), "with their glue");
}

#[tokio::test(start_paused = true)]
async fn glue_is_found_among_the_addresses_that_are_looked_at() {
    // The last record within the limit; a record behind it is not seen.
    for (before, found) in [(MAX_GLUE - 1, true), (MAX_GLUE, false)] {
        let net = net(&PARENTS, move |_, mut said| {
            if refers(&said) {
                said.additional = foreign(before).into_iter().chain(said.additional).collect();
            }
            Some(said)
        });
        let answer = Lab::frugal(net).resolve("www.example.com", Rtype::A).await;
        assert_eq!(answer.is_ok(), found, "{before} before it: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_too_many_rrsets_is_none() {
    for (more, refused) in [(MAX_OWNERS, false), (MAX_OWNERS + 1, true)] {
        let net = net(&SERVERS, move |_, mut said| {
            if !said.answer.is_empty() {
                said.answer.extend(foreign(more));
            }
            Some(said)
        });
        let lab = Lab::frugal(net);
        let answer = lab.ask("www.example.com", Rtype::A).await;
        assert_eq!(answer.contains("too many RRsets"), refused, "{answer}");
        // Two servers are heard, of the shortened question or the whole.
        let heard = lab.count(Counter::LimitMessageRecords);
        assert_eq!(heard > 0, refused);
        assert!(heard <= 4, "{heard} replies were read");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_signatures_are_kept_than_a_zone_has_use_for() {
    let signature = |number: u16| [&[0, 1, 13][..], &[0; 15], &[0], &number.to_be_bytes()].concat();
    let net = net(&SERVERS, move |_, mut said| {
        for set in &mut said.answer {
            set.signatures = (0..1_000).map(signature).collect();
        }
        Some(said)
    });
    let lab = Lab::frugal(net);
    let answer = lab.resolve("www.example.com", Rtype::A).await.unwrap();
    assert_eq!(answer.answer[0].signatures.len(), MAX_SIGNATURES);
    assert_eq!(lab.count(Counter::LimitSignatures), 1_000 - MAX_SIGNATURES as u64);
}
