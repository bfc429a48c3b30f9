//! Why a download failed.

use std::fmt;
use std::io;

/// Why a download failed.
#[derive(Debug)]
pub enum DownloadError {
    /// The host has no address: host, reason.
    NoAddress(String, String),
    /// A redirect leads from the Internet to an address of this machine or of the local network.
    LocalRedirect(String),
    /// No address of the host takes a connection: host, the last error.
    Connect(String, io::Error),
    /// TLS cannot be had: host, reason, such as a certificate for a different name.
    Tls(String, String),
    /// The server was too slow.
    Late(DownloadWait),
    /// The reply is no HTTP, or broke off.
    Broken(String),
    /// The server replied with a different status.
    Status {
        /// The code.
        code: u16,
        /// The time after which the server wants to be asked again (RFC 9110 section 10.2.3).
        retry_after_s: Option<u64>,
    },
    /// A redirect names no address of HTTP: the reason.
    BadRedirect(String),
    /// A redirect leads from HTTPS to this address without TLS.
    Downgrade(String),
    /// There are more redirects than this.
    TooManyRedirects(usize),
    /// The content has more octets than this.
    TooLarge(u64),
    /// The content is compressed although the request asked for plain content: the encoding.
    Encoded(String),
    /// The sink takes no more.
    Sink(io::Error),
}

/// A bounded wait of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadWait {
    /// For a connection.
    Connection,
    /// For the head of the reply.
    Head,
    /// For the next octets.
    Octets,
    /// For the whole.
    Total,
}

impl fmt::Display for DownloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DownloadError::NoAddress(host, why) => write!(f, "{host} has no address: {why}"),
            DownloadError::LocalRedirect(host) => {
                write!(f, "the server redirects to {host}, an address of the local network")
            }
            DownloadError::Connect(host, why) => write!(f, "no connection to {host}: {why}"),
            DownloadError::Tls(host, why) => write!(f, "no secure connection to {host}: {why}"),
            DownloadError::Late(wait) => wait.fmt(f),
            DownloadError::Broken(why) => write!(f, "the reply broke off: {why}"),
            DownloadError::Status { code, .. } => {
                write!(f, "the server replied with status {code}")
            }
            DownloadError::BadRedirect(why) => {
                write!(f, "the server redirects to no address: {why}")
            }
            DownloadError::Downgrade(to) => {
                write!(f, "the server redirects to {to}, which is not secure")
            }
            DownloadError::TooManyRedirects(most) => {
                write!(f, "there are more than {most} redirects")
            }
            DownloadError::TooLarge(most) => write!(f, "the content has more than {most} octets"),
            DownloadError::Encoded(encoding) => {
                write!(
                    f,
                    "the content is compressed ({encoding}), although plain content was asked for"
                )
            }
            DownloadError::Sink(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for DownloadWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DownloadWait::Connection => "the server takes no connection in time",
            DownloadWait::Head => "the server does not reply in time",
            DownloadWait::Octets => "the server stopped sending",
            DownloadWait::Total => "the server sends too slowly",
        })
    }
}

impl std::error::Error for DownloadError {}
