//! Capabilities of the process (capabilities(7)), and access of foreign processes to memory.

use std::io;

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, no_new_privs, remove_capability_from_bounding_set,
    set_capabilities, set_keep_capabilities, set_no_new_privs,
};

use crate::LayerState;

/// The capability to bind privileged ports.
const BIND_PORTS: CapabilitySet = CapabilitySet::NET_BIND_SERVICE;
/// The effect of no_new_privs.
const NO_NEW_PRIVILEGES: &str = "no program that is started may do more";

/// Whether no_new_privs is set already.
pub(crate) fn no_new_privs_state() -> Option<LayerState> {
    no_new_privs().unwrap_or(false).then(|| LayerState::On(NO_NEW_PRIVILEGES.to_owned()))
}

/// Sets no_new_privs: child processes gain nothing from set-user-ID bits and file capabilities.
pub(super) fn forbid_new_privileges() -> Result<String, String> {
    set_no_new_privs(true).map_err(|error| error.to_string())?;
    Ok(NO_NEW_PRIVILEGES.to_owned())
}

/// Calls `change` to change the user of the process. With `ports`, the process keeps the capability
/// to bind privileged ports.
pub(crate) fn change_user(ports: bool, change: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if !ports {
        return change();
    }
    set_keep_capabilities(true)?;
    change()?;
    set_held_capabilities(BIND_PORTS)?;
    Ok(set_keep_capabilities(false)?)
}

/// Drops every capability, except the capability to bind privileged ports if `ports` is set and the
/// process has it. Actions needing other capabilities happen before.
pub(super) fn drop_capabilities(ports: bool) -> Result<String, String> {
    empty_bounding_set();
    // An old kernel has no ambient capabilities to clear.
    let _ = clear_ambient_capability_set();
    let describe = |error: Errno| error.to_string();
    let permitted = capabilities(None).map_err(describe)?.permitted;
    let kept = if ports { permitted & BIND_PORTS } else { CapabilitySet::empty() };
    let dropped = set_held_capabilities(kept);
    let held = capabilities(None).map_err(describe)?;
    let held = held.permitted | held.effective | held.inheritable;
    match dropped {
        // A service manager that forbids the call has left nothing else either.
        Err(_) if held == BIND_PORTS => {
            return Ok("CAP_NET_BIND_SERVICE alone, as the service manager has it".to_owned());
        }
        dropped => dropped.map_err(describe)?,
    }
    if held != kept {
        return Err(format!("{held:?} are held"));
    }
    let kept = if kept.is_empty() { "none" } else { "CAP_NET_BIND_SERVICE alone" };
    Ok(match bounding_set().next() {
        None => format!("{kept}, and no more can be had"),
        Some(_) => format!("{kept}; the bounding set is not ours to empty"),
    })
}

/// Sets the effective and permitted capabilities.
fn set_held_capabilities(kept: CapabilitySet) -> Result<(), Errno> {
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })
}

/// Removes every capability from the bounding set. Without CAP_SETPCAP the set stays.
pub(crate) fn empty_bounding_set() {
    for capability in bounding_set() {
        if remove_capability_from_bounding_set(capability).is_err() {
            return;
        }
    }
}

/// The capabilities in the bounding set, as far as known to the kernel.
fn bounding_set() -> impl Iterator<Item = CapabilitySet> {
    let each = (0..u64::BITS).map(|bit| CapabilitySet::from_bits_retain(1 << bit));
    let known = each.map_while(|one| capability_is_in_bounding_set(one).ok().map(|is| (one, is)));
    known.filter_map(|(one, is_in)| is_in.then_some(one))
}

/// Prevents core files, and access by processes of the same user, so that secrets stay in memory.
pub(super) fn forbid_dumps() -> Result<String, String> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| error.to_string())?;
    Ok("none is written, and no other program of this user looks in".to_owned())
}
