//! Spare sockets: sockets with an answered query, kept for the next query to the same server.
//!
//! Opening and closing a socket costs more than the query itself. So an answered socket is kept for
//! a moment, still connected to its server alone: an attacker that sees the port of one query
//! cannot learn the port of a query to a different server (CVE-2026-50252 and SAD DNS exploited
//! ports that were open for long and for every server). The ports of a busy server change after
//! every few queries, those of the rest with every query.

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

/// The most queries of one socket.
pub(super) const USES: u8 = 8;
/// The greatest age of a socket at the start of a query.
pub(super) const LIFETIME: Duration = Duration::from_secs(2);
/// The most sockets kept by a worker.
pub(super) const KEPT: usize = 64;

/// A socket and its history.
#[derive(Debug)]
pub(crate) struct Used {
    pub(super) socket: UdpSocket,
    uses: u8,
    opened: Instant,
    descriptor: Option<Descriptor>,
}

/// The spare sockets of one worker. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spares(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    sockets: Vec<(SocketAddr, Used)>,
    /// Older sockets are useless.
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

    /// Whether nothing is queued: no error, and no duplicate reply.
    fn is_silent(&self) -> bool {
        let look = || (&*SockRef::from(&self.socket)).read(&mut [0; 1]);
        let seen = self.socket.try_io(Interest::READABLE | Interest::ERROR, look);
        seen.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Spares {
    /// A random spare socket connected to `to`.
    pub(crate) fn take(&self, to: SocketAddr, random: &Random) -> Option<Used> {
        let mut kept = self.0.lock();
        let spares = &mut kept.sockets;
        if spares.is_empty() {
            return None;
        }
        // From an unpredictable start, around the list.
        let (count, start) = (spares.len(), random.below(spares.len() as u64) as usize);
        let mut around = (start..count).chain(0..start);
        let found = around.find(|at| spares[*at].0 == to)?;
        let (_, mut used) = spares.swap_remove(found);
        drop(kept);
        used.uses += 1;
        (used.opened.elapsed() < LIFETIME && used.is_silent()).then_some(used)
    }

    /// Keeps a socket with an answered query, if a second use is allowed; at the limit a different
    /// socket is closed.
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
        // One more at most for each new socket, and expired sockets are closed on the way: so none
        // stays for long.
        match spares.get_mut(met) {
            Some(other) if full || other.1.is_spent() => *other = (to, used),
            _ => spares.push((to, used)),
        }
    }

    /// The sockets giving way if descriptors are short.
    pub(crate) fn keeper(&self) -> Weak<dyn Keeper> {
        let kept: Arc<dyn Keeper> = self.0.clone();
        Arc::downgrade(&kept)
    }

    /// Closes the sockets, those with a query once answered: their source address may not exist any
    /// more.
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
