//! Each kind of observation, and the tables behind.

use tokio::time::advance;
use zoners_dns::{NetworkError, OptRcode, Question, Rtype, name};
use zoners_sim::SimNetwork;

use super::*;
use crate::selection::test_env::{env, server};

const RTT: Duration = Duration::from_millis(30);

fn query() -> UpstreamQuery {
    let question = Question::new(name::root(), Rtype::NS);
    UpstreamQuery { question, recursion_desired: false, retry: false }
}

fn reply<'a>(time: ReplyTime, query: Option<&'a UpstreamQuery>) -> Observation<'a> {
    Observation::Reply { time, edns: true, query }
}

fn info(env: &Env<SimNetwork>) -> ServerInfo {
    env.shared().cache.server(server(), env.shared().now())
}

#[tokio::test(start_paused = true)]
async fn queries_without_a_reply_show_a_dead_server_and_a_dead_uplink() {
    let env = env();
    let uplink = env.shared().uplinks.internet();
    assert_eq!(observe(&env, server(), Observation::QuerySent).unwrap().unanswered, 0);
    for sent in 1..8 {
        assert_eq!(observe(&env, server(), Observation::QuerySent).unwrap().unanswered, sent);
    }
    advance(Duration::from_secs(2)).await;
    assert!(uplink.is_down(env.shared().now()) && info(&env).unanswered == 8);
    observe(&env, server(), reply(ReplyTime::Exact { rtt: RTT }, None));
    assert!(!uplink.is_down(env.shared().now()) && info(&env).unanswered == 0);
    assert_eq!(uplink.last_reply_at(), env.shared().now());
}

#[tokio::test(start_paused = true)]
async fn only_an_exact_time_is_an_rtt_and_only_a_proven_reply_makes_a_last_responder() {
    let env = env();
    let last_responder = env.shared().uplinks.internet().last_responder();
    let between = ReplyTime::Between { least: Duration::ZERO, most: RTT };
    observe(&env, server(), reply(between, None));
    assert!(info(&env).srtt().is_none() && !last_responder.has_replied());
    observe(&env, server(), reply(ReplyTime::Exact { rtt: RTT }, Some(&query())));
    assert!(info(&env).srtt() == Some(RTT) && last_responder.has_replied());
}

#[tokio::test(start_paused = true)]
async fn timeouts_count_as_loss_of_the_uplink_if_the_server_has_replied_before() {
    let env = env();
    let uplink = env.shared().uplinks.internet();
    observe(&env, server(), Observation::Timeout { copies: 2 });
    assert_eq!((uplink.loss(), info(&env).troubles), (0.0, 2));
    assert_eq!(env.counters().get(Counter::UpstreamTimeouts), 2);
    observe(&env, server(), reply(ReplyTime::Exact { rtt: RTT }, None));
    observe(&env, server(), Observation::Timeout { copies: 1 });
    let once = uplink.loss();
    observe(&env, server(), Observation::LostCopies { copies: 1 });
    assert!(once > 0.0 && uplink.loss() > once);
    assert_eq!(env.counters().get(Counter::UpstreamTimeouts), 3, "lost copies are no timeouts");
}

