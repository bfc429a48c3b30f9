//! Giving up all that the daemon does not need, once it has its sockets and its user.

use std::io;
use std::path::Path;

use zoners_host::paths::runtime::is_own;
use zoners_host::service_manager;
use zoners_sandbox::{
    Calls, LayerState, Need, Needs, Sandbox as Entered, empty_bounding_set, enter,
};

use super::Daemon;
use crate::config::Sandbox;
use crate::control::{Control, folder};

impl Daemon {
    /// Whether what is not needed shall be given up.
    pub(super) fn wants_sandbox(&self) -> bool {
        self.config.server.sandbox != Sandbox::Off
    }

    /// Becomes the user that is configured, if started as root. Nothing that is started gets back what
    /// is given up then.
    pub(super) fn become_user(&self) -> io::Result<()> {
        if self.wants_sandbox() {
            empty_bounding_set();
        }
        let ports = self.config.needs_privilege(self.file.as_deref());
        super::privileges::drop_to(self.config.server.user.as_deref(), ports)
    }

    /// Gives up everything that no part declares. Call it before there are other threads.
    ///
    /// # Errors
    /// It is required, and a layer is not there.
    pub(super) fn enter_sandbox(
        &self,
        control: Option<&Control>,
        cache: Option<&Path>,
    ) -> io::Result<Entered> {
        // What is read once is read now: the start of the machine, and where the clock is to be read
        // without a system call (vdso(7)).
        let _ = (super::keeper::boot(), self.shared.now());
        if !self.wants_sandbox() {
            tracing::warn!("no sandbox: server.sandbox is \"off\"");
            return Ok(Entered::unwanted());
        }
        let sandbox = enter(self.needs(control, cache));
        let mut missing = Vec::new();
        for layer in sandbox.layers() {
            match &layer.state {
                LayerState::On(_) => tracing::debug!("sandbox: {}: {}", layer.name, layer.state),
                LayerState::Off(why) => missing.push(format!("{}: {why}", layer.name)),
            }
        }
        let missing = missing.join("; ");
        match self.config.server.sandbox {
            _ if missing.is_empty() => tracing::info!("the sandbox is closed: {}", told(&sandbox)),
            Sandbox::Required => {
                let text = format!("server.sandbox is \"required\", but {missing}");
                return Err(io::Error::other(text));
            }
            Sandbox::On | Sandbox::Off => {
                tracing::warn!("not all of the sandbox is closed: {missing}")
            }
        }
        Ok(sandbox)
    }

    /// What the parts of this daemon declare.
    fn needs(&self, control: Option<&Control>, cache: Option<&Path>) -> Vec<Needs> {
        let mut needs = self.config.needs(self.file.as_deref());
        let run = Needs { of: "the runtime", all: vec![Need::Calls(Calls::Run)] };
        needs.push(run);
        needs.extend(cache.map(|folder| Needs {
            of: "cache.persist",
            all: vec![Need::Write(folder.to_owned()), Need::Calls(Calls::Files)],
        }));
        let socket = control.map(|control| folder(control.path()));
        needs.extend(socket.filter(|folder| is_own(folder)).map(|folder| Needs {
            of: "server.control",
            all: vec![Need::Remove(folder.to_owned()), Need::Calls(Calls::Files)],
        }));
        needs.extend(service_manager::needs());
        needs.extend(self.terms.as_ref().map(|terms| terms.servers.needs()));
        needs
    }
}

fn told(sandbox: &Entered) -> String {
    let layers = sandbox.layers().iter().rev().take(2).rev();
    let layers: Vec<String> = layers
        .map(|layer| match &layer.state {
            LayerState::On(what) => format!("{} ({what})", layer.name),
            LayerState::Off(_) => String::new(),
        })
        .collect();
    layers.join(", ")
}

/// Says why the cache does not outlive the process.
pub(super) fn not_kept(folder: &Path, error: &io::Error) {
    let shown = folder.display();
    tracing::warn!("{shown}: {error}; the cache is not kept (server.state names a folder)");
}
