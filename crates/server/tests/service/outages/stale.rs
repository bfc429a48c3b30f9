//! If no server answers, an expired answer is given (RFC 8767).

use std::time::Duration;

use crate::lab::{ServiceLab, above, asked, lab, lab_with, packet};
use tokio::time::{Instant, sleep};
use zoners_dns::{Counter, EdeCode, Message, OptRcode, Rtype, Transport, name};
use zoners_sim::world::EXAMPLE_SERVERS;
use zoners_sim::{Link, Manner};

const WWW_TTL: Duration = Duration::from_secs(300);
const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The response for `www.example.com. A`, and its time.
async fn ask(lab: &ServiceLab, name: &str) -> (Message, Duration) {
    let began = Instant::now();
    let reply = lab.ask(name, Rtype::A, Transport::Udp).await;
    (reply, began.elapsed())
}

fn codes(reply: &Message) -> Vec<u16> {
    reply.edns.iter().flat_map(|edns| &edns.errors).map(|ede| ede.code.0).collect()
}

/// Whether the response is the stale answer, with the TTL and EDE of stale answers.
fn is_stale(reply: &Message) -> bool {
    let ttls = reply.answer.iter().all(|set| set.ttl == 30);
    let stale = codes(reply) == [EdeCode::STALE_ANSWER.0];
    assert_eq!(stale, ttls && !reply.answer.is_empty(), "{reply:?}");
    stale
}

/// A lab with `www.example.com.` in the cache, just expired.
async fn expired() -> ServiceLab {
    let lab = lab();
    assert!(!is_stale(&ask(&lab, "www.example.com").await.0));
    lab.clock.jump(WWW_TTL);
    lab
}

#[tokio::test(start_paused = true)]
async fn who_asks_a_dead_zone_gets_what_was_known() {
    let lab = expired().await;
    lab.link_all(EXAMPLE_SERVERS, Manner::Dead);
    let (reply, took) = ask(&lab, "www.example.com").await;
    assert!(is_stale(&reply) && !reply.header.ad());
    assert!(took <= ms(1800), "{took:?}");
    // By now the servers are known to fail.
    for _ in 0..20 {
        let (reply, took) = ask(&lab, "www.example.com").await;
        assert!(is_stale(&reply) && took <= ms(400), "{took:?}");
        sleep(ms(700)).await;
    }
    assert_eq!(lab.count(Counter::ClientStale), 21);
    assert_eq!(lab.count(Counter::ClientServfail), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_waited_for() {
    for (millis, stale) in [(300, false), (1500, false), (1900, true)] {
        let lab = expired().await;
        for address in EXAMPLE_SERVERS {
            lab.net.link(address, Link::of(millis));
        }
        let (reply, took) = ask(&lab, "www.example.com").await;
        assert_eq!(is_stale(&reply), stale, "{millis} ms");
        assert!(took <= ms(1800), "{took:?}");
        // A late reply is accepted nevertheless.
        sleep(ms(500)).await;
        let (reply, took) = ask(&lab, "www.example.com").await;
        assert!(!is_stale(&reply) && took < ms(1), "{millis} ms: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_network_there_is_no_wait_and_with_it_again_all_is_fresh_within_a_second() {
    let lab = lab();
    let names = ["www", "ns1", "a.b.ent", "nothing"].map(|l| format!("{l}.example.com"));
    for name in &names {
        ask(&lab, name).await;
    }
    lab.clock.jump(12 * 3600 * SECOND);
    lab.link_all(EXAMPLE_SERVERS, Manner::Dead);
    lab.link_all(above(), Manner::Dead);
    ask(&lab, "www.example.com").await;
    sleep(3 * SECOND).await;
    for _ in 0..5 {
        for name in &names {
            let (reply, took) = ask(&lab, name).await;
            let code = match name.starts_with("nothing") {
                true => EdeCode::STALE_NXDOMAIN,
                false => EdeCode::STALE_ANSWER,
            };
            assert_eq!((codes(&reply), took), (vec![code.0], Duration::ZERO), "{name}");
        }
        sleep(SECOND).await;
    }
    let broken = Instant::now();
    lab.link_all(EXAMPLE_SERVERS, Manner::Good);
    lab.link_all(above(), Manner::Good);
    while codes(&ask(&lab, "www.example.com").await.0) != Vec::<u16>::new() {
        sleep(ms(50)).await;
    }
    for name in &names {
        ask(&lab, name).await;
    }
    sleep(SECOND.saturating_sub(broken.elapsed())).await;
    for name in &names {
        assert_eq!(codes(&ask(&lab, name).await.0), Vec::<u16>::new(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_changed_is_told_and_never_taken_back() {
    let lab = expired().await;
    let www = name::parse("www.example.com").unwrap();
    lab.net.change("example.com", |zone| {
        zone.remove(&www, Rtype::A);
    });
    let (reply, _) = ask(&lab, "www.example.com").await;
    assert_eq!((reply.rcode, codes(&reply)), (OptRcode::NXDOMAIN, vec![]));
    // When that has expired too, it is still the last known answer.
    lab.clock.jump(4 * 3600 * SECOND);
    lab.link_all(EXAMPLE_SERVERS, Manner::Dead);
    lab.link_all(above(), Manner::Dead);
    let (reply, _) = ask(&lab, "www.example.com").await;
    assert_eq!(codes(&reply), [EdeCode::STALE_NXDOMAIN.0], "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_for_a_day_or_as_long_as_the_configuration_says() {
    for (config, seconds, kept) in [
        ("", 86_398, true),
        ("", 86_401, false),
        ("[cache]\nmax-stale-ttl = 60\n", 58, true),
        ("[cache]\nmax-stale-ttl = 60\n", 61, false),
        ("[cache]\nserve-stale = false\n", 1, false),
    ] {
        let lab = lab_with(config);
        ask(&lab, "www.example.com").await;
        lab.clock.jump(WWW_TTL + seconds * SECOND);
        lab.link_all(EXAMPLE_SERVERS, Manner::Dead);
        lab.link_all(above(), Manner::Dead);
        let (reply, _) = ask(&lab, "www.example.com").await;
        assert_eq!(is_stale(&reply), kept, "{config:?}, {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_refuses_is_as_good_as_a_dead_one() {
    let lab = expired().await;
    lab.link_all(EXAMPLE_SERVERS, Manner::Refuses);
    let (reply, took) = ask(&lab, "www.example.com").await;
    assert!(is_stale(&reply) && took < ms(400), "{took:?}");
    let unread = packet(&asked("www.example.com", Rtype::A), false);
    let reply = lab.send(&unread, Transport::Udp).await.unwrap();
    assert!(reply.edns.is_none() && reply.answer[0].ttl == 30);
}
