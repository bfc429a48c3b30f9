//! The layers on Linux. Each layer is entered with the rights left by the layers before.

mod access;
mod calls;
mod filter;
pub(super) mod privileges;

use crate::{LAYERS, Layer, LayerState, Need, Needs, Sandbox};

pub(super) fn enter(needs: Vec<Needs>) -> Sandbox {
    let wanted: Vec<_> = needs.iter().flat_map(|needs| &needs.all).collect();
    let states = [
        privileges::forbid_new_privileges(),
        privileges::drop_capabilities(wanted.contains(&&Need::PrivilegedPorts)),
        privileges::forbid_dumps(),
        access::restrict(&wanted),
        filter::restrict(&wanted),
    ];
    let layer = |(name, state)| Layer { name, state: state_of(state) };
    let layers: Vec<Layer> = LAYERS.into_iter().zip(states).map(layer).collect();
    // Landlock enforces the grants for good. Without Landlock there is no reason to refuse a later
    // need.
    let held = layers
        .iter()
        .any(|layer| layer.name == "landlock" && matches!(layer.state, LayerState::On(_)));
    Sandbox { layers, granted: held.then_some(needs) }
}

fn state_of(result: Result<String, String>) -> LayerState {
    match result {
        Ok(what) => LayerState::On(what),
        Err(why) => LayerState::Off(why),
    }
}
