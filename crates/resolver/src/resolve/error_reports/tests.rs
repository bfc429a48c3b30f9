//! The name of a report.

use super::*;
use zoners_dns::name;

fn parsed(text: &str) -> Name {
    name::parse(text).unwrap()
}

#[test]
fn the_name_of_a_report_is_that_of_rfc_9567_and_at_most_255_octets() {
    let question = Question::new(parsed("Broken.Test"), Rtype::A);
    let agent = parsed("a01.agent-domain.example");
    let name = report_name(&question, EdeCode(7), &agent).unwrap();
    assert_eq!(name.to_string(), "_er.1.broken.test.7._er.a01.agent-domain.example");
    assert!(is_report(&name) && !is_report(&question.name) && is_report(&parsed("x._ER.test")));
    let root = Question::new(name::root(), Rtype::DNSKEY);
    let name = report_name(&root, EdeCode(9), &agent).unwrap();
    assert_eq!(name.to_string(), "_er.48.9._er.a01.agent-domain.example");
    let of_length = |last: usize| {
        let label = "x".repeat(63);
        let text = format!("{label}.{label}.{label}.{}", "y".repeat(last));
        report_name(&Question::new(parsed(&text), Rtype::A), EdeCode(6), &parsed("er.test"))
    };
    let at_limit = (1..=61).filter_map(of_length).next_back().unwrap();
    assert_eq!(at_limit.len(), 255);
    let longest = (1..=61).rev().find(|last| of_length(*last).is_some()).unwrap();
    assert!(of_length(longest + 1).is_none());
}
