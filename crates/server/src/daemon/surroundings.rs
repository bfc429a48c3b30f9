//! What changes for clients when this machine's interfaces do.

use std::sync::Arc;

use zoners_host::interfaces::interfaces;

use super::{Daemon, Overseer, WorkerThread};
use crate::nearby::Nearby;

/// The clients that are nearby now; where the system does not tell, those that are so anywhere.
pub(super) fn nearby() -> Nearby {
    let interfaces = interfaces().unwrap_or_else(|error| {
        tracing::info!("the interfaces of this machine are not known: {error}");
        Vec::new()
    });
    let nearby = Nearby::of(&interfaces);
    if nearby.left_out > 0 {
        let left_out = nearby.left_out;
        tracing::warn!("{left_out} prefixes nearby are left out; name them in server.allow");
    }
    nearby
}

impl Daemon {
    /// Looks for addresses that were not there, and for clients nearby, and serves them.
    pub(super) fn look_around(&mut self, workers: &[WorkerThread], overseer: &Overseer) {
        if self.listening.look_for_absent() {
            overseer.listens(self.listening.bound());
        }
        let nearby = nearby();
        if nearby == self.nearby {
            return;
        }
        self.rules = Arc::new(self.rules.near(&self.config, &nearby.prefixes));
        self.nearby = nearby;
        for worker in workers {
            worker.current.store(Arc::new(worker.current.load().with_rules(self.rules.clone())));
        }
        overseer.renew(overseer.service().with_rules(self.rules.clone()));
        tracing::debug!("clients nearby: {}", listed(self.rules.allow()));
    }
}

fn listed(prefixes: &[zoners_dns::Prefix]) -> String {
    let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
    prefixes.join(", ")
}
