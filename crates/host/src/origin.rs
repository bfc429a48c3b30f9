//! How this process was started, so that a successor can be started in the same way.

use std::collections::BTreeMap;
use std::env;

use crate::system;

/// Variables by which a service manager and its main process talk.
pub const MANAGER_VARIABLES: [&str; 2] = ["NOTIFY_SOCKET", "WATCHDOG_USEC"];

/// Variables of the environment that choose folders and files, and [`MANAGER_VARIABLES`].
pub const VARIABLES: [&str; 11] = [
    "HOME",
    "NOTIFY_SOCKET",
    "RUNTIME_DIRECTORY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "STATE_DIRECTORY",
    "TMPDIR",
    "WATCHDOG_USEC",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// How a process was started. Texts that are no Unicode are changed to readable ones.
#[derive(Clone, Debug, Default)]
pub struct ProcessOrigin {
    /// The path of the program at the start.
    pub program: String,
    /// The arguments after the program.
    pub arguments: Vec<String>,
    /// The working folder.
    pub folder: String,
    /// Those of [`VARIABLES`] with a value.
    pub variables: BTreeMap<String, String>,
    /// The supervisor, which starts a new process when this process ends.
    pub supervisor: Option<String>,
}

impl ProcessOrigin {
    /// The origin of this process; to be called before a sandbox is closed.
    #[must_use]
    pub fn of_process() -> Self {
        let program = env::current_exe().unwrap_or_default();
        let folder = env::current_dir().unwrap_or_else(|_| "/".into());
        let arguments = env::args_os().skip(1);
        let value = |name: &str| Some((name.to_owned(), env::var(name).ok()?));
        ProcessOrigin {
            program: program.display().to_string(),
            arguments: arguments.map(|text| text.to_string_lossy().into_owned()).collect(),
            folder: folder.display().to_string(),
            variables: VARIABLES.into_iter().filter_map(value).collect(),
            supervisor: supervisor(),
        }
    }
}

/// The supervisor of this process. The first process of a container counts as supervised: the container ends with it.
fn supervisor() -> Option<String> {
    /// Programs that start a service again after its end.
    const SUPERVISORS: [&str; 6] =
        ["runsv", "s6-supervise", "supervise", "supervise-daemon", "supervisord", "perpd"];
    let has = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let own = std::process::id().to_string();
    let is_own = env::var("SYSTEMD_EXEC_PID").is_ok_and(|process| process == own);
    let job = env::var("XPC_SERVICE_NAME").unwrap_or_default();
    if own == "1" {
        return Some("container".to_owned());
    }
    if has("NOTIFY_SOCKET") || has("INVOCATION_ID") && is_own {
        return Some("systemd".to_owned());
    }
    if !job.is_empty() && job != "0" && !job.starts_with("application.") {
        return Some("launchd".to_owned());
    }
    system::machine::parent_program().filter(|parent| SUPERVISORS.contains(&parent.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_names_a_program_that_can_be_started_again() {
        let origin = ProcessOrigin::of_process();
        assert!(std::path::Path::new(&origin.program).is_file(), "{}", origin.program);
        assert!(std::path::Path::new(&origin.folder).is_dir(), "{}", origin.folder);
        assert!(origin.variables.keys().all(|name| VARIABLES.contains(&name.as_str())));
    }
}
