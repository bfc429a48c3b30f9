//! Problems of the lists of the policy.

use super::problem;
use crate::{DaemonStatus, HeldListReport, PolicySourceReport, Problem, Severity};

pub(super) fn problems(status: &DaemonStatus) -> Vec<Problem> {
    status.lists.iter().filter_map(of_list).collect()
}

fn of_list(list: &PolicySourceReport) -> Option<Problem> {
    let name = &list.name;
    if let Some(HeldListReport { rules, text, left_s }) = &list.held {
        let from = list.rules.unwrap_or_default();
        let text =
            format!("List {name} {text}, from {from} to {rules} rules: the former version stays.");
        let advice = match left_s {
            Some(left) => format!(
                "The new one comes into force in {} h. If it is right: zoners policy accept {name}",
                left.div_ceil(3600)
            ),
            None => format!("Look at {}. If it is right: zoners policy accept {name}", list.origin),
        };
        return Some(problem(Severity::Warning, text, advice));
    }
    let error = list.error.as_ref()?;
    let (text, advice) = match (list.rules, list.age_s) {
        (Some(_), Some(age)) => (
            format!("List {name} is {} days old: {error}.", age / 86_400),
            "The last good copy stays in force.",
        ),
        _ => (
            format!("List {name} is not in force: {error}."),
            "The other lists are in force. The list is tried again and again.",
        ),
    };
    let advice =
        format!("{advice} Look at {}. To try now: zoners policy update {name}", list.origin);
    Some(problem(Severity::Warning, text, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(list: PolicySourceReport) -> String {
        let list =
            PolicySourceReport { name: "ads".into(), origin: "https://a.example/".into(), ..list };
        let status = DaemonStatus { lists: vec![list], ..DaemonStatus::default() };
        let problem = problems(&status).remove(0);
        format!("{} {}", problem.text, problem.advice)
    }

    #[test]
    fn a_list_that_waits_names_the_word_and_one_that_fails_the_reason() {
        let held = |left_s| {
            let held = HeldListReport { rules: 10, text: "shrank by nine tenths".into(), left_s };
            PolicySourceReport {
                rules: Some(1000),
                held: Some(held),
                ..PolicySourceReport::default()
            }
        };
        let text = told(held(Some(7201)));
        assert!(text.contains("List ads shrank by nine tenths, from 1000 to 10 rules"), "{text}");
        assert!(text.contains("in 3 h") && text.ends_with("zoners policy accept ads"), "{text}");
        assert!(told(held(None)).contains("Look at https://a.example/. If it is right: "));
        let error = Some("the server replied with status 404".to_owned());
        let failed = PolicySourceReport { error, ..PolicySourceReport::default() };
        assert!(told(failed.clone()).starts_with("List ads is not in force: the server replied"));
        let old = PolicySourceReport { rules: Some(1), age_s: Some(5 * 86_400), ..failed };
        assert!(told(old).starts_with("List ads is 5 days old: the server replied"));
    }
}
