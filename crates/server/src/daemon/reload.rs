//! Bringing a changed configuration into force.

use std::sync::Arc;
use std::time::SystemTime;

use super::{Daemon, Overseer, Running, keeper};
use crate::config::Config;

impl Daemon {
    /// Reads the configuration again. One that is wrong changes nothing.
    pub(super) fn reload(&mut self, workers: &[Running], overseer: &Overseer) {
        let Some(file) = self.file.clone() else {
            tracing::warn!("told to reload, but started without a configuration file");
            return;
        };
        match Config::load(&file) {
            Err(error) => tracing::error!("not reloaded, the old configuration stays:\n{error}"),
            Ok(config) => self.renew(config, workers, overseer),
        }
    }

    /// Brings `config` into force, and what the files that it names say by now; or says what is
    /// wrong with them.
    pub(super) fn renew(&mut self, config: Config, workers: &[Running], overseer: &Overseer) {
        let (shared, file) = (self.shared.clone(), self.file.clone());
        let generation = self.rules.generation() + 1;
        match Daemon::with(shared, self.cookies, config, file, generation) {
            Err(error) => tracing::error!("not reloaded, the old configuration stays:\n{error}"),
            Ok(renewed) => {
                overseer.renew(renewed.service());
                for worker in workers {
                    let snapshot = renewed.snapshot(worker.network.clone(), &worker.counters);
                    worker.current.store(Arc::new(snapshot));
                }
                let restart = needs_restart(&self.config, &renewed.config);
                // What the workers that run were given stays.
                let (activity, ended) = (self.activity.clone(), self.ended.clone());
                let second_level = self.second_level.take();
                *self = Daemon { activity, ended, second_level, ..renewed };
                if let Some(second_level) = &self.second_level {
                    let fingerprints = keeper::fingerprints(&self.settings, &self.shared);
                    second_level.prove_by(fingerprints.proofs);
                }
                tracing::info!("reloaded");
                if !restart.is_empty() {
                    tracing::warn!("changed, but needs a restart: {}", restart.join(", "));
                }
            }
        }
    }
}

/// When the hosts file last changed, if one is configured and there. Read before the file itself,
/// so that no change in between is missed.
pub(super) fn hosts_changed(config: &Config) -> Option<SystemTime> {
    let path = config.local.hosts.as_ref()?;
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Keys whose change a reload cannot bring into force.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("server.listen", old.server.listen != new.server.listen),
        ("server.user", old.server.user != new.server.user),
        ("server.state", old.server.state != new.server.state),
        ("server.control", old.server.control != new.server.control),
        ("server.threads", old.server.threads != new.server.threads),
        ("cache", old.cache != new.cache),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}
