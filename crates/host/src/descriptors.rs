//! The limit of descriptors: open files and sockets of the process at a time (`RLIMIT_NOFILE`).

use std::fs::read_dir;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Folders with the open descriptors of the process: of Linux, of macOS and the BSDs.
const LISTS: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

/// The highest number of open descriptors; [`usize::MAX`] without a limit.
#[must_use]
pub fn limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Raises the limit to `wanted`, or as far as the system grants: root may go beyond the hard limit, other users up to
/// the hard limit. False if the limit stays too low and as before.
pub fn raise_limit(wanted: u64) -> bool {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return true;
    }
    [Some(wanted), now.maximum].into_iter().any(|current| {
        let maximum = current.max(now.maximum).or(now.maximum);
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok()
    })
}

/// The limit of another process, and its open descriptors as far as this user may count them. Linux alone tells.
#[must_use]
pub fn of_process(process: u32) -> Option<(u64, Option<u64>)> {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit = line.split_whitespace().next()?.parse().unwrap_or(u64::MAX);
    let open = read_dir(format!("/proc/{process}/fd")).ok();
    Some((limit, open.map(|list| list.count() as u64)))
}

/// The number of open descriptors, if the system lists them.
#[must_use]
pub fn open() -> Option<usize> {
    LISTS.into_iter().find_map(|folder| read_dir(folder).ok()).map(Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_descriptors_are_fewer_than_the_limit() {
        let limit = limit();
        assert!(open().is_some_and(|open| (1..limit).contains(&open)));
        // A limit below the present one needs no system call.
        assert!(raise_limit(1) && raise_limit(limit as u64));
        let told = of_process(std::process::id());
        assert_eq!(told.is_some(), cfg!(target_os = "linux"));
        assert!(told.is_none_or(|(told, open)| told == limit as u64 && open.is_some()));
    }
}
