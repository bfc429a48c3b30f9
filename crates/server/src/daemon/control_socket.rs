//! The place of the control socket.

use std::io;

use zoners_files::ServiceUser;
use zoners_host::paths::runtime::control_sockets;

use crate::config::Config;
use crate::control::ControlSocket;

/// Binds the control socket: the configured path, or a path of the system's choice, which may fail.
///
/// # Errors
/// The configured socket cannot be bound.
pub(super) fn bind(
    config: &Config,
    heir: Option<ServiceUser>,
) -> io::Result<Option<ControlSocket>> {
    match config.server.control.as_deref() {
        Some(path) if path.as_os_str().is_empty() => Ok(None),
        Some(path) => ControlSocket::bind(path, heir).map(Some),
        None => {
            let bound = ControlSocket::bind_first(&control_sockets(None), heir);
            Ok(bound.inspect_err(|why| tracing::warn!("control: no socket: {why}")).ok())
        }
    }
}
