//! The zones with a copy here, in reports.

use zoners_api::ZoneCopyState;

use crate::pipeline::Local;
use crate::zones::ShelfEntry;

/// The zones, the local root first.
pub(super) fn states(local: &Local) -> Vec<ZoneCopyState> {
    local.zones().into_iter().map(state).collect()
}

fn state(entry: ShelfEntry) -> ZoneCopyState {
    let zone = entry.apex.fmt_with_dot().to_string();
    match entry.state {
        Ok((serial, names)) => {
            ZoneCopyState { zone, serial: Some(serial), names, unavailable: None }
        }
        Err(why) => ZoneCopyState { zone, serial: None, names: 0, unavailable: Some(why) },
    }
}
