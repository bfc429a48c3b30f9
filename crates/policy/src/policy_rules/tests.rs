use super::*;
use crate::compile::{ListSource, PolicyCompiler};
use crate::groups::BlockStyle;
use crate::groups::ListSet;
use crate::storage::MemoryStorage;
use crate::verdict::PolicyAction;
use zoners_dns::{name, zonefile};

/// Rules of lists, each with a name; a name that begins with `@` is a list that allows.
pub(super) fn rules(lists: &[(&str, &str)], groups: Vec<GroupSettings>) -> PolicyRules {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([3, 4], &scratch);
    for (name, text) in lists {
        let source = ListSource { name: (*name).into(), form: None, allows: name.starts_with('@') };
        compiler.add_list(&source, &mut text.as_bytes()).unwrap();
    }
    compiler.finish(&*file, [0; 32]).unwrap();
    PolicyRules::new(Arc::new(CompiledPolicy::open(file, None).unwrap()), groups).unwrap()
}

pub(super) fn group(name: &str, clients: &[&str], lists: &[usize]) -> GroupSettings {
    let mut set = ListSet::default();
    lists.iter().for_each(|list| set.insert(*list));
    let clients = clients.iter().map(|text| text.parse().unwrap()).collect();
    GroupSettings { clients, ..GroupSettings::new(name, set, BlockStyle::Nxdomain) }
}

pub(super) fn all(lists: &[(&str, &str)]) -> PolicyRules {
    rules(lists, vec![group("default", &[], &[0, 1, 2, 3])])
}

/// The verdict in words: the action, and the line behind.
fn show(verdict: &PolicyVerdict) -> String {
    match verdict {
        PolicyVerdict::Pass => "pass".into(),
        PolicyVerdict::Allowed(reason) => format!("allow {}", place(reason)),
        PolicyVerdict::Act(action, reason) => {
            let action = match action {
                PolicyAction::Addresses(addresses) => format!("{addresses:?}"),
                PolicyAction::Alias(target) => format!("alias {target}"),
                action => format!("{action:?}").to_lowercase(),
            };
            format!("{action} {}", place(reason))
        }
    }
}

fn place(reason: &RuleReason) -> String {
    format!("{} {}", reason.source.list().unwrap(), reason.source.line())
}

fn judge(rules: &PolicyRules, client: &str, asked: &str, rtype: Rtype) -> String {
    let region = rules.region(client.parse().unwrap());
    let asked = name::parse(asked).unwrap();
    show(&rules.judge_question(region, asked.for_slice(), rtype).unwrap())
}

fn of(rules: &PolicyRules, asked: &str) -> String {
    judge(rules, "192.0.2.1", asked, Rtype::A)
}

#[test]
fn the_table_of_precedence_decides() {
    let rules = all(&[
        (
            "block",
            "||a.example^\n||b.example^$important\n||c.example^\n||c.example^$dnsrewrite=192.0.2.9\n||d.example^\n\
             ||x.d.example^\n||e.example^$important\n||f.example^\n",
        ),
        ("@allow", "a.example\nb.example\nx.d.example\n"),
        (
            "more",
            "@@||e.example^$important\n||a.example^\n@@||f.example^\n||f.example^$important\n",
        ),
    ]);
    for (asked, expected) in [
        ("a.example", "allow @allow 1"),
        ("www.a.example", "nxdomain block 1"),
        ("b.example", "nxdomain block 2"),
        ("c.example", "[192.0.2.9] block 4"),
        ("d.example", "nxdomain block 5"),
        ("x.d.example", "allow @allow 3"),
        ("y.x.d.example", "nxdomain block 6"),
        ("e.example", "allow more 1"),
        ("f.example", "nxdomain more 4"),
        ("g.example", "pass"),
    ] {
        assert_eq!(of(&rules, asked), expected, "{asked}");
    }
}

