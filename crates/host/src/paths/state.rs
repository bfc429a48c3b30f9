//! Folders for files that must survive a restart.

use std::env::{split_paths, var_os};
use std::path::{Path, PathBuf};

use super::OWN_NAME;
use crate::system;

/// The configured folder, or the folder of a service manager. systemd gives `STATE_DIRECTORY`, launchd and `rc.d`
/// nothing.
#[must_use]
pub fn given(configured: Option<&Path>) -> Option<PathBuf> {
    // systemd may give several folders; the first is the main one (systemd.exec(5)).
    let of_manager = || split_paths(&var_os("STATE_DIRECTORY")?).next();
    configured.map(Path::to_owned).or_else(of_manager)
}

/// The folder of a daemon where neither configuration nor manager names one: the folder of the user, or of a service
/// if root is about to become a different user, since root's own folder is closed to other users. A service has
/// `/var/lib/zoners` on Linux, `/var/db/zoners` on macOS and the BSDs.
#[must_use]
pub fn of_daemon(becomes_another_user: bool) -> Option<PathBuf> {
    match becomes_another_user && var_os("XDG_STATE_HOME").is_none() {
        true => Some(system::paths::SERVICE_STATE.into()),
        false => of_user(),
    }
}

/// The folder of the user who runs this process (XDG Base Directory Specification), on every system.
#[must_use]
pub fn of_user() -> Option<PathBuf> {
    let home = || var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    let state = var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    state.map(|state| state.join(OWN_NAME))
}
