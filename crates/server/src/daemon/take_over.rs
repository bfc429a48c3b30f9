//! The other end of a hand-over: a new daemon takes sockets, state folder and control socket of the old daemon.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
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
    /// The sockets for clients, and whether a service manager bound these.
    pub(super) listeners: Option<(Vec<BoundListener>, bool)>,
    /// The sockets of the HTTP service.
    pub(super) http: TakenHttp,
    /// The socket for conversations.
    pub(super) control: Option<UnixListener>,
    /// The lock of the state folder.
    pub(super) lock: Option<File>,
}

/// Sockets of the HTTP service.
pub(super) type TakenHttp = Vec<TcpListener>;

impl TakenOver {
    /// Asks the daemon with this control socket. From now on, the log goes where the log of the old daemon goes.
    ///
    /// # Errors
    /// No daemon listens there, or the daemon hands nothing over; the old daemon goes on.
    pub(super) fn from(control: &Path) -> io::Result<Self> {
        let (predecessor, report, descriptors) = take_over(control).map_err(io::Error::other)?;
        let mut taken = TakenOver { predecessor: Some(predecessor), ..TakenOver::default() };
        let mut listeners = Vec::new();
        for (kind, descriptor) in report.descriptors.into_iter().zip(descriptors) {
            match kind {
                DescriptorKind::Udp => {
                    listeners.push(BoundListener::of_udp(UdpSocket::from(descriptor)));
                }
                DescriptorKind::Tcp => {
                    let socket = TcpListener::from(descriptor);
                    listeners.push(BoundListener::of_stream(Transport::Tcp, socket));
                }
                DescriptorKind::Http => taken.http.push(TcpListener::from(descriptor)),
                DescriptorKind::Control => taken.control = Some(UnixListener::from(descriptor)),
                DescriptorKind::Lock => taken.lock = Some(File::from(descriptor)),
                DescriptorKind::Log => rustix::stdio::dup2_stderr(descriptor)?,
                DescriptorKind::Other => {}
            }
        }
        taken.listeners = Some((listeners, report.given));
        Ok(taken)
    }
}

/// Whether a socket at `bound` serves the configured address; port 0 is any port.
pub(super) fn serves(bound: SocketAddr, wanted: SocketAddr) -> bool {
    bound == wanted || wanted.port() == 0 && bound.ip() == wanted.ip()
}
