mod links;
mod portals;

use super::*;
use crate::evidence::{NetworkEvidence, PortalVerdict, RecursionOutcome};
use crate::memory::MAX_NETWORKS;

fn at(seconds: u64) -> Moment {
    Moment::from_millis(seconds * 1000)
}

fn machine() -> StrategyMachine {
    let mut machine = StrategyMachine::new(StrategyTerms::default());
    machine.enter(Some("cafe".to_owned()), at(0));
    // The first probes have no result.
    (machine.is_recursion_probed, machine.is_resolver_probed) = (true, true);
    machine
}

fn consenting() -> StrategyMachine {
    let mut machine = machine();
    machine.set_terms(StrategyTerms { may_leave_unvalidated: true, ..StrategyTerms::default() });
    machine
}

const BLOCKED: NetworkEvidence = NetworkEvidence::Path(PathCondition::Blocked);
const OPEN: NetworkEvidence = NetworkEvidence::Path(PathCondition::Open);
const VALIDATABLE: NetworkEvidence = NetworkEvidence::Resolver(ResolverQuality::Validatable);
const STRIPPED: NetworkEvidence = NetworkEvidence::Resolver(ResolverQuality::Stripped);
const UNUSABLE: NetworkEvidence = NetworkEvidence::Resolver(ResolverQuality::Unusable);
const CAPTIVE: NetworkEvidence = NetworkEvidence::Portal(PortalVerdict::Captive);

/// The seconds within `span` at which a probe of this kind is due; `reply` answers each.
fn probed(
    machine: &mut StrategyMachine,
    probe: Probe,
    span: std::ops::Range<u64>,
    reply: &NetworkEvidence,
) -> Vec<u64> {
    let mut seconds = Vec::new();
    for second in span {
        if machine.due(at(second)).contains(&probe) {
            seconds.push(second);
            machine.observe(reply.clone(), at(second));
        }
    }
    seconds
}

#[test]
fn a_blocking_network_is_served_by_its_resolver_while_recursion_is_retried_ever_more_rarely() {
    let mut machine = machine();
    machine.observe(OPEN, at(1));
    assert_eq!(machine.strategy(), Strategy::Recurse);
    machine.observe(BLOCKED, at(10));
    assert_eq!(machine.strategy(), Strategy::Recurse, "nothing is known of the resolver");
    assert!(machine.due(at(10)).ends_with(&[Probe::Resolver, Probe::Recursion]));
    machine.observe(VALIDATABLE, at(10));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating);
    let no = NetworkEvidence::Recursion(RecursionOutcome::Fails);
    let retries = probed(&mut machine, Probe::Recursion, 11..3000, &no);
    assert_eq!(retries, [15, 25, 45, 85, 165, 325, 645, 1245, 1845, 2445]);
    machine.observe(UNUSABLE, at(3000));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating, "one lost packet");
    machine.observe(NetworkEvidence::Recursion(RecursionOutcome::Works), at(3045));
    assert_eq!(machine.strategy(), Strategy::Recurse);
    assert_eq!(probed(&mut machine, Probe::Recursion, 3046..9000, &no), [0; 0]);
}

#[test]
fn a_new_network_is_probed_at_once_and_a_silent_one_served_by_its_resolver() {
    let all = [Probe::Portal, Probe::Resolver, Probe::Recursion];
    let unanswered = NetworkEvidence::Recursion(RecursionOutcome::Unanswered);
    for order in [[&VALIDATABLE, &unanswered], [&unanswered, &VALIDATABLE]] {
        let mut machine = StrategyMachine::new(StrategyTerms::default());
        assert_eq!(machine.due(at(0)), [], "there is no network yet");
        machine.enter(Some("hotel".to_owned()), at(0));
        assert_eq!((machine.due(at(0)), machine.due(at(0))), (all.to_vec(), vec![]));
        order.into_iter().for_each(|evidence| machine.observe(evidence.clone(), at(2)));
        assert_eq!(machine.strategy(), Strategy::ForwardValidating);
        assert!(machine.due(at(7)).contains(&Probe::Recursion), "the first retry");
    }
    for harmless in [RecursionOutcome::Fails, RecursionOutcome::Works] {
        let mut machine = machine();
        machine.observe(VALIDATABLE, at(0));
        machine.observe(NetworkEvidence::Recursion(harmless), at(2));
        assert_eq!(machine.strategy(), Strategy::Recurse);
    }
    let mut open = machine();
    open.observe(OPEN, at(1));
    open.observe(VALIDATABLE, at(1));
    open.observe(unanswered, at(2));
    assert_eq!(open.strategy(), Strategy::Recurse, "servers have replied to clients");
}

