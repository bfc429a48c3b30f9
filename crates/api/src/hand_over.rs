//! The hand-over of everything that one daemon alone may have to a new daemon.

use std::fmt;
use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

/// The descriptors that follow the reply, in portions of an octet each (`SCM_RIGHTS`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HandOverReport {
    /// The use of each descriptor, in their order.
    pub descriptors: Vec<DescriptorKind>,
    /// Whether a service manager bound the sockets: then the configuration has no say in the addresses.
    pub given: bool,
    /// The names of sockets in the store of the service manager.
    #[serde(default)]
    pub stored: Vec<String>,
}

/// The use of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DescriptorKind {
    /// A socket for datagrams of clients.
    Udp,
    /// A listener for connections of clients.
    Tcp,
    /// A listener for connections of clients over TLS.
    Tls,
    /// A listener for connections of clients over HTTPS.
    Https,
    /// A socket for datagrams of clients over QUIC.
    Quic,
    /// A listener of the HTTP service.
    Http,
    /// The listener of the control socket.
    Control,
    /// The locked file of the state folder.
    Lock,
    /// The stream of the log.
    Log,
    /// Kinds of later releases.
    #[serde(other)]
    Other,
}

/// A hand-over that the caller has not confirmed yet.
pub struct HandOver {
    /// The reply.
    pub report: HandOverReport,
    /// The descriptors, as listed in the reply.
    pub descriptors: Vec<OwnedFd>,
    /// Ends the old daemon; without a call, the old daemon goes on.
    pub confirm: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for HandOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandOver").field("report", &self.report).finish_non_exhaustive()
    }
}
