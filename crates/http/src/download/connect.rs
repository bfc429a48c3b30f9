//! A connection to the host of an address.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{DownloadError, DownloadWait, HostAddresses, TlsClient};
use crate::url::{HttpUrl, UrlHost};

/// Addresses of a host that are tried.
const MAX_ADDRESSES: usize = 4;

/// A stream with or without TLS.
pub(super) trait HttpStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> HttpStream for T {}

/// Where the servers of a download are: after a server on the Internet, a redirect into the local network is refused.
#[derive(Debug, Default)]
pub(super) struct Reach {
    has_met_internet: bool,
}

impl Reach {
    /// Drops addresses of the local network, if a server on the Internet has named the host.
    fn permit(&mut self, mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        if self.has_met_internet {
            addresses.retain(|address| !is_local(*address));
        }
        addresses
    }

    fn note(&mut self, address: IpAddr) {
        self.has_met_internet |= !is_local(address);
    }
}

/// Connects to the first address of the host that takes the connection.
pub(super) async fn connect(
    url: &HttpUrl,
    hosts: &impl HostAddresses,
    tls: Option<&TlsClient>,
    reach: &mut Reach,
    patience: Duration,
) -> Result<Box<dyn HttpStream>, DownloadError> {
    let host = url.host().to_string();
    let known = match url.host() {
        UrlHost::Address(address) => vec![*address],
        UrlHost::Name(name) => {
            let found = timeout(patience, hosts.addresses(name)).await;
            let found = found.unwrap_or_else(|_| Err("the look-up takes too long".to_owned()));
            found.map_err(|why| DownloadError::NoAddress(host.clone(), why))?
        }
    };
    if known.is_empty() {
        return Err(DownloadError::NoAddress(host, "no A and no AAAA record".to_owned()));
    }
    let permitted = reach.permit(known);
    let mut last = DownloadError::LocalRedirect(host.clone());
    for address in permitted.into_iter().take(MAX_ADDRESSES) {
        let target = SocketAddr::new(address, url.port());
        match timeout(patience, connect_to(target, url, tls)).await {
            Ok(Ok(stream)) => {
                reach.note(address);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = DownloadError::Late(DownloadWait::Connection),
        }
    }
    Err(last)
}

async fn connect_to(
    target: SocketAddr,
    url: &HttpUrl,
    tls: Option<&TlsClient>,
) -> Result<Box<dyn HttpStream>, DownloadError> {
    let host = || url.host().to_string();
    let stream = TcpStream::connect(target).await;
    let stream = stream.map_err(|error| DownloadError::Connect(host(), error))?;
    if !url.is_secure() {
        return Ok(Box::new(stream));
    }
    let unsecured = |why: String| DownloadError::Tls(host(), why);
    let tls = tls.ok_or_else(|| unsecured("no certificate authorities are known".to_owned()))?;
    let stream = tls.connect(url, stream).await.map_err(|error| unsecured(shown(&error)))?;
    Ok(Box::new(stream))
}

/// The reason of rustls, which lies within the error of the stream.
fn shown(error: &io::Error) -> String {
    error.get_ref().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Whether an address is of this machine or of a local network.
#[must_use]
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            // 100.64.0.0/10 is the network of a provider or of a VPN (RFC 6598).
            let is_shared = first == 100 && second & 0xc0 == 64;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || first == 0 || is_shared
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_the_internet_does_not_lead_into_the_local_network() {
        let (public, own): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "127.0.0.1".parse().unwrap());
        let mut reach = Reach::default();
        reach.note(own);
        assert_eq!(reach.permit(vec![own, public]), [own, public]);
        reach.note(public);
        assert_eq!(reach.permit(vec![own, public]), [public]);
        assert!(reach.permit(vec![own]).is_empty());
    }

    #[test]
    fn local_addresses_are_known() {
        for local in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "169.254.1.1",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_local(local.parse().unwrap()), "{local}");
        }
        for public in ["192.0.2.1", "100.128.0.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert!(!is_local(public.parse().unwrap()), "{public}");
        }
    }
}
