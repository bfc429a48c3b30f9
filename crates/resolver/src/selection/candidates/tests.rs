//! The first attempt at a server that encrypts.

use std::time::Duration;

use zoners_cache::{Evidence, ServerFault, TrialEvent};
use zoners_dns::{Endpoint, Transport};
use zoners_sim::SimNetwork;

use super::estimates::{FARTHEST_TRIAL, MOST_PATIENCE_OVER_TLS};
use super::{Attempt, Candidates};
use crate::env::environment::Env;
use crate::model::step::Step;
use crate::selection::test_env::{env, server};

const RTT: Duration = Duration::from_secs(1);

fn learn(env: &Env<SimNetwork>, transport: Transport, evidence: Evidence) {
    env.shared().cache.observe_server(server().over(transport), evidence, env.shared().now());
}

/// An environment whose only server far away has replied in clear and over TLS.
fn encrypted() -> std::sync::Arc<Env<SimNetwork>> {
    let env = env();
    for transport in [Transport::Udp, Transport::Tls] {
        learn(&env, transport, Evidence::Reply { rtt: RTT, edns: true });
    }
    learn(&env, Transport::Udp, Evidence::Trial(TrialEvent::Worked));
    env
}

fn candidates(env: &Env<SimNetwork>) -> Candidates {
    let mut cut = env.settings().root.clone();
    cut.servers.retain(|named| named.addresses.contains(&server().address));
    cut.servers[0].addresses.retain(|address| *address == server().address);
    let step = Step::without_client(env.settings().limits);
    Candidates::new(env, &cut, &step)
}

fn first(env: &Env<SimNetwork>) -> Attempt {
    candidates(env).choose().unwrap()
}

/// Gives the server flaws over one transport: bad answers, and none with EDNS.
fn spoil(env: &Env<SimNetwork>, transport: Transport) {
    learn(env, transport, Evidence::Trouble(ServerFault::ServFail));
    (0..3).for_each(|_| learn(env, transport, Evidence::PlainOnly));
}

/// An environment where UDP does not work, and the only server has replied over TCP.
fn without_udp(rtt: Duration) -> std::sync::Arc<Env<SimNetwork>> {
    let env = env();
    env.shared().reachability.presume_udp_broken(env.shared().now());
    learn(&env, Transport::Tcp, Evidence::Reply { rtt, edns: true });
    env
}

#[tokio::test(start_paused = true)]
async fn faults_in_clear_are_none_over_tls_and_those_over_tls_count() {
    let env = encrypted();
    spoil(&env, Transport::Udp);
    let attempt = first(&env);
    assert_eq!(attempt.endpoint.transport, Transport::Tls);
    assert!(attempt.edns && !attempt.troubled);
    learn(&env, Transport::Tls, Evidence::Trouble(ServerFault::ServFail));
    assert!(first(&env).troubled);
}

#[tokio::test(start_paused = true)]
async fn a_server_far_away_is_given_its_time_over_tls() {
    let attempt = first(&encrypted());
    assert_eq!(attempt.endpoint.transport, Transport::Tls);
    assert!(attempt.hedge_after > RTT, "{:?}", attempt.hedge_after);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_stands_still_is_not_awaited() {
    let env = env();
    let replies = |transport, rtt| {
        (0..9).for_each(|_| learn(&env, transport, Evidence::Reply { rtt, edns: true }));
    };
    replies(Transport::Udp, Duration::from_millis(50));
    let in_clear = first(&env);
    learn(&env, Transport::Udp, Evidence::Trial(TrialEvent::Worked));
    replies(Transport::Tls, Duration::from_secs(2));
    let mut over_tls = candidates(&env);
    let (first, second) = (over_tls.choose().unwrap(), over_tls.choose().unwrap());
    assert_eq!(first.endpoint.transport, Transport::Tls);
    let round_trips = 3;
    assert_eq!(first.hedge_after, in_clear.hedge_after * MOST_PATIENCE_OVER_TLS * round_trips);
    assert_eq!(second.endpoint.transport, Transport::Udp);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_goes_by_the_flaws_over_its_transport() {
    for spoilt in [Transport::Tcp, Transport::Udp] {
        let env = without_udp(RTT);
        spoil(&env, spoilt);
        let mut candidates = candidates(&env);
        let probe = candidates.probe(&env).unwrap();
        let (first, second) = (candidates.choose().unwrap(), candidates.choose().unwrap());
        let over = [probe, first, second].map(|attempt| attempt.endpoint.transport);
        assert_eq!(over, [Transport::Udp, Transport::Tcp, Transport::Udp]);
        for attempt in [probe, first, second] {
            let is_spoilt = attempt.endpoint.transport == spoilt;
            assert_eq!((attempt.edns, attempt.troubled), (!is_spoilt, is_spoilt), "{attempt:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_in_clear_after_one_over_tls_goes_by_the_flaws_in_clear() {
    let env = encrypted();
    spoil(&env, Transport::Tls);
    let mut candidates = candidates(&env);
    let first = candidates.choose().unwrap();
    assert_eq!((first.endpoint.transport, first.edns), (Transport::Tls, false));
    candidates.unreachable(first.endpoint);
    let second = candidates.choose().unwrap();
    assert_eq!(second.endpoint.transport, Transport::Udp);
    assert!(second.edns && !second.troubled);
}

#[tokio::test(start_paused = true)]
async fn a_near_server_that_replies_over_tcp_alone_is_tried_over_tls() {
    for (rtt, is_due) in [(FARTHEST_TRIAL, true), (FARTHEST_TRIAL * 2, false)] {
        assert_eq!(candidates(&without_udp(rtt)).is_trial_due(server().address), is_due);
    }
    let unknown = env();
    assert!(!candidates(&unknown).is_trial_due(server().address), "without a reply yet");
}

#[tokio::test(start_paused = true)]
async fn a_near_server_in_clear_goes_before_the_handshakes_with_a_far_one() {
    let env = encrypted();
    let near = Endpoint::udp("198.51.100.2".parse().unwrap());
    let candidates = || {
        let step = Step::without_client(env.settings().limits);
        Candidates::new(&env, &env.settings().root, &step)
    };
    let over_tls = server().over(Transport::Tls);
    assert!(!candidates().has_quicker(over_tls), "no other server has replied");
    let far = Evidence::Reply { rtt: RTT * 2, edns: true };
    env.shared().cache.observe_server(near, far, env.shared().now());
    assert!(!candidates().has_quicker(over_tls), "farther than the handshakes are long");
    assert_eq!(candidates().choose().unwrap().endpoint, near, "and nearer than TLS in all");
    let rtt = Duration::from_millis(20);
    (0..40).for_each(|_| {
        let evidence = Evidence::Reply { rtt, edns: true };
        env.shared().cache.observe_server(near, evidence, env.shared().now());
    });
    assert!(candidates().has_quicker(over_tls));
    assert!(!candidates().has_quicker(server()), "there are no handshakes");
    assert_eq!(candidates().choose().unwrap().endpoint, near);
}
