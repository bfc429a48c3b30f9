//! What the process may as one of its user: capabilities(7), and who may look into it.

use std::io;

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, no_new_privs, remove_capability_from_bounding_set,
    set_capabilities, set_keep_capabilities, set_no_new_privs,
};

use crate::LayerState;

/// What binding a privileged port takes.
const PORTS: CapabilitySet = CapabilitySet::NET_BIND_SERVICE;
/// What holds for programs that are started.
const NO_MORE: &str = "no program that is started may do more";

/// Whether they are held to it already.
pub(crate) fn kept() -> Option<LayerState> {
    no_new_privs().unwrap_or(false).then(|| LayerState::On(NO_MORE.to_owned()))
}

/// Programs that are started gain nothing from set-user-ID bits and file capabilities.
pub(super) fn keep_no_more() -> Result<String, String> {
    set_no_new_privs(true).map_err(|error| error.to_string())?;
    Ok(NO_MORE.to_owned())
}

/// Lets `change` make the process another user. Of root's capabilities it keeps that to bind privileged
/// `ports`, if they are wanted.
pub(crate) fn change_user(ports: bool, change: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if !ports {
        return change();
    }
    set_keep_capabilities(true)?;
    change()?;
    hold(PORTS)?;
    Ok(set_keep_capabilities(false)?)
}

/// Gives up every capability, but for that to bind privileged `ports`, if they are wanted and it is held: all
/// else that needs one is done by now.
pub(super) fn give_up(ports: bool) -> Result<String, String> {
    empty_bounding_set();
    // An old kernel without ambient capabilities has none to clear.
    let _ = clear_ambient_capability_set();
    let told = |error: Errno| error.to_string();
    let permitted = capabilities(None).map_err(told)?.permitted;
    let kept = if ports { permitted & PORTS } else { CapabilitySet::empty() };
    hold(kept).map_err(told)?;
    let held = capabilities(None).map_err(told)?;
    if held.permitted | held.effective | held.inheritable != kept {
        return Err(format!("{:?} are held", held.permitted));
    }
    let kept = if kept.is_empty() { "none" } else { "CAP_NET_BIND_SERVICE alone" };
    Ok(match bounding().next() {
        None => format!("{kept}, and no more can be had"),
        Some(_) => format!("{kept}; the bounding set is not ours to empty"),
    })
}

/// Holds these capabilities and no others.
fn hold(kept: CapabilitySet) -> Result<(), Errno> {
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })
}

/// Takes every capability from the bounding set; without CAP_SETPCAP nothing happens.
pub(crate) fn empty_bounding_set() {
    for capability in bounding() {
        if remove_capability_from_bounding_set(capability).is_err() {
            return;
        }
    }
}

/// The capabilities in the bounding set, of those that the kernel knows.
fn bounding() -> impl Iterator<Item = CapabilitySet> {
    let each = (0..u64::BITS).map(|bit| CapabilitySet::from_bits_retain(1 << bit));
    let known = each.map_while(|one| capability_is_in_bounding_set(one).ok().map(|is| (one, is)));
    known.filter_map(|(one, is_in)| is_in.then_some(one))
}

/// Secrets in memory reach no core file, and no other program of the same user.
pub(super) fn leave_no_dump() -> Result<String, String> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| error.to_string())?;
    Ok("none is written, and no other program of this user looks in".to_owned())
}
