use super::*;
use crate::compile::{ListSource, PolicyCompiler};
use crate::storage::MemoryStorage;
use zoners_dns::name;

fn compiled(lists: &[(&str, &str)], run_octets: usize) -> Arc<MemoryStorage> {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([1, 2], &scratch).with_run_octets(run_octets);
    for (name, text) in lists {
        let source = ListSource { name: (*name).into(), form: None, allows: false };
        compiler.add_list(&source, &mut text.as_bytes()).unwrap();
    }
    compiler.finish(&*file, [7; 32]).unwrap();
    file
}

/// The lines of the rules for a name.
fn lines(policy: &CompiledPolicy, asked: &str) -> Vec<(u16, u32)> {
    let mut found = Vec::new();
    policy.rules_of_name(name::parse(asked).unwrap().for_slice(), &mut found).unwrap();
    let mut lines: Vec<_> = found.iter().map(|found| (found.rule.list, found.rule.line)).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn every_listed_name_is_found_however_many_runs_are_merged() {
    let hosts: String =
        (0..3000).map(|number| format!("0.0.0.0 n{number}.d{}.example\n", number % 97)).collect();
    let trees: String = (0..3000).map(|number| format!("||t{number}.test^\n")).collect();
    let files =
        [1 << 20, 20_000, 3000].map(|octets| compiled(&[("a", &hosts), ("b", &trees)], octets));
    assert_eq!(files[0].content(), files[1].content());
    assert_eq!(files[0].content(), files[2].content());
    let policy = CompiledPolicy::open(files[2].clone(), Some([7; 32])).unwrap();
    assert_eq!(
        (policy.names(), policy.lists()[0].rules, policy.lists()[1].rules),
        (6000, 3000, 3000)
    );
    for number in 0..3000 {
        let name = format!("N{number}.d{}.example", number % 97);
        assert_eq!(lines(&policy, &name), [(0, number + 1)]);
        assert_eq!(lines(&policy, &format!("below.{name}")), []);
        assert_eq!(lines(&policy, &format!("t{number}.test")), [(1, number + 1)]);
        assert_eq!(lines(&policy, &format!("a.b.t{number}.TEST")), [(1, number + 1)]);
        assert_eq!(lines(&policy, &format!("t{number}.tests")), []);
    }
    assert!(policy.octets() < 6000 * 7 + 500, "{} octets", policy.octets());
}

#[test]
fn names_of_few_labels_are_found() {
    let policy = |text: &str| CompiledPolicy::open(compiled(&[("a", text)], 1000), None).unwrap();
    let top = policy("||zip^\n||example.com^\n");
    assert_eq!(lines(&top, "zip"), [(0, 1)]);
    assert_eq!(lines(&top, "www.file.zip"), [(0, 1)]);
    assert_eq!(lines(&top, "a.example.com"), [(0, 2)]);
    assert_eq!(lines(&top, "com"), []);
    assert_eq!(lines(&top, "."), []);
    assert_eq!(lines(&policy("||a.b.c.d.e^\n"), "x.a.b.c.d.e"), [(0, 1)]);
}

#[test]
fn repeated_rules_are_counted_and_kept_once() {
    let text = "0.0.0.0 a.example\n0.0.0.0 A.example\n0.0.0.0 b.example a.example\n";
    let policy = CompiledPolicy::open(compiled(&[("x", text), ("y", text)], 40), None).unwrap();
    assert_eq!(lines(&policy, "a.example"), [(0, 1), (1, 1)]);
    let list = &policy.lists()[0];
    assert_eq!((list.rules, list.repeated, policy.names()), (2, 2, 2));
}

#[test]
fn a_name_with_many_rules_has_a_limit() {
    let text: String = (0..200).map(|n| format!("||a.example^$denyallow=n{n}.example\n")).collect();
    let policy = CompiledPolicy::open(compiled(&[("x", &text)], 500), None).unwrap();
    assert_eq!(lines(&policy, "a.example").len(), 64);
    assert_eq!((policy.lists()[0].rules, policy.lists()[0].repeated), (64, 136));
}

#[test]
fn a_policy_of_no_rules_is_a_policy() {
    let file = compiled(&[], 100);
    let policy = CompiledPolicy::open(file, None).unwrap();
    assert_eq!((policy.names(), lines(&policy, "a.example")), (0, vec![]));
}

#[test]
fn torn_foreign_and_outdated_files_are_not_used() {
    let whole = compiled(&[("x", "||a.example^\n/regex/\n||192.0.2.1^\n0.0.0.0 c.example\n")], 100)
        .content();
    let open = |octets: Vec<u8>, sources| {
        CompiledPolicy::open(Arc::new(MemoryStorage::new(octets)), Some(sources))
    };
    assert!(open(whole.clone(), [7; 32]).is_ok());
    assert!(matches!(open(whole.clone(), [8; 32]), Err(OpenError::OtherSources)));
    for length in 0..whole.len() {
        let torn = open(whole[..length].to_vec(), [7; 32]);
        assert!(matches!(torn, Err(OpenError::Unsound)), "{length}");
    }
    let records = HEADER_OCTETS..HEADER_OCTETS + 60;
    for at in (0..whole.len()).filter(|at| !records.contains(at)) {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        assert!(open(changed, [7; 32]).is_err(), "{at}");
    }
}

#[test]
fn changed_records_are_an_error_or_no_match_and_never_a_panic() {
    let whole = compiled(&[("x", "||a.example^\n0.0.0.0 c.example\n")], 100).content();
    for at in HEADER_OCTETS..HEADER_OCTETS + 50 {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            let Ok(policy) = CompiledPolicy::open(Arc::new(MemoryStorage::new(changed)), None)
            else {
                continue;
            };
            let mut found = Vec::new();
            let _ =
                policy.rules_of_name(name::parse("x.a.example").unwrap().for_slice(), &mut found);
            let _ = policy.rules_of_name(name::parse("c.example").unwrap().for_slice(), &mut found);
            assert!(found.len() <= 2);
        }
    }
}

#[test]
fn the_longest_prefix_of_an_address_comes_first() {
    let zone = "@ SOA a. b. 1 2 3 4 5\n8.0.0.0.10.rpz-ip CNAME .\n24.0.2.1.10.rpz-ip CNAME .\n\
        32.9.2.1.10.rpz-ip CNAME .\n32.zz.db8.2001.rpz-ip CNAME .\n32.9.2.1.10.rpz-client-ip CNAME .\n";
    let policy = CompiledPolicy::open(compiled(&[("x", zone)], 100), None).unwrap();
    let of = |address: &str| -> Vec<u32> {
        let mut found = Vec::new();
        policy.rules_of_address(AddressSubject::Answer, address.parse().unwrap(), &mut found);
        found.iter().map(|found| found.rule.line).collect()
    };
    assert_eq!(of("10.1.2.9"), [4, 3, 2]);
    assert_eq!(of("::ffff:10.1.2.8"), [3, 2]);
    assert_eq!(of("10.9.9.9"), [2]);
    assert_eq!(of("2001:db8::9"), [5]);
    assert_eq!(of("2001:db9::9"), [0; 0]);
    assert_eq!(policy.client_prefixes(), ["10.1.2.9/32".parse().unwrap()]);
}
