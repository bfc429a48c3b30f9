//! Quotas: a server or zone with very many questions under way gets no more than it answers, and
//! leaves room for the rest.

use std::time::Duration;

use crate::common::many::{many, ms, time, with_delegations};
use crate::common::{Lab, question, settings};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use zoners_dns::{Counter, Rtype};
use zoners_resolver::{Cause, Resolution};
use zoners_sim::{Link, Manner, SimNetwork};

/// Asks for names of a zone, evenly spread over time.
async fn flood(lab: &Lab, zone: &str, from: u64, times: u64, every: Duration) -> Vec<Resolution> {
    let mut asking = JoinSet::new();
    for number in 0..times {
        let asked = question(&format!("q{}.{zone}", from + number), Rtype::A);
        let worker = lab.worker.clone();
        asking.spawn(async move {
            sleep(every * number as u32).await;
            worker.resolve(&asked, None).await
        });
    }
    asking.join_all().await
}

/// `slow.com.` on `servers` servers with this latency.
fn slow(servers: usize, millis: u64, jitter: u64) -> SimNetwork {
    let mut text = String::new();
    let addresses: Vec<String> = (0..servers).map(|last| format!("203.20.0.{last}")).collect();
    for (number, address) in addresses.iter().enumerate() {
        text += &format!("slow NS ns{number}.slow\nns{number}.slow A {address}\n");
    }
    let net = with_delegations(&text);
    let served: Vec<&str> = addresses.iter().map(String::as_str).collect();
    net.zone("slow.com", &served, "* A 203.0.113.1\n");
    for address in served {
        net.link(address, Link { jitter: ms(jitter), ..Link::of(millis) });
    }
    net
}

fn sent_to(net: &SimNetwork, prefix: &str) -> usize {
    let sent = net.sent();
    sent.iter().filter(|sent| sent.to.address.to_string().starts_with(prefix)).count()
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_gets_one_query_for_each_question() {
    for (servers, millis, jitter) in [(1, 1000, 0), (1, 2000, 0), (1, 1000, 1000), (2, 1500, 200)] {
        let lab = Lab::new(slow(servers, millis, jitter));
        let asked = 300 * 15;
        let all = flood(&lab, "slow.com", 0, asked, Duration::from_micros(3333)).await;
        let answered = all.iter().filter(|one| one.is_ok()).count();
        let sent = sent_to(&lab.net, "203.20.");
        let each = sent as f64 / asked as f64;
        println!("{servers} servers of {millis}+{jitter} ms: {each:.3} each, {answered} answered");
        // Apart from the first queries to each server.
        let most = asked as usize + 4 * servers;
        assert!(sent <= most, "{servers} servers of {millis}+{jitter} ms: {each}");
        assert!(answered as f64 / asked as f64 > 0.95, "{millis}+{jitter} ms: {answered}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_names_at_a_silent_authority_leaves_others_untouched() {
    for known in [false, true] {
        let net = slow(2, 20, 0);
        let lab = Lab::new(net);
        if known {
            time(&lab, "n1.slow.com").await;
        }
        time(&lab, "example.com").await;
        for last in 0..2 {
            lab.net.link(&format!("203.20.0.{last}"), Link::of(20).with(Manner::Dead));
        }
        lab.net.forget_sent();
        let (worker, seconds) = (lab.worker.clone(), 6);
        let attack =
            async { flood(&lab, "slow.com", 0, 5000 * seconds, Duration::from_micros(200)).await };
        let benign = async {
            let (mut longest, mut most_pending) = (Duration::ZERO, 0);
            for number in 0..seconds * 20 {
                sleep(ms(50)).await;
                most_pending = most_pending.max(worker.pending());
                let started = Instant::now();
                let asked = question(&format!("n{number}.example.com"), Rtype::A);
                let answer = worker.resolve(&asked, None).await;
                assert!(answer.is_ok(), "{number}: {answer:?}");
                longest = longest.max(started.elapsed());
            }
            (longest, most_pending)
        };
        let (all, (longest, pending)) = tokio::join!(attack, benign);
        assert!(all.iter().all(Result::is_err));
        let sent = sent_to(&lab.net, "203.20.");
        println!("known {known}: {sent} sent, longest {longest:?}, {pending} pending");
        assert!(longest <= ms(25), "{longest:?}");
        assert!(pending <= 1 + settings().limits.questions_per_zone as usize, "{pending}");
        // Of servers with a known RTT, the first of each question until a reply is late.
        assert!(sent <= if known { 600 } else { 100 }, "{sent}");
        assert!(lab.count(Counter::LimitQuestionsPerZone) > 0);
        let at_once = all.iter().filter(|one| {
            one.as_ref().is_err_and(|unresolved| unresolved.cause == Cause::Overloaded)
        });
        assert!(at_once.count() > all.len() / 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_adapts_to_silence_and_recovers() {
    let mut settings = settings();
    (settings.limits.questions_per_zone, settings.limits.queries_per_server) = (512, 256);
    let lab = Lab::with(many(2, |_| Link::of(20)), settings);
    time(&lab, "n0.many.com").await;
    for last in [101, 102] {
        lab.net.link(&format!("203.0.114.{last}"), Link::of(20).losing(0.95));
    }
    for round in 0..20 {
        flood(&lab, "many.com", round * 1000, 400, ms(1)).await;
    }
    let before = lab.count(Counter::LimitQuestionsPerZone);
    assert!(before > 0, "fewer than 400 may be under way");
    for last in [101, 102] {
        lab.net.link(&format!("203.0.114.{last}"), Link::of(20));
    }
    for round in 20..30 {
        flood(&lab, "many.com", round * 1000, 400, ms(5)).await;
    }
    let before = lab.count(Counter::LimitQuestionsPerZone);
    let all = flood(&lab, "many.com", 50_000, 400, Duration::ZERO).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(lab.count(Counter::LimitQuestionsPerZone), before);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_quotas_where_the_configuration_says_so() {
    for (limit, refused) in [(64, 136), (200, 0), (0, 0)] {
        let mut settings = settings();
        settings.limits.questions_per_zone = limit;
        let lab = Lab::with(many(2, |_| Link::of(20).with(Manner::Dead)), settings);
        let all = flood(&lab, "many.com", 0, 200, Duration::ZERO).await;
        assert!(all.iter().all(Result::is_err));
        assert_eq!(lab.count(Counter::LimitQuestionsPerZone), refused, "{limit}");
    }
}
