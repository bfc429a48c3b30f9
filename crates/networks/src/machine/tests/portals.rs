//! Captive portals: when they are looked for, and when they open.

use super::*;

#[test]
fn a_portal_is_probed_at_most_five_minutes_apart_until_it_opens() {
    let mut machine = machine();
    assert_eq!(machine.due(at(0)), [Probe::Portal]);
    machine.observe(CAPTIVE, at(0));
    assert_eq!(machine.strategy(), Strategy::Portal);
    let probes = probed(&mut machine, Probe::Portal, 1..7200, &CAPTIVE);
    assert_eq!(probes[..3], [5, 10, 18]);
    assert!(probes.windows(2).all(|pair| pair[1] - pair[0] <= 301), "{probes:?}");
    assert!(probes.len() < 40, "{probes:?}");
    machine.observe(NetworkEvidence::Path(PathCondition::Intercepted { proves: false }), at(7200));
    assert_eq!(machine.strategy(), Strategy::Portal);
    machine.observe(NetworkEvidence::Portal(PortalVerdict::Open), at(7300));
    assert_eq!(machine.strategy(), Strategy::Recurse, "nothing found behind the portal counts");
    assert_eq!(machine.memory(), &NetworkMemory::default());
    assert_eq!(probed(&mut machine, Probe::Portal, 7301..9000, &CAPTIVE), [0; 0]);
}

#[test]
fn the_end_of_a_log_in_is_noticed_by_the_obstacle() {
    let mut machine = machine();
    machine.due(at(0));
    machine.observe(NetworkEvidence::Portal(PortalVerdict::Open), at(0));
    machine.observe(OPEN, at(1));
    assert_eq!(machine.due(at(3000)), []);
    machine.observe(BLOCKED, at(3600));
    assert!(machine.due(at(3600)).contains(&Probe::Portal));
    machine.observe(CAPTIVE, at(3600));
    assert_eq!(machine.strategy(), Strategy::Portal);
}

#[test]
fn the_end_of_a_session_is_looked_for_when_the_portal_says_and_not_more_often_than_each_minute() {
    for (said, expected) in [(3600, vec![3600]), (0, vec![60]), (1 << 40, vec![24 * 3600])] {
        let mut machine = machine();
        machine.due(at(0));
        machine.observe(NetworkEvidence::Portal(PortalVerdict::Open), at(0));
        machine.observe(NetworkEvidence::SessionEnds(Duration::from_secs(said)), at(0));
        let open = NetworkEvidence::Portal(PortalVerdict::Open);
        assert_eq!(probed(&mut machine, Probe::Portal, 1..100_000, &open), expected);
    }
}

#[test]
fn a_network_without_any_reply_is_asked_a_few_times_for_its_portal() {
    let mut machine = machine();
    let unclear = NetworkEvidence::Portal(PortalVerdict::Unclear);
    assert_eq!(probed(&mut machine, Probe::Portal, 0..4000, &unclear), [0, 5, 13]);
    machine.see_portal_api(at(4000));
    assert_eq!(machine.due(at(4000)), [Probe::Portal], "the network has told an API");
    machine.set_terms(StrategyTerms { probes_portals: false, ..StrategyTerms::default() });
    machine.enter(Some("hotel".to_owned()), at(5000));
    assert!(!machine.due(at(5000)).contains(&Probe::Portal));
}
