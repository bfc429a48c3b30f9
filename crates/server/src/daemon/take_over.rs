//! The other end of a hand-over: a new daemon takes sockets, state folder and control socket of the old daemon.
//!
//! If the old daemon has ended under a service manager that keeps its sockets, these come from the manager.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

use zoners_api::DescriptorKind;
use zoners_dns::Transport;

use super::listeners::BoundListener;
use crate::control::{Predecessor, take_over};

/// Everything that the old daemon handed over.
#[derive(Debug, Default)]
pub(super) struct TakenOver {
    /// The conversation with the old daemon, for the confirmation.
    pub(super) predecessor: Option<Predecessor>,
    /// The sockets for clients.
    pub(super) listeners: Option<TakenListeners>,
    /// The sockets of the HTTP service.
    pub(super) http: TakenHttp,
    /// The socket for conversations.
    pub(super) control: Option<UnixListener>,
    /// The lock of the state folder.
    pub(super) lock: Option<File>,
}

/// The sockets for clients that were handed over.
#[derive(Debug, Default)]
pub(super) struct TakenListeners {
    pub(super) listeners: Vec<BoundListener>,
    /// Whether a service manager has bound these: then the configuration has no say.
    pub(super) given: bool,
    /// The old daemon serves by these until the confirmation.
    pub(super) with_predecessor: bool,
}

/// Sockets of the HTTP service.
pub(super) type TakenHttp = Vec<TcpListener>;

impl TakenOver {
    /// Asks the daemon with this control socket; also returns the names of its sockets in the store of the service
    /// manager. From now on, the log goes where the log of the old daemon goes.
    ///
    /// # Errors
    /// No daemon listens there, or the daemon hands nothing over; the old daemon goes on.
    pub(super) fn from(control: &Path) -> io::Result<(Self, Vec<String>)> {
        let (predecessor, report, descriptors) = take_over(control).map_err(io::Error::other)?;
        let mut taken = TakenOver { predecessor: Some(predecessor), ..TakenOver::default() };
        let (given, with_predecessor) = (report.given, true);
        let mut listeners = TakenListeners { given, with_predecessor, ..TakenListeners::default() };
        for (kind, descriptor) in report.descriptors.into_iter().zip(descriptors) {
            taken.add(kind, descriptor, &mut listeners)?;
        }
        taken.listeners = Some(listeners);
        Ok((taken, report.stored))
    }

    /// Sockets that the service manager has kept for this daemon.
    pub(super) fn of_store(sockets: Vec<(DescriptorKind, OwnedFd)>) -> io::Result<Self> {
        let (mut taken, mut listeners) = (TakenOver::default(), TakenListeners::default());
        for (kind, socket) in sockets {
            taken.add(kind, socket, &mut listeners)?;
        }
        taken.listeners = Some(listeners).filter(|taken| !taken.listeners.is_empty());
        Ok(taken)
    }

    fn add(
        &mut self,
        kind: DescriptorKind,
        descriptor: OwnedFd,
        to: &mut TakenListeners,
    ) -> io::Result<()> {
        match kind {
            DescriptorKind::Udp => to.add_datagrams(Transport::Udp, descriptor),
            DescriptorKind::Quic => to.add_datagrams(Transport::Quic, descriptor),
            DescriptorKind::Tcp => to.add_stream(Transport::Tcp, descriptor),
            DescriptorKind::Tls => to.add_stream(Transport::Tls, descriptor),
            DescriptorKind::Http | DescriptorKind::Https => {
                self.http.push(TcpListener::from(descriptor))
            }
            DescriptorKind::Control => self.control = Some(UnixListener::from(descriptor)),
            DescriptorKind::Lock => self.lock = Some(File::from(descriptor)),
            DescriptorKind::Log => rustix::stdio::dup2_stderr(descriptor)?,
            DescriptorKind::Other => {}
        }
        Ok(())
    }
}

impl TakenListeners {
    fn add_datagrams(&mut self, transport: Transport, descriptor: OwnedFd) {
        let socket = UdpSocket::from(descriptor);
        self.listeners.push(BoundListener::of_datagrams(transport, socket));
    }

    fn add_stream(&mut self, transport: Transport, descriptor: OwnedFd) {
        let socket = TcpListener::from(descriptor);
        self.listeners.push(BoundListener::of_stream(transport, socket));
    }
}

/// Whether a socket at `bound` serves the configured address; port 0 is any port.
pub(super) fn serves(bound: SocketAddr, wanted: SocketAddr) -> bool {
    bound == wanted || wanted.port() == 0 && bound.ip() == wanted.ip()
}
