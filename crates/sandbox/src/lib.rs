//! The sandbox: restricts the daemon to the rights needed at run time.
//!
//! Each part of the daemon declares its [`Needs`]. [`enter`] removes every further right, layer by
//! layer, for the calling thread and for threads started later. A layer which the operating system
//! does not support is skipped and reported ([`Layer`]): an old kernel is no reason to refuse
//! service.

mod certificates;
mod needs;

#[cfg(target_os = "linux")]
mod linux;

use std::fmt;
use std::io;

pub use certificates::certificate_needs;
pub use needs::{Calls, Need, Needs};

/// One layer of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The name, a key in `zoners status`.
    pub name: &'static str,
    /// Whether the layer is active.
    pub state: LayerState,
}

/// Whether a layer is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerState {
    /// Active, with the effect.
    On(String),
    /// Not active, with the reason.
    Off(String),
}

/// An entered sandbox, or the absence of a sandbox.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    layers: Vec<Layer>,
    /// The granted needs, if the kernel enforces the grant for good.
    granted: Option<Vec<Needs>>,
}

impl Sandbox {
    /// No sandbox, by configuration.
    #[must_use]
    pub fn disabled() -> Self {
        let off = |name| Layer { name, state: LayerState::Off("server.sandbox is \"off\"".into()) };
        let layers = LAYERS.map(off).map(|layer| match (layer.name, no_new_privs_state()) {
            // The parent process may have set this layer, and a change of the user sets this layer
            // too.
            ("no_new_privileges", Some(state)) => Layer { state, ..layer },
            _ => layer,
        });
        Sandbox { layers: layers.into(), granted: None }
    }

    /// The layers of the sandbox.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Whether all `needs` were granted. A right not granted at the start cannot be had without a
    /// restart.
    ///
    /// # Errors
    /// A need was not granted; the error names the configuration key.
    pub fn allows(&self, needs: &[Needs]) -> Result<(), String> {
        match &self.granted {
            Some(granted) => needs.iter().try_for_each(|needs| needs.are_within(granted)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LayerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerState::On(what) => write!(f, "on: {what}"),
            LayerState::Off(why) => write!(f, "off: {why}"),
        }
    }
}

/// The names of the layers, in the order of entering.
pub const LAYERS: [&str; 5] =
    ["no_new_privileges", "capabilities", "core_dumps", "landlock", "seccomp"];

/// Empties the capability bounding set as far as allowed, so that no child process can gain
/// capabilities. To be called while the process has the right to, before a change of the user.
pub fn empty_bounding_set() {
    #[cfg(target_os = "linux")]
    linux::privileges::empty_bounding_set();
}

/// Whether no_new_privs was set already, by the parent process.
fn no_new_privs_state() -> Option<LayerState> {
    #[cfg(target_os = "linux")]
    {
        linux::privileges::no_new_privs_state()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Calls `change` to change the user of the process. With `ports`, the process keeps the capability
/// to bind privileged ports.
///
/// # Errors
/// The user cannot be changed, or the capability cannot be kept.
pub fn change_user(ports: bool, change: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        linux::privileges::change_user(ports, change)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = ports;
        change()
    }
}

/// Removes every right except `needs`, for good. To be called before threads are started: the
/// sandbox applies to the calling thread and to child threads.
#[must_use]
pub fn enter(needs: Vec<Needs>) -> Sandbox {
    #[cfg(target_os = "linux")]
    {
        linux::enter(needs)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let off = |name| Layer { name, state: LayerState::Off("this system has none".into()) };
        drop(needs);
        Sandbox { layers: LAYERS.map(off).into(), granted: None }
    }
}
