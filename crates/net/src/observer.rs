//! A witness of the messages between this process and servers.

use std::fmt::Debug;

use zoners_dns::Endpoint;

/// Sees each message to and from a server. A method must not wait.
pub trait UpstreamObserver: Debug + Send + Sync {
    /// Whether messages are wanted now: without a wish a message costs this question alone.
    fn observes(&self) -> bool;
    /// A query is sent, or sent again.
    fn sent(&self, to: Endpoint, query: &[u8]);
    /// A message came from the address of the server; over UDP the address may be spoofed.
    fn received(&self, from: Endpoint, message: &[u8]);
}
