//! The second state of the daemon: sockets, user and sandbox are in place, and no client is served yet.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;
use zoners_dns::Counters;
use zoners_host::origin::ProcessOrigin;
use zoners_sandbox::Sandbox;
use zoners_store::shared::SharedCacheConfig;

use super::acme_keeper::AcmeKeeper;
use super::allotment::Allotment;
use super::dashboard::DashboardTerms;
use super::doh::DohTerms;
use super::generation::{Core, Generation};
use super::hand_over_requests;
use super::http::{BoundHttp, HttpServing};
use super::http_routes::routes;
use super::keeper::CacheKeeper;
use super::kept_sockets::KeptSockets;
use super::listeners::BoundAddresses;
use super::listening::{ListenStatus, Listening};
use super::networks::NetworkObserver;
use super::overseer::{About, Overseer};
use super::policy_keeper::PolicyKeeper;
use super::recorders::Recorders;
use super::reload_requests;
use super::run_history::RunHistory;
use super::running::Running;
use super::second_level;
use super::serving::Serving;
use super::signals::Signals;
use super::state_folder::{StateFolder, log_not_kept};
use super::workers::Workers;
use super::zone_keeper::ZoneKeeper;
use crate::control::{ControlSocket, Predecessor};
use crate::history::HistoryStore;
use crate::log::Log;

/// A daemon with sockets, final user and sandbox, and one thread.
pub struct Bound {
    pub(super) core: Core,
    pub(super) generation: Generation,
    pub(super) second_level: Option<SharedCacheConfig>,
    pub(super) log: Option<Log>,
    pub(super) runtime: Runtime,
    pub(super) signals: Signals,
    pub(super) addresses: BoundAddresses,
    pub(super) http: Vec<BoundHttp>,
    /// The reason for a port other than 53, if none is configured.
    pub(super) instead: Option<String>,
    /// The consequence of the listeners for other programs of this machine.
    pub(super) side_effect: Option<&'static str>,
    pub(super) state: Option<StateFolder>,
    pub(super) cache_folder: Option<PathBuf>,
    pub(super) control: Option<ControlSocket>,
    pub(super) allotment: Allotment,
    pub(super) sandbox: Arc<Sandbox>,
    /// How the process was started.
    pub(super) origin: ProcessOrigin,
    /// The old daemon, which serves until this one does.
    pub(super) predecessor: Option<Predecessor>,
    /// Sockets in the store of the service manager.
    pub(super) kept: KeptSockets,
}

impl Bound {
    /// Starts the threads: of the log, of the cache file, of the second level, of the history and of the workers, which
    /// serve clients from then on.
    ///
    /// # Errors
    /// The system gives no thread, or no runtime for a thread.
    pub fn start(self) -> io::Result<Running> {
        let Bound { core, mut generation, runtime, signals, control, state, sandbox, .. } = self;
        self.log.as_ref().map_or(Ok(()), |log| log.begin(io::stderr()))?;
        let keeper = self.cache_folder.and_then(|folder| keep_cache(folder, &core, &generation));
        let share = |terms| second_level::share(terms, &core, &generation);
        let second_level = self.second_level.map(share).transpose()?;
        let folder = state.as_ref().map(StateFolder::path);
        let runs = RunHistory::begin(folder, self.predecessor.is_some());
        let networks = NetworkObserver::new(folder, &core.shared.random);
        let mut policies = PolicyKeeper::begin(folder, &core, &mut generation);
        let zones = ZoneKeeper::begin(folder, &core, &generation);
        let mut acme = keep_certificate(folder, &core, &generation);
        let workers = Workers::start(&core, &generation, self.allotment)?;
        let recorders = Recorders::begin(&generation.config, folder, core.tap.clone(), &workers);
        let history = keep_history(folder, &core, &generation, &workers)?;
        let state_folder = folder.map(Path::to_owned);
        policies.resolve_by(workers.look_up_resolver(&core, &generation));
        acme.resolve_by(workers.look_up_resolver(&core, &generation));
        let listening = listen(self.addresses, &workers, (&core, &generation), state)?;
        let status = listen_status(&listening, self.instead, self.side_effect, &self.http);
        let (reloads, reload_requests) = reload_requests::requests();
        let (hand_overs, hand_over_requests) = hand_over_requests::requests();
        let about = About {
            second_level: second_level.clone(),
            sandbox: sandbox.layers().to_vec(),
            log: self.log,
            reloads: Some(reloads),
            hand_overs: Some(hand_overs),
            origin: Some(self.origin),
            lists: Some(policies.requests()),
            query_log: recorders.report(),
            last_crash: runs.last_crash(),
            history: Some(history.clone()),
            cache_file: keeper.as_ref().map(CacheKeeper::file),
            folder: state_folder,
            ..About::default()
        };
        let http_counters = Arc::<Counters>::default();
        let own = [http_counters.clone(), policies.counters(), core.acme.counters()];
        let overseer = oversee(&core, &generation, &workers, &own, (status.clone(), about));
        let mut http = http_serving(&core, &workers, http_counters);
        http.begin(self.http, &generation.config, || routes(&overseer))?;
        let serving = Serving {
            core,
            generation,
            workers,
            listening,
            http,
            overseer,
            second_level,
            sandbox,
            networks,
            kept: self.kept,
            policies,
            zones,
            acme,
            history,
            recorders,
        };
        Ok(Running {
            runtime,
            signals,
            control,
            reload_requests,
            hand_over_requests,
            predecessor: self.predecessor,
            keeper,
            runs,
            status,
            serving,
        })
    }
}

