use std::sync::Arc;

use zoners_dns::{name, zonefile};

use super::*;
use crate::compile::{ListSource, PolicyCompiler};
use crate::compiled::CompiledPolicy;
use crate::groups::{BlockStyle, ListSet};
use crate::safe_search::SafeSearch;
use crate::storage::MemoryStorage;

/// Rules of a list that allows, and a list that blocks, for the group `kids`.
fn rules(change: impl FnOnce(&mut GroupSettings)) -> PolicyRules {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([3, 4], &scratch);
    let allowing =
        "||school.example^\n||www.google.com^\n@@||www.bing.com^$important\n||good.tiktok.com^\n";
    for (name, text, allows) in [("good", allowing, true), ("ads", "||ads.example^\n", false)] {
        let source = ListSource { name: name.into(), form: None, allows };
        compiler.add_list(&source, &mut text.as_bytes()).unwrap();
    }
    compiler.finish(&*file, [0; 32]).unwrap();
    let compiled = Arc::new(CompiledPolicy::open(file, None).unwrap());
    let mut group = GroupSettings::new("kids", ListSet::all(), BlockStyle::Nxdomain);
    change(&mut group);
    PolicyRules::new(compiled, vec![group]).unwrap()
}

fn show(verdict: &PolicyVerdict) -> String {
    match verdict {
        PolicyVerdict::Pass => "pass".into(),
        PolicyVerdict::Allowed(reason) => format!("allowed by {reason}"),
        PolicyVerdict::Act(PolicyAction::Alias(target), reason) => format!("{target} by {reason}"),
        PolicyVerdict::Act(action, reason) => format!("{action:?} by {reason}").to_lowercase(),
    }
}

/// The verdict, which is the first line of the explanation too.
fn of(rules: &PolicyRules, asked: &str, rtype: Rtype) -> String {
    let asked = name::parse(asked).unwrap();
    let verdict = rules.judge_question(0, asked.for_slice(), rtype).unwrap();
    let explained = rules.explain(0, asked.for_slice(), rtype).unwrap();
    let first = match explained.into_iter().next() {
        None => PolicyVerdict::Pass,
        Some(MatchingRule { action: None, reason }) => PolicyVerdict::Allowed(reason),
        Some(MatchingRule { action: Some(action), reason }) => PolicyVerdict::Act(action, reason),
    };
    assert_eq!(first, verdict, "the explanation of {asked}");
    show(&verdict)
}

#[test]
fn a_blocked_service_is_blocked_with_its_domains_and_behind_aliases() {
    let rules = rules(|group| assert!(group.services.insert("tiktok")));
    let blocked = "nxdomain by service tiktok: *.tiktok.com";
    assert_eq!(of(&rules, "www.tiktok.com", Rtype::HTTPS), blocked);
    assert_eq!(
        of(&rules, "good.tiktok.com", Rtype::A),
        "allowed by list good, line 4: @@||good.tiktok.com^"
    );
    assert_eq!(of(&rules, "www.netflix.com", Rtype::A), "pass");
    let answer = zonefile::parse("www.other.example. 60 CNAME www.tiktok.com.\n", &name::root());
    let asked = name::parse("www.other.example").unwrap();
    let verdict = rules.judge_answer(0, asked.for_slice(), Rtype::A, &answer.unwrap()).unwrap();
    assert_eq!(show(&verdict), format!("{blocked} (for www.tiktok.com)"));
}

#[test]
fn at_bedtime_allowed_names_stay_reachable() {
    let rules = rules(|group| group.blocked_by_schedule = Some("bedtime".into()));
    assert_eq!(of(&rules, "example.com", Rtype::A), "nxdomain by schedule bedtime: every name");
    assert_eq!(of(&rules, "ads.example", Rtype::A), "nxdomain by list ads, line 1: ||ads.example^");
    assert_eq!(
        of(&rules, "x.school.example", Rtype::A),
        "allowed by list good, line 1: @@||school.example^"
    );
}

#[test]
fn safe_search_outlasts_allowed_names() {
    let rules = rules(|group| group.safe_search = SafeSearch::ALL.to_vec());
    let google = "forcesafesearch.google.com by safe search of google: www.google.com";
    assert_eq!(of(&rules, "www.google.com", Rtype::A), google);
    assert_eq!(
        of(&rules, "www.google.com", Rtype::TXT),
        "allowed by list good, line 2: @@||www.google.com^"
    );
    let important = "allowed by list good, line 3: @@||www.bing.com^$important";
    assert_eq!(of(&rules, "www.bing.com", Rtype::A), important);
    assert_eq!(
        of(&rules, "ya.ru", Rtype::A),
        "addresses([213.180.193.56]) by safe search of yandex: ya.ru"
    );
}

#[test]
fn a_blocked_service_is_not_made_safe() {
    let rules = rules(|group| {
        group.safe_search = vec![SafeSearch::Youtube];
        group.services.insert("youtube");
    });
    let blocked = "nxdomain by service youtube: *.youtube.com";
    assert_eq!(of(&rules, "www.youtube.com", Rtype::A), blocked);
}

#[test]
fn a_group_without_ipv6_gets_none() {
    let rules = rules(|group| group.block_aaaa = true);
    let none = "nodata by block-aaaa: no ipv6 addresses";
    for asked in ["example.com", "school.example"] {
        assert_eq!(of(&rules, asked, Rtype::AAAA), none);
    }
    assert_eq!(of(&rules, "example.com", Rtype::A), "pass");
    assert_eq!(
        of(&rules, "ads.example", Rtype::AAAA),
        "nxdomain by list ads, line 1: ||ads.example^"
    );
}

#[test]
fn a_pause_ends_every_rule_of_the_group() {
    let rules = rules(|group| {
        group.services.insert("tiktok");
        group.safe_search = SafeSearch::ALL.to_vec();
        group.block_aaaa = true;
        group.blocked_by_schedule = Some("bedtime".into());
        group.is_paused = true;
    });
    for asked in ["www.tiktok.com", "www.google.com", "ads.example", "example.com"] {
        assert_eq!(of(&rules, asked, Rtype::AAAA), "pass", "{asked}");
    }
}
