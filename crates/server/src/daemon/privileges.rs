//! What the process may: as many descriptors as it needs, and no more rights than that.

use std::io;

use privdrop::reexports::nix::unistd::User;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use zoners_files::Heir;
use zoners_sandbox::change_user;

use crate::config::Config;

/// Descriptors that a busy daemon needs: every query to a server has a socket of its own.
const DESCRIPTORS: u64 = 65_536;

/// Takes as many descriptors as it needs, or as many as the system gives.
pub(super) fn raise_descriptors() {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= DESCRIPTORS) {
        return;
    }
    // Root may go beyond what it was given, others up to it.
    let granted = [Some(DESCRIPTORS), now.maximum].into_iter().any(|most| {
        let maximum = most.max(now.maximum).or(now.maximum);
        setrlimit(Resource::Nofile, Rlimit { current: most, maximum }).is_ok()
    });
    if !granted {
        tracing::warn!("no more than {:?} descriptors", now.current);
    }
}

/// The user of this name.
///
/// # Errors
/// There is none, or the system does not say.
pub(super) fn find_user(name: &str) -> Result<User, String> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(format!("`{name}`: there is no such user on this machine")),
        Err(error) => Err(format!("`{name}`: {}", error.desc())),
    }
}

/// Whether the process will become another user.
pub(super) fn will_be_dropped(config: &Config) -> bool {
    config.server.user.is_some() && rustix::process::geteuid().is_root()
}

/// The user that the process will become, if it will.
///
/// # Errors
/// There is no such user.
pub(super) fn heir(config: &Config) -> io::Result<Option<Heir>> {
    let Some(name) = config.server.user.as_deref().filter(|_| will_be_dropped(config)) else {
        return Ok(None);
    };
    let user = find_user(name).map_err(|what| io::Error::other(format!("server.user: {what}")))?;
    Ok(Some(Heir { user: user.uid.as_raw(), group: user.gid.as_raw() }))
}

/// Becomes `user`, with its groups, for good; it may still bind privileged `ports`, if they are wanted. Call
/// it before there are threads.
///
/// # Errors
/// There is no such user, or the system does not let us.
pub(super) fn drop_to(user: Option<&str>, ports: bool) -> io::Result<()> {
    let root = rustix::process::geteuid().is_root();
    match user {
        Some(user) if root => {
            let told = |error| io::Error::other(format!("server.user: `{user}`: {error}"));
            let become_it = || {
                let user = privdrop::PrivDrop::default().user(user);
                user.include_default_supplementary_groups().apply().map_err(told)
            };
            change_user(ports, become_it)?;
            tracing::info!("running as {user}");
        }
        Some(user) => tracing::info!("not started as root, so not becoming {user}"),
        None if root => tracing::warn!("running as root; server.user names a user to become"),
        None => {}
    }
    // Nobody who gets hold of us becomes root again by a program that may.
    #[cfg(target_os = "linux")]
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}
