//! `zoners policy try`: a list compiled in memory, and the names of a file judged.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use zoners_dns::{Rtype, name};
use zoners_policy::{
    BlockStyle, CompiledPolicy, GroupSettings, ListSet, ListSource, MemoryStorage, PolicyCompiler,
    PolicyRules, PolicyVerdict,
};

use crate::Failure;
use crate::print::clean;

/// Names that are shown; the rest is counted.
const MAX_SHOWN_NAMES: usize = 1000;

/// The names that the list would block, each with the rule, and a summary.
pub(super) fn try_list(list: &Path, names: &Path) -> Result<Vec<String>, Failure> {
    let rules = compiled(list)?;
    let (mut lines, mut asked, mut blocked) = (Vec::new(), 0_u64, 0_u64);
    let file = File::open(names).map_err(|error| failed(names, &error))?;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| failed(names, &error))?;
        let Ok(parsed) = name::parse(line.trim()) else { continue };
        if line.trim().is_empty() {
            continue;
        }
        asked += 1;
        let verdict = rules.judge_question(0, parsed.for_slice(), Rtype::A);
        if let PolicyVerdict::Act(_, reason) = verdict.map_err(|error| failed(list, &error))? {
            blocked += 1;
            if lines.len() < MAX_SHOWN_NAMES {
                lines.push(format!(
                    "{}  line {}: {}",
                    clean(line.trim()),
                    reason.source.line(),
                    clean(&reason.rule)
                ));
            }
        }
    }
    let about = rules.compiled().lists().first();
    let (form, count) = about.map_or(("", 0), |list| (list.form.name(), list.rules));
    lines.push(format!("{blocked} of {asked} names would be blocked ({form} list, {count} rules)"));
    Ok(lines)
}

fn compiled(list: &Path) -> Result<PolicyRules, Failure> {
    let mut text = File::open(list).map_err(|error| failed(list, &error))?;
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([0, 0], &scratch);
    let source = ListSource { name: "list".to_owned(), form: None, allows: false };
    compiler.add_list(&source, &mut text).map_err(|error| failed(list, &error))?;
    compiler.finish(&*file, [0; 32]).map_err(|error| failed(list, &error))?;
    let compiled = CompiledPolicy::open(file, None).map_err(|error| failed(list, &error))?;
    let group = GroupSettings::new("default", ListSet::all(), BlockStyle::NullAddress);
    PolicyRules::new(Arc::new(compiled), vec![group]).map_err(|error| failed(list, &error))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Failed(format!("{}: {error}", path.display()))
}
