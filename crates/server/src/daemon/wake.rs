//! Sleep of the machine and moves to another network: timeouts of this time are no fault of the servers.

use std::time::Duration;

use zoners_host::clock::SleepClock;
use zoners_host::network::NetworkChanges;
use zoners_resolver::{Event, Shared};

use super::uplink_log::UplinkLog;

/// The machine has slept if the clock with sleep is ahead by this much of the clock without.
const MIN_SLEEP: Duration = Duration::from_secs(5);

/// Watches for sleep and moves, and logs the condition of the uplink.
pub(super) struct Wake {
    changes: Option<NetworkChanges>,
    looked_at: SleepClock,
    uplink: UplinkLog,
}

impl Wake {
    /// Begins to watch. Without the help of the system, moves go unnoticed.
    pub(super) fn watch() -> Self {
        let log = |error: &std::io::Error| {
            tracing::info!("network: changes go unnoticed: {error}");
        };
        let changes = NetworkChanges::watch().inspect_err(log).ok();
        Wake { changes, looked_at: SleepClock::now(), uplink: UplinkLog::default() }
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
        let now = SleepClock::now();
        let before = std::mem::replace(&mut self.looked_at, now);
        self.uplink.look(shared);
        (now.slept_since(before) >= MIN_SLEEP).then_some(Event::Woke)
    }
}
