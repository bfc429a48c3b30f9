//! Sleep of the machine and moves to another network: timeouts of this time are no fault of the servers.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use zoners_host::clock::SleepClock;
use zoners_host::network::NetworkChanges;
use zoners_host::networks::{AdvertisedOptions, SettingsStamp};
use zoners_resolver::{Event, Shared};

use super::uplink_log::UplinkLog;

/// The machine has slept if the clock with sleep is ahead by this much of the clock without.
const MIN_SLEEP: Duration = Duration::from_secs(5);

/// After a change, managers write resolvers and domains within this time: a lease or a VPN comes after its link.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(150),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Watches for sleep and moves, and logs the condition of the uplink.
pub(super) struct Wake {
    changes: Option<NetworkChanges>,
    /// Moments after a change at which to look again: managers write settings after links and addresses.
    looks: Vec<Instant>,
    settings: SettingsStamp,
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
        Wake {
            changes,
            looks: Vec::new(),
            settings: SettingsStamp::now(),
            looked_at: SleepClock::now(),
            uplink: UplinkLog::default(),
        }
    }

    /// Ends after a change of links, addresses or routes, and some moments later again; true if the machine has moved to
    /// another network. Safe to cancel.
    pub(super) async fn changed(&mut self) -> bool {
        let Some(changes) = &mut self.changes else { return std::future::pending().await };
        let moved = match self.looks.last().copied() {
            None => changes.next().await,
            Some(look) => tokio::select! {
                biased;
                moved = changes.next() => moved,
                () = sleep_until(look) => {
                    self.looks.pop();
                    return false;
                }
            },
        };
        let now = Instant::now();
        self.looks = LOOKS.iter().rev().map(|delay| now + *delay).collect();
        moved
    }

    /// The options that routers have advertised.
    pub(super) fn advertised(&self) -> AdvertisedOptions {
        self.changes.as_ref().map(|changes| changes.advertised().clone()).unwrap_or_default()
    }

    /// Whether a manager of the network has written settings since the last call.
    pub(super) fn has_other_settings(&mut self) -> bool {
        let now = SettingsStamp::now();
        std::mem::replace(&mut self.settings, now) != self.settings
    }

    /// To be called now and then while clients ask: the event, if the machine has slept since the last call.
    pub(super) fn look(&mut self, shared: &Shared) -> Option<Event> {
        let now = SleepClock::now();
        let before = std::mem::replace(&mut self.looked_at, now);
        self.uplink.look(shared);
        (now.slept_since(before) >= MIN_SLEEP).then_some(Event::Woke)
    }
}
