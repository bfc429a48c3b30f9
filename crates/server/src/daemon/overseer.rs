//! What the control socket sees of the daemon.

use std::fs::File;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use zoners_cache::ImportStats;
use zoners_dns::{Counter, Counters, Name, counters};
use zoners_resolver::{MAX_NEGATIVE_ANCHOR_SECONDS, MAX_NEGATIVE_ANCHORS};
use zoners_sandbox::Layer;
use zoners_store::shared::SharedCache;

use super::{ListenStatus, Snapshot, keeper};
use crate::log::Log;
use crate::report;

/// Servers listed where all are asked for.
const MOST_SERVERS: usize = 2000;

/// The daemon as a whole: the sums over its workers, and a service of its own to look names up
/// with, which shares all that they know.
#[derive(Debug)]
pub(crate) struct Overseer {
    service: ArcSwap<Snapshot>,
    counters: Vec<Arc<Counters>>,
    second_level: Option<Arc<SharedCache>>,
    bound: ArcSwap<ListenStatus>,
    sandbox: Vec<Layer>,
    log: Option<Log>,
    started_ms: u64,
}

impl Overseer {
    pub(super) fn new(
        service: Snapshot,
        counters: Vec<Arc<Counters>>,
        second_level: Option<Arc<SharedCache>>,
        bound: ListenStatus,
        sandbox: Vec<Layer>,
    ) -> Self {
        let started_ms = service.worker().shared().now().as_millis();
        let service = ArcSwap::from_pointee(service);
        let bound = ArcSwap::from_pointee(bound);
        Overseer { service, counters, second_level, bound, sandbox, log: None, started_ms }
    }

    /// The same, which tells what the log has lost.
    pub(super) fn logging_to(self, log: Option<Log>) -> Self {
        Overseer { log, ..self }
    }

    /// From now on clients are heard elsewhere.
    pub(super) fn listens(&self, bound: ListenStatus) {
        self.bound.store(Arc::new(bound));
    }

    /// From now on names are looked up by another configuration.
    pub(super) fn renew(&self, service: Snapshot) {
        self.service.store(Arc::new(service));
    }

    pub(crate) fn service(&self) -> Arc<Snapshot> {
        self.service.load_full()
    }

    /// The sum over workers, look-ups of our own included.
    pub(crate) fn count(&self, counter: Counter) -> u64 {
        let own = self.service();
        let shared = self.second_level.iter().map(|level| level.counters());
        let workers = self.counters.iter().chain(shared).map(|counters| &**counters);
        let others = self.log.iter().map(Log::counters).chain([own.worker().counters()]);
        counters::sum(workers.chain(others), counter)
    }

    /// Writes what was counted to the log.
    pub(super) fn tell(&self) {
        let counted = Counter::ALL.iter().map(|counter| (counter.name(), self.count(*counter)));
        let counted = counted.filter(|(_, count)| *count > 0);
        let told: Vec<String> = counted.map(|(name, count)| format!("{name} {count}")).collect();
        tracing::info!("counted so far: {}", told.join(", "));
    }

    pub(crate) fn flush(&self, name: &Name, subtree: bool) -> usize {
        self.service().worker().shared().cache.flush(name, subtree)
    }

    /// Forgets here and in what is shared: how many entries here, how many questions there, and why
    /// not there.
    pub(crate) async fn flush_all(&self, name: &Name, subtree: bool) -> Value {
        // There first, so that nothing comes back from there in between.
        let there = match self.service().worker().shared().second_level() {
            None => None,
            Some(second_level) => Some(second_level.forget(name, subtree).await),
        };
        let mut reply = json!({ "removed": self.flush(name, subtree) });
        match there {
            Some(Ok(questions)) => reply["second_level"] = questions.into(),
            Some(Err(why)) => reply["second_level_error"] = why.into(),
            None => {}
        }
        reply
    }

    /// How full the cache is, and what came of it.
    pub(crate) fn cache(&self) -> Value {
        let service = self.service();
        let cache = &service.worker().shared().cache;
        let stats = cache.stats();
        let count = |counter: Counter| self.count(counter);
        json!({
            "entries": stats.entries,
            "bytes": stats.bytes,
            "limit": cache.limit(),
            "evicted": stats.evicted,
            "queries": count(Counter::ClientQueries),
            "cached": count(Counter::ClientCached),
            "recursed": count(Counter::ClientRecursed),
            "stale": count(Counter::ClientStale),
        })
    }

    /// What is known of a name.
    pub(crate) fn inspect(&self, name: &Name) -> Value {
        let service = self.service();
        let shared = service.worker().shared();
        let (entries, more) = shared.cache.inspect(name, shared.now());
        let entries: Vec<Value> = entries.iter().map(report::entry).collect();
        json!({ "name": name.fmt_with_dot().to_string(), "entries": entries, "more": more })
    }

    /// Writes the cache to a file that whoever wants it has opened.
    pub(crate) fn dump(&self, file: File) -> Result<Value, String> {
        let service = self.service();
        let (worker, shared) = (service.worker(), service.worker().shared());
        let fingerprints = keeper::fingerprints(worker.settings(), shared);
        let octets = keeper::dump(file, shared, fingerprints);
        octets.map(|octets| json!({ "octets": octets })).map_err(|error| error.to_string())
    }

