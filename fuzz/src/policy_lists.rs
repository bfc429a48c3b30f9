//! Lists of the policy, in every form: each rule for a name is found by that name once the list is compiled, and a
//! compiled file with octets changed is refused, or read without a panic.

use std::sync::Arc;

use zoners_dns::{Name, Rtype};
use zoners_policy::{
    BlockStyle, CompiledPolicy, GroupSettings, ListForm, ListSet, ListSource, MemoryStorage,
    PolicyCompiler, PolicyRules, RulePattern, RuleScope, read_list,
};

/// The first octet says which form the rest has, or that the rest are changes of a compiled file.
pub fn run(octets: &[u8]) {
    let Some((kind, text)) = octets.split_first() else { return };
    match ListForm::ALL.get(usize::from(*kind) % (ListForm::ALL.len() + 1)) {
        Some(form) => list(*form, text),
        None => compiled_file(text),
    }
}

fn compile(form: ListForm, text: &[u8]) -> Option<Arc<MemoryStorage>> {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([1, 2], &scratch);
    let source = ListSource { name: "list".into(), form: Some(form), allows: false };
    compiler.add_list(&source, &mut &*text).ok()?;
    compiler.finish(&*file, [0; 32]).expect("a file in memory");
    Some(file)
}

fn rules(file: MemoryStorage) -> Option<PolicyRules> {
    let compiled = CompiledPolicy::open(Arc::new(file), None).ok()?;
    let group = GroupSettings::new("all", ListSet::all(), BlockStyle::Nodata);
    PolicyRules::new(Arc::new(compiled), vec![group]).ok()
}

fn list(form: ListForm, text: &[u8]) {
    let _ = ListForm::sniff(text);
    let mut exact: Vec<Name> = Vec::new();
    let mut disables = false;
    let whole = read_list(form, &mut &*text, &mut |_, rule| {
        let Ok(rule) = rule else { return };
        disables |= rule.disables;
        if let RulePattern::Name { scope, name } = rule.pattern {
            let name = Name::from_octets(name.to_vec().into()).expect("a name of a rule is a name");
            if scope != RuleScope::Below && rule.options.is_empty() {
                exact.push(name);
            }
        }
    });
    assert_eq!(whole.expect("a text in memory").octets, text.len() as u64);
    let Some(file) = compile(form, text) else { return };
    let rules = rules(MemoryStorage::new(file.content())).expect("a compiled file opens");
    for name in exact.iter().filter(|_| !disables) {
        let found = rules.explain(0, name.for_slice(), Rtype::A).expect("a file in memory");
        assert!(!found.is_empty(), "{name}");
    }
}

/// Changes of octets: each a place in two octets, and a value.
fn compiled_file(changes: &[u8]) {
    let list = b"||a.example^\n@@||b.example^$dnstype=A\n/c/\n||192.0.2.1^\n0.0.0.0 d.example\n";
    let Some(file) = compile(ListForm::Adblock, list) else { return };
    let mut octets = file.content();
    for change in changes.as_chunks::<3>().0 {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % octets.len();
        octets[at] = change[2];
    }
    let Some(rules) = rules(MemoryStorage::new(octets)) else { return };
    for name in [&b"\x01a\x07example\0"[..], b"\x01x\x01d\x07example\0", b"\x01d\x07example\0"] {
        let name = Name::from_octets(name.to_vec().into()).expect("a name");
        let _ = rules.judge_question(0, name.for_slice(), Rtype::A);
    }
}
