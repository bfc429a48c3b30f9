//! The neighbours of this machine, by the interfaces.

use zoners_host::interfaces::interfaces;

use crate::nearby::Nearby;

/// The clients nearby now; without a word of the system on interfaces, the clients nearby on any machine.
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
