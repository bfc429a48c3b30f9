//! Sockets that have their answer and may carry another query to the same server.
//!
//! Opening and closing a socket costs more than the query itself. So one that was answered is kept
//! for a moment, connected as it is: to its server alone, so that nobody who sees the port of one
//! query learns from it the port of a query to another (CVE-2026-50252 and SAD DNS came of ports
//! that were open for long and for all). A busy server's ports thus change after every few queries,
//! those of all others with every one.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use zoners_dns::Random;

use crate::descriptors::{Descriptor, Keeper};

/// Queries that a socket carries.
pub(super) const USES: u8 = 8;
/// A socket is no older when a query begins on it.
pub(super) const LIFETIME: Duration = Duration::from_secs(2);
/// Sockets that are kept by a worker.
pub(super) const KEPT: usize = 64;

/// A socket and what it has been through.
#[derive(Debug)]
pub(crate) struct Used {
    pub(super) socket: UdpSocket,
    uses: u8,
    opened: Instant,
    descriptor: Option<Descriptor>,
}

/// The sockets of one worker that wait for another query. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spares(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    sockets: Vec<(SocketAddr, Used)>,
    /// Those that are older are of no use.
    renewed: Option<Instant>,
}

impl Keeper for Mutex<Kept> {
    fn give_way(&self) {
        let closed = std::mem::take(&mut self.lock().sockets);
        drop(closed);
    }
}

impl Used {
    pub(super) fn new(socket: UdpSocket, descriptor: Option<Descriptor>) -> Self {
        Used { socket, uses: 1, opened: Instant::now(), descriptor }
    }

    fn is_spent(&self) -> bool {
        let is_wanted = self.descriptor.as_ref().is_some_and(Descriptor::is_wanted);
        self.uses >= USES || self.opened.elapsed() >= LIFETIME || is_wanted
    }

    /// Whether nothing lies in it: not even an error, or an answer that came twice.
    fn is_silent(&self) -> bool {
        let look = || (&*SockRef::from(&self.socket)).read(&mut [0; 1]);
        let seen = self.socket.try_io(Interest::READABLE | Interest::ERROR, look);
        seen.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Spares {
    /// A socket for a query to `to`: any of those that are connected to it.
    pub(crate) fn take(&self, to: SocketAddr, random: &Random) -> Option<Used> {
        let mut kept = self.0.lock();
        let spares = &mut kept.sockets;
        if spares.is_empty() {
            return None;
        }
        // From a place that nobody can foresee, around to it.
        let (count, start) = (spares.len(), random.below(spares.len() as u64) as usize);
        let mut around = (start..count).chain(0..start);
        let found = around.find(|at| spares[*at].0 == to)?;
        let (_, mut used) = spares.swap_remove(found);
        drop(kept);
        used.uses += 1;
        (used.opened.elapsed() < LIFETIME && used.is_silent()).then_some(used)
    }

    /// Keeps a socket whose query was answered, if it may carry more; where too many are kept,
    /// another is closed.
    pub(super) fn keep(&self, to: SocketAddr, used: Used, random: &Random) {
        if used.is_spent() {
            return;
        }
        let mut kept = self.0.lock();
        if kept.renewed.is_some_and(|renewed| used.opened <= renewed) {
            return;
        }
        let spares = &mut kept.sockets;
        let met = random.below(spares.len() as u64) as usize;
        let full = spares.len() >= KEPT;
        // One more at most for each that comes, and whoever is met goes if its time is over: so
        // none stays for long.
        match spares.get_mut(met) {
            Some(other) if full || other.1.is_spent() => *other = (to, used),
            _ => spares.push((to, used)),
        }
    }

    /// What gives way where descriptors are short.
    pub(crate) fn keeper(&self) -> Weak<dyn Keeper> {
        let kept: Arc<dyn Keeper> = self.0.clone();
        Arc::downgrade(&kept)
    }

    /// Closes all, and those that carry a query once that is answered: they leave from an address that this
    /// machine may not have any more.
    pub(crate) fn renew(&self) {
        let renewed = Kept { sockets: Vec::new(), renewed: Some(Instant::now()) };
        let old = std::mem::replace(&mut *self.0.lock(), renewed);
        drop(old);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().sockets.len()
    }
}
