//! The user of the process, and the rights.

use std::io;

use privdrop::PrivDrop;
use privdrop::reexports::nix::unistd::User;
use zoners_files::ServiceUser;
use zoners_sandbox::change_user;

use crate::system;

/// Whether the process runs as root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The user of this name, with the main group.
///
/// # Errors
/// The machine has no user of this name, or the system does not tell.
pub fn find_user(name: &str) -> Result<ServiceUser, String> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(ServiceUser { user: user.uid.as_raw(), group: user.gid.as_raw() }),
        Ok(None) => Err(format!("`{name}`: there is no such user on this machine")),
        Err(error) => Err(format!("`{name}`: {}", error.desc())),
    }
}

/// Makes a process of root a process of another user for good, with the groups of that user; on macOS with the main
/// group alone, since getgrouplist(3) there tells no number of groups in advance, as the library wants it. With
/// `privileged_ports` the process may bind ports below 1024 afterwards, on Linux (`CAP_NET_BIND_SERVICE`); macOS lets
/// any user bind such a port at the wildcard address, the BSDs no user but root. Call this before there are threads.
///
/// # Errors
/// The machine has no user of this name, or the system refuses.
pub fn become_user(name: &str, privileged_ports: bool) -> io::Result<()> {
    let explain = |error| io::Error::other(format!("`{name}`: {error}"));
    change_user(privileged_ports, || {
        let user = PrivDrop::default().user(name);
        user.include_default_supplementary_groups().apply().map_err(explain)
    })
}

/// Makes set-user-ID bits and file capabilities of started programs worthless, on Linux (`no_new_privs`): an attacker
/// in control of the process cannot become root that way. Other systems have no switch for this.
///
/// # Errors
/// The system refuses.
pub fn forbid_new_privileges() -> io::Result<()> {
    system::privileges::forbid_new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        assert_eq!(find_user("root").map(|root| root.user), Ok(0));
        let message = find_user("no-such-user-anywhere").unwrap_err();
        assert!(message.starts_with("`no-such-user-anywhere`: "), "{message}");
    }
}
