//! Links that flap or have just come up.

use super::*;

#[test]
fn a_flapping_link_costs_a_probe_in_five_seconds_and_keeps_the_strategy() {
    let mut machine = machine();
    machine.observe(BLOCKED, at(0));
    machine.observe(VALIDATABLE, at(0));
    let mut probes = 0;
    for second in 0..600 {
        machine.enter(Some("cafe".to_owned()), at(second));
        assert_eq!(machine.strategy(), Strategy::ForwardValidating);
        for probe in machine.due(at(second)) {
            probes += usize::from(probe == Probe::Portal);
            machine.observe(NetworkEvidence::Portal(PortalVerdict::Open), at(second));
        }
    }
    assert!((1..=600 / 5).contains(&probes), "{probes}");
}

#[test]
fn a_flapping_network_changes_its_strategy_ever_more_rarely() {
    let mut machine = machine();
    let (mut changes, mut before) = (0, machine.strategy());
    // Recursion works for a second after each probe, and then is blocked again.
    for second in 0..86_400 {
        machine.observe(BLOCKED, at(second));
        for probe in machine.due(at(second)) {
            let reply = match probe {
                Probe::Portal => NetworkEvidence::Portal(PortalVerdict::Open),
                Probe::Resolver => VALIDATABLE,
                Probe::Recursion => NetworkEvidence::Recursion(RecursionOutcome::Works),
            };
            machine.observe(reply, at(second));
        }
        machine.observe(OPEN, at(second));
        changes += usize::from(std::mem::replace(&mut before, machine.strategy()) != before);
    }
    assert!(changes < 400, "{changes}");
}

#[test]
fn probes_that_a_link_has_swallowed_while_it_came_up_are_sent_again() {
    let mut machine = machine();
    let unanswered = NetworkEvidence::Recursion(RecursionOutcome::Unanswered);
    machine.observe(unanswered.clone(), at(1));
    machine.observe(UNUSABLE, at(1));
    assert!(machine.is_settled());
    machine.enter(Some("cafe".to_owned()), at(2));
    assert!(!machine.is_settled());
    assert!(machine.due(at(2)).ends_with(&[Probe::Resolver, Probe::Recursion]));
    machine.observe(unanswered, at(3));
    machine.observe(VALIDATABLE, at(3));
    assert_eq!(machine.strategy(), Strategy::ForwardValidating);
    machine.enter(Some("cafe".to_owned()), at(4));
    assert!(!machine.due(at(4)).contains(&Probe::Recursion), "before the first retry");
}
