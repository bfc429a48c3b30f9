use zoners_dns::{Rtype, name, zonefile};

use super::*;
use crate::compile::{ListSource, PolicyCompiler};
use crate::compiled::CompiledPolicy;
use crate::groups::{BlockStyle, GroupSettings, ListSet};
use crate::safe_search::SafeSearch;
use crate::storage::MemoryStorage;

/// A list that blocks, a list that allows with `$important`, and rules of the operator, for the group `kids`.
fn rules(operator: &[&str], change: impl FnOnce(&mut GroupSettings)) -> PolicyRules {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([3, 4], &scratch);
    let text = "||ads.example^\n@@||needed.example^$important\n";
    let source = ListSource { name: "ads".into(), form: None, allows: false };
    compiler.add_list(&source, &mut text.as_bytes()).unwrap();
    compiler.finish(&*file, [0; 32]).unwrap();
    let compiled = Arc::new(CompiledPolicy::open(file, None).unwrap());
    let mut group = GroupSettings::new("kids", ListSet::all(), BlockStyle::Nxdomain);
    change(&mut group);
    let mut own = OperatorRules::default();
    operator.iter().for_each(|text| assert!(own.set(text.parse().unwrap())));
    PolicyRules::new(compiled, vec![group]).unwrap().with_operator_rules(Arc::new(own))
}

/// The verdict and the rule behind, which is the first of the explanation.
fn of(rules: &PolicyRules, asked: &str) -> String {
    let asked = name::parse(asked).unwrap();
    let verdict = rules.judge_question(0, asked.for_slice(), Rtype::A).unwrap();
    let explained = rules.explain(0, asked.for_slice(), Rtype::A).unwrap();
    let first = explained.into_iter().next();
    let (shown, reason) = match verdict {
        PolicyVerdict::Pass => return "pass".to_owned(),
        PolicyVerdict::Allowed(reason) => ("allowed", reason),
        PolicyVerdict::Act(action, reason) => {
            assert_eq!(first.as_ref().unwrap().action, Some(action), "{asked}");
            ("acts", reason)
        }
    };
    assert_eq!(first.unwrap().reason, reason, "the explanation of {asked}");
    format!("{shown}: {reason}")
}

#[test]
fn the_operator_overrules_lists() {
    let none = rules(&[], |_| {});
    assert_eq!(of(&none, "www.ads.example"), "acts: list ads, line 1: ||ads.example^");
    assert_eq!(of(&none, "www.news.example"), "pass");
    let rules = rules(&["allow ads.example", "block needed.example", "block news.example"], |_| {});
    assert_eq!(of(&rules, "www.ads.example"), "allowed: rule of the operator: allow ads.example");
    assert_eq!(of(&rules, "needed.example"), "acts: rule of the operator: block needed.example");
    assert_eq!(of(&rules, "www.news.example"), "acts: rule of the operator: block news.example");
    assert_eq!(of(&rules, "other.example"), "pass");
}

#[test]
fn an_alias_into_a_blocked_name_is_blocked_unless_the_asked_name_is_allowed() {
    let zone = "shop.example. 60 CNAME tracker.example.\n";
    let answer = zonefile::parse(zone, &name::root()).unwrap();
    let asked = name::parse("shop.example").unwrap();
    let judged =
        |rules: &PolicyRules| rules.judge_answer(0, asked.for_slice(), Rtype::A, &answer).unwrap();
    let PolicyVerdict::Act(_, reason) = judged(&rules(&["block tracker.example"], |_| {})) else {
        panic!("blocked")
    };
    assert_eq!(
        reason.to_string(),
        "rule of the operator: block tracker.example (for tracker.example)"
    );
    let both = rules(&["block tracker.example", "allow shop.example"], |_| {});
    assert!(matches!(judged(&both), PolicyVerdict::Allowed(_)));
}

#[test]
fn a_pause_a_schedule_and_safe_search_are_as_with_lists() {
    let operator = ["block news.example", "allow www.google.com"];
    let paused = rules(&operator, |group| group.is_paused = true);
    assert_eq!(of(&paused, "news.example"), "pass");
    let change = |group: &mut GroupSettings| {
        group.blocked_by_schedule = Some("bedtime".into());
        group.safe_search = vec![SafeSearch::Google];
    };
    let rules = rules(&operator, change);
    assert_eq!(of(&rules, "other.example"), "acts: schedule bedtime: every name");
    assert_eq!(of(&rules, "news.example"), "acts: rule of the operator: block news.example");
    let google = of(&rules, "www.google.com");
    assert!(google.starts_with("acts: safe search of google"), "{google}");
    assert_eq!(
        of(&rules, "maps.www.google.com"),
        "allowed: rule of the operator: allow www.google.com"
    );
}
