//! Faulty machines made at random, without a network.

mod faults;
mod healthy;

use faults::{FAULTS, MachineFault};
use healthy::healthy;
use proptest::prelude::*;
use zoners_api::Severity;

use crate::{Culprit, Examination, Observations, page};

fn examine(faults: &[&MachineFault]) -> Examination {
    let mut seen = healthy();
    faults.iter().for_each(|fault| (fault.breaks)(&mut seen));
    Examination::of(&seen)
}

#[test]
fn a_healthy_machine_gets_no_finding() {
    let examination = examine(&[]);
    assert_eq!(examination.findings, []);
    assert_eq!((examination.verdict.culprit, examination.exit_code()), (None, 0));
    assert_eq!(examination.verdict.sentence, "All is well.");
    let topics: Vec<&str> = examination.sound.iter().map(|part| part.topic.as_str()).collect();
    for topic in ["IPv4", "IPv6", "Interception", "Clock", "Daemon", "Settings", "State"] {
        assert!(topics.contains(&topic), "{topic}: {topics:?}");
    }
}

#[test]
fn each_fault_makes_one_finding_against_its_culprit() {
    for fault in FAULTS {
        let examination = examine(&[fault]);
        let ids: Vec<&str> = examination.findings.iter().map(|found| found.id.as_str()).collect();
        assert_eq!(ids, [fault.id], "{}: {:?}", fault.name, examination.findings);
        let finding = &examination.findings[0];
        assert_eq!(finding.culprit, fault.culprit, "{}", fault.name);
        assert!(!finding.command.is_empty() && finding.sentence.ends_with('.'), "{finding:?}");
        let counts = finding.severity < Severity::Notice;
        assert_eq!(examination.verdict.culprit, counts.then_some(fault.culprit), "{}", fault.name);
    }
}

#[test]
fn a_broken_family_beside_a_working_one_is_a_warning() {
    let mut seen = healthy();
    faults::silence(&mut seen.families[1]);
    let examination = Examination::of(&seen);
    assert_eq!(examination.findings.len(), 1, "{examination:?}");
    let finding = &examination.findings[0];
    assert_eq!((finding.id.as_str(), finding.severity), ("ipv6-broken", Severity::Warning));
    assert_eq!(finding.culprit, Culprit::Provider);
}

#[test]
fn on_a_lossy_line_long_replies_may_be_lost_by_chance() {
    let mut seen = healthy();
    for family in &mut seen.families {
        family.servers[0].counts = healthy::counts(40, 28);
        family.sizes[1].replied = 0;
    }
    let ids = |seen: &Observations| {
        let found = Examination::of(seen).findings;
        found.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&seen), ["loss"]);
    seen.families.iter_mut().for_each(|family| family.sizes[1].sent = 5);
    assert_eq!(ids(&seen), ["loss", "large-replies-lost"]);
}

#[test]
fn the_page_for_the_provider_has_no_name_that_was_asked() {
    let mut seen = healthy();
    seen.name = Some(crate::NameObservation {
        name: "secret.example".to_owned(),
        rcode: Some("SERVFAIL".to_owned()),
        reason: None,
    });
    let examination = Examination::of(&seen);
    assert_eq!(examination.verdict.culprit, Some(Culprit::OtherSide));
    let page = page::page(&examination, &seen, "today", "0");
    assert!(!page.contains("secret") && page.contains("without faults"), "{page}");
    (FAULTS.iter().find(|fault| fault.id == "loss").unwrap().breaks)(&mut seen);
    let page = page::page(&Examination::of(&seen), &seen, "today", "0");
    assert!(page.contains("packets are lost") && !page.contains("secret"), "{page}");
}

#[test]
fn observations_read_back_and_older_ones_have_defaults() {
    let seen = healthy();
    let text = serde_json::to_string(&seen).unwrap();
    assert_eq!(serde_json::from_str::<Observations>(&text).unwrap(), seen);
    assert_eq!(serde_json::from_str::<Observations>("{}").unwrap(), Observations::default());
}

proptest! {
    /// Two faults: each has a finding unless explained by the second, there is no third finding, and the verdict is
    /// against the culprit of one fault.
    #[test]
    fn two_faults_are_both_found_or_one_explains_the_other(
        one in 0..FAULTS.len(),
        other in 0..FAULTS.len(),
    ) {
        let (one, other) = (&FAULTS[one], &FAULTS[other]);
        prop_assume!(one.id != other.id && !(one.is_of_the_line && other.is_of_the_line));
        let examination = examine(&[one, other]);
        let ids: Vec<&str> = examination.findings.iter().map(|found| found.id.as_str()).collect();
        prop_assert!(ids.iter().all(|id| [one.id, other.id].contains(id)), "{:?}", examination);
        for (fault, beside) in [(one, other), (other, one)] {
            let explained = beside.hides.contains(&fault.id);
            prop_assert!(explained || ids.contains(&fault.id), "{}: {:?}", fault.name, ids);
        }
        let culprits: Vec<Option<Culprit>> =
            examination.findings.iter().filter(|found| found.severity < Severity::Notice).map(|found| Some(found.culprit)).collect();
        prop_assert_eq!(examination.verdict.culprit, culprits.first().copied().flatten());
    }
}
