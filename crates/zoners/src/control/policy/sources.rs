//! Where lists come from, and how that goes.

use zoners_api::{PolicyListReport, PolicySourceReport};

use crate::control::status::span;
use crate::print::{DIM, clean};

/// The origins of every list, or of one list.
pub(super) fn page(report: &PolicyListReport, list: Option<&str>) -> Vec<String> {
    let is_meant = |source: &&PolicySourceReport| list.is_none_or(|list| list == source.name);
    report.sources.iter().filter(is_meant).flat_map(lines).collect()
}

fn lines(source: &PolicySourceReport) -> Vec<String> {
    let (name, origin) = (clean(&source.name), clean(&source.origin));
    let mut lines = vec![format!("source of {name}: {origin}{DIM}{}{DIM:#}", age(source))];
    if let (Some(rules), Some(former)) = (source.rules, source.former_rules) {
        lines.push(format!("  {DIM}{}{DIM:#}", change(former, rules)));
    }
    if let Some(error) = &source.error {
        let ago = source.attempt_age_s.map(|ago| format!(" {} ago", span(ago))).unwrap_or_default();
        let times = match source.failures {
            0 | 1 => String::new(),
            failures => format!(", {failures} times in a row"),
        };
        lines.push(format!("  failed{ago}{times}: {}", clean(error)));
    }
    if let Some(held) = &source.held {
        let (rules, text) = (held.rules, clean(&held.text));
        let end = match held.left_s {
            Some(left) => format!("it comes into force in {}, or by", span(left)),
            None => "it comes into force by".to_owned(),
        };
        lines.push(format!(
            "  a new version with {rules} rules waits: the list {text}; {end} `zoners policy accept {name}`"
        ));
    }
    lines
}

fn age(source: &PolicySourceReport) -> String {
    match (source.rules, source.age_s) {
        (None, _) => "  nothing is in force yet".to_owned(),
        (Some(_), Some(age)) => format!("  current {} ago", span(age)),
        (Some(_), None) => String::new(),
    }
}

fn change(former: u32, rules: u32) -> String {
    match rules.cmp(&former) {
        std::cmp::Ordering::Less => format!("{} rules fewer than before", former - rules),
        std::cmp::Ordering::Equal => "as many rules as before".to_owned(),
        std::cmp::Ordering::Greater => format!("{} rules more than before", rules - former),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_api::HeldListReport;

    fn shown(source: PolicySourceReport) -> String {
        let source = PolicySourceReport {
            name: "ads".into(),
            origin: "https://lists.example/".into(),
            ..source
        };
        let report = PolicyListReport { sources: vec![source], ..PolicyListReport::default() };
        assert!(page(&report, Some("other")).is_empty());
        anstream::adapter::strip_str(&page(&report, None).join("\n")).to_string()
    }

    #[test]
    fn a_source_tells_its_age_its_change_and_its_failures() {
        let text = shown(PolicySourceReport::default());
        assert_eq!(text, "source of ads: https://lists.example/  nothing is in force yet");
        let text = shown(PolicySourceReport {
            rules: Some(90),
            former_rules: Some(100),
            age_s: Some(7200),
            attempt_age_s: Some(60),
            failures: 3,
            error: Some("the server stopped sending".into()),
            ..PolicySourceReport::default()
        });
        let expected = "source of ads: https://lists.example/  current 2 h ago\n  10 rules fewer than before\n  \
                        failed 1 min ago, 3 times in a row: the server stopped sending";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_version_that_waits_is_shown_with_the_command() {
        let held = |left_s| {
            let held = HeldListReport { rules: 7, text: "shrank by more than half".into(), left_s };
            shown(PolicySourceReport {
                rules: Some(1000),
                held: Some(held),
                ..PolicySourceReport::default()
            })
        };
        let text = held(Some(3600));
        let end = "it comes into force in 1 h, or by `zoners policy accept ads`";
        assert!(text.ends_with(end) && text.contains("7 rules waits"), "{text}");
        assert!(held(None).ends_with("it comes into force by `zoners policy accept ads`"));
    }
}
