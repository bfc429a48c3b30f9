//! seccomp: which system calls there are at all (seccomp(2)). Any other is answered as by a kernel that
//! does not know it (ENOSYS), since libraries are prepared for that and go another way.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::calls;
use crate::{Calls, Need};

/// Closes all system calls that nobody needs.
pub(super) fn restrict(wanted: &[&Need]) -> Result<String, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let groups: Vec<Calls> = wanted
        .iter()
        .filter_map(|need| match need {
            Need::Calls(calls) => Some(*calls),
            _ => None,
        })
        .collect();
    let rules = rules(&groups).map_err(|error| error.to_string())?;
    let count = rules.len();
    let program = program(rules, arch).map_err(|error| error.to_string())?;
    apply_filter(&program).map_err(|error| error.to_string())?;
    Ok(format!("{count} system calls"))
}

fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    arch: TargetArch,
) -> Result<BpfProgram, BackendError> {
    let unknown = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    SeccompFilter::new(rules, unknown, SeccompAction::Allow, arch)?.try_into()
}

/// What is allowed. A call that may have any arguments has no rules: of these the kernel knows the
/// answer without asking (since Linux 5.11), so what is called for each packet is among them.
fn rules(groups: &[Calls]) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules = BTreeMap::new();
    for group in groups {
        rules.extend(calls::of(*group).iter().map(|number| (*number, Vec::new())));
    }
    for group in groups {
        rules.extend(calls::with_arguments(*group, groups.contains(&Calls::Libraries))?);
    }
    Ok(rules)
}