#[test]
fn recursion_is_probed_before_the_resolver_of_a_new_network_is_known() {
    let unanswered = NetworkEvidence::Recursion(RecursionOutcome::Unanswered);
    let mut machine = StrategyMachine::new(StrategyTerms::default());
    machine.see_resolvers(false, true);
    machine.enter(None, at(0));
    assert_eq!(machine.due(at(0)), [Probe::Portal, Probe::Recursion]);
    machine.observe(unanswered, at(1));
    assert_eq!((machine.due(at(1)), machine.is_settled()), (vec![], false));
    machine.see_resolvers(true, true);
    assert_eq!((machine.due(at(1)), machine.due(at(1))), (vec![Probe::Resolver], vec![]));
    machine.observe(VALIDATABLE, at(1));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating);
    machine.see_resolvers(false, true);
    assert_eq!(machine.strategy(), Strategy::Recurse, "the resolver is gone");
    machine.see_resolvers(true, true);
    assert_eq!(machine.strategy(), Strategy::ForwardValidating);
}

#[test]
fn a_resolver_of_an_earlier_lease_does_not_stand_for_the_next() {
    let mut machine = StrategyMachine::new(StrategyTerms::default());
    machine.enter(None, at(0));
    assert!(machine.due(at(0)).contains(&Probe::Resolver));
    machine.see_resolvers(true, true);
    assert_eq!(machine.due(at(0)), [Probe::Resolver]);
    machine.observe(UNUSABLE, at(2));
    machine.see_resolvers(true, false);
    assert_eq!(machine.due(at(2)), []);
    machine.see_resolvers(true, true);
    assert!(machine.due(at(2)).contains(&Probe::Resolver));
}

#[test]
fn without_consent_nothing_goes_out_unvalidated() {
    let mut machine = machine();
    machine.observe(BLOCKED, at(1));
    machine.observe(STRIPPED, at(1));
    assert_eq!((machine.strategy(), machine.needs_consent()), (Strategy::Recurse, true));
    machine.set_terms(StrategyTerms { may_leave_unvalidated: true, ..StrategyTerms::default() });
    assert_eq!(
        (machine.strategy(), machine.needs_consent()),
        (Strategy::ForwardUnvalidated, false)
    );
    machine.observe(VALIDATABLE, at(20));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating, "better");
    machine.set_terms(StrategyTerms { may_forward: false, ..StrategyTerms::default() });
    assert_eq!(machine.strategy(), Strategy::Recurse, "the file has a forwarder");
    assert!(!machine.due(at(999)).contains(&Probe::Recursion));
}

#[test]
fn interception_matters_only_where_nothing_can_be_proven() {
    let mut machine = consenting();
    machine.observe(NetworkEvidence::Path(PathCondition::Intercepted { proves: true }), at(1));
    machine.observe(VALIDATABLE, at(1));
    assert_eq!(machine.strategy(), Strategy::Recurse);
    machine.observe(NetworkEvidence::Path(PathCondition::Intercepted { proves: false }), at(2));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating);
    machine.observe(STRIPPED, at(3));
    assert_eq!(machine.strategy(), Strategy::ForwardUnvalidated);
}

#[test]
fn an_interceptor_that_resolves_nothing_without_rd_is_passed_by() {
    let intercepted = NetworkEvidence::Path(PathCondition::Intercepted { proves: true });
    let fails = NetworkEvidence::Recursion(RecursionOutcome::Fails);
    for order in [[&fails, &intercepted], [&intercepted, &fails]] {
        let mut machine = machine();
        machine.observe(VALIDATABLE, at(1));
        order.into_iter().for_each(|evidence| machine.observe(evidence.clone(), at(1)));
        assert_eq!((machine.strategy(), machine.is_settled()), (Strategy::ForwardValidating, true));
        let retries = probed(&mut machine, Probe::Recursion, 2..100, &fails);
        assert!((4..=6).contains(&retries.len()), "{retries:?}");
        machine.observe(NetworkEvidence::Recursion(RecursionOutcome::Works), at(100));
        machine.observe(intercepted.clone(), at(101));
        assert_eq!(machine.strategy(), Strategy::Recurse, "the interceptor resolves all names now");
    }
    let mut machine = machine();
    machine.observe(intercepted.clone(), at(1));
    assert!(machine.due(at(1)).ends_with(&[Probe::Resolver, Probe::Recursion]));
    machine.observe(NetworkEvidence::Path(PathCondition::Open), at(2));
    machine.observe(intercepted, at(3));
    assert!(!machine.due(at(3)).contains(&Probe::Recursion), "once on a network");
}

#[test]
fn an_outage_changes_no_strategy() {
    let mut machine = machine();
    machine.observe(OPEN, at(1));
    machine.observe(BLOCKED, at(10));
    for second in 10..2000 {
        for probe in machine.due(at(second)) {
            let none = match probe {
                Probe::Portal => NetworkEvidence::Portal(PortalVerdict::Unclear),
                Probe::Resolver => UNUSABLE,
                Probe::Recursion => NetworkEvidence::Recursion(RecursionOutcome::Fails),
            };
            machine.observe(none, at(second));
        }
        assert_eq!(machine.strategy(), Strategy::Recurse);
    }
    machine.observe(OPEN, at(2000));
    assert_eq!(machine.due(at(2001)), []);
}

