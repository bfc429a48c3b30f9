//! The configuration of TLS under which a connection was opened.

use std::fmt;
use std::sync::Arc;

use zoners_tls::ServerConfig;

/// The configuration of TLS of now; none without a certificate. Once there is another one, open connections end with the
/// next request: a renewed certificate belongs into the same configuration.
pub type TlsSource = Arc<dyn Fn() -> Option<Arc<ServerConfig>> + Send + Sync>;

/// TLS of an open connection.
pub(crate) struct ConnectionTls {
    /// The configuration of the handshake.
    config: Arc<ServerConfig>,
    source: TlsSource,
}

impl ConnectionTls {
    pub(crate) fn new(config: Arc<ServerConfig>, source: TlsSource) -> Self {
        ConnectionTls { config, source }
    }

    /// Whether a handshake of now would have the same configuration.
    pub(crate) fn is_in_force(&self) -> bool {
        (self.source)().is_some_and(|now| Arc::ptr_eq(&now, &self.config))
    }
}

impl fmt::Debug for ConnectionTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionTls").finish_non_exhaustive()
    }
}
