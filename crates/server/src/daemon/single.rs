//! One worker on a port of this machine, without a configuration and without rights to give up.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use zoners_dns::Network;

use super::allotment::Allotment;
use super::bind;
use super::connections::ConnectionShares;
use super::listening::Listening;
use super::worker::{self, WorkerLink};
use crate::pipeline::Service;

/// Serves on a port of this machine, 0 for any port that is free, over the network of `service`, until interrupted.
/// `ready` gets the addresses once clients are served.
///
/// # Errors
/// The port cannot be bound, or `ready` failed.
pub fn serve_on<N: Network>(
    service: Service<N>,
    port: u16,
    ready: impl FnOnce(&[SocketAddr]) -> io::Result<()>,
) -> io::Result<()> {
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (link, assignments) = WorkerLink::of(&own);
    let mut listening = Listening::begin(bind::bind_port(port)?, vec![link], None)?;
    ready(&listening.status().addresses)?;
    let current = Arc::new(ArcSwap::from_pointee(service));
    let thread = std::thread::spawn(move || {
        let shares = ConnectionShares::new(Allotment::of_process(1).clients);
        worker::run(&own, current, assignments, Arc::default(), shares)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    listening.leave();
    thread.join().map_err(|_| io::Error::other("the worker thread panicked"))?
}
