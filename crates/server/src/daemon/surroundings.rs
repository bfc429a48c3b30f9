//! The neighbours of this machine, as its interfaces tell.

use zoners_host::interfaces::interfaces;

use crate::nearby::Nearby;

/// The clients that are nearby now; the clients that are nearby on any machine, where the system tells no interfaces.
pub(super) fn nearby() -> Nearby {
    let interfaces = interfaces().unwrap_or_else(|error| {
        tracing::info!("access: the interfaces of this machine are unknown: {error}");
        Vec::new()
    });
    let nearby = Nearby::of(&interfaces);
    if nearby.left_out > 0 {
        let left_out = nearby.left_out;
        tracing::warn!(
            "access: {left_out} prefixes nearby are left out: name them in server.allow"
        );
    }
    nearby
}
