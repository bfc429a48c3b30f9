//! `[history]`: past resolutions, for `zoners why`.

use serde::{Deserialize, Deserializer};

use super::readers::octets;

/// The most octets of a history.
const MAX_SIZE: u64 = 1 << 30;

/// `[history]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HistoryConfig {
    /// Octets of memory at most; 0 for no history.
    #[serde(deserialize_with = "memory")]
    pub size: usize,
    /// Keep past resolutions over a restart, in the state folder.
    pub persist: bool,
    /// Keep latencies by provider for a year, for `zoners trend`: in the state folder, in numbers without names.
    pub trend: bool,
    /// Answer clients of this machine that send the EDNS option 65053 with the way to the answer.
    pub timeline_option: bool,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        HistoryConfig { size: 12 << 20, persist: false, trend: true, timeline_option: false }
    }
}

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let size = octets(deserializer, 0..=MAX_SIZE)?;
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}