    /// Takes what somebody's file has into the cache; it is proven again when it is asked for.
    pub(crate) fn bring(&self, file: File) -> Result<Value, String> {
        let service = self.service();
        let (worker, shared) = (service.worker(), service.worker().shared());
        let fingerprints = keeper::fingerprints(worker.settings(), shared);
        let loaded = keeper::bring(file, shared, fingerprints)?;
        let ImportStats { imported, skipped } = loaded.entries;
        let age = loaded.age.as_secs();
        Ok(json!({ "taken": imported, "passed_over": skipped, "age_s": age }))
    }

    /// Takes a zone as it comes for a while, and forgets what validating it said.
    pub(crate) fn distrust(&self, zone: &Name, seconds: u32) -> Value {
        let service = self.service();
        let shared = service.worker().shared();
        if seconds == 0 || seconds > MAX_NEGATIVE_ANCHOR_SECONDS {
            return json!({ "error": format!("seconds: write 1 to {MAX_NEGATIVE_ANCHOR_SECONDS}") });
        }
        if !shared.negative_anchors.add(zone, seconds, shared.now()) {
            return json!({ "error": format!("no more than {MAX_NEGATIVE_ANCHORS} zones go unvalidated") });
        }
        self.flush(zone, true);
        tracing::warn!("{} is not validated for {seconds} s", zone.fmt_with_dot());
        json!({ "validated": false })
    }

    /// Validates a zone again.
    pub(crate) fn trust(&self, zone: &Name) -> Value {
        let removed = self.service().worker().shared().negative_anchors.remove(zone);
        self.flush(zone, true);
        json!({ "validated": true, "removed": removed })
    }

    /// The zones that go unvalidated.
    pub(crate) fn distrusted(&self) -> Value {
        let service = self.service();
        let shared = service.worker().shared();
        let entry = |(zone, left): (Name, u32)| json!({ "name": zone.fmt_with_dot().to_string(), "seconds": left });
        let zones: Vec<Value> =
            shared.negative_anchors.list(shared.now()).into_iter().map(entry).collect();
        json!({ "zones": zones })
    }

    /// What is known of the servers that `zone` would be asked of, or of all.
    pub(crate) fn servers(&self, zone: Option<&Name>) -> Value {
        let service = self.service();
        let (worker, now) = (service.worker(), service.worker().shared().now());
        let (zone, standings) = match zone {
            Some(name) => {
                let (zone, standings) = worker.server_reports(name);
                (Some(zone.fmt_with_dot().to_string()), standings)
            }
            None => (None, worker.all_server_reports(MOST_SERVERS)),
        };
        let servers: Vec<Value> =
            standings.iter().map(|standing| report::standing(standing, now)).collect();
        let broken = worker.shared().broken_paths().names();
        let silent = worker.shared().silent_zones(MOST_SERVERS);
        let silent = silent.iter().map(|silent| report::silent_zone(silent, now));
        let asked = |silent: &Value| zone.as_deref().is_none_or(|zone| silent["zone"] == *zone);
        let silent: Vec<Value> = silent.filter(asked).collect();
        json!({ "zone": zone, "servers": servers, "broken": broken, "silent": silent })
    }

    pub(crate) fn status(&self) -> Value {
        let service = self.service();
        let shared = service.worker().shared();
        let cache = shared.cache.stats();
        let layer = |layer: &Layer| (layer.name.to_owned(), layer.state.to_string().into());
        let sandbox: serde_json::Map<String, Value> = self.sandbox.iter().map(layer).collect();
        let serves: Vec<String> = service.rules().allow().iter().map(ToString::to_string).collect();
        let bound = self.bound.load();
        let listen: Vec<String> = bound.addresses.iter().map(ToString::to_string).collect();
        let awaited: Vec<String> = bound.absent.iter().map(ToString::to_string).collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "process": std::process::id(),
            "uptime_s": (shared.now().as_millis() - self.started_ms) / 1000,
            "generation": service.rules().generation(),
            "clock_wrong_by_s": shared.clock_doubt.wrong_by(),
            "line": {
                "down": shared.is_line_down(),
                "loss": (shared.line_loss() * 1000.0).round() / 1000.0,
                "broken": shared.broken_paths().names(),
                "silent_networks": shared.silent_networks(),
            },
            "network": report::passage(shared.passage()),
            "dead_zones": shared.silent_zones(usize::MAX).iter().filter(|zone| zone.dead).count(),
            "waiting": service.rules().waiting(),
            "workers": self.counters.len(),
            "listen": listen,
            "awaited": awaited,
            "not_served": bound.missing,
            "serves": serves,
            "cache": { "entries": cache.entries, "bytes": cache.bytes, "evicted": cache.evicted },
            "second_level": self.second_level.as_ref().map(|level| {
                if level.is_broken() { "left alone for a while" } else { "in use" }
            }),
            "log_lost": self.count(Counter::LogLinesLost),
            "sandbox": sandbox,
        })
    }
}
