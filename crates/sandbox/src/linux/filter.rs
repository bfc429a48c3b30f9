//! seccomp: the system calls that remain available (seccomp(2)). Any further call fails with
//! ENOSYS, as in a kernel without the call, because libraries have a fallback for ENOSYS.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::calls;
use crate::{Calls, Need};

/// Blocks system calls needed by no part of the daemon.
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

/// The allowed calls with their rules. A call with any arguments has no rules. The kernel decides
/// such a call without running the filter (since Linux 5.11), so calls on the packet path have no
/// rules.
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
