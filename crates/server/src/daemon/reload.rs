//! Reloads: a separate thread reads the configuration and makes the next generation, so the daemon does not wait for
//! large files; the generation is put into force as a whole.

mod differences;

use std::sync::Arc;

use tokio::sync::oneshot;
use zoners_api::ReloadReport;
use zoners_host::background;
use zoners_sandbox::Sandbox;

use super::generation::{Core, Generation};
use super::http_routes::routes;
use super::listening::{ListenChange, ListenStatus};
use super::origin::fingerprints;
use super::reload_requests::ReloadCaller;
use super::serving::Serving;
use crate::config::{Config, ConfigError};
use crate::validate::Scope;
use differences::{clear_out_of_date, keys_that_need_restart};

/// The next generation, or the reasons why there is none.
pub(super) type NextGeneration = Result<Box<Generation>, Vec<String>>;

/// The files to be read anew. A reload of the first is part of a reload of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reload {
    /// The files named by the configuration, and the tracked keys of the root zone.
    Files,
    /// The configuration, and the files named there.
    Configuration,
}

/// The reload under way, and the reload requested meanwhile; each with its callers.
#[derive(Default)]
pub(super) struct Reloading {
    under_way: Option<oneshot::Receiver<NextGeneration>>,
    callers: Vec<ReloadCaller>,
    /// Whether the reload under way was asked for: no other reads the configuration.
    is_asked_for: bool,
    requested: Option<Reload>,
    requested_by: Vec<ReloadCaller>,
}

impl Reloading {
    /// Begins a reload, or notes the request if one is under way. `callers` get the report.
    pub(super) fn begin(&mut self, what: Reload, callers: Vec<ReloadCaller>, serving: &Serving) {
        if self.under_way.is_some() {
            self.requested = self.requested.max(Some(what));
            self.requested_by.extend(callers);
            return;
        }
        self.callers = callers;
        self.is_asked_for = what == Reload::Configuration;
        if what == Reload::Configuration && serving.core.file.is_none() {
            let reason = "the daemon was started without a configuration file";
            tracing::warn!("reload: ignored: {reason}");
            return self.report(&serving.refused(vec![reason.to_owned()]));
        }
        let job = ReloadJob {
            core: serving.core.clone(),
            sandbox: serving.sandbox.clone(),
            config: (what == Reload::Files).then(|| serving.generation.config.clone()),
            is_overlaid: serving.generation.is_overlaid,
            number: serving.core.next_number(),
        };
        let (send, done) = oneshot::channel();
        let thread = std::thread::Builder::new().name("reload".into());
        let run = move || {
            background::begin();
            send.send(job.run().map(Box::new))
        };
        match thread.spawn(run) {
            Ok(_) => self.under_way = Some(done),
            Err(error) => {
                let reason = format!("the system gives no thread: {error}");
                tracing::error!("reload: failed: {reason}");
                self.report(&serving.refused(vec![reason]));
            }
        }
    }

    /// Ends with the reload under way. Safe to cancel and call again.
    pub(super) async fn done(&mut self) -> NextGeneration {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let next = under_way.await;
        self.under_way = None;
        next.unwrap_or_else(|_| {
            Err(vec!["the thread that read the configuration ended".to_owned()])
        })
    }

    /// Whether the reload that ended was asked for.
    pub(super) fn was_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// Gives the callers of a reload its report.
    pub(super) fn report(&mut self, report: &ReloadReport) {
        for caller in self.callers.drain(..) {
            // A caller that went away needs none.
            let _ = caller.send(report.clone());
        }
    }

    /// Notes a request for the end of the present reload.
    pub(super) fn request(&mut self, what: Reload) {
        self.requested = self.requested.max(Some(what));
    }

    /// Begins the reload requested during the last one.
    pub(super) fn begin_requested(&mut self, serving: &Serving) {
        if let Some(what) = self.requested.take() {
            let callers = std::mem::take(&mut self.requested_by);
            self.begin(what, callers, serving);
        }
    }
}

/// The work of the reload's thread.
struct ReloadJob {
    core: Core,
    sandbox: Arc<Sandbox>,
    /// The configuration in force, if only the named files are read anew.
    config: Option<Config>,
    /// Whether that configuration has overlays, which may be gone.
    is_overlaid: bool,
    number: u32,
}

impl ReloadJob {
    fn run(self) -> Result<Generation, Vec<String>> {
        let config = match (self.config, &self.core.file) {
            (Some(config), _) => config,
            (None, Some(file)) => Config::load(file).map_err(|error| reasons(&error))?,
            (None, None) => return Err(vec!["there is no configuration file".to_owned()]),
        };
        let config = match self.is_overlaid || !self.core.overlays.is_empty() {
            true => config.overlaid(&self.core.overlays).map_err(|error| reasons(&error))?,
            false => config,
        };
        let needs = config.needs(self.core.file.as_deref());
        self.sandbox
            .allows(&needs)
            .map_err(|why| vec![format!("{why}; restart the daemon (server.sandbox says why)")])?;
        // A change of the second level needs a restart: the new terms are not used.
        let (generation, _) = Generation::new(&self.core, config, Scope::Contents, self.number)
            .map_err(|error| reasons(&error))?;
        Ok(generation)
    }
}

/// The faults of a configuration, no more than a person reads.
fn reasons(error: &ConfigError) -> Vec<String> {
    const MAX_REASONS: usize = 20;
    let more = error.faults().len().saturating_sub(MAX_REASONS);
    let more = (more > 0).then(|| format!("and {more} more"));
    error.faults().iter().take(MAX_REASONS).cloned().chain(more).collect()
}

