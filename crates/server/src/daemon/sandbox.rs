//! The rights given up by the daemon once sockets and user are in place.

use std::io;
use std::path::Path;

use zoners_host::paths::runtime::is_own;
use zoners_host::service_manager;
use zoners_sandbox::{Calls, LayerState, Need, Needs, Sandbox, empty_bounding_set};
use zoners_store::shared::SharedCacheConfig;

use super::{networks, privileges};
use crate::config::{self, Config};
use crate::control::{ControlSocket, folder};

/// Becomes the configured user, if started as root. No program started later gets these rights back.
///
/// # Errors
/// The machine has no user of this name, or the system refuses.
pub(super) fn become_user(config: &Config, file: Option<&Path>) -> io::Result<()> {
    if config.server.sandbox != config::SandboxMode::Off {
        empty_bounding_set();
    }
    privileges::drop_to(config.server.user.as_deref(), config.needs_privilege(file))
}

/// Gives up the rights that no part declares, for good. Call this before there are more threads.
///
/// # Errors
/// A sandbox is required, and a layer cannot be had.
pub(super) fn enter(wanted: config::SandboxMode, needs: Vec<Needs>) -> io::Result<Sandbox> {
    if wanted == config::SandboxMode::Off {
        tracing::warn!("sandbox: off: server.sandbox is \"off\"");
        return Ok(Sandbox::disabled());
    }
    let sandbox = zoners_sandbox::enter(needs);
    let mut missing = Vec::new();
    for layer in sandbox.layers() {
        match &layer.state {
            LayerState::On(_) => tracing::debug!("sandbox: {}: {}", layer.name, layer.state),
            LayerState::Off(why) => missing.push(format!("{}: {why}", layer.name)),
        }
    }
    let missing = missing.join("; ");
    match wanted {
        _ if missing.is_empty() => tracing::info!("sandbox: closed: {}", summary(&sandbox)),
        config::SandboxMode::Required => {
            let text = format!("server.sandbox is \"required\", but {missing}");
            return Err(io::Error::other(text));
        }
        config::SandboxMode::On | config::SandboxMode::Off => {
            tracing::warn!("sandbox: not all layers are closed: {missing}");
        }
    }
    Ok(sandbox)
}

/// The needs of every part of a running daemon.
pub(super) fn needs(
    config: &Config,
    file: Option<&Path>,
    control: Option<&ControlSocket>,
    state_folder: Option<&Path>,
    second_level: Option<&SharedCacheConfig>,
) -> Vec<Needs> {
    let mut needs = config.needs(file);
    needs.push(Needs { of: "the runtime", all: vec![Need::Calls(Calls::Run)] });
    needs.extend(state_folder.map(|folder| Needs {
        of: "server.state",
        all: vec![Need::Write(folder.to_owned()), Need::Calls(Calls::Files)],
    }));
    let socket_folder = control.map(|control| folder(control.path()));
    needs.extend(socket_folder.filter(|folder| is_own(folder)).map(|folder| Needs {
        of: "server.control",
        all: vec![Need::Remove(folder.to_owned()), Need::Calls(Calls::Files)],
    }));
    needs.push(networks::needs());
    needs.extend(service_manager::needs());
    needs.extend(second_level.map(|terms| terms.servers.needs()));
    needs
}

/// The two most important layers, Landlock and seccomp.
fn summary(sandbox: &Sandbox) -> String {
    let layers = sandbox.layers().iter().rev().take(2).rev();
    let layers: Vec<String> = layers
        .map(|layer| match &layer.state {
            LayerState::On(what) => format!("{} ({what})", layer.name),
            LayerState::Off(_) => String::new(),
        })
        .collect();
    layers.join(", ")
}
