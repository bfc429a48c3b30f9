//! The first attempt at a server that encrypts.

use std::time::Duration;

use zoners_cache::{Evidence, ServerFault, TrialEvent};
use zoners_dns::Transport;
use zoners_sim::SimNetwork;

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

fn first(env: &Env<SimNetwork>) -> Attempt {
    let mut cut = env.settings().root.clone();
    cut.servers.retain(|named| named.addresses.contains(&server().address));
    cut.servers[0].addresses.retain(|address| *address == server().address);
    let step = Step::without_client(env.settings().limits);
    Candidates::new(env, &cut, &step).choose().unwrap()
}

#[tokio::test(start_paused = true)]
async fn faults_in_clear_are_none_over_tls_and_those_over_tls_count() {
    let env = encrypted();
    learn(&env, Transport::Udp, Evidence::Trouble(ServerFault::ServFail));
    (0..3).for_each(|_| learn(&env, Transport::Udp, Evidence::PlainOnly));
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
