//! Why a request has no result.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::VERSION;

/// An error, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AdminError {
    /// The kind of the error.
    pub kind: AdminErrorKind,
    /// A sentence for a person.
    pub message: String,
}

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AdminErrorKind {
    /// The version of the request is not the daemon's.
    UnknownVersion,
    /// The kind of the request is unknown to the daemon.
    UnknownRequest,
    /// The request is no JSON object, or has wrong, missing or unknown fields.
    MalformedRequest,
    /// A name, a record type or a number is wrong.
    InvalidArgument,
    /// The caller may not ask this daemon.
    Forbidden,
    /// The work for the request failed.
    Failed,
    /// The reply does not belong to the request: daemon and command are of different releases.
    UnexpectedReply,
    /// Kinds of later releases.
    #[serde(other)]
    Other,
}

impl AdminError {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: AdminErrorKind, message: impl Into<String>) -> Self {
        AdminError { kind, message: message.into() }
    }

    /// A name, a record type or a number is wrong.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        AdminError::new(AdminErrorKind::InvalidArgument, message)
    }

    /// The work for the request failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        AdminError::new(AdminErrorKind::Failed, message)
    }

    /// The reply does not belong to the request.
    #[must_use]
    pub fn unexpected_reply() -> Self {
        let message = format!(
            "the daemon's reply is not understood (this program speaks version {VERSION} of the control \
             protocol): restart the daemon, so that it is of the same release"
        );
        AdminError::new(AdminErrorKind::UnexpectedReply, message)
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AdminError {}
