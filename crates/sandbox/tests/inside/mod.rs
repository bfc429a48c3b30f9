//! Being inside, and trying calls that no library makes.

#![allow(unsafe_code, reason = "what is forbidden can only be tried by its number")]

use std::io;

use libc::c_long;
use zoners_sandbox::{Need, Needs, Sandbox, enter};

/// Runs `trial` in a sandbox with these needs, and waits for the result.
pub(crate) fn inside(needs: Vec<Need>, trial: impl FnOnce(&Sandbox) + Send + 'static) {
    let ended = std::thread::spawn(move || trial(&entered(needs))).join();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// Enters, on this thread.
pub(crate) fn entered(all: Vec<Need>) -> Sandbox {
    enter(vec![Needs { of: "the test", all }])
}

/// The result of a system call with these arguments: 0 or an error.
pub(crate) fn call(number: c_long, arguments: [usize; 6]) -> i32 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the call is either refused or gets no memory of this process to write to.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answer < 0 { io::Error::last_os_error().raw_os_error().unwrap() } else { 0 }
}

/// The error of an outcome, or 0.
pub(crate) fn errno(outcome: io::Result<()>) -> i32 {
    outcome.map_or_else(|error| error.raw_os_error().unwrap_or(-1), |()| 0)
}

/// Whether a text has this line.
pub(crate) fn has(text: &str, line: &str) -> bool {
    text.lines().any(|own| own == line)
}

/// The Landlock support of the kernel.
pub(crate) enum Landlock {
    None,
    Version(u32),
}

impl Landlock {
    pub(crate) fn of_kernel() -> Self {
        // SAFETY: asked for its version, the call reads no memory (landlock_create_ruleset(2)).
        let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0, 0, 1) };
        u32::try_from(version).map_or(Landlock::None, Landlock::Version)
    }
}

/// As some containers do: no filters, no Landlock, no giving up of capabilities.
pub(crate) fn refuse_sandboxes() {
    use std::collections::BTreeMap;

    use seccompiler::{SeccompAction, SeccompFilter, TargetArch, apply_filter};
    let refused = [libc::SYS_seccomp, libc::SYS_landlock_create_ruleset, libc::SYS_capset];
    let rules: BTreeMap<i64, Vec<_>> = refused.iter().map(|number| (*number, vec![])).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let refuse = SeccompAction::Errno(libc::ENOSYS as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    apply_filter(&program).unwrap();
}
