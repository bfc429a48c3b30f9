//! Queries that leave by a certain link: to resolvers of a VPN or of a home.
//!
//! The resolvers of a network are named by that network, and have addresses which may mean a different machine, or
//! none, elsewhere. A socket bound to the link sends nothing once the link is gone.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use socket2::SockRef;

/// A link: an interface of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkBinding {
    /// The name of the interface.
    pub name: String,
    /// The number of the interface.
    pub index: u32,
}

/// The links of servers; clones share the table.
#[derive(Clone, Debug, Default)]
pub struct LinkBindings(Arc<BindingTable>);

#[derive(Debug, Default)]
struct BindingTable {
    any: AtomicBool,
    by_server: RwLock<HashMap<SocketAddr, Arc<LinkBinding>>>,
}

impl LinkBindings {
    /// Replaces the table. The first link of a server counts.
    pub fn replace(&self, bindings: impl Iterator<Item = (SocketAddr, LinkBinding)>) {
        let mut by_server = HashMap::new();
        for (server, link) in bindings {
            by_server.entry(server).or_insert_with(|| Arc::new(link));
        }
        self.0.any.store(!by_server.is_empty(), Ordering::Relaxed);
        *self.0.by_server.write() = by_server;
    }

    /// The link for queries to a server, if a certain one.
    pub(crate) fn link_to(&self, server: SocketAddr) -> Option<Arc<LinkBinding>> {
        let any = self.0.any.load(Ordering::Relaxed);
        any.then(|| self.0.by_server.read().get(&server).cloned()).flatten()
    }
}

/// Binds a socket for queries to `server` to the link. Where the system does not let this process, the routes decide.
///
/// # Errors
/// The link is gone.
pub(crate) fn bind(socket: &SockRef<'_>, link: &LinkBinding, server: SocketAddr) -> io::Result<()> {
    match set(socket, link, server) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        outcome => outcome,
    }
}

/// Linux 5.7 lets every process bind a socket that is not bound to a link yet.
#[cfg(target_os = "linux")]
fn set(socket: &SockRef<'_>, link: &LinkBinding, _: SocketAddr) -> io::Result<()> {
    socket.bind_device(Some(link.name.as_bytes()))
}

#[cfg(target_os = "macos")]
fn set(socket: &SockRef<'_>, link: &LinkBinding, server: SocketAddr) -> io::Result<()> {
    let index = std::num::NonZeroU32::new(link.index);
    match server {
        SocketAddr::V4(_) => socket.bind_device_by_index_v4(index),
        SocketAddr::V6(_) => socket.bind_device_by_index_v6(index),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn set(_: &SockRef<'_>, _: &LinkBinding, _: SocketAddr) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn link(name: &str, index: u32) -> LinkBinding {
        LinkBinding { name: name.to_owned(), index }
    }

    #[test]
    fn a_server_has_the_first_link_until_the_table_is_replaced() {
        let (bindings, server) = (LinkBindings::default(), "10.8.0.1:53".parse().unwrap());
        assert_eq!(bindings.link_to(server), None);
        let both = [(server, link("tun0", 9)), (server, link("eth0", 2))];
        bindings.clone().replace(both.into_iter());
        assert_eq!(bindings.link_to(server).as_deref(), Some(&link("tun0", 9)));
        assert_eq!(bindings.link_to("10.8.0.2:53".parse().unwrap()), None);
        bindings.replace(std::iter::empty());
        assert_eq!(bindings.link_to(server), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_goes_by_its_link_and_by_no_other() {
        let open = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let (server, socket) = (open(), open());
        let to = server.local_addr().unwrap();
        bind(&SockRef::from(&socket), &link("lo", 1), to).unwrap();
        socket.send_to(b"x", to).unwrap();
        let gone = bind(&SockRef::from(&open()), &link("nosuchlink0", 99), to);
        assert!(gone.is_err());
    }
}
