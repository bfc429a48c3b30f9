//! Requests, replies and events as lines of JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AdminError, AdminErrorKind, AdminEvent, AdminReply, AdminRequest, VERSION};

/// An object beginning with the version.
#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    #[serde(flatten)]
    object: &'a T,
}

/// A line of JSON beginning with the version, without the line break. `object` must serialise as a
/// map.
#[must_use]
pub fn to_line<T: Serialize>(object: &T) -> String {
    let versioned = Versioned { version: VERSION, object };
    // Maps with text keys and finite numbers are always written.
    serde_json::to_string(&versioned).unwrap_or_default()
}

impl AdminRequest {
    /// The request as a line of JSON, without the line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        to_line(self)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// The line is no known request.
    pub fn from_line(line: &[u8]) -> Result<Self, AdminError> {
        let mut object: Map<String, Value> = serde_json::from_slice(line).map_err(malformed)?;
        match object.remove("version") {
            None => {}
            Some(version) if version == VERSION => {}
            Some(version) => return Err(unknown_version(&version)),
        }
        if let Some(kind) = object.get("do").and_then(Value::as_str)
            && !AdminRequest::KINDS.contains(&kind)
        {
            return Err(unknown_request(kind));
        }
        AdminRequest::deserialize(Value::Object(object)).map_err(malformed)
    }
}

impl AdminReply {
    /// The reply as a line of JSON, without the line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        to_line(self)
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// The line is no known reply.
    pub fn from_line(line: &[u8]) -> Result<Self, AdminError> {
        serde_json::from_slice(line).map_err(|_| AdminError::unexpected_reply())
    }
}

impl AdminEvent {
    /// The event as a line of JSON, without the line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        to_line(self)
    }

    /// Reads an event.
    ///
    /// # Errors
    /// The line is no event.
    pub fn from_line(line: &[u8]) -> Result<Self, AdminError> {
        serde_json::from_slice(line).map_err(|_| AdminError::unexpected_reply())
    }
}

fn malformed(error: serde_json::Error) -> AdminError {
    AdminError::new(AdminErrorKind::MalformedRequest, format!("malformed request: {error}"))
}

fn unknown_version(version: &Value) -> AdminError {
    let version = cut(&version.to_string());
    let message = format!("version {version} is unknown: this daemon speaks version {VERSION}");
    AdminError::new(AdminErrorKind::UnknownVersion, message)
}

fn unknown_request(kind: &str) -> AdminError {
    let (kind, known) = (cut(kind), AdminRequest::KINDS.join(" "));
    let message = format!(
        "request {kind:?} is unknown: this daemon speaks version {VERSION}, `do` is one of {known}"
    );
    AdminError::new(AdminErrorKind::UnknownRequest, message)
}

/// As much of a text from outside as an error repeats.
fn cut(text: &str) -> String {
    const MAX_REPEATED_LETTERS: usize = 40;
    text.chars().take(MAX_REPEATED_LETTERS).collect()
}

#[cfg(test)]
pub(crate) mod tests;
