//! Replies of servers inside say nothing about the Internet, and the reverse.

use std::time::Duration;

use crate::lab::{ServiceLab, above, lab_with};
use tokio::time::{Instant, sleep};
use zoners_dns::{EdeCode, Rtype, Transport};
use zoners_sim::Manner;
use zoners_sim::world::EXAMPLE_SERVERS;

const SECOND: Duration = Duration::from_secs(1);
const ROUTER: &str = "192.168.1.1";
const TUNNEL: &str = "10.8.0.1";

/// A LAN with a router that knows `lan.`, and a VPN with a server of `corp.`
fn home() -> ServiceLab {
    let lab = lab_with(&format!(
        "[[forward]]\nzone = \"lan\"\nservers = [\"{ROUTER}\"]\n\
         [[forward]]\nzone = \"corp\"\nservers = [\"{TUNNEL}\"]\n"
    ));
    let names: String = (0..200).map(|number| format!("n{number} 1 A 192.168.1.7\n")).collect();
    lab.net.zone("lan", &[ROUTER], &names).zone("corp", &[TUNNEL], &names);
    lab
}

/// Whether the answer for a name is stale, and its time.
async fn ask(lab: &ServiceLab, name: &str) -> (bool, Duration) {
    let began = Instant::now();
    let reply = lab.ask(name, Rtype::A, Transport::Udp).await;
    assert!(!reply.answer.is_empty(), "{name}: {reply:?}");
    let stale = EdeCode::STALE_ANSWER.0;
    let codes = reply.edns.iter().flat_map(|edns| &edns.errors).map(|ede| ede.code.0);
    (codes.into_iter().any(|code| code == stale), began.elapsed())
}

/// Asks for stale names every second while a different name is asked without pause; returns the
/// times.
async fn stale_beside(lab: &ServiceLab, stale: &[&str], other: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for round in 0..12 {
        let (is_stale, took) = ask(lab, stale[round % stale.len()]).await;
        assert!(is_stale, "{round}");
        times.push(took);
        for number in 0..10 {
            let fresh = format!("n{}.{other}", 10 * round + number);
            assert!(!ask(lab, &fresh).await.0);
            sleep(SECOND / 10).await;
        }
    }
    times
}

#[tokio::test(start_paused = true)]
async fn a_router_that_answers_does_not_hide_that_the_internet_is_gone() {
    for also in [true, false] {
        let lab = home();
        let names = ["www.example.com", "a.b.ent.example.com", "ns1.example.com"];
        for name in names {
            ask(&lab, name).await;
        }
        lab.clock.jump(12 * 3600 * SECOND);
        lab.link_all(above().chain(EXAMPLE_SERVERS), Manner::Dead);
        let times = match also {
            true => stale_beside(&lab, &names, "lan").await,
            false => {
                let mut times = Vec::new();
                for round in 0..12 {
                    times.push(ask(&lab, names[round % names.len()]).await.1);
                    sleep(SECOND).await;
                }
                times
            }
        };
        assert!(times[2..].iter().all(Duration::is_zero), "{also}: {times:?}");
        assert!(lab.service.worker().shared().is_uplink_down());
        assert!(lab.service.worker().shared().broken_paths().names().is_empty());
        assert!(lab.service.worker().shared().silent_networks().is_empty());
        // The uplink counts as up again with the first answer.
        lab.link_all(above().chain(EXAMPLE_SERVERS), Manner::Good);
        ask(&lab, "www.example.com").await;
        sleep(SECOND).await;
        assert!(!ask(&lab, "www.example.com").await.0);
        assert!(!lab.service.worker().shared().is_uplink_down());
    }
}

#[tokio::test(start_paused = true)]
async fn an_internet_that_answers_does_not_hide_that_a_tunnel_is_gone() {
    for other in ["example.com", "lan"] {
        let lab = home();
        let names: String = (0..200).map(|number| format!("n{number} 1 A 192.0.2.7\n")).collect();
        lab.net.zone("example.com", &["203.0.114.1", "203.0.114.2"], &names);
        ask(&lab, "n0.corp").await;
        ask(&lab, "n1.corp").await;
        lab.clock.jump(3600 * SECOND);
        lab.link_all([TUNNEL], Manner::Dead);
        let times = stale_beside(&lab, &["n0.corp", "n1.corp"], other).await;
        assert!(times[3..].iter().all(Duration::is_zero), "{other}: {times:?}");
        let shared = lab.service.worker().shared();
        assert!(!shared.is_uplink_down());
        assert_eq!(shared.silent_networks(), ["10.8.0.0/24"]);
        lab.link_all([TUNNEL], Manner::Good);
        let mended = Instant::now();
        while ask(&lab, "n0.corp").await.0 {
            sleep(SECOND / 10).await;
        }
        // The last failure is cached for this time.
        assert!(mended.elapsed() <= 5 * SECOND, "{other}: {:?}", mended.elapsed());
        assert!(shared.silent_networks().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn where_all_names_are_sent_to_a_router_it_is_the_line() {
    let all_names =
        format!("[[forward]]\nzone = \".\"\nservers = [\"{ROUTER}\", \"192.168.1.2\"]\n");
    let lab = lab_with(&all_names);
    lab.net.serve("example.com", ROUTER).serve("example.com", "192.168.1.2");
    let names = ["www.example.com", "a.b.ent.example.com", "ns1.example.com"];
    for name in names {
        ask(&lab, name).await;
    }
    lab.clock.jump(12 * 3600 * SECOND);
    lab.link_all([ROUTER, "192.168.1.2"], Manner::Dead);
    let mut times = Vec::new();
    for round in 0..9 {
        times.push(ask(&lab, names[round % names.len()]).await.1);
        sleep(SECOND).await;
    }
    assert!(times[2..].iter().all(Duration::is_zero), "{times:?}");
    assert!(lab.service.worker().shared().is_uplink_down());
    lab.link_all([ROUTER, "192.168.1.2"], Manner::Good);
    ask(&lab, "www.example.com").await;
    sleep(SECOND).await;
    assert!(!lab.service.worker().shared().is_uplink_down());
}
