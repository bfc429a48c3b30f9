//! Compiled policies against a slow reference of a few lines, which reads rules anew for each name: random lists of
//! few names, so that rules meet, and 100,000 pairs of a policy and a name.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, with a seed at choice")]

use std::sync::Arc;

use zoners_dns::{Random, Rtype, name};
use zoners_policy::{
    BlockStyle, CompiledPolicy, GroupSettings, ListForm, ListSet, ListSource, MemoryStorage,
    PolicyCompiler, PolicyRules, PolicyVerdict,
};

const POLICIES: u64 = 500;
const NAMES_OF_POLICY: u64 = 200;
const RULES_OF_LIST: u64 = 24;

/// What the reference says: the row of the table of precedence, the labels, list and line of the deciding rule.
type Decided = Option<(u8, usize, usize, usize)>;

#[test]
fn compiled_policies_decide_as_the_reference() {
    let Verdicts { pairs, blocked, allowed } = compare_verdicts(23, POLICIES);
    assert_eq!(pairs, 100_000);
    // The names are so few that each verdict is frequent.
    assert!(
        blocked > 10_000 && allowed > 10_000 && pairs - blocked - allowed > 10_000,
        "{blocked} {allowed}"
    );
}

/// `cargo test -p zoners-policy --test oracle --release -- --ignored`; `SEED` begins elsewhere.
#[test]
#[ignore = "a million pairs take minutes"]
fn a_million_verdicts_are_those_of_the_reference() {
    let seed = std::env::var("SEED").map_or(2300, |seed| seed.parse().unwrap());
    assert_eq!(compare_verdicts(seed, 10 * POLICIES).pairs, 1_000_000);
}

/// Verdicts that were compared.
#[derive(Default)]
struct Verdicts {
    pairs: u64,
    blocked: u64,
    allowed: u64,
}

/// Compares the verdicts of random policies on random names.
fn compare_verdicts(seed: u64, policies: u64) -> Verdicts {
    let random = Random::seeded(seed);
    let mut seen = Verdicts::default();
    for number in 0..policies {
        let forms = [ListForm::Adblock, ListForm::Domains, ListForm::Wildcards, ListForm::Adblock];
        let lists: Vec<(ListForm, Vec<String>)> = forms
            .into_iter()
            .map(|form| {
                (form, (0..random.below(RULES_OF_LIST)).map(|_| rule(&random, form)).collect())
            })
            .collect();
        let rules = compiled(&lists, number);
        for _ in 0..NAMES_OF_POLICY {
            let (asked, rtype) = (host(&random), [Rtype::A, Rtype::AAAA][random.below(2) as usize]);
            let expected = reference(&lists, &asked, rtype);
            let parsed = name::parse(&asked).unwrap();
            let verdict = rules.judge_question(0, parsed.for_slice(), rtype).unwrap();
            let found = match &verdict {
                PolicyVerdict::Pass => None,
                PolicyVerdict::Allowed(reason) => Some((true, reason)),
                PolicyVerdict::Act(_, reason) => Some((false, reason)),
            };
            let found = found.map(|(allows, reason)| {
                (
                    allows,
                    reason.source.list().unwrap().parse().unwrap(),
                    reason.source.line() as usize,
                )
            });
            let expected = expected.map(|(row, _, list, line)| (row == 1 || row == 3, list, line));
            assert_eq!(found, expected, "{asked} {rtype} {lists:#?} {verdict:?}");
            seen.pairs += 1;
            seen.allowed += u64::from(found.is_some_and(|found| found.0));
            seen.blocked += u64::from(found.is_some_and(|found| !found.0));
        }
    }
    seen
}

/// The names that random rules may have, and types with and without conditions.
fn questions() -> Vec<(String, Rtype)> {
    let labels = ["a", "b", "ab", "ba", "abc"];
    let mut names = vec!["x".to_owned(), "y".to_owned()];
    let mut last = names.clone();
    for _ in 0..3 {
        let below = |name: &String| labels.map(|label| format!("{label}.{name}"));
        last = last.iter().flat_map(below).collect();
        names.extend_from_slice(&last);
    }
    let of_name = |name: String| [Rtype::A, Rtype::AAAA].map(|rtype| (name.clone(), rtype));
    names.into_iter().flat_map(of_name).collect()
}

