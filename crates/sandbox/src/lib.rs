//! What the daemon may still do once it runs.
//!
//! Each part of it declares its [`Needs`]; [`enter`] closes everything else, layer by layer, for the
//! calling thread and those that it starts from then on. A layer that the system does not have is
//! left out and told ([`Layer`]): an old kernel is no reason not to serve.

mod needs;

#[cfg(target_os = "linux")]
mod linux;

use std::fmt;
use std::io;

pub use needs::{Calls, Need, Needs};

/// One of the things that stand between the daemon and what it does not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Which, as a key of `zoners status`.
    pub name: &'static str,
    /// Whether it is there.
    pub state: LayerState,
}

/// Whether a layer is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerState {
    /// It is, and what it does.
    On(String),
    /// It is not, and why.
    Off(String),
}

/// A sandbox that was entered, or the lack of one.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    layers: Vec<Layer>,
    /// What was granted, where that is for good.
    granted: Option<Vec<Needs>>,
}

impl Sandbox {
    /// None, since it is not wanted.
    #[must_use]
    pub fn unwanted() -> Self {
        let off = |name| Layer { name, state: LayerState::Off("server.sandbox is \"off\"".into()) };
        let layers = LAYERS.map(off).map(|layer| match (layer.name, kept()) {
            // A program that starts another may have said so, and so does becoming another user.
            ("no_new_privileges", Some(state)) => Layer { state, ..layer },
            _ => layer,
        });
        Sandbox { layers: layers.into(), granted: None }
    }

    /// What stands between the daemon and what it does not need.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Whether all of `needs` were granted. What was not is not to be had any more without a restart.
    ///
    /// # Errors
    /// Something was not, told with the key that asks for it.
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

/// The names of all layers, in the order in which they are entered.
pub const LAYERS: [&str; 5] =
    ["no_new_privileges", "capabilities", "core_dumps", "landlock", "seccomp"];

/// Leaves nothing to the programs that this process might start: the capability bounding set is
/// emptied, as far as it may be. Call it while the process still has the right to, before it becomes
/// another user.
pub fn empty_bounding_set() {
    #[cfg(target_os = "linux")]
    linux::privileges::empty_bounding_set();
}

/// Whether programs that are started are held to what this one may, by another's doing.
fn kept() -> Option<LayerState> {
    #[cfg(target_os = "linux")]
    {
        linux::privileges::kept()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Lets `change` make the process another user. Of root's capabilities it keeps that to bind privileged
/// `ports`, if they are wanted.
///
/// # Errors
/// It cannot become that user, or the system does not let it keep that.
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

/// Gives up all but `needs`, for good. Call it before there are threads: it counts for the calling one
/// and for those that it starts.
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
