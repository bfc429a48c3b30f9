//! The machine in words.

use std::ffi::CStr;

use crate::system;

/// The machine in one line, like `laptop: Linux 6.1.0 x86_64, 8 cores of Intel(R) Core(TM) i7`. The
/// model of the processor comes from `/proc/cpuinfo` or sysctl(8).
#[must_use]
pub fn describe() -> String {
    let names = rustix::system::uname();
    let text = |part: &CStr| part.to_string_lossy().into_owned();
    let [node, system, release, processor] =
        [names.nodename(), names.sysname(), names.release(), names.machine()].map(text);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = system::machine::processor_model();
    let model = model.map(|model| format!(" of {model}")).unwrap_or_default();
    format!("{node}: {system} {release} {processor}, {cores} cores{model}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_described() {
        let machine = describe();
        assert!(machine.contains(": ") && machine.contains(" cores"), "{machine}");
    }
}