#[test]
fn rules_that_are_said_to_change_nothing_change_nothing() {
    let random = Random::seeded(24);
    let questions = questions();
    let (mut dead, mut shadowed) = (0, 0);
    for number in 0..POLICIES / 5 {
        let forms =
            [ListForm::Adblock, ListForm::Domains, ListForm::Rpz, ListForm::Adblock, ListForm::Rpz];
        let lists: Vec<(ListForm, Vec<String>)> = forms
            .into_iter()
            .map(|form| (form, (0..random.below(12)).map(|_| rule(&random, form)).collect()))
            .collect();
        let rules = compiled(&lists, number);
        for (list, review) in rules.review().unwrap().into_iter().enumerate() {
            let idle = [(review.dead.first, true), (review.shadowed.first, false)];
            for (rule, is_dead) in idle.into_iter().filter_map(|(rule, it)| Some((rule?, it))) {
                *(if is_dead { &mut dead } else { &mut shadowed }) += 1;
                let mut without = lists.clone();
                without[list].1[rule.line as usize - 1].clear();
                let without = compiled(&without, number);
                for (asked, rtype) in &questions {
                    let asked = name::parse(asked).unwrap();
                    let judge = |rules: &PolicyRules| {
                        rules.judge_question(0, asked.for_slice(), *rtype).unwrap()
                    };
                    let (with, without) = (judge(&rules), judge(&without));
                    let told = format!("{asked} {rtype} {rule:?} {lists:#?}");
                    assert_eq!(effect(&with), effect(&without), "{told}");
                    assert!(!is_dead || place(&with) != Some((list, rule.line)), "{told}");
                }
            }
        }
    }
    assert!(dead > 50 && shadowed > 30, "{dead} {shadowed}");
}

fn effect(verdict: &PolicyVerdict) -> String {
    match verdict {
        PolicyVerdict::Pass => "pass".to_owned(),
        PolicyVerdict::Allowed(_) => "allow".to_owned(),
        PolicyVerdict::Act(action, _) => format!("{action:?}"),
    }
}

/// The list and the line of the deciding rule.
fn place(verdict: &PolicyVerdict) -> Option<(usize, u32)> {
    match verdict {
        PolicyVerdict::Pass => None,
        PolicyVerdict::Allowed(reason) | PolicyVerdict::Act(_, reason) => {
            Some((reason.source.list()?.parse().unwrap(), reason.source.line()))
        }
    }
}

fn compiled(lists: &[(ListForm, Vec<String>)], number: u64) -> PolicyRules {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([number, 1], &scratch);
    for (number, (form, lines)) in lists.iter().enumerate() {
        let source =
            ListSource { name: number.to_string(), form: Some(*form), allows: number == 3 };
        compiler.add_list(&source, &mut lines.join("\n").as_bytes()).unwrap();
    }
    compiler.finish(&*file, [0; 32]).unwrap();
    let compiled = Arc::new(CompiledPolicy::open(file, None).unwrap());
    let group = GroupSettings::new("all", ListSet::all(), BlockStyle::Nodata);
    PolicyRules::new(compiled, vec![group]).unwrap()
}

/// A name of few labels of few letters.
fn host(random: &Random) -> String {
    let labels =
        (0..=random.below(3)).map(|_| ["a", "b", "ab", "ba", "abc"][random.below(5) as usize]);
    labels.chain([["x", "y"][random.below(2) as usize]]).collect::<Vec<_>>().join(".")
}

fn rule(random: &Random, form: ListForm) -> String {
    let host = host(random);
    let below = random.below(4) == 0;
    match form {
        ListForm::Domains | ListForm::Wildcards if below => return format!("*.{host}"),
        ListForm::Domains | ListForm::Wildcards => return host,
        ListForm::Rpz => {
            let star = if below { "*." } else { "" };
            let target = [".", ".", "*.", "rpz-passthru."][random.below(4) as usize];
            return format!("{star}{host} CNAME {target}");
        }
        _ => {}
    }
    let pattern = match random.below(8) {
        0 => format!("|{host}^"),
        1 => host,
        2 => format!("||*.{host}^"),
        3 => format!("||a*.{host}^"),
        4 => format!("||{}*^", &host[..host.len().min(3)].trim_end_matches('.')),
        5 => format!(".{host}^"),
        _ => format!("||{host}^"),
    };
    let options = ["", "", "", "", "$important", "$dnstype=A", "$dnstype=~A", "$badfilter"];
    let at = if random.below(4) == 0 { "@@" } else { "" };
    format!("{at}{pattern}{}", options[random.below(8) as usize])
}