#[test]
fn badfilter_disables_equal_rules_of_the_groups_lists() {
    let lists = [
        ("a", "||a.example^\n||b.example^\n||b.example^$important\n/^c/\n"),
        ("b", "||a.example^$badfilter\n||b.example^$badfilter\n/^c/$badfilter\n"),
    ];
    let groups = vec![group("default", &[], &[0, 1]), group("first", &["10.0.0.0/8"], &[0])];
    let rules = rules(&lists, groups);
    assert_eq!(of(&rules, "a.example"), "pass");
    assert_eq!(of(&rules, "b.example"), "nxdomain a 3");
    assert_eq!(of(&rules, "c.test"), "pass");
    assert_eq!(judge(&rules, "10.0.0.1", "a.example", Rtype::A), "nxdomain a 1");
    assert_eq!(judge(&rules, "10.0.0.1", "c.test", Rtype::A), "nxdomain a 4");
}

#[test]
fn options_limit_types_clients_and_names() {
    let rules = all(&[(
        "x",
        "||a.example^$dnstype=AAAA\n||b.example^$client=10.0.0.0/8|~10.1.0.0/16\n\
         ||com^$denyallow=good.com\n||ad*.d.example^\n",
    )]);
    assert_eq!(of(&rules, "a.example"), "pass");
    assert_eq!(judge(&rules, "::1", "a.example", Rtype::AAAA), "nxdomain x 1");
    for (client, expected) in
        [("10.9.9.9", "nxdomain x 2"), ("10.1.2.3", "pass"), ("192.0.2.1", "pass")]
    {
        assert_eq!(judge(&rules, client, "b.example", Rtype::A), expected, "{client}");
    }
    assert_eq!(of(&rules, "bad.com"), "nxdomain x 3");
    assert_eq!(of(&rules, "www.good.com"), "pass");
    assert_eq!(of(&rules, "ads.d.example"), "nxdomain x 4");
    assert_eq!(of(&rules, "x.d.example"), "pass");
}

#[test]
fn groups_have_lists_and_styles_of_their_own() {
    let styled = |style| GroupSettings { style, ..group("g", &["10.0.0.0/8"], &[1]) };
    let lists = [("a", "0.0.0.0 a.example\n"), ("b", "0.0.0.0 b.example\n")];
    let with = |own: GroupSettings| rules(&lists, vec![group("default", &[], &[0]), own]);
    let null = "[0.0.0.0, ::] b 1";
    for (style, expected) in [
        (BlockStyle::NullAddress, null),
        (BlockStyle::Nodata, "nodata b 1"),
        (BlockStyle::Refused, "refused b 1"),
        (BlockStyle::Drop, "drop b 1"),
        (BlockStyle::Addresses(vec!["192.0.2.5".parse().unwrap()]), "[192.0.2.5] b 1"),
    ] {
        let rules = with(styled(style));
        assert_eq!(judge(&rules, "10.0.0.1", "b.example", Rtype::A), expected);
        assert_eq!(judge(&rules, "10.0.0.1", "a.example", Rtype::A), "pass");
        assert_eq!(of(&rules, "a.example"), "nxdomain a 1");
        assert_eq!(of(&rules, "b.example"), "pass");
    }
    let paused = with(GroupSettings { is_paused: true, ..styled(BlockStyle::Drop) });
    assert_eq!(judge(&paused, "10.0.0.1", "b.example", Rtype::A), "pass");
}