#[tokio::test(start_paused = true)]
async fn late_replies_of_many_networks_show_a_broken_path() {
    let env = env();
    for round in 0..10 {
        for network in 0..6 {
            let server = Endpoint::udp(format!("198.18.{network}.1").parse().unwrap());
            let before = observe(&env, server, Observation::LateReply);
            assert!(
                before.is_none() && env.shared().broken_paths().ipv4 == (round >= 6),
                "{round} {network}"
            );
        }
        advance(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn faults_are_counted_by_kind_and_a_good_answer_ends_them() {
    let env = env();
    let zone = name::parse("example").unwrap();
    let (shared, fault) = (env.shared(), |fault| Observation::BadAnswer { zone: &zone, fault });
    for (observation, counter, trouble) in [
        (
            Observation::FailedExchange { fault: Fault::Network(NetworkError::Refused) },
            Counter::UpstreamConnectionRefused,
            ServerFault::Refused,
        ),
        (fault(Fault::Rcode(OptRcode::SERVFAIL)), Counter::UpstreamServfail, ServerFault::ServFail),
        (fault(Fault::Rcode(OptRcode::FORMERR)), Counter::UpstreamFormerr, ServerFault::FormErr),
        (Observation::BogusAnswer, Counter::UpstreamBogus, ServerFault::Bogus),
        (fault(Fault::Lame), Counter::UpstreamLame, ServerFault::Lame),
    ] {
        assert!(!shared.cache.is_lame(&zone, server(), shared.now()));
        observe(&env, server(), observation);
        assert_eq!((info(&env).trouble, env.counters().get(counter)), (Some(trouble), 1));
    }
    assert!(shared.cache.is_lame(&zone, server(), shared.now()));
    observe(&env, server(), Observation::GoodAnswer);
    assert_eq!(info(&env).trouble, None);
    let ours = Fault::Network(NetworkError::NoSocket);
    observe(&env, server(), Observation::FailedExchange { fault: ours });
    assert_eq!(info(&env).trouble, None, "no fault of the server");
}

#[tokio::test(start_paused = true)]
async fn secrets_over_tcp_count_for_udp_and_fallbacks_show_a_server_without_edns() {
    let env = env();
    let tcp = server().over(Transport::Tcp);
    for _ in 0..3 {
        let repeated = EchoEvidence::CookieMissing;
        observe(&env, tcp, Observation::Secrets { repeated });
        observe(&env, server(), Observation::PlainOnly);
    }
    assert!(info(&env).mishandles_edns());
    assert!(info(&env).echo.mishandles_cookies(env.shared().now()));
}

#[tokio::test(start_paused = true)]
async fn the_fifth_query_over_udp_without_a_useful_reply_waits() {
    let env = env();
    let is_limited = |server| {
        let key = QueryKey::of(&query(), server);
        env.shared().resend_limit.free_at(|| key, Instant::now()).is_some()
    };
    for _ in 0..4 {
        assert!(!is_limited(server()));
        for server in [server(), server().over(Transport::Tcp)] {
            let (query, sent) = (&query(), Instant::now());
            observe(&env, server, Observation::NoUsefulReply { query, sent });
        }
    }
    assert!(is_limited(server()));
}

#[tokio::test(start_paused = true)]
async fn opportunistic_encryption_tells_nothing_of_the_uplink_and_of_unknown_servers() {
    let env = env();
    let (uplink, prior) = (env.shared().uplinks.internet(), &env.shared().rtt_prior);
    let (median, late) = (prior.median(), prior.late());
    for network in 0..20 {
        let server = Endpoint::udp(format!("198.18.{network}.1").parse().unwrap());
        observe(&env, server.over(Transport::Tls), Observation::QuerySent);
    }
    advance(Duration::from_secs(2)).await;
    assert!(!uplink.is_silent(env.shared().now()) && !uplink.is_down(env.shared().now()));
    for network in 0..20 {
        let server = Endpoint::udp(format!("198.18.{network}.1").parse().unwrap());
        let handshake = ReplyTime::Exact { rtt: RTT * 30 };
        observe(&env, server.over(Transport::Tls), reply(handshake, None));
    }
    assert_eq!((prior.median(), prior.late()), (median, late));
}

#[tokio::test(start_paused = true)]
async fn encrypted_replies_are_recorded_every_ten_minutes() {
    let env = env();
    let replied = || {
        let exact = ReplyTime::Exact { rtt: RTT };
        observe(&env, server().over(Transport::Tls), reply(exact, None));
        info(&env).encryption
    };
    let first = replied();
    assert!(first.is_usable(env.shared().now()));
    advance(Duration::from_secs(599)).await;
    assert_eq!(replied(), first);
    advance(Duration::from_secs(1)).await;
    assert_ne!(replied(), first);
}