#[test]
fn a_network_is_remembered_and_a_better_strategy_tried_at_once() {
    let mut machine = machine();
    machine.observe(BLOCKED, at(1));
    machine.observe(VALIDATABLE, at(1));
    machine.enter(Some("home".to_owned()), at(100));
    assert_eq!(machine.strategy(), Strategy::Recurse);
    machine.observe(NetworkEvidence::Path(PathCondition::UdpBlocked), at(101));
    assert_eq!(machine.strategy(), Strategy::RecurseOverTcp);
    machine.enter(Some("cafe".to_owned()), at(200));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating);
    assert!(machine.due(at(200)).contains(&Probe::Recursion));
    let mut later = StrategyMachine::new(StrategyTerms::default());
    later = later.remembering(machine.memory().clone());
    later.enter(None, at(0));
    assert_eq!(later.strategy(), Strategy::Recurse);
    later.identify("cafe".to_owned(), at(1));
    assert_eq!(later.strategy(), Strategy::ForwardValidating, "after a restart");
    later.observe(NetworkEvidence::Recursion(RecursionOutcome::Works), at(2));
    assert_eq!(later.memory().recall("cafe"), None, "the café has mended its network");
    assert_eq!(later.memory().recall("home"), Some(Strategy::RecurseOverTcp));
}

#[test]
fn consent_that_is_withdrawn_holds_for_remembered_networks() {
    let mut machine = consenting();
    machine.observe(BLOCKED, at(1));
    machine.observe(STRIPPED, at(1));
    machine.enter(Some("home".to_owned()), at(100));
    machine.set_terms(StrategyTerms::default());
    machine.enter(Some("cafe".to_owned()), at(200));
    assert_eq!((machine.strategy(), machine.needs_consent()), (Strategy::Recurse, true));
}

#[test]
fn a_network_that_lets_the_probe_alone_pass_is_served_by_its_resolver_again() {
    let mut machine = machine();
    for evidence in [VALIDATABLE, BLOCKED] {
        machine.observe(evidence, at(1));
    }
    assert!(machine.due(at(1)).contains(&Probe::Recursion));
    // As with a dnsmasq that intercepts, refuses questions of recursion over UDP and answers over TCP.
    machine.observe(NetworkEvidence::Recursion(RecursionOutcome::Works), at(6));
    assert_eq!(machine.strategy(), Strategy::Recurse);
    machine.observe(BLOCKED, at(7));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating);
    let no = NetworkEvidence::Recursion(RecursionOutcome::Fails);
    assert_eq!(probed(&mut machine, Probe::Recursion, 8..60, &no), [17, 27, 47]);
}

#[test]
fn the_memory_is_bounded() {
    let mut machine = machine();
    for number in 0..1000 {
        machine.enter(Some(number.to_string()), at(number));
        machine.observe(NetworkEvidence::Path(PathCondition::UdpBlocked), at(number));
    }
    let json = serde_json::to_string(machine.memory()).unwrap();
    assert_eq!(json.matches("\"id\"").count(), MAX_NETWORKS);
}

#[test]
fn a_network_is_settled_once_recursion_works_or_its_resolver_is_known() {
    let recursion = |outcome| NetworkEvidence::Recursion(outcome);
    let is_settled = |evidence: &[NetworkEvidence]| {
        let mut machine = machine();
        assert!(!machine.is_settled());
        evidence.iter().for_each(|evidence| machine.observe(evidence.clone(), at(1)));
        machine.is_settled()
    };
    assert!(is_settled(&[recursion(RecursionOutcome::Works)]));
    assert!(is_settled(&[OPEN]) && is_settled(&[CAPTIVE]));
    for open in [VALIDATABLE, BLOCKED, recursion(RecursionOutcome::Unanswered)] {
        assert!(!is_settled(&[open]));
    }
    for quality in [VALIDATABLE, STRIPPED, UNUSABLE] {
        assert!(is_settled(&[recursion(RecursionOutcome::Unanswered), quality.clone()]));
        assert!(is_settled(&[quality, BLOCKED]));
    }
    let mut machine = machine();
    machine.observe(OPEN, at(1));
    machine.enter(None, at(2));
    assert!(!machine.is_settled(), "another network");
    machine.observe(CAPTIVE, at(3));
    machine.observe(NetworkEvidence::Portal(PortalVerdict::Open), at(9));
    assert!(!machine.is_settled(), "what was found behind the portal is void");
}

#[test]
fn a_network_that_blocks_before_its_identifier_is_known_is_remembered_all_the_same() {
    let mut machine = machine();
    machine.observe(BLOCKED, at(1));
    machine.observe(VALIDATABLE, at(1));
    for second in 2..5 {
        machine.enter(None, at(second));
        machine.observe(BLOCKED, at(second));
        assert_eq!(machine.strategy(), Strategy::Recurse);
        machine.identify("cafe".to_owned(), at(second));
        assert_eq!(machine.strategy(), Strategy::ForwardValidating);
        assert!(machine.is_settled());
    }
}
