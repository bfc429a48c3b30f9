//! The place of the control socket.

use std::io;
use std::os::unix::net::UnixListener;

use zoners_files::ServiceUser;
use zoners_host::paths::runtime::control_sockets;

use crate::config::Config;
use crate::control::ControlSocket;

/// Binds the control socket: the configured path, or a path of the system's choice, which may fail. The socket of an
/// old daemon at such a path is `taken`.
///
/// # Errors
/// The configured socket cannot be bound.
pub(super) fn bind(
    config: &Config,
    heir: Option<ServiceUser>,
    taken: Option<&UnixListener>,
) -> io::Result<Option<ControlSocket>> {
    let configured = config.server.control.as_deref();
    if configured.is_some_and(|path| path.as_os_str().is_empty()) {
        return Ok(None);
    }
    let paths = control_sockets(configured);
    let adopt = |taken| paths.iter().find_map(|path| ControlSocket::adopt(taken, path));
    if let Some(control) = taken.and_then(adopt) {
        return Ok(Some(control));
    }
    match configured {
        Some(path) => ControlSocket::bind(path, heir).map(Some),
        None => {
            let bound = ControlSocket::bind_first(&paths, heir);
            Ok(bound.inspect_err(|why| tracing::warn!("control: no socket: {why}")).ok())
        }
    }
}
