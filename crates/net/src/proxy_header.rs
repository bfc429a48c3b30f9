//! The header in front of a connection in which a load balancer names the client: the PROXY protocol, version 2.
//!
//! A header is read of a proxy alone, and the caller knows the proxies: any other client could name a false address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proxy_header::{Error, ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Octets of the fixed part of a header: signature, version and command, family, length.
const FIXED: usize = 16;
/// Octets of a header at most. Addresses take 52 octets; fields about the client's TLS follow, and are passed over.
const MAX_HEADER: usize = 2048;
/// The time for a header. A proxy sends the header first, in one packet.
const HEADER_TIME: Duration = Duration::from_secs(3);
/// Headers under way at a time.
const MAX_HEADERS: usize = 256;
/// Version 2 with the command LOCAL: the connection is the proxy's own, as for a check of health.
const LOCAL: u8 = 0x20;
const VERSION_2: ParseConfig = ParseConfig { include_tlvs: false, allow_v1: false, allow_v2: true };

/// The headers under way; clones share the count.
#[derive(Clone, Debug)]
pub struct ProxyHeaders {
    places: Arc<Semaphore>,
    /// File descriptors for connections, shared with further parts of the process.
    descriptors: Arc<Semaphore>,
}

/// The place of a header under way.
#[derive(Debug)]
pub struct PendingHeader {
    _place: OwnedSemaphorePermit,
    _descriptor: OwnedSemaphorePermit,
}

/// The reason for which the connection of a proxy has no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// Too many headers are under way.
    Full,
    /// No file descriptor is left.
    NoDescriptor,
    /// No header of version 2, too long a header, the end of the connection, or no address that a client can have.
    Malformed,
    /// The header was not complete in time.
    TimedOut,
}

impl ProxyHeaders {
    /// No header is under way; connections take `descriptors`.
    #[must_use]
    pub fn new(descriptors: Arc<Semaphore>) -> Self {
        ProxyHeaders { places: Arc::new(Semaphore::new(MAX_HEADERS)), descriptors }
    }

    /// A place for a connection whose header is to be read.
    ///
    /// # Errors
    /// No place or no file descriptor is left.
    pub fn begin(&self) -> Result<PendingHeader, ProxyFault> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| ProxyFault::Full)?;
        let descriptor = self.descriptors.clone().try_acquire_owned();
        let descriptor = descriptor.map_err(|_| ProxyFault::NoDescriptor)?;
        Ok(PendingHeader { _place: place, _descriptor: descriptor })
    }
}

impl PendingHeader {
    /// Reads the header of a connection from `proxy`, and nothing behind. Returns the address of the client, which is
    /// the proxy's if the proxy speaks for itself.
    ///
    /// # Errors
    /// There is no client, for the reason told; the connection is to be closed.
    pub async fn read(
        self,
        stream: &mut (impl AsyncRead + Unpin),
        proxy: SocketAddr,
    ) -> Result<SocketAddr, ProxyFault> {
        match timeout(HEADER_TIME, client(stream, proxy)).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(_)) => Err(ProxyFault::Malformed),
            Err(_) => Err(ProxyFault::TimedOut),
        }
    }
}

async fn client(
    stream: &mut (impl AsyncRead + Unpin),
    proxy: SocketAddr,
) -> io::Result<SocketAddr> {
    let mut fixed = [0; FIXED];
    stream.read_exact(&mut fixed).await?;
    // A signature is right before more octets are waited for.
    if !matches!(ProxyHeader::parse(&fixed, VERSION_2), Ok(_) | Err(Error::BufferTooShort)) {
        return Err(malformed());
    }
    let [.., command, _, high, low] = fixed;
    let rest = usize::from(u16::from_be_bytes([high, low]));
    if FIXED + rest > MAX_HEADER {
        return Err(malformed());
    }
    let mut octets = fixed.to_vec();
    octets.resize(FIXED + rest, 0);
    stream.read_exact(octets.get_mut(FIXED..).unwrap_or_default()).await?;
    let (header, _) = ProxyHeader::parse(&octets, VERSION_2).map_err(|_| malformed())?;
    if command == LOCAL {
        return Ok(proxy);
    }
    // A client without an IP address would have the rights of the proxy.
    let client = header.proxied_address().map(|addresses| addresses.source);
    client.filter(|client| can_come(*client, proxy)).ok_or_else(malformed)
}

/// Whether a client can have this address. Clients of another machine have no address of this machine's loopback, which
/// would give rights here.
fn can_come(client: SocketAddr, proxy: SocketAddr) -> bool {
    let (client, proxy) = (client.ip().to_canonical(), proxy.ip().to_canonical());
    let is_local = client.is_loopback() && !proxy.is_loopback();
    !(client.is_unspecified() || client.is_multicast() || is_local)
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests;
