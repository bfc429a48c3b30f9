//! On an uplink that is interrupted again and again, an answer that has just expired is given at once.

use std::time::Duration;

use crate::lab::{ServiceLab, lab, lab_with};
use tokio::time::{Instant, sleep};
use zoners_dns::{EdeCode, Rtype, Transport};
use zoners_sim::world::EXAMPLE_SERVERS;
use zoners_sim::{Link, Uplink};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Whether the answer is stale, and its time.
async fn ask(lab: &ServiceLab, name: &str) -> (bool, Duration) {
    let began = Instant::now();
    let reply = lab.ask(name, Rtype::A, Transport::Udp).await;
    let stale = [EdeCode::STALE_ANSWER.0, EdeCode::STALE_NXDOMAIN.0];
    let mut codes = reply.edns.iter().flat_map(|edns| &edns.errors).map(|ede| ede.code.0);
    (codes.any(|code| stale.contains(&code)), began.elapsed())
}

/// Asks for two names of different zones that the cache lacks.
async fn miss(lab: &ServiceLab, label: &str) -> (bool, Duration) {
    let (below, beside) = (format!("{label}.wild.example.com"), format!("{label}.com"));
    tokio::join!(ask(lab, &below), ask(lab, &beside)).0
}

/// An uplink with two interruptions, both noticed by questions without an answer in the cache.
async fn interrupt(lab: &ServiceLab) {
    let silences = vec![ms(10_000)..ms(11_000), ms(20_000)..ms(21_000)];
    lab.net.behind(Uplink { silences, ..Uplink::default() });
    ask(lab, "www.example.com").await;
    for begins in [ms(10_100), ms(20_100)] {
        for number in 0..4 {
            miss(lab, &format!("n{number}")).await;
        }
        sleep(begins - lab.net.now()).await;
        let label = format!("n{}", begins.as_millis());
        let (is_stale, took) = miss(lab, &label).await;
        assert!(!is_stale && took > ms(800) && took < ms(1300), "{took:?}");
    }
}

fn far(lab: &ServiceLab) {
    for address in EXAMPLE_SERVERS {
        lab.net.link(address, Link::of(300));
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_just_expired_is_given_at_once_and_refreshed() {
    let lab = lab();
    interrupt(&lab).await;
    lab.clock.jump(ms(300_000));
    far(&lab);
    assert_eq!(ask(&lab, "www.example.com").await, (true, Duration::ZERO));
    sleep(ms(400)).await;
    assert_eq!(ask(&lab, "www.example.com").await, (false, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_expired_longer_ago_is_waited_for() {
    let lab = lab();
    ask(&lab, "all.example.com").await;
    lab.clock.jump(ms(310_000));
    interrupt(&lab).await;
    lab.clock.jump(ms(300_000));
    far(&lab);
    assert_eq!(ask(&lab, "www.example.com").await, (true, Duration::ZERO));
    let (is_stale, took) = ask(&lab, "all.example.com").await;
    assert!(!is_stale && took >= ms(250), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn in_an_interruption_whatever_is_known_is_given_at_once() {
    let lab = lab();
    ask(&lab, "all.example.com").await;
    lab.clock.jump(ms(12 * 3600 * 1000));
    let silences = vec![ms(10_000)..ms(15_000)];
    lab.net.behind(Uplink { silences, ..Uplink::default() });
    for number in 0..4 {
        miss(&lab, &format!("n{number}")).await;
    }
    sleep(ms(10_050) - lab.net.now()).await;
    let missed = miss(&lab, "n9");
    let known = async {
        sleep(ms(300)).await;
        ask(&lab, "all.example.com").await
    };
    let (_, known) = tokio::join!(missed, known);
    assert_eq!(known, (true, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn without_serve_stale_the_client_waits() {
    let lab = lab_with("[cache]\nserve-stale = false\n");
    interrupt(&lab).await;
    lab.clock.jump(ms(300_000));
    far(&lab);
    let (is_stale, took) = ask(&lab, "www.example.com").await;
    assert!(!is_stale && took >= ms(300), "{took:?}");
}
