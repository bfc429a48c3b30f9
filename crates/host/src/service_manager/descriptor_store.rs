//! The descriptor store of the service manager (`FDSTORE` of sd_notify(3)): sockets that outlive the process.
//!
//! The manager keeps a copy of a socket under a name, and gives the copy to the next process of the service. Meanwhile
//! the kernel queues what clients send.

use std::env;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use rustix::net::{SocketAddrUnix, getsockname};

use crate::passing;

/// The begin of the names in the store; a socket unit gives its sockets other names.
const NAME_PREFIX: &str = "zoners/";
/// The time for the manager to carry out the requests before.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(2);

/// A socket that came back from the store.
#[derive(Debug)]
pub struct StoredSocket {
    /// The name in the store.
    pub name: String,
    /// The socket.
    pub socket: OwnedFd,
}

/// The name of a socket in the store: its kind and its address. Several sockets may have one name.
///
/// # Errors
/// The socket has no address.
pub fn name(kind: &str, socket: BorrowedFd<'_>) -> io::Result<String> {
    let address = getsockname(socket)?;
    let path = SocketAddrUnix::try_from(address.clone()).ok();
    let text = match path.as_ref().and_then(SocketAddrUnix::path_bytes) {
        Some(path) => String::from_utf8_lossy(path).into_owned(),
        None => SocketAddr::try_from(address)?.to_string(),
    };
    Ok(name_of(kind, &text))
}

fn name_of(kind: &str, address: &str) -> String {
    // A colon separates the names of a list.
    format!("{NAME_PREFIX}{kind}/{address}").replace(':', "_")
}

/// The kind in a name made by [`name`].
#[must_use]
pub fn kind_of(name: &str) -> Option<&str> {
    name.strip_prefix(NAME_PREFIX)?.split('/').next()
}

/// Whether a manager listens that may have a store. A manager without one ignores the requests.
#[must_use]
pub fn may_exist() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

/// Has the manager keep a copy of a socket.
///
/// # Errors
/// The manager does not listen.
pub fn keep(name: &str, socket: BorrowedFd<'_>) -> io::Result<()> {
    // Without FDPOLL=0 the manager removes a socket with an error, as a datagram socket has when a client went away.
    send(&format!("FDSTORE=1\nFDNAME={name}\nFDPOLL=0\n"), &[socket])
}

/// Has the manager close its copies of the sockets with this name.
///
/// # Errors
/// The manager does not listen.
pub fn remove(name: &str) -> io::Result<()> {
    send(&format!("FDSTOREREMOVE=1\nFDNAME={name}\n"), &[])
}

/// Waits until the manager has carried out all requests before: the manager closes the descriptor
/// (sd_notify_barrier(3)).
///
/// # Errors
/// The manager does not listen, or takes too long.
pub fn wait_until_done() -> io::Result<()> {
    // A pipe would do, but has no timeout.
    let (mut own, sent) = UnixStream::pair()?;
    own.set_read_timeout(Some(BARRIER_TIMEOUT))?;
    send("BARRIER=1", &[sent.as_fd()])?;
    drop(sent);
    own.read(&mut [0]).map(drop)
}

fn send(text: &str, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    passing::send_with(socket, text.as_bytes(), descriptors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_kind_and_separates_no_list() {
        let name = name_of("udp", "[::1]:53");
        assert_eq!(name, "zoners/udp/[__1]_53");
        assert_eq!(kind_of(&name), Some("udp"));
        assert_eq!(kind_of("zoners.socket"), None);
    }
}
