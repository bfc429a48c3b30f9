//! A new network, while the strategy is not known yet.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};
use zoners_dns::{Message, OptRcode, Random, Rtype, Transport, name};
use zoners_resolver::{Event, Resolver};
use zoners_server::Service;
use zoners_server::pipeline::{
    DecidedWay, LateWay, PortalTerms, PresentWay, SettlingDecision, SettlingWindow, forwarder,
};
use zoners_sim::middlebox::ADDRESS;
use zoners_sim::{Link, Manner, Middlebox};

use crate::lab::{ServiceLab, lab, lab_with};

const ROUTER: &str = "192.168.1.1:53";

/// The lab on a network that drops DNS to foreign servers, and the sender of the decision.
fn on_new_network(mut lab: ServiceLab) -> (ServiceLab, watch::Sender<SettlingDecision>) {
    lab.net.interpose(Middlebox::Drops);
    lab.service.worker().shared().notify(Event::NetworkChanged);
    let (decision, open) = watch::channel(SettlingDecision::Open);
    let rules = Arc::new(lab.service.rules().clone());
    let service = Service::new(lab.service.worker().clone(), rules);
    lab.service = service.settling(SettlingWindow::new(open, lab.net.clone()));
    (lab, decision)
}

fn resolvers(lab: &ServiceLab) -> SettlingDecision {
    let settings = lab.service.worker().settings();
    let (clock, random) = (lab.clock.clone(), Random::seeded(9));
    let way = DecidedWay::forwarding(&[ROUTER.parse().unwrap()], settings, clock, random);
    SettlingDecision::Way(Arc::new(way))
}

/// The terms of a portal, whose resolver gives its own address for whatever name.
fn portal(lab: &ServiceLab) -> Arc<PortalTerms> {
    lab.net.interpose(Middlebox::PORTAL);
    let names = vec![name::parse("login.example").unwrap()];
    let settings = lab.service.worker().settings();
    let (clock, random) = (lab.clock.clone(), Random::seeded(9));
    Arc::new(PortalTerms::new(names, &[ROUTER.parse().unwrap()], settings, clock, random))
}

fn is_of_portal(reply: &Message) -> bool {
    let records = reply.answer.iter().flat_map(|set| set.records.iter());
    records.map(|octets| octets.to_vec()).eq([ADDRESS.to_vec()])
}

fn recursion(lab: &ServiceLab) -> SettlingDecision {
    let worker = lab.service.worker();
    let way = DecidedWay::recursion(Arc::new(worker.settings().clone()), worker.shared().clone());
    SettlingDecision::Way(Arc::new(way))
}

async fn ask(lab: &ServiceLab, name: &str) -> (Message, Duration) {
    let began = Instant::now();
    let reply = lab.ask(name, Rtype::A, Transport::Udp).await;
    (reply, began.elapsed())
}

/// The network lets queries to its own resolver pass, which answers as the servers do.
fn router_answers(lab: &ServiceLab) {
    lab.net.interpose(Middlebox::TRANSPARENT);
}

