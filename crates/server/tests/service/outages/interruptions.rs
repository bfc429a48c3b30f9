//! While the uplink is interrupted, an expired answer is given at once.

use std::time::Duration;

use crate::lab::{ServiceLab, lab};
use tokio::time::{Instant, sleep};
use zoners_dns::{EdeCode, Rtype, Transport};
use zoners_sim::Uplink;

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
