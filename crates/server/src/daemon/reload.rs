//! Bringing a changed configuration into force.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::SystemTime;

use zoners_dns::Name;
use zoners_resolver::Settings;

use super::{Daemon, Overseer, Running, keeper};
use crate::config::Config;
use crate::pipeline::Local;

impl Daemon {
    /// Reads the configuration again. One that is wrong changes nothing.
    pub(super) fn reload(&mut self, workers: &[Running], overseer: &Overseer) {
        let Some(file) = self.file.clone() else {
            tracing::warn!("told to reload, but started without a configuration file");
            return;
        };
        match Config::load(&file) {
            Err(error) => tracing::error!("not reloaded, the old configuration stays:\n{error}"),
            Ok(config) => match self.sandbox.allows(&config.needs(Some(&file))) {
                Err(why) => tracing::error!(
                    "not reloaded, the old configuration stays:\n{why}; restart it \
                     (server.sandbox says why)"
                ),
                Ok(()) => self.renew(config, workers, overseer),
            },
        }
    }

    /// Brings `config` into force, and what the files that it names say by now; or says what is
    /// wrong with them.
    pub(super) fn renew(&mut self, config: Config, workers: &[Running], overseer: &Overseer) {
        let (shared, file) = (self.shared.clone(), self.file.clone());
        let generation = self.rules.generation() + 1;
        match Daemon::with(shared, self.cookies.clone(), config, file, generation) {
            Err(error) => tracing::error!("not reloaded, the old configuration stays:\n{error}"),
            Ok(renewed) => {
                let change = match self.listening.prepare(renewed.config.listens()) {
                    Ok(change) => change,
                    Err(error) => {
                        tracing::error!(
                            "not reloaded, the old configuration stays:\nserver.listen: {error}"
                        );
                        return;
                    }
                };
                overseer.renew(renewed.service());
                for worker in workers {
                    let snapshot = renewed.snapshot(worker.network.clone(), &worker.counters);
                    worker.current.store(Arc::new(snapshot));
                }
                let changed = zones_of_other_sources(&self.settings, &renewed.settings);
                for zone in &changed {
                    self.shared.cache.flush(zone, true);
                }
                let mut restart = needs_restart(&self.config, &renewed.config);
                let mut listening = std::mem::take(&mut self.listening);
                let moves = self.config.server.listen != renewed.config.server.listen;
                if !listening.turn_to(change) && moves {
                    restart.push("server.listen (the service manager gave the sockets)");
                }
                overseer.listens(listening.bound());
                let before = self.rules.clone();
                // What the workers that run were given stays.
                let (activity, held) = (self.activity.clone(), self.held.clone());
                let ended = self.ended.clone();
                let second_level = self.second_level.take();
                let sandbox = std::mem::take(&mut self.sandbox);
                let log = self.log.take();
                *self = Daemon {
                    activity,
                    held,
                    ended,
                    second_level,
                    listening,
                    sandbox,
                    log,
                    ..renewed
                };
                if let Some(second_level) = &self.second_level {
                    let fingerprints = keeper::fingerprints(&self.settings, &self.shared);
                    second_level.prove_by(fingerprints.proofs);
                }
                tracing::info!("reloaded");
                self.tell_remarks(Some(before.local()));
                if !restart.is_empty() {
                    tracing::warn!("changed, but needs a restart: {}", restart.join(", "));
                }
            }
        }
    }

    /// Tells what of the local data was passed over, but for what was told before.
    pub(super) fn tell_remarks(&self, before: Option<&Local>) {
        let local = self.rules.local();
        let told = |remark: &String| before.is_some_and(|before| before.remarks().contains(remark));
        let remarks = local.remarks().iter().filter(|remark| !told(remark));
        remarks.for_each(|remark| tracing::warn!("{remark}"));
        let left_out = local.left_out();
        if left_out > 0 && before.is_none_or(|before| before.left_out() != left_out) {
            tracing::info!(
                "local.hosts: {left_out} names are not told in reverse: an address has enough"
            );
        }
    }
}

/// Zones with other servers or other trust anchors than before: the cached answers are out of date.
fn zones_of_other_sources(old: &Settings, new: &Settings) -> Vec<Name> {
    let routes = |one: &Settings, other: &Settings| {
        let gone = one.routes.iter().filter(|route| !other.routes.contains(route));
        gone.map(|route| route.zone.clone()).collect::<Vec<_>>()
    };
    let excepted = |one: &Settings, other: &Settings| {
        let gone =
            one.negative_anchors.iter().filter(|zone| !other.negative_anchors.contains(zone));
        gone.cloned().collect::<Vec<_>>()
    };
    let anchors = |one: &Settings, other: &Settings| {
        let gone = one.anchors.iter().filter(|anchor| !other.anchors.contains(anchor));
        gone.map(|anchor| anchor.zone.clone()).collect::<Vec<_>>()
    };
    let changed = |one: &Settings, other: &Settings| {
        [routes(one, other), excepted(one, other), anchors(one, other)].concat()
    };
    [changed(old, new), changed(new, old)].concat()
}

/// How a hosts file was found: when it changed last, how long it is, and which file it is.
pub(super) type HostsSeen = (Option<SystemTime>, u64, u64);

/// How the hosts file is found, if one is configured and there. Looked at before the file is read, so that no
/// change in between is missed.
pub(super) fn hosts_seen(config: &Config) -> Option<HostsSeen> {
    let file = fs::metadata(config.local.hosts.as_ref()?).ok()?;
    Some((file.modified().ok(), file.len(), file.ino()))
}

/// Keys whose change a reload cannot bring into force.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("server.user", old.server.user != new.server.user),
        ("server.state", old.server.state != new.server.state),
        ("server.sandbox", old.server.sandbox != new.server.sandbox),
        ("server.control", old.server.control != new.server.control),
        ("server.threads", old.server.threads != new.server.threads),
        (
            "resolver.source-addresses",
            old.resolver.source_addresses != new.resolver.source_addresses,
        ),
        ("cache", old.cache != new.cache),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_whose_routes_differ_are_told() {
        let settings = |text: &str| Config::parse(text, "test").unwrap().settings().unwrap();
        let lan = "[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n";
        let corp = "[[stub]]\nzone = \"corp\"\nservers = [\"192.0.2.2\"]\n";
        let (one, both) = (settings(lan), settings(&format!("{lan}{corp}")));
        assert!(zones_of_other_sources(&one, &one).is_empty());
        let corp = zoners_dns::name::parse("corp").unwrap();
        for changed in [zones_of_other_sources(&one, &both), zones_of_other_sources(&both, &one)] {
            assert!(!changed.is_empty() && changed.iter().all(|zone| *zone == corp), "{changed:?}");
        }
        let moved = settings(&lan.replace("192.0.2.1", "192.0.2.9"));
        assert!(!zones_of_other_sources(&one, &moved).is_empty());
    }
}
