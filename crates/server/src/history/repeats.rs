//! Failures that a client repeats: a device that asks for a broken name every second must not fill the history.

use std::collections::HashMap;
use std::net::IpAddr;

use zoners_dns::Name;
use zoners_history::{FailureKind, ResolutionRecord};

/// A remembered failure of a name is recorded once in this time for each client, in seconds.
const INTERVAL: u64 = 60;
/// The most names and clients at hand.
const MAX_ENTRIES: usize = 1024;

/// The second at which a failure of a name was last recorded for a client.
#[derive(Debug, Default)]
pub(super) struct RepeatedFailures(HashMap<(Name, IpAddr), u64>);

impl RepeatedFailures {
    /// Whether a record repeats a failure that was recorded a moment ago.
    pub(super) fn has(&mut self, record: &ResolutionRecord) -> bool {
        if record.failure != Some(FailureKind::Remembered) || !record.hops.is_empty() {
            return false;
        }
        if self.0.len() >= MAX_ENTRIES {
            self.0.clear();
        }
        let last = self.0.entry((record.name.clone(), record.client)).or_default();
        let repeats = record.received_s < last.saturating_add(INTERVAL);
        if !repeats {
            *last = record.received_s;
        }
        repeats
    }
}
