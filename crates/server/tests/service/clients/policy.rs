//! The stages of a policy: before resolution with the question, after resolution with the answer, by group.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::lab::{ServiceLab, asked, lab, packet};
use zoners_dns::{
    Counter, Ede, EdeCode, Message, OptRcode, Question, RRset, Records, Rtype, Security, Transport,
    name,
};
use zoners_resolver::{Answer, PathServer};
use zoners_server::client::ClientIdentity;
use zoners_server::pipeline::ClientGroup;
use zoners_server::pipeline::policy::{Policy, PolicyDecision};
use zoners_server::{Client, Service};

const ADULT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 1));
const CHILD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 2));
/// The identity of a child's device, at whatever address.
const TABLET: ClientIdentity = ClientIdentity(NonZeroU16::MIN);
const CHILDREN: ClientGroup = ClientGroup(1);

/// Blocks a name and an address for children, and drops questions for a third name.
#[derive(Debug, Default)]
struct Parents {
    stages: Mutex<Vec<(&'static str, ClientGroup, String)>>,
}

impl Policy for Parents {
    fn group(&self, client: &Client) -> ClientGroup {
        let is_child = client.address == CHILD || client.identity == Some(TABLET);
        if is_child { CHILDREN } else { ClientGroup::ALL }
    }

    fn before_resolution(&self, group: ClientGroup, question: &Question) -> PolicyDecision {
        let name = question.name.to_string();
        self.stages.lock().push(("before", group, name.clone()));
        match name.as_str() {
            "blocked.example.com" if group == CHILDREN => blocked(),
            "drop.example.com" => PolicyDecision::Drop,
            _ => PolicyDecision::Pass,
        }
    }

    fn after_resolution(
        &self,
        group: ClientGroup,
        question: &Question,
        answer: &Answer,
        _servers: &dyn Fn() -> Vec<PathServer>,
    ) -> PolicyDecision {
        self.stages.lock().push(("after", group, question.name.to_string()));
        let hidden = |set: &RRset| set.records.iter().any(|rdata| *rdata == [203, 0, 115, 6]);
        match group == CHILDREN && answer.answer.iter().any(hidden) {
            true => blocked(),
            false => PolicyDecision::Pass,
        }
    }
}

fn blocked() -> PolicyDecision {
    let null = RRset::new(name::root(), Rtype::A, 10, Records::from_iter([[0, 0, 0, 0]]));
    let answer = Answer {
        rcode: OptRcode::NOERROR,
        answer: vec![null],
        authority: vec![],
        additional: vec![],
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    };
    PolicyDecision::Answer(Box::new(answer), Some(Ede::new(EdeCode(15), "list of the test").into()))
}

fn policed() -> (ServiceLab, Arc<Parents>) {
    let lab = lab();
    let policy = Arc::<Parents>::default();
    let rules = lab.service.rules().clone().with_policy(policy.clone());
    let service = Service::new(lab.service.worker().clone(), Arc::new(rules));
    (ServiceLab { service, ..lab }, policy)
}

async fn ask(lab: &ServiceLab, text: &str, client: IpAddr) -> Option<Message> {
    let client = Client::new(client, Transport::Udp);
    lab.send_from(&packet(&asked(text, Rtype::A), true), client).await
}

fn is_blocked(reply: Option<Message>) -> bool {
    let reply = reply.unwrap();
    let code = reply.edns.and_then(|edns| Some(edns.errors.first()?.code));
    let null = reply.answer.iter().any(|set| set.records.iter().any(|rdata| *rdata == [0; 4]));
    assert_eq!(null, code == Some(EdeCode(15)));
    null
}

#[tokio::test(start_paused = true)]
async fn a_question_is_blocked_for_one_group_before_anything_is_asked() {
    let (lab, policy) = policed();
    assert!(is_blocked(ask(&lab, "blocked.example.com", CHILD).await));
    assert!(lab.net.sent().is_empty());
    assert_eq!((lab.count(Counter::ClientPolicy), lab.count(Counter::ClientQueries)), (1, 1));
    assert!(!is_blocked(ask(&lab, "blocked.example.com", ADULT).await));
    assert_eq!(lab.count(Counter::ClientPolicy), 1);
    let asked = policy.stages.lock().clone();
    let before = |group| ("before", group, "blocked.example.com".to_owned());
    let after = ("after", ClientGroup::ALL, "blocked.example.com".to_owned());
    assert_eq!(asked, [before(CHILDREN), before(ClientGroup::ALL), after]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_judged_wherever_it_comes_from() {
    let (lab, _) = policed();
    // From a recursion, out of the cache, and out of the cache a second time.
    for _ in 0..3 {
        assert!(is_blocked(ask(&lab, "x.wild.example.com", CHILD).await));
    }
    for _ in 0..3 {
        assert!(!is_blocked(ask(&lab, "x.wild.example.com", ADULT).await));
    }
    assert!(is_blocked(ask(&lab, "x.wild.example.com", CHILD).await), "finished for adults");
    assert_eq!(lab.count(Counter::ClientPolicy), 4);
}

#[tokio::test(start_paused = true)]
async fn a_finished_answer_is_of_one_group_and_is_not_judged_again() {
    let (lab, policy) = policed();
    for client in [ADULT, CHILD, ADULT, CHILD, ADULT, CHILD] {
        assert!(!is_blocked(ask(&lab, "www.example.com", client).await));
    }
    let stages = policy.stages.lock().len();
    for client in [ADULT, CHILD] {
        assert!(!is_blocked(ask(&lab, "www.example.com", client).await));
    }
    assert_eq!(policy.stages.lock().len(), stages, "finished for both groups");
    let before = |group| {
        policy.stages.lock().iter().filter(|stage| (stage.0, stage.1) == ("before", group)).count()
    };
    assert!(before(ClientGroup::ALL) >= 2 && before(CHILDREN) >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_question_gets_no_reply() {
    let (lab, _) = policed();
    assert!(ask(&lab, "drop.example.com", ADULT).await.is_none());
    assert_eq!(lab.count(Counter::ClientDropped), 1);
    assert!(lab.net.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_is_known_by_its_identity_at_any_address() {
    let (lab, _) = policed();
    let packet = packet(&asked("blocked.example.com", Rtype::A), true);
    let client = Client::new(ADULT, Transport::Tcp);
    assert!(is_blocked(lab.send_from(&packet, client.known_as(Some(TABLET))).await));
    assert!(!is_blocked(lab.send_from(&packet, client).await));
}