#[test]
fn policy_zones_rewrite_and_the_most_specific_name_decides() {
    let rules = all(&[(
        "rpz",
        "@ SOA a. b. 1 2 3 4 5\n*.a.example CNAME rpz-passthru.\nbad.a.example CNAME .\n\
         b.example A 192.0.2.1\nb.example A 192.0.2.2\nb.example AAAA 2001:db8::1\n\
         c.example MX 10 mail.example.\nd.example CNAME safe.example.\ne.example CNAME rpz-tcp-only.\n\
         32.5.2.0.192.rpz-client-ip CNAME rpz-drop.\n",
    )]);
    assert_eq!(of(&rules, "bad.a.example"), "nxdomain rpz 3");
    assert_eq!(of(&rules, "x.a.example"), "allow rpz 2");
    assert_eq!(of(&rules, "a.example"), "pass");
    assert_eq!(of(&rules, "b.example"), "[192.0.2.1, 192.0.2.2, 2001:db8::1] rpz 4");
    assert_eq!(of(&rules, "d.example"), "alias safe.example rpz 8");
    assert_eq!(of(&rules, "e.example"), "tcponly rpz 9");
    assert_eq!(judge(&rules, "192.0.2.5", "b.example", Rtype::A), "drop rpz 10");
    assert_eq!(judge(&rules, "192.0.2.5", "other.example", Rtype::A), "drop rpz 10");
    assert!(judge(&rules, "192.0.2.1", "c.example", Rtype::MX).starts_with("records"));
}

#[test]
fn answers_are_judged_by_targets_hints_and_addresses() {
    let rules = all(&[(
        "x",
        "||tracker.example^\n||192.0.2.66^\n@@||trusted.test^\n||exact.example^$dnstype=AAAA\n\
         ||asked.example^$dnstype=~CNAME\n/^198\\.51\\.100\\.[0-9]$/\n||203.0.113.\n",
    )]);
    let judge = |asked: &str, rtype, answer: &str| {
        let asked = name::parse(asked).unwrap();
        let sets = zonefile::parse(answer, &name::root()).unwrap();
        let verdict = rules.judge_answer(0, asked.for_slice(), rtype, &sets).unwrap();
        let concerns = match &verdict {
            PolicyVerdict::Act(_, reason) => reason.concerns.clone().unwrap_or_default(),
            _ => String::new(),
        };
        format!("{} {concerns}", show(&verdict))
    };
    let cloaked = "a.test. 60 CNAME b.test.\nb.test. 60 CNAME x.tracker.example.\nx.tracker.example. 60 A 192.0.2.1\n";
    for rtype in [Rtype::A, Rtype::AAAA, Rtype::HTTPS] {
        assert_eq!(judge("a.test", rtype, cloaked), "nxdomain x 1 x.tracker.example");
    }
    assert_eq!(judge("www.trusted.test", Rtype::A, cloaked), "allow x 3 ");
    assert_eq!(judge("a.test", Rtype::A, "a.test. 60 A 192.0.2.66\n"), "nxdomain x 2 192.0.2.66");
    let service = "a.test. 60 HTTPS 1 tracker.example.\n";
    assert_eq!(judge("a.test", Rtype::HTTPS, service), "nxdomain x 1 tracker.example");
    let hint = "a.test. 60 HTTPS 1 . ipv4hint=192.0.2.66\n";
    assert_eq!(judge("a.test", Rtype::HTTPS, hint), "nxdomain x 2 192.0.2.66");
    assert_eq!(judge("a.test", Rtype::A, "a.test. 60 A 192.0.2.1\n"), "pass ");
    let typed = "a.test. 60 CNAME exact.example.\n";
    assert_eq!(judge("a.test", Rtype::A, typed), "pass ");
    assert_eq!(judge("a.test", Rtype::AAAA, typed), "nxdomain x 4 exact.example");
    assert_eq!(judge("a.test", Rtype::A, "a.test. 60 CNAME asked.example.\n"), "pass ");
    assert_eq!(of(&rules, "asked.example"), "nxdomain x 5");
    assert_eq!(
        judge("a.test", Rtype::A, "a.test. 60 A 198.51.100.7\n"),
        "nxdomain x 6 198.51.100.7"
    );
    assert_eq!(judge("a.test", Rtype::A, "a.test. 60 A 198.51.100.70\n"), "pass ");
    assert_eq!(judge("a.test", Rtype::A, "a.test. 60 A 203.0.113.9\n"), "nxdomain x 7 203.0.113.9");
}

