//! One worker on a port of this machine, without a configuration and without rights to give up.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use zoners_dns::Network;

use super::allotment::Allotment;
use super::bind;
use super::connections::ConnectionShares;
use super::dashboard::DashboardTerms;
use super::listening::Listening;
use super::overseer::{About, Overseer};
use super::served_tls::ServedTls;
use super::single_policy::SinglePolicy;
use super::worker::{self, WorkerLink};
use crate::config::{Config, HistoryConfig};
use crate::control::ControlSocket;
use crate::history::HistoryStore;
use crate::pipeline::Service;

/// File descriptors for browsers.
const DASHBOARD_DESCRIPTORS: usize = 64;

/// Addresses and control socket of a single worker that serves.
#[derive(Debug)]
pub struct SingleStart<'a> {
    /// The addresses that are served.
    pub addresses: &'a [SocketAddr],
    /// The control socket, or why there is none.
    pub control: Result<&'a Path, &'a str>,
}

/// Serves on a port of this machine, 0 for any port that is free, over the network of `service`, until SIGINT or
/// SIGTERM. The groups of `policy` have rules, and no lists. `control` gives the places for a control socket, first to last, by the first address; `ready` is called
/// once clients are served.
///
/// # Errors
/// The port cannot be bound, or `ready` failed.
pub fn serve_on<N: Network>(
    service: Service<N>,
    port: u16,
    policy: Config,
    control: impl FnOnce(SocketAddr) -> Vec<PathBuf>,
    ready: impl FnOnce(&SingleStart<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (link, assignments) = WorkerLink::of(&own);
    let mut listening =
        Listening::begin(bind::bind_port(port)?, vec![link], Default::default(), None)?;
    let status = listening.status();
    let places = status.addresses.first().map(|first| control(*first)).unwrap_or_default();
    let control = ControlSocket::bind_first(&places, None);
    let shown = control.as_ref().map(ControlSocket::path).map_err(String::as_str);
    ready(&SingleStart { addresses: &status.addresses, control: shown })?;
    let service = Arc::new(service);
    let dashboard = DashboardTerms {
        // A daemon of this machine may have the usual port.
        listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        https: None,
        counters: Arc::default(),
        descriptors: Arc::new(Semaphore::new(DASHBOARD_DESCRIPTORS)),
        folder: None,
    };
    let latencies = vec![service.latencies().clone()];
    let events = vec![service.events().clone()];
    let config = HistoryConfig::default();
    let history = HistoryStore::begin(config, None, &events, service.worker().shared())?;
    let history = Some(history);
    let dashboard = Some(dashboard);
    let current = Arc::new(ArcSwap::new(service.clone()));
    let policy = SinglePolicy::new(policy, current.clone()).map_err(io::Error::other)?;
    let (policies, lists) = (policy.shelf(), Some(policy.requests()));
    let about =
        About { workers: 1, latencies, history, dashboard, policies, lists, ..About::default() };
    let overseer = Overseer::new(service, Vec::new(), events, status, about);
    let thread = std::thread::spawn(move || {
        let shares = ConnectionShares::new(Allotment::of_process(1).clients);
        let terms = (shares, ServedTls::default());
        worker::run(&own, current, assignments, Arc::default(), terms)
    });
    runtime.block_on(attend(overseer, control.ok(), policy))?;
    listening.leave();
    thread.join().map_err(|_| io::Error::other("the worker thread panicked"))?
}

/// Answers the control socket until a signal asks for the end. The socket's file is removed then.
async fn attend<N: Network>(
    overseer: Arc<Overseer<N>>,
    control: Option<ControlSocket>,
    policy: SinglePolicy<N>,
) -> io::Result<()> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let keeping = policy.keep(overseer.clone());
    let conversing = async {
        match &control {
            Some(control) => control.serve(overseer).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = conversing => {}
        () = keeping => {}
    }
    Ok(())
}