/// Puts the certificate of the listeners into force. A certificate by ACME is in a file of the final user.
fn keep_certificate(folder: Option<&Path>, core: &Core, generation: &Generation) -> AcmeKeeper {
    let keeper = AcmeKeeper::begin(folder, core, &generation.config);
    generation.put_tls(core);
    keeper
}

/// The HTTP service, without listeners.
fn http_serving(core: &Core, workers: &Workers, counters: Arc<Counters>) -> HttpServing {
    let doh = DohTerms::new(workers.https(), core.tls.clone(), workers.activity.clone());
    HttpServing::new(counters, workers.client_descriptors.clone(), doh, core.acme.clone())
}

/// The overseer of the workers, with the counters of the HTTP service and of the policy. `about` has what neither the
/// core nor the generation nor the workers have.
fn oversee(
    core: &Core,
    generation: &Generation,
    workers: &Workers,
    own: &[Arc<Counters>; 3],
    (status, about): (ListenStatus, About),
) -> Arc<Overseer> {
    let look_ups = Arc::new(workers.look_up_service(core, generation));
    let counters = [&workers.counters()[..], own].concat();
    let [http_counters, ..] = own;
    let dashboard = DashboardTerms {
        listen: generation.config.server.dashboard,
        https: generation.config.server.dashboard_https,
        counters: http_counters.clone(),
        descriptors: workers.client_descriptors.clone(),
        folder: about.folder.clone(),
    };
    let about = About {
        config: core.file.clone(),
        workers: generation.config.server.threads,
        latencies: workers.latencies(),
        policies: core.policies.clone(),
        tap: Some(core.tap.clone()),
        tls: core.tls.clone(),
        acme: core.acme.clone(),
        dashboard: Some(dashboard),
        ..about
    };
    let overseer = Overseer::new(look_ups, counters, workers.events(), status, about);
    overseer.has_configuration(&generation.config);
    overseer
}

/// Lets the workers serve clients at the bound addresses.
fn listen(
    addresses: BoundAddresses,
    workers: &Workers,
    (core, generation): (&Core, &Generation),
    state: Option<StateFolder>,
) -> io::Result<Listening> {
    let over_quic = (generation.config.quic(), core.http3_places.clone());
    Listening::begin(addresses, workers.links(), over_quic, state)
}

/// The addresses in service at the start.
fn listen_status(
    listening: &Listening,
    instead: Option<String>,
    side_effect: Option<&'static str>,
    http: &[BoundHttp],
) -> ListenStatus {
    let side_effects = side_effect.map(str::to_owned).into_iter().collect();
    let https = http.iter();
    let https = https.filter_map(|bound| Some((bound.address(), bound.queries()?.to_owned())));
    let https = https.collect();
    let http = http.iter().filter(|bound| bound.has_routes()).map(BoundHttp::address).collect();
    ListenStatus { instead, side_effects, http, https, ..listening.status() }
}

/// Keeps past resolutions of the workers.
fn keep_history(
    folder: Option<&Path>,
    core: &Core,
    generation: &Generation,
    workers: &Workers,
) -> io::Result<Arc<HistoryStore>> {
    let config = generation.config.history;
    HistoryStore::begin(config, folder, &workers.events(), &core.shared)
}

/// Keeps the cache in `folder`, or nowhere if the folder cannot be used.
fn keep_cache(folder: PathBuf, core: &Core, generation: &Generation) -> Option<CacheKeeper> {
    CacheKeeper::open(folder.clone(), &generation.config, &core.shared, &generation.settings)
        .inspect_err(|error| log_not_kept(&folder, error))
        .ok()
}
