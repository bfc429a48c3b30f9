//! Verdicts on many names: compiled lists beside the slow reference, and adblock lists beside Brave's crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zoners_dns::{Rtype, name};
use zoners_policy::{
    BlockStyle, CompiledPolicy, GroupSettings, ListForm, ListSet, ListSource, MemoryStorage,
    PolicyCompiler, PolicyRules, PolicyVerdict, RulePattern, read_list,
};

use crate::ListFile;
use crate::brave::Brave;
use crate::reference::Reference;

/// Differences that are shown of each kind.
const SHOWN: u32 = 3;

/// A list of a form, read.
pub(crate) struct ReadList {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Lines with rules for names.
    pub(crate) lines: BTreeSet<usize>,
}

/// Compares the verdicts on the names of a file.
pub(crate) fn print(lists: &[ListFile], names: &Path) {
    let names = fs::read_to_string(names).expect("a file of names");
    let names: Vec<&str> = names.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    for form in ListForm::ALL {
        let files: Vec<&ListFile> = lists.iter().filter(|list| list.form == form).collect();
        if !files.is_empty() {
            compare_form(form, &files, &names);
        }
    }
}

fn compare_form(form: ListForm, files: &[&ListFile], names: &[&str]) {
    let read: Vec<ReadList> = files.iter().map(|file| read_one(file)).collect();
    let rules = compiled(form, &read);
    let mut reference = Reference::default();
    for (number, list) in read.iter().enumerate() {
        let lines: BTreeSet<usize> = reference.add(form, number, &list.text).into_iter().collect();
        for line in lines.symmetric_difference(&list.lines).take(10) {
            let of =
                if list.lines.contains(line) { "the policy alone" } else { "the reference alone" };
            let text = list.text.lines().nth(line - 1).unwrap_or_default();
            println!("{form} {} line {line}: a rule of {of}: {text}", list.name);
        }
    }
    let brave = (form == ListForm::Adblock).then(|| Brave::new(&read));
    let (mut judged, mut blocked, mut allowed, mut differences) = (0, 0, 0, 0);
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    let mut took = [Duration::ZERO; 3];
    for asked in names {
        let Ok(parsed) = name::parse(asked) else { continue };
        let host = asked.trim_end_matches('.').to_ascii_lowercase();
        judged += 1;
        let began = Instant::now();
        let verdict =
            rules.judge_question(0, parsed.for_slice(), Rtype::A).expect("a file in memory");
        took[0] += began.elapsed();
        let found = match &verdict {
            PolicyVerdict::Pass => None,
            PolicyVerdict::Allowed(reason) => Some((true, reason)),
            PolicyVerdict::Act(_, reason) => Some((false, reason)),
        };
        blocked += u32::from(found.is_some_and(|(allows, _)| !allows));
        allowed += u32::from(found.is_some_and(|(allows, _)| allows));
        let began = Instant::now();
        let expected = reference.decide(&host);
        took[1] += began.elapsed();
        let own = found.map(|(allows, reason)| {
            let list = reason.source.list().unwrap_or_default();
            (allows, list.to_owned(), reason.source.line() as usize)
        });
        let other = expected.map(|(allows, key)| (allows, read[key.2].name.clone(), key.3));
        if own != other {
            differences += 1;
            if differences <= 20 {
                println!("{form} {host}: the policy says {own:?}, the reference {other:?}");
            }
        }
        if let Some(brave) = &brave {
            let is_blocked = found.is_some_and(|(allows, _)| !allows);
            let line = || {
                let (_, reason) = found?;
                let list = read.iter().find(|list| Some(&*list.name) == reason.source.list())?;
                list.text.lines().nth(reason.source.line() as usize - 1).map(str::to_owned)
            };
            let began = Instant::now();
            let difference = brave.difference(&host, is_blocked, line);
            took[2] += began.elapsed();
            if let Some(kind) = difference {
                let count = kinds.entry(kind.kind).or_default();
                *count += 1;
                if *count <= SHOWN {
                    println!("brave: {host}: {}", kind.about);
                }
            }
        }
    }
    let [policy, reference, brave] =
        took.map(|took| took.as_secs_f64() * 1e6 / f64::from(judged.max(1)));
    println!(
        "{form}: {} lists, {judged} names, {blocked} blocked, {allowed} allowed, {differences} differences from the \
         reference; us a name: policy {policy:.1}, reference {reference:.1}, Brave {brave:.1}",
        read.len()
    );
    for (kind, count) in kinds {
        println!("brave decides otherwise on {count} names: {kind}");
    }
}

fn read_one(file: &ListFile) -> ReadList {
    let octets = fs::read(&file.path).expect("a list");
    let text = String::from_utf8_lossy(&octets).into_owned();
    let mut lines = BTreeSet::new();
    let mut take = |line: u32, rule: Result<zoners_policy::ListRule<'_>, _>| {
        if rule.is_ok_and(|rule| {
            !matches!(rule.pattern, RulePattern::Address(_)) || file.form == ListForm::Adblock
        }) {
            lines.insert(line as usize);
        }
    };
    read_list(file.form, &mut text.as_bytes(), &mut take).expect("a text in memory");
    ReadList { name: file.name.clone(), text, lines }
}

fn compiled(form: ListForm, lists: &[ReadList]) -> PolicyRules {
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([1, 2], &scratch);
    for list in lists {
        let source = ListSource { name: list.name.clone(), form: Some(form), allows: false };
        compiler.add_list(&source, &mut list.text.as_bytes()).expect("a list");
    }
    compiler.finish(&*file, [0; 32]).expect("a file in memory");
    let compiled = Arc::new(CompiledPolicy::open(file, None).expect("a compiled file"));
    let group = GroupSettings::new("all", ListSet::all(), BlockStyle::Nxdomain);
    PolicyRules::new(compiled, vec![group]).expect("few regions")
}
