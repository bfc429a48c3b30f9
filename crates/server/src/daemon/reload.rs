//! Bringing a changed configuration into force: it is read and put together on a thread of its own, so that
//! nothing else of the daemon waits for large files, and swapped in as a whole.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::oneshot;
use zoners_dns::Name;
use zoners_resolver::{Settings, Shared};
use zoners_sandbox::Sandbox;

use super::{Daemon, Overseer, WorkerThread, keeper};
use crate::config::Config;
use crate::pipeline::{Cookies, Local};

/// A daemon of the new configuration, or why there is none.
pub(super) type Renewed = Result<Box<Daemon>, String>;

/// What is read anew. One that is done on the way to another comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Anew {
    /// The files that the configuration names, such as the keys that were seen of the root zone.
    Files,
    /// The configuration, and all that it names.
    Configuration,
}

/// The reload that is under way, and what was asked for meanwhile.
#[derive(Default)]
pub(super) struct Reloading {
    under_way: Option<oneshot::Receiver<Renewed>>,
    next: Option<Anew>,
}

impl Reloading {
    /// Ends when the reload that is under way does. Safe to cancel and call again.
    pub(super) async fn done(&mut self) -> Renewed {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let renewed = under_way.await;
        self.under_way = None;
        renewed.unwrap_or_else(|_| Err("the thread that read it ended".to_owned()))
    }

    /// What was asked for while another was under way.
    pub(super) fn take_next(&mut self) -> Option<Anew> {
        self.next.take()
    }
}

/// What a reload is made with.
struct Job {
    shared: Arc<Shared>,
    cookies: Cookies,
    sandbox: Arc<Sandbox>,
    file: Option<PathBuf>,
    /// Taken as it is, if it is not to be read anew.
    config: Option<Config>,
    generation: u32,
}

impl Daemon {
    /// Begins to read anew, or makes a note of it where that is under way.
    pub(super) fn begin_reload(&self, reloading: &mut Reloading, anew: Anew) {
        if reloading.under_way.is_some() {
            reloading.next = reloading.next.max(Some(anew));
            return;
        }
        if anew == Anew::Configuration && self.file.is_none() {
            tracing::warn!("told to reload, but started without a configuration file");
            return;
        }
        let job = Job {
            shared: self.shared.clone(),
            cookies: self.cookies.clone(),
            sandbox: self.sandbox.clone(),
            file: self.file.clone(),
            config: (anew == Anew::Files).then(|| self.config.clone()),
            generation: self.rules.generation() + 1,
        };
        let (tell, done) = oneshot::channel();
        let thread = std::thread::Builder::new().name("reload".into());
        match thread.spawn(move || tell.send(job.run().map(Box::new))) {
            Ok(_) => reloading.under_way = Some(done),
            Err(error) => tracing::error!("not reloaded, there is no thread for it: {error}"),
        }
    }

    /// Brings what was read into force. What is wrong changes nothing.
    pub(super) fn renew(
        &mut self,
        renewed: Renewed,
        workers: &[WorkerThread],
        overseer: &Overseer,
    ) {
        let listens = |renewed: Box<Daemon>| {
            let change = self.listening.prepare(renewed.config.listens());
            let change = change.map_err(|error| format!("server.listen: {error}"))?;
            Ok((*renewed, change))
        };
        let (mut renewed, change) = match renewed.and_then(listens) {
            Ok(ready) => ready,
            Err(error) => {
                tracing::error!("not reloaded, the old configuration stays:\n{error}");
                return;
            }
        };
        // What the workers that run were given stays.
        renewed.descriptors = self.descriptors.clone();
        renewed.shares = self.shares.clone();
        overseer.renew(renewed.service());
        for worker in workers {
            let snapshot = renewed.snapshot(worker.network.clone(), &worker.counters);
            let snapshot = snapshot.continuing(&worker.current.load());
            worker.current.store(Arc::new(snapshot));
        }
        for zone in &zones_of_other_sources(&self.settings, &renewed.settings) {
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
        let (activity, ended) = (self.activity.clone(), self.ended.clone());
        let second_level = self.second_level.take();
        let sandbox = self.sandbox.clone();
        let log = self.log.take();
        *self = Daemon { activity, ended, second_level, listening, sandbox, log, ..renewed };
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

impl Job {
    fn run(self) -> Result<Daemon, String> {
        let config = match (self.config, &self.file) {
            (Some(config), _) => config,
            (None, Some(file)) => Config::load(file).map_err(|error| error.to_string())?,
            (None, None) => return Err("there is no configuration file".to_owned()),
        };
        let needs = config.needs(self.file.as_deref());
        self.sandbox
            .allows(&needs)
            .map_err(|why| format!("{why}; restart it (server.sandbox says why)"))?;
        Daemon::with(self.shared, self.cookies, config, self.file, self.generation)
            .map_err(|error| error.to_string())
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
