//! Where the machine has few sockets, queries wait for theirs.

use std::time::Duration;

use crate::common::many::{many, ms, time, with_delegations};
use crate::common::{Lab, question};
use tokio::task::JoinSet;
use tokio::time::Instant;
use zoners_dns::{Checking, Counter, Rtype};
use zoners_resolver::Cause;
use zoners_sim::{Link, Manner, SimNetwork};

const NAMES: usize = 345;

/// This many domains, each on two servers; the first server of every tenth domain is dead.
fn domains() -> SimNetwork {
    let mut text = String::new();
    let address =
        |number: usize, server| format!("198.18.{}.{}", number / 2, 1 + 2 * (number % 2) + server);
    for number in 0..NAMES {
        for server in 0..2 {
            text += &format!(
                "d{number} NS ns{server}.d{number}\nns{server}.d{number} A {}\n",
                address(number, server)
            );
        }
    }
    let net = with_delegations(&text);
    for number in 0..NAMES {
        let servers = [0, 1].map(|server| address(number, server));
        let served = servers.each_ref().map(String::as_str);
        net.zone(&format!("d{number}.com"), &served, "www A 203.0.113.1\n");
        if number % 10 == 0 {
            net.link(&servers[0], Link::of(20).with(Manner::Dead));
        }
    }
    net
}

/// The number of answered names when the names are asked at once, and the time of the last answer.
async fn at_once(lab: &Lab) -> (usize, Duration) {
    let (mut asking, began) = (JoinSet::new(), Instant::now());
    for number in 0..NAMES {
        let (worker, name) = (lab.worker.clone(), format!("www.d{number}.com"));
        let asked = question(&name, Rtype::A);
        asking.spawn(async move { worker.resolve(&asked, None).await.is_ok() });
    }
    (asking.join_all().await.into_iter().filter(|answered| *answered).count(), began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn queries_wait_for_a_socket_and_nothing_is_held_against_their_servers() {
    for (sockets, most) in [(12, 4500), (24, 2500), (64, 1500)] {
        let lab = Lab::new(domains());
        lab.resolve("www.example.com", Rtype::A).await.unwrap();
        lab.net.limit_sockets(sockets);
        let (answered, took) = at_once(&lab).await;
        assert_eq!(answered, NAMES, "{sockets}: {took:?}");
        assert!(took <= ms(most), "{sockets}: {took:?}");
        assert!(lab.count(Counter::UpstreamSocketWaits) > 0);
        assert_eq!(lab.count(Counter::BudgetSockets), 0);
        let dead = NAMES.div_ceil(10) as u64;
        assert!(lab.count(Counter::UpstreamTimeouts) <= 2 * dead);
        assert!(lab.worker.shared().broken_paths().names().is_empty());
        assert!(!lab.worker.shared().is_uplink_down());
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_why_and_it_is_no_failure_of_the_name() {
    let lab = Lab::frugal(many(1, |_| Link::of(20)));
    time(&lab, "n0.many.com").await;
    lab.net.limit_sockets(0);
    let began = Instant::now();
    let failed = lab.resolve("n1.many.com", Rtype::A).await.unwrap_err();
    assert_eq!((failed.cause, &*failed.ede.text), (Cause::Budget, Counter::BudgetSockets.help()));
    assert!(began.elapsed() < lab.worker.settings().limits.client);
    assert!(lab.count(Counter::BudgetSockets) > 0);
    let asked = question("n1.many.com", Rtype::A);
    assert_eq!(lab.worker.failed(&asked, Checking::Enabled, lab.worker.shared().now()), None);
    lab.net.limit_sockets(1);
    assert!(time(&lab, "n1.many.com").await <= ms(20));
}

#[tokio::test(start_paused = true)]
async fn losers_of_races_give_way() {
    let net = many(2, |number| match number {
        0 => Link::of(5),
        _ => Link::of(50),
    });
    let lab = Lab::new(net);
    for number in 0..10 {
        time(&lab, &format!("n{number}.many.com")).await;
    }
    lab.net.limit_sockets(2);
    // The reply of the near server is lost, and waited for behind the answer of the second server.
    lab.net.link("203.0.114.101", Link::of(5).with(Manner::Dead));
    let first = time(&lab, "n20.many.com").await;
    assert!(first <= ms(150), "{first:?}");
    lab.net.link("203.0.114.101", Link::of(5));
    let (one, other) = tokio::join!(time(&lab, "n21.many.com"), time(&lab, "n22.many.com"));
    assert!(one.max(other) <= ms(150), "{one:?} {other:?}");
}