#[test]
fn a_name_of_an_address_is_judged_where_the_group_wants_that() {
    let asked = name::parse("1.2.0.192.in-addr.arpa").unwrap();
    let answer = "1.2.0.192.in-addr.arpa. 60 PTR www.tracker.example.\n";
    let sets = zonefile::parse(answer, &name::root()).unwrap();
    for (block_ptr, expected) in [(false, "pass"), (true, "nxdomain x 1")] {
        let group = GroupSettings { block_ptr, ..group("default", &[], &[0]) };
        let rules = rules(&[("x", "||tracker.example^\n")], vec![group]);
        let verdict = rules.judge_answer(0, asked.for_slice(), Rtype::PTR, &sets).unwrap();
        assert_eq!(show(&verdict), expected);
    }
}

#[test]
fn nameservers_are_judged_by_name_and_address() {
    let rules = all(&[(
        "rpz",
        "@ SOA a. b. 1 2 3 4 5\n*.bad.example.rpz-nsdname CNAME .\n32.1.2.0.192.rpz-nsip CNAME *.\n\
         free.test CNAME rpz-passthru.\n",
    )]);
    assert!(rules.concerns_nameservers());
    assert!(!all(&[("x", "||a.example^\n")]).concerns_nameservers());
    let judge_for = |asked: &str, servers: &[(&str, &str)]| {
        let asked = name::parse(asked).unwrap();
        let servers: Vec<(Name, [IpAddr; 1])> = servers
            .iter()
            .map(|(name, ip)| (name::parse(name).unwrap(), [ip.parse().unwrap()]))
            .collect();
        let servers = servers.iter().map(|(name, addresses)| (name, &addresses[..]));
        rules.judge_nameservers(0, asked.for_slice(), Rtype::A, servers).unwrap()
    };
    let judge = |server, address| show(&judge_for("a.test", &[(server, address)]));
    assert_eq!(judge("ns1.bad.example", "192.0.2.2"), "nxdomain rpz 2");
    assert_eq!(judge("ns1.good.example", "192.0.2.1"), "nodata rpz 3");
    assert_eq!(judge("ns1.good.example", "192.0.2.2"), "pass");
    assert_eq!(of(&rules, "ns1.bad.example"), "pass", "a nameserver's name may be asked for");
    // A name outranks an address, whichever server comes first.
    let both = [("ns1.good.example", "192.0.2.1"), ("ns1.bad.example", "192.0.2.1")];
    let PolicyVerdict::Act(action, reason) = judge_for("a.test", &both) else { panic!() };
    assert_eq!(
        (action, reason.concerns.as_deref()),
        (PolicyAction::Nxdomain, Some("ns1.bad.example"))
    );
    assert_eq!(show(&judge_for("free.test", &both)), "allow rpz 4");
    assert_eq!(show(&judge_for("a.test", &[])), "pass");
}

#[test]
fn every_matching_rule_is_explained_in_order() {
    let rules = all(&[
        ("hosts", "0.0.0.0 www.a.example\n"),
        ("adblock", "||a.example^\n@@||www.a.example^$dnstype=A\n||w*.a.example^\n/^www/\n"),
    ]);
    let asked = name::parse("www.a.example").unwrap();
    let rules: Vec<String> = rules
        .explain(0, asked.for_slice(), Rtype::A)
        .unwrap()
        .iter()
        .map(|rule| format!("{} {}", rule.reason, rule.action.is_some()))
        .collect();
    assert_eq!(
        rules,
        [
            "list adblock, line 2: @@||www.a.example^$types=A false",
            "list hosts, line 1: www.a.example true",
            "list adblock, line 1: ||a.example^ true",
            "list adblock, line 3: ||w*.a.example^ true",
            "list adblock, line 4: /^www/ true",
        ]
    );
}
