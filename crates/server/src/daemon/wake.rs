//! Noticing that the machine slept, or moved to another network: what servers missed meanwhile is
//! no fault of theirs.

use std::time::Duration;

use zoners_dns::Moment;
use zoners_net::changes::Changes;
use zoners_resolver::{Event, Shared};

/// A tick that comes this much later than the one before was slept through.
const SLEPT: Duration = Duration::from_secs(5);

/// What tells of sleep and of moves.
pub(super) struct Wake {
    changes: Option<Changes>,
    ticked_at: Moment,
}

impl Wake {
    /// Begins to watch; without the system's help, only sleep is noticed.
    pub(super) fn watch(shared: &Shared) -> Self {
        let told = |error: &std::io::Error| {
            tracing::info!("changes of the network go unnoticed: {error}");
        };
        Wake { changes: Changes::watch().inspect_err(told).ok(), ticked_at: shared.now() }
    }

    /// Ends when the machine has moved to another network.
    pub(super) async fn moved(&mut self) {
        match &mut self.changes {
            Some(changes) => changes.next().await,
            None => std::future::pending().await,
        }
    }

    /// Called every second of those that the machine is awake: forgives servers what they missed
    /// while it was not.
    pub(super) fn tick(&mut self, shared: &Shared) {
        let now = shared.now();
        let slept = now.since(std::mem::replace(&mut self.ticked_at, now)) >= SLEPT;
        if slept {
            shared.notify(Event::Woke);
        }
    }
}
