//! Folders for files that must survive a restart.

use std::env::{split_paths, var_os};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::OWN_NAME;
use crate::privileges::is_root;
use crate::system;

/// The configured folder, or the folder of a service manager. systemd gives `STATE_DIRECTORY`, launchd and `rc.d`
/// nothing.
#[must_use]
pub fn given(configured: Option<&Path>) -> Option<PathBuf> {
    // systemd may give several folders; the first is the main one (systemd.exec(5)).
    let of_manager = || split_paths(&var_os("STATE_DIRECTORY")?).next();
    configured.map(Path::to_owned).or_else(of_manager)
}

/// The folder of a daemon where neither configuration nor manager names one: the folder of the user; or of a service,
/// if root is about to become a different user, since root's own folder is closed to other users, or if root has no
/// home, as a job of launchd. A service has `/var/lib/zoners` on Linux, `/var/db/zoners` on macOS and the BSDs.
#[must_use]
pub fn of_daemon(becomes_another_user: bool) -> Option<PathBuf> {
    daemons_by(|name| var_os(name), is_root(), becomes_another_user)
}

/// The folder of the user who runs this process (XDG Base Directory Specification), on every system.
#[must_use]
pub fn of_user() -> Option<PathBuf> {
    users_by(|name| var_os(name))
}

fn daemons_by(
    variable: impl Fn(&str) -> Option<OsString>,
    is_root: bool,
    becomes_another_user: bool,
) -> Option<PathBuf> {
    let of_service = || PathBuf::from(system::paths::SERVICE_STATE);
    match becomes_another_user && variable("XDG_STATE_HOME").is_none() {
        true => Some(of_service()),
        false => users_by(variable).or_else(|| is_root.then(of_service)),
    }
}

fn users_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    state.map(|state| state.join(OWN_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::paths::SERVICE_STATE;

    #[test]
    fn root_without_a_home_keeps_its_state_in_the_folder_of_a_service() {
        let home = |name: &str| (name == "HOME").then(|| OsString::from("/root"));
        let own = Some(PathBuf::from("/root/.local/state/zoners"));
        let of_service = Some(PathBuf::from(SERVICE_STATE));
        assert_eq!(daemons_by(home, true, false), own);
        assert_eq!(daemons_by(home, true, true), of_service);
        assert_eq!(daemons_by(|_| None, true, false), of_service);
        assert_eq!(daemons_by(|_| Some(OsString::new()), true, false), of_service);
        assert_eq!(daemons_by(|_| None, false, false), None, "a folder of root is of no use");
    }
}
