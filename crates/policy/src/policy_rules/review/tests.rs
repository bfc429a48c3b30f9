use super::super::tests::{all, group, rules};
use super::*;

/// The numbers of dead and shadowed rules of each list.
fn counts(rules: &PolicyRules) -> Vec<(u32, u32)> {
    let reviews = rules.review().unwrap();
    reviews.iter().map(|review| (review.dead.count, review.shadowed.count)).collect()
}

fn counts_of(list: &str) -> (u32, u32) {
    counts(&all(&[("ads", list)]))[0]
}

#[test]
fn a_rule_below_an_allowed_name_is_dead_and_the_rule_behind_is_named() {
    let rules = all(&[
        ("ads", "! ads\n||other.example^\n||b.good.example^\n||a.good.example^\n"),
        ("allow", "@@||good.example^\n"),
    ]);
    let ads = rules.review().unwrap().remove(0);
    let by = RuleSource::List { name: "allow".into(), line: 1 };
    let first = IdleRule {
        line: 3,
        rule: "||b.good.example^".into(),
        by,
        by_rule: "@@||good.example^".into(),
    };
    assert_eq!(ads.dead, IdleRules { count: 2, first: Some(first) });
    assert_eq!(ads.shadowed, IdleRules::default());
}

#[test]
fn a_rule_below_a_broader_one_is_shadowed() {
    assert_eq!(counts_of("||ads.example^\n||a.ads.example^\n|b.ads.example^\n"), (0, 2));
    assert_eq!(counts_of("||*.ads.example^\n|ads.example^\n||a.ads.example^\n"), (0, 1));
    assert_eq!(counts_of("|ads.example^\n|a.ads.example^\n"), (0, 0));
    assert_eq!(counts_of("@@||example^\n@@||good.example^\n"), (0, 1));
}

#[test]
fn a_rule_of_an_earlier_list_counts_where_both_lists_are_in_force() {
    let lists = [("one", "||ads.example^\n"), ("two", "||ads.example^\n||a.ads.example^\n")];
    assert_eq!(counts(&all(&lists)), [(0, 0), (1, 1)]);
    let kids = group("kids", &["192.0.2.7"], &[1]);
    let apart = rules(&lists, vec![group("default", &[], &[0, 1]), kids]);
    assert_eq!(counts(&apart), [(0, 0), (0, 1)], "by the rule of its own list");
    let unused = rules(&lists, vec![group("default", &[], &[])]);
    assert_eq!(counts(&unused), [(0, 0), (0, 0)]);
}

#[test]
fn a_rule_with_conditions_covers_nothing() {
    assert_eq!(counts_of("||ads.example^$dnstype=A\n||a.ads.example^\n"), (0, 0));
    assert_eq!(counts_of("||ads.example^\n||a.ads.example^$dnstype=A\n"), (0, 1));
    assert_eq!(counts_of("@@||ads.example^$client=192.0.2.1\n||a.ads.example^\n"), (0, 0));
}

#[test]
fn important_and_disabled_rules_count_by_their_precedence() {
    assert_eq!(counts_of("@@||example^\n||ads.example^$important\n"), (0, 0));
    assert_eq!(counts_of("||example^$important\n@@||ads.example^\n"), (1, 0));
    assert_eq!(counts_of("||ads.example^\n||ads.example^$badfilter\n"), (1, 0));
    let disabled = "||ads.example^\n||a.ads.example^\n||ads.example^$badfilter\n";
    assert_eq!(counts_of(disabled), (1, 0), "a disabled rule covers nothing");
}

#[test]
fn a_rule_with_another_effect_in_between_keeps_a_rule_alive() {
    let lists = |between: &str| {
        let ads = "||example^\n||a.b.example^\n";
        counts(&all(&[("ads", ads), ("names", between)]))[0]
    };
    assert_eq!(lists("address=/other.example/#\n"), (0, 1));
    assert_eq!(lists("address=/b.example/192.0.2.1\n"), (1, 0), "the rewrite decides");
    assert_eq!(lists("address=/b.example/\n"), (0, 0), "NXDOMAIN is no null address");
}

#[test]
fn the_most_specific_rule_of_a_policy_zone_is_never_dead() {
    let zone = "@ SOA ns host 1 2 3 4 5\n*.example CNAME rpz-passthru.\nads.example CNAME .\n";
    assert_eq!(counts_of(zone), (0, 0));
    let alike = zone.replace("rpz-passthru.", ".");
    assert_eq!(counts_of(&alike), (0, 1));
    let other = ("hosts", "0.0.0.0 ads.example\n");
    assert_eq!(counts(&all(&[("zone", &*alike), other]))[1], (0, 0), "of another list");
}