impl Serving {
    /// The transition of a reload: serves by the next generation, or by the same as before, with the reasons in the
    /// log. New addresses are bound before anything changes.
    pub(super) fn reload(mut self, next: NextGeneration) -> (Self, ReloadReport) {
        let prepared = next.and_then(|next| {
            let checked = self.listening.check_required_certificates(&next.config);
            checked.map_err(|error| reasons(&error))?;
            let change = self.listening.prepare(&next.config);
            let change = change.map_err(|error| vec![format!("server.listen: {error}")])?;
            let routes = || routes(&self.overseer);
            let http = self.http.prepare(&next.config, routes);
            Ok((*next, change, http.map_err(|error| vec![error.to_string()])?))
        });
        match prepared {
            Ok((next, change, http)) => {
                self.http.turn_to(http);
                self.turn_to(next, change)
            }
            Err(reasons) => {
                let text = reasons.join("\n");
                tracing::error!("reload: refused: the old configuration stays:\n{text}");
                let report = self.refused(reasons);
                (self, report)
            }
        }
    }

    /// Puts `next` into force, and serves at the new addresses. Nothing of this can fail.
    fn turn_to(mut self, next: Generation, change: ListenChange) -> (Self, ReloadReport) {
        self.zones.turn_to(&self.core, &next);
        next.put_transferred(&self.core);
        let Serving { core, generation: before, workers, .. } = self;
        let Serving { mut listening, overseer, mut recorders, .. } = self;
        let has_other_links = before.config.network_routes != next.config.network_routes;
        if has_other_links {
            // Before any query: a resolver of a VPN is never asked by a different way.
            next.bind_links(&core);
            workers.renew_sockets();
        }
        core.tap.turn_to(&next.config.dnstap);
        overseer.renew(workers.look_up_service(&core, &next));
        workers.put_in_force(&core, &next);
        self.acme.configure(&next.config);
        next.put_tls(&core);
        recorders.turn_to(&before.config, &next.config, &workers);
        self.history.set_limit(next.config.history.size);
        workers.events().iter().for_each(|events| self.history.attach(events));
        clear_out_of_date(&core.shared, &before, &next);
        // What the cache has from a zone file may be out of date, whatever the serial says.
        for copy in before.config.zone.iter().chain(&next.config.zone) {
            core.shared.cache.flush(&copy.zone, true);
        }
        let mut restart = keys_that_need_restart(&before.config, &next.config);
        let moves = before.config.listeners() != next.config.listeners();
        if !listening.turn_to(change) && moves {
            restart.push("server.listen (the service manager gave the sockets)");
        }
        let (http, https) = (self.http.addresses(), self.http.https());
        overseer.listens(ListenStatus { http, https, ..listening.status() });
        if let Some(second_level) = &self.second_level {
            second_level.prove_by(fingerprints(&next.settings, &core.shared).proofs());
        }
        overseer.has_configuration(&next.config);
        log_routes(&before.config, &next.config);
        tracing::info!("reload: the new configuration is in force");
        next.log_remarks(Some(&before));
        if before.config.listen != next.config.listen {
            listening.warn_of_tables_without_socket(&next.config);
        }
        if !restart.is_empty() {
            tracing::warn!("reload: changed, but needs a restart: {}", restart.join(", "));
        }
        let report = ReloadReport {
            reloaded: true,
            config: file_of(&core),
            remarks: next.remarks.clone(),
            needs_restart: restart.into_iter().map(str::to_owned).collect(),
            errors: Vec::new(),
        };
        let mut serving =
            Serving { core, generation: next, workers, listening, overseer, recorders, ..self };
        serving.renew_list_resolver();
        (serving, report)
    }

    /// The report of a reload that changed nothing.
    fn refused(&self, errors: Vec<String>) -> ReloadReport {
        ReloadReport { config: file_of(&self.core), errors, ..ReloadReport::default() }
    }
}

/// Logs the zones that networks begin and cease to answer.
fn log_routes(before: &Config, next: &Config) {
    let only = |one: &Config, other: &Config| {
        let routes = one.network_routes.iter();
        let new = routes.filter(|route| !other.network_routes.contains(route));
        new.map(|route| format!("{} by {}", route.zone, route.link.0))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (gone, come) = (only(before, next), only(next, before));
    if !gone.is_empty() {
        tracing::info!("network: its resolvers are no longer asked for: {gone}");
    }
    if !come.is_empty() {
        tracing::info!("network: its resolvers are asked for: {come}");
    }
}

/// The configuration file, as it was named at the start.
fn file_of(core: &Core) -> Option<String> {
    core.file.as_ref().map(|file| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigOverlay;

    #[test]
    fn a_reload_lays_the_settings_of_the_network_over_the_file() {
        let config = Config::parse("[resolver]\nprobe-uplink = false\n", "zoners.toml").unwrap();
        let route = "[[forward]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n";
        let reload = |overlay: Option<&str>| {
            let mut core = Core::new(&config, None).unwrap();
            let overlay = overlay.map(|text| ConfigOverlay::parse("home", text).unwrap());
            core.overlays = overlay.map(Arc::new).into_iter().collect();
            let config = Some(config.clone());
            ReloadJob { core, sandbox: Arc::default(), config, is_overlaid: false, number: 1 }.run()
        };
        assert!(reload(None).unwrap().settings.routes.is_empty());
        let at_home = reload(Some(route)).unwrap();
        assert_eq!(at_home.settings.routes.len(), 1);
        assert!(!at_home.settings.probe_uplink, "of the file");
        let wrong = reload(Some("[resolver]\nipv4 = 7\n")).unwrap_err();
        assert!(wrong[0].starts_with("network profile home: "), "{wrong:?}");
    }
}
