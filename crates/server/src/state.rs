//! Where what must survive a restart is kept.

use std::env::{split_paths, var_os};
use std::path::{Path, PathBuf};

/// The folder of the configuration, or that of a service manager.
pub(crate) fn given(configured: Option<&Path>) -> Option<PathBuf> {
    // A manager may give several; the first is the main one (systemd.exec(5)).
    let of_manager = || split_paths(&var_os("STATE_DIRECTORY")?).next();
    configured.map(Path::to_owned).or_else(of_manager)
}

/// The folder of a service that root starts for another user, where neither says: root's own is closed to
/// others.
#[cfg(any(target_os = "linux", target_os = "android"))]
const OF_SYSTEM: &str = "/var/lib/zoners";
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const OF_SYSTEM: &str = "/var/db/zoners";

/// The folder where neither says: the user's own, or that of a service that is about to become another user.
pub(crate) fn of_daemon(becomes_another: bool) -> Option<PathBuf> {
    match becomes_another && var_os("XDG_STATE_HOME").is_none() {
        true => Some(OF_SYSTEM.into()),
        false => of_user(),
    }
}

/// The folder of the user who runs us, where neither says (XDG Base Directory Specification).
#[must_use]
pub fn of_user() -> Option<PathBuf> {
    let home = || var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    let state = var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    state.map(|state| state.join("zoners"))
}