#[tokio::test(start_paused = true)]
async fn a_question_under_way_goes_to_the_resolver_that_is_decided_on() {
    let (lab, decision) = on_new_network(lab());
    let decide = async {
        sleep(Duration::from_millis(800)).await;
        router_answers(&lab);
        decision.send_replace(resolvers(&lab));
    };
    let ((reply, took), ()) = tokio::join!(ask(&lab, "www.example.com"), decide);
    assert_eq!((reply.rcode, reply.answer.len()), (OptRcode::NOERROR, 1), "{reply:?}");
    assert!(took < Duration::from_millis(1000), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_has_failed_waits_for_the_decision() {
    let (lab, decision) = on_new_network(lab());
    lab.net.interpose(Middlebox::Unreachable);
    let decide = async {
        sleep(Duration::from_millis(2500)).await;
        router_answers(&lab);
        decision.send_replace(resolvers(&lab));
    };
    let ((reply, took), ()) = tokio::join!(ask(&lab, "www.example.com"), decide);
    assert_eq!((reply.rcode, reply.answer.len()), (OptRcode::NOERROR, 1), "{reply:?}");
    assert!(took >= Duration::from_millis(2500) && took < Duration::from_millis(2700), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_network_a_question_fails_and_a_network_that_comes_meanwhile_answers() {
    let (lab, decision) = on_new_network(lab());
    lab.net.interpose(Middlebox::Unreachable);
    decision.send_replace(SettlingDecision::Offline);
    let (reply, took) = ask(&lab, "www.example.com").await;
    assert_eq!(reply.rcode, OptRcode::SERVFAIL);
    assert!(took < Duration::from_millis(2000), "{took:?}");
    let decide = async {
        sleep(Duration::from_millis(100)).await;
        lab.net.interpose(None);
        lab.service.worker().shared().notify(Event::NetworkChanged);
        decision.send_replace(SettlingDecision::Open);
        sleep(Duration::from_millis(100)).await;
        decision.send_replace(recursion(&lab));
    };
    // The failure of the first name is remembered for a second.
    let ((reply, took), ()) = tokio::join!(ask(&lab, "all.example.com"), decide);
    assert_eq!((reply.rcode, reply.answer.len()), (OptRcode::NOERROR, 1), "{reply:?}");
    assert!(took < Duration::from_millis(1000), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_question_to_the_resolver_of_the_last_network_is_answered_by_recursion_on_an_open_one() {
    let (mut lab, decision) = on_new_network(lab());
    let way = recursion(&lab);
    let mut settings = lab.service.worker().settings().clone();
    settings.routes.push(forwarder(&[ROUTER.parse().unwrap()]));
    lab.net.link("192.168.1.1", Link::of(5).with(Manner::Dead)).interpose(None);
    let shared = lab.service.worker().shared().clone();
    let worker = Resolver::new(shared.clone(), lab.net.clone(), Arc::new(settings), Arc::default());
    let rules = Arc::new(lab.service.rules().clone());
    let window = SettlingWindow::new(decision.subscribe(), lab.net.clone());
    lab.service = Service::new(worker, rules).settling(window);
    let decide = async {
        sleep(Duration::from_millis(200)).await;
        shared.change_source(true);
        decision.send_replace(way);
    };
    let ((reply, took), ()) = tokio::join!(ask(&lab, "www.example.com"), decide);
    assert_eq!((reply.rcode, reply.answer.len()), (OptRcode::NOERROR, 1), "{reply:?}");
    assert!(took < Duration::from_millis(1000), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn recursion_goes_on_and_fails_where_nothing_better_is_known() {
    for end in [true, false] {
        let (lab, decision) = on_new_network(lab());
        lab.net.interpose(Middlebox::Unreachable);
        let decide = async {
            sleep(Duration::from_millis(1000)).await;
            if end {
                decision.send_replace(SettlingDecision::Nothing);
            }
            // The daemon may end without a decision.
            drop(decision);
        };
        let ((reply, took), ()) = tokio::join!(ask(&lab, "www.example.com"), decide);
        assert_eq!(reply.rcode, OptRcode::SERVFAIL);
        assert!(took < Duration::from_millis(4000), "{took:?}");
    }
    let (lab, _decision) = on_new_network(lab());
    lab.net.interpose(None);
    let (reply, took) = ask(&lab, "www.example.com").await;
    assert_eq!(reply.answer.len(), 1, "recursion works before any decision");
    assert!(took < Duration::from_millis(1000), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_with_a_route_of_its_own_never_goes_to_the_resolver_of_the_network() {
    let vpn = "[[forward]]\nzone = \"corp.example.net\"\nservers = [\"10.8.0.53\"]\n";
    let (lab, decision) = on_new_network(lab_with(vpn));
    lab.net.link("10.8.0.53", Link::of(5).with(Manner::Dead));
    decision.send_replace(resolvers(&lab));
    lab.net.forget_sent();
    let (reply, _) = ask(&lab, "www.corp.example.net").await;
    assert_eq!(reply.rcode, OptRcode::SERVFAIL);
    assert!(lab.net.sent_to("10.8.0.53") > 0);
    assert_eq!(lab.net.sent_to("192.168.1.1"), 0);
}

#[tokio::test(start_paused = true)]
async fn questions_under_way_when_a_portal_is_found_are_answered_by_its_resolver() {
    for obstacle in [Middlebox::Drops, Middlebox::Unreachable] {
        let (lab, decision) = on_new_network(lab());
        lab.net.interpose(obstacle);
        let decide = async {
            sleep(Duration::from_millis(700)).await;
            decision.send_replace(SettlingDecision::Portal(portal(&lab)));
        };
        let names = ["start.login.example", "www.example.com"].map(|name| ask(&lab, name));
        let [login, other] = names;
        let ((login, _), (other, took), ()) = tokio::join!(login, other, decide);
        assert!(is_of_portal(&login) && is_of_portal(&other), "{obstacle:?}: {login:?} {other:?}");
        assert!(other.answer[0].ttl <= 5 && took < Duration::from_millis(1200), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_began_before_the_strategy_changed_is_asked_anew_on_its_way() {
    let vpn = "[[forward]]\nzone = \"corp.example.net\"\nservers = [\"10.8.0.53\"]\n";
    for is_portal in [true, false] {
        let mut lab = lab_with(vpn);
        lab.net.link("10.8.0.53", Link::of(5).with(Manner::Dead)).near("10.8.0.53");
        lab.net.interpose(Middlebox::Drops);
        lab.service.worker().shared().notify(Event::NetworkChanged);
        let present = PresentWay::default();
        let rules = Arc::new(lab.service.rules().clone());
        let service = Service::new(lab.service.worker().clone(), rules);
        lab.service = service.looking_at(present.clone(), lab.net.clone());
        let change = async {
            sleep(Duration::from_millis(500)).await;
            let way = match (is_portal, resolvers(&lab)) {
                (false, SettlingDecision::Way(way)) => LateWay::Resolvers(way),
                _ => LateWay::Portal(portal(&lab)),
            };
            if !is_portal {
                lab.net.interpose(Middlebox::Drops).near("192.168.1.1");
                lab.net.serve("example.com", "192.168.1.1");
            }
            present.put(Some(way));
        };
        let ((reply, _), (corp, _), ()) =
            tokio::join!(ask(&lab, "www.example.com"), ask(&lab, "www.corp.example.net"), change);
        assert_eq!(is_of_portal(&reply), is_portal, "{reply:?}");
        assert_eq!((reply.rcode, reply.answer.len()), (OptRcode::NOERROR, 1), "{reply:?}");
        assert_eq!(corp.rcode, OptRcode::SERVFAIL, "a name of a VPN is not for this network");
    }
}
