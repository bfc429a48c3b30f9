//! TLS handshakes of clients. A handshake costs a hundred times as much as an answer: there are so many at a time, in
//! all and of one client, and each has little time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use zoners_dns::{Counter, Transport};
use zoners_net::client_slots::ClientSlots;
use zoners_tls::{AskedName, ServerConfig, ServerStream};

use crate::daemon::served_tls::ServedTls;

/// Handshakes of one worker under way at a time.
const MAX_HANDSHAKES: usize = 256;
/// Handshakes of one client …
const MAX_CLIENT_HANDSHAKES: usize = 16;
/// … and of this machine, whose programs share an address.
const MAX_LOCAL_HANDSHAKES: usize = 128;
/// From this number on, handshakes have less time.
const CROWDED: usize = MAX_HANDSHAKES * 8 / 10;
/// The time of a handshake …
const TIMEOUT: Duration = Duration::from_secs(5);
/// … and under crowding.
const CROWDED_TIMEOUT: Duration = Duration::from_secs(1);

/// The handshakes of one worker.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct Handshakes {
    tls: ServedTls,
    slots: ClientSlots,
}

impl Handshakes {
    /// No handshake is under way yet.
    pub(in crate::daemon) fn new(tls: ServedTls) -> Self {
        Handshakes { tls, slots: ClientSlots::new(MAX_HANDSHAKES) }
    }

    /// Whether a configured listener asks clients for certificates.
    pub(in crate::daemon) fn ask_clients(&self, listener: Option<SocketAddr>) -> bool {
        self.tls.asks_clients(listener, Transport::Tls)
    }

    /// The configuration of handshakes of now at a configured listener, if there is a certificate.
    pub(in crate::daemon) fn config(
        &self,
        listener: Option<SocketAddr>,
    ) -> Option<Arc<ServerConfig>> {
        self.tls.config_at(listener, Transport::Tls)
    }

    /// Whether a connection with this configuration may go on: with another authority of clients, the client must show
    /// its certificate anew.
    pub(in crate::daemon) fn are_as_of(
        &self,
        listener: Option<SocketAddr>,
        config: &Arc<ServerConfig>,
    ) -> bool {
        self.tls.is_in_force(listener, Transport::Tls, config)
    }

    /// Takes a client of a configured listener through the handshake.
    ///
    /// # Errors
    /// There is no stream, for the reason that the counter counts.
    pub(in crate::daemon) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        listener: Option<SocketAddr>,
        stream: S,
        client: IpAddr,
    ) -> Result<ServerStream<S>, Counter> {
        self.accept_within(listener, stream, client, |config| config).await
    }

    /// Takes a client through the handshake; also returns the name of the server by which the client asks. The
    /// connection keeps a configuration of its own, of some hundred octets.
    ///
    /// # Errors
    /// As [`Handshakes::accept`].
    pub(in crate::daemon) async fn accept_named<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        listener: Option<SocketAddr>,
        stream: S,
        client: IpAddr,
    ) -> Result<(ServerStream<S>, Option<Box<str>>), Counter> {
        let mut asked = None;
        let with_name = |config: Arc<ServerConfig>| {
            let (config, name) = AskedName::of(&config);
            asked = Some(name);
            config
        };
        let stream = self.accept_within(listener, stream, client, with_name).await?;
        let name = asked.as_ref().and_then(|name| name.get()).map(Into::into);
        Ok((stream, name))
    }

    async fn accept_within<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        listener: Option<SocketAddr>,
        stream: S,
        client: IpAddr,
        adapt: impl FnOnce(Arc<ServerConfig>) -> Arc<ServerConfig>,
    ) -> Result<ServerStream<S>, Counter> {
        let here = client.to_canonical().is_loopback();
        let most = if here { MAX_LOCAL_HANDSHAKES } else { MAX_CLIENT_HANDSHAKES };
        let slot = self.slots.take(client, most).ok_or(Counter::ClientTlsRefused)?;
        let config =
            self.tls.config_at(listener, Transport::Tls).ok_or(Counter::ClientTlsRefused)?;
        let is_crowded = self.slots.taken() >= CROWDED;
        let time = if is_crowded { CROWDED_TIMEOUT } else { TIMEOUT };
        // Boxed, so that an open connection has no room for its handshake.
        let accepted: Result<io::Result<_>, _> =
            timeout(time, Box::pin(ServerStream::accept(stream, adapt(config)))).await;
        drop(slot);
        match accepted {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(_)) => Err(Counter::ClientTlsFailed),
            Err(_) => Err(Counter::ClientTlsTimedOut),
        }
    }
}

#[cfg(test)]
mod tests;
