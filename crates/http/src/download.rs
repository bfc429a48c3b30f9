//! A resource downloaded as a client, into a sink of the caller: over HTTP or HTTPS, with redirects, and with bounds on
//! each wait and on the size.
//!
//! Names are resolved by the caller ([`HostAddresses`]). A download is whole or an error: a reply that breaks off
//! is none.

mod call;
mod connect;
mod error;
mod reply;
mod tls;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::url::HttpUrl;
pub use call::{HttpCall, HttpReply};
pub use connect::is_local;
use connect::{Reach, connect};
pub use error::{DownloadError, DownloadWait};
use reply::{ReplyStep, ask};
pub use tls::TlsClient;

/// The bounds of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadLimits {
    /// Octets of the content.
    pub octets: u64,
    /// Redirects that are followed.
    pub redirects: usize,
    /// The wait for one connection, TLS included.
    pub connect: Duration,
    /// The wait for the head of a reply.
    pub head: Duration,
    /// The wait for the next octets of the content.
    pub stall: Duration,
    /// The whole download.
    pub total: Duration,
}

impl Default for DownloadLimits {
    fn default() -> Self {
        DownloadLimits {
            octets: 64 * 1024 * 1024,
            redirects: 5,
            connect: Duration::from_secs(10),
            head: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            total: Duration::from_secs(15 * 60),
        }
    }
}

/// The version of a resource, as the server names versions (RFC 9110 section 8.8). Both empty if the server does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The header field `ETag`.
    pub etag: Option<String>,
    /// The header field `Last-Modified`.
    pub last_modified: Option<String>,
}

/// The outcome of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downloaded {
    /// The server still has the version of the caller (304).
    Unchanged,
    /// The whole content is in the sink.
    Complete {
        /// The version, for the next download.
        validators: Validators,
        /// Octets of the content.
        octets: u64,
    },
}

/// Addresses of hosts.
pub trait HostAddresses: Sync {
    /// The addresses of a host, the best first.
    ///
    /// # Errors
    /// The name cannot be resolved, for this reason.
    fn addresses(&self, host: &str) -> impl Future<Output = Result<Vec<IpAddr>, String>> + Send;
}

/// A download to be made.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// The address.
    pub url: &'a HttpUrl,
    /// The header field `Accept`: the media types that the caller reads.
    pub accept: &'a str,
    /// The version that the caller has: without news, the server sends nothing.
    pub validators: &'a Validators,
    /// The bounds.
    pub limits: &'a DownloadLimits,
}

impl Download<'_> {
    /// Downloads the resource into `sink`, which is of no use after an error. Without `tls`, an address with `https` is
    /// an error.
    ///
    /// # Errors
    /// The resource cannot be had whole within the bounds, or the sink takes no more.
    pub async fn run(
        &self,
        hosts: &impl HostAddresses,
        tls: Option<&TlsClient>,
        sink: &mut (dyn io::Write + Send),
    ) -> Result<Downloaded, DownloadError> {
        let whole = timeout(self.limits.total, self.follow(hosts, tls, sink)).await;
        whole.unwrap_or(Err(DownloadError::Late(DownloadWait::Total)))
    }

    /// Goes from redirect to redirect.
    async fn follow(
        &self,
        hosts: &impl HostAddresses,
        tls: Option<&TlsClient>,
        sink: &mut (dyn io::Write + Send),
    ) -> Result<Downloaded, DownloadError> {
        let (mut url, mut reach) = (self.url.clone(), Reach::default());
        for _ in 0..=self.limits.redirects {
            let stream = connect(&url, hosts, tls, &mut reach, self.limits.connect).await?;
            match ask(stream, &url, self, sink).await? {
                ReplyStep::Done(downloaded) => return Ok(downloaded),
                ReplyStep::Redirect(location) => {
                    let next = url.join(&location).map_err(DownloadError::BadRedirect)?;
                    if url.is_secure() && !next.is_secure() {
                        return Err(DownloadError::Downgrade(next.to_string()));
                    }
                    url = next;
                }
            }
        }
        Err(DownloadError::TooManyRedirects(self.limits.redirects))
    }
}
