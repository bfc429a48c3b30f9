//! Root binds the ports and is then given up.

use std::io;

/// Becomes `user`, with its groups, for good. Call it before there are threads.
///
/// # Errors
/// There is no such user, or the system does not let us.
pub(super) fn drop_to(user: Option<&str>) -> io::Result<()> {
    let root = rustix::process::geteuid().is_root();
    match user {
        Some(user) if root => {
            let drop = privdrop::PrivDrop::default()
                .user(user)
                .include_default_supplementary_groups()
                .apply();
            drop.map_err(|error| io::Error::other(format!("server.user: `{user}`: {error}")))?;
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
