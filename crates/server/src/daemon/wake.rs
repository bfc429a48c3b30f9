//! Sleep of the machine and moves to another network: timeouts of this time are no fault of the servers.

use std::time::{Duration, Instant};

use zoners_dns::Moment;
use zoners_host::network::NetworkChanges;
use zoners_resolver::{Event, Shared};

use super::uplink_log::UplinkLog;

/// The machine has slept if the clock with sleep is ahead by this much of the clock without.
const MIN_SLEEP: Duration = Duration::from_secs(5);

/// Watches for sleep and moves, and logs the condition of the uplink.
pub(super) struct Wake {
    changes: Option<NetworkChanges>,
    looked_at: (Moment, Instant),
    uplink: UplinkLog,
}

impl Wake {
    /// Begins to watch. Without the help of the system, moves go unnoticed.
    pub(super) fn watch(shared: &Shared) -> Self {
        let log = |error: &std::io::Error| {
            tracing::info!("network: changes go unnoticed: {error}");
        };
        let changes = NetworkChanges::watch().inspect_err(log).ok();
        let looked_at = (shared.now(), Instant::now());
        Wake { changes, looked_at, uplink: UplinkLog::default() }
    }

    /// Ends after a change of links, addresses or routes; true if the machine has moved to another network.
    pub(super) async fn changed(&mut self) -> bool {
        match &mut self.changes {
            Some(changes) => changes.next().await,
            None => std::future::pending().await,
        }
    }

    /// To be called now and then while clients ask: the event, if the machine has slept since the last call.
    pub(super) fn look(&mut self, shared: &Shared) -> Option<Event> {
        let (now, awake) = (shared.now(), Instant::now());
        let (before, was_awake) = std::mem::replace(&mut self.looked_at, (now, awake));
        let slept = now.since(before).saturating_sub(awake.duration_since(was_awake));
        self.uplink.look(shared);
        (slept >= MIN_SLEEP).then_some(Event::Woke)
    }
}
