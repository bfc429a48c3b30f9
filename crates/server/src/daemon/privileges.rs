//! The rights of the process, as configured: enough descriptors, the configured user, and nothing beyond.

use std::io;

use zoners_files::ServiceUser;
use zoners_host::descriptors;
use zoners_host::privileges::{become_user, find_user, forbid_new_privileges, is_root};

use crate::config::Config;

/// Descriptors of a busy daemon: each upstream query has a socket.
const WANTED_DESCRIPTORS: u64 = 65_536;

/// Takes as many descriptors as a busy daemon needs, or as many as the system grants.
pub(super) fn raise_descriptors() {
    if !descriptors::raise_limit(WANTED_DESCRIPTORS) {
        tracing::warn!("descriptors: the limit stays at {}", descriptors::limit());
    }
}

/// Whether the process will change its user.
pub(super) fn will_be_dropped(config: &Config) -> bool {
    config.server.user.is_some() && is_root()
}

/// The user after the change, if there will be a change.
///
/// # Errors
/// The machine has no user of this name.
pub(super) fn heir(config: &Config) -> io::Result<Option<ServiceUser>> {
    let Some(name) = config.server.user.as_deref().filter(|_| will_be_dropped(config)) else {
        return Ok(None);
    };
    let user = find_user(name).map_err(|what| io::Error::other(format!("server.user: {what}")))?;
    Ok(Some(user))
}

/// Becomes `user`, with the groups of this user, for good; the process may still bind privileged `ports`, if wanted.
/// Call this before there are threads.
///
/// # Errors
/// The machine has no user of this name, or the system refuses.
pub(super) fn drop_to(user: Option<&str>, ports: bool) -> io::Result<()> {
    match user {
        Some(user) if is_root() => {
            become_user(user, ports)
                .map_err(|error| io::Error::other(format!("server.user: {error}")))?;
            tracing::info!("privileges: running as {user}");
        }
        Some(user) => tracing::info!("privileges: not started as root, so not becoming {user}"),
        None if is_root() => {
            tracing::warn!("privileges: running as root: server.user can name a user to become");
        }
        None => {}
    }
    forbid_new_privileges()
}
