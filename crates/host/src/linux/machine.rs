//! The machine, as Linux tells.

use std::fs;

/// From `/proc/cpuinfo`; processors other than x86 have no model there.
pub(crate) fn processor_model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The name of the program that started this one.
pub(crate) fn parent_program() -> Option<String> {
    let parent = rustix::process::getppid()?.as_raw_nonzero();
    Some(fs::read_to_string(format!("/proc/{parent}/comm")).ok()?.trim_end().to_owned())
}