/// Decides by trying every rule on the name.
fn reference(lists: &[(ListForm, Vec<String>)], asked: &str, rtype: Rtype) -> Decided {
    let mut disabled = Vec::new();
    let mut found: Vec<(Decided, &str)> = Vec::new();
    for (number, (form, lines)) in lists.iter().enumerate() {
        for (line, text) in lines.iter().enumerate() {
            let (allows, rest) =
                text.strip_prefix("@@").map_or((false, &**text), |rest| (true, rest));
            let (pattern, option) = rest.split_once('$').unwrap_or((rest, ""));
            let Some(labels) = labels_that_match(*form, pattern, asked) else { continue };
            let type_fits = match option {
                "dnstype=A" => rtype == Rtype::A,
                "dnstype=~A" => rtype != Rtype::A,
                _ => true,
            };
            if !type_fits {
                continue;
            }
            let allows = allows || number == 3;
            if option == "badfilter" {
                disabled.push((canonical(*form, pattern), allows));
                continue;
            }
            let row = match (allows, option == "important") {
                (true, true) => 1,
                (false, true) => 2,
                (true, false) => 3,
                (false, false) => 5,
            };
            let is_plain = option.is_empty();
            found.push((
                Some((row, usize::MAX - labels, number, line + 1)),
                if is_plain { pattern } else { "" },
            ));
        }
    }
    let is_disabled = |(decided, pattern): &(Decided, &str)| {
        let Some((row, _, number, _)) = decided else { return true };
        !pattern.is_empty()
            && disabled.iter().any(|(own, allows)| {
                *own == canonical(lists[*number].0, pattern) && *allows == (*row == 1 || *row == 3)
            })
    };
    found.iter().filter(|rule| !is_disabled(rule)).filter_map(|(decided, _)| *decided).min()
}

/// The pattern in one spelling for rules that say the same.
fn canonical(form: ListForm, pattern: &str) -> String {
    let is_name = !pattern.contains(['|', '^', '*']);
    match form {
        ListForm::Wildcards if is_name => format!("||{pattern}^"),
        ListForm::Domains | ListForm::Wildcards => match pattern.strip_prefix("*.") {
            Some(below) => format!("||{below}^"),
            None => format!("|{pattern}^"),
        },
        _ if is_name => format!("|{pattern}^"),
        _ => pattern.to_string(),
    }
}

/// The labels of the name that a rule names, if the rule matches: 0 where the rule has no name at its end.
fn labels_that_match(form: ListForm, pattern: &str, asked: &str) -> Option<usize> {
    let pattern = canonical(form, pattern);
    let depth = |name: &str| name.split('.').count();
    let is_within = |name: &str| asked == name || asked.ends_with(&format!(".{name}"));
    if let Some(tail) = pattern.strip_prefix("||a*.") {
        let tail = tail.trim_end_matches('^');
        let matches = asked.match_indices('a').any(|(at, _)| {
            (at == 0 || asked[..at].ends_with('.'))
                && asked[at + 1..].ends_with(&format!(".{tail}"))
        });
        let named = if depth(tail) >= 2 { depth(tail) } else { 0 };
        return matches.then_some(named);
    }
    if let Some(tail) = pattern.strip_prefix("||*.") {
        let tail = tail.trim_end_matches('^');
        return (is_within(tail) && asked != tail).then_some(depth(tail));
    }
    if let Some(start) = pattern.strip_prefix("||").and_then(|rest| rest.strip_suffix("*^")) {
        let mut labels = (0..asked.len()).filter(|at| *at == 0 || asked[..*at].ends_with('.'));
        return labels.any(|at| asked[at..].starts_with(start)).then_some(0);
    }
    if let Some(tail) = pattern.strip_prefix('.') {
        let tail = tail.trim_end_matches('^');
        let named = if depth(tail) >= 2 { depth(tail) } else { 0 };
        return (is_within(tail) && asked != tail).then_some(named);
    }
    match pattern.strip_prefix("||") {
        Some(name) => is_within(name.trim_end_matches('^')).then(|| depth(name)),
        None => (pattern.trim_matches(['|', '^']) == asked).then(|| depth(asked)),
    }
}
